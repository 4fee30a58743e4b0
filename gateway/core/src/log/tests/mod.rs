//! What the log promises, and how it would show if a promise were broken.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail at that place")]

mod finalise;
mod fixture;
mod leaf;
mod note;
mod page;
mod proof;
mod secrets;
mod tree;
mod verify;
