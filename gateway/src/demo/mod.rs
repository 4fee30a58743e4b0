//! What the demo needs and production never does: a certificate authority of its own, people, scenes.

pub mod certificates;
pub mod people;

mod audit_scene;
mod folder;
mod onboarding;
pub mod organisations;
mod proof;
mod scenes;
mod tally;

pub use folder::Folder;
pub use onboarding::onboard;
pub use proof::verify_everything;
pub use scenes::Stage;
