//! From drafts to bytes inside the lock.
/// Where the tree stands.
#[derive(Debug, Clone)]
pub struct Head;
/// What a durable append gives.
#[derive(Debug)]
pub struct Committed;
