//! What the demo needs and production never does: a certificate authority of its own, people, scenes.

pub mod certificates;
pub mod people;
