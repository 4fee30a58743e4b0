//! Receipts.
/// Proof that an entry is in the log.
#[derive(Debug, Clone)]
pub struct Receipt;
impl Receipt {
    /// Whether the leaf commits to this body.
    #[must_use]
    pub fn commits_to(&self, _bc: &str) -> bool { false }
}
