//! What the log promises, and how it would show if a promise were broken.

mod fixture;
mod finalise;
mod leaf;
mod note;
mod page;
mod proof;
mod secrets;
mod tree;
mod verify;
