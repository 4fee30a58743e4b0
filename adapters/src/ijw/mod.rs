//! iJw 3.2 messages: the declaration (JW323), strictly read and written.
//!
//! The reader holds one line at a time, so that a file of the greatest allowed size needs no more memory than a small
//! one. The writer gives out nothing that the reader would refuse.

mod fault;
mod message;
mod pull;
mod read;
mod text;
mod write;

pub use fault::Jw323Fault;
pub use message::{DeclaredLine, Header, signed_total};
pub use read::Jw323Reader;
pub use write::write_jw323;

/// The greatest size of a file in bytes (IB003, IB012).
pub const FILE_BYTES_MAX: u64 = 25 * 1024 * 1024;

#[cfg(test)]
mod tests;
