//! Commitments.
/// `bc`.
#[must_use]
pub fn body(_salt: &[u8; 32], _body: &[u8]) -> String { String::new() }
