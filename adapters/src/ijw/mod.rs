//! iJw 3.2 messages: the declaration (JW323), strictly read and written.

mod message;

pub use message::{DeclaredLine, Header, signed_total};
