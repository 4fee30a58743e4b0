//! Leaf text (restricted RFC 8785) and its key table.
/// A leaf without index and time.
#[derive(Debug, Clone)]
pub struct LeafDraft;
