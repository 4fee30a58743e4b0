//! What the log promises, and how it would show if a promise were broken.

mod finalise;
mod fixture;
mod leaf;
mod note;
mod page;
mod policies;
mod proof;
mod secrets;
mod tree;
mod verify;
