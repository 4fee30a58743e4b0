//! The transfer log: what a leaf says and never says, and the arithmetic that proves it was said.
//!
//! RFC 6962 and 9162 for the tree, C2SP signed-note, tlog-checkpoint, tlog-proof and tlog-tiles for the outside.
//! No storage, no keys of its own: drivers keep rows, [`finalise`](finalise::finalise) decides what they are.

pub mod chain;
pub mod checkpoint;
pub mod commitment;
mod committed;
pub mod draft;
pub mod finalise;
pub mod freshness;
mod growth;
pub mod leaf;
mod leaf_check;
mod leaf_read;
mod leaf_table;
mod leaf_write;
mod overlay;
pub mod page;
pub mod payload;
pub mod policies;
pub mod proof;
mod proof_plan;
pub mod pruned;
pub mod receipt;
pub mod redecide;
pub mod scrub;
pub mod shard;
pub mod tile_proof;
pub mod tiles;
pub mod tree;
pub mod verify;
mod whole_leaf;

#[cfg(test)]
mod tests;

closed_list! {
    /// The kinds of leaves. All of them are fixed from the first version of the format.
    LeafKind {
        /// Fields left.
        Release = "RELEASE",
        /// Nothing left.
        Deny = "DENY",
        /// A human must decide; nothing left.
        Escalate = "ESCALATE",
        /// The same decision was explained without data.
        Explain = "EXPLAIN",
        /// A batch was opened.
        BatchOpen = "BATCH_OPEN",
        /// A page of a batch or audit.
        Page = "PAGE",
        /// A batch continues under another policy version.
        BatchRepin = "BATCH_REPIN",
        /// A batch was suspended.
        BatchSuspend = "BATCH_SUSPEND",
        /// A batch was closed.
        BatchClose = "BATCH_CLOSE",
        /// A page was delivered again.
        Redelivery = "REDELIVERY",
        /// An exception after a release: not delivered, aborted, unknown.
        Outcome = "OUTCOME",
        /// A recipient acknowledged.
        Receipt = "RECEIPT",
        /// Consent given or withdrawn.
        Consent = "CONSENT",
        /// Restriction set or lifted.
        Restriction = "RESTRICTION",
        /// Objection made or taken back.
        Objection = "OBJECTION",
        /// Authority recorded.
        Authority = "AUTHORITY",
        /// Any other standing: caseload, secrets, capacity, danger, reviews. The payload says which.
        Standing = "STANDING",
        /// A policy became active.
        Policy = "POLICY",
        /// An enrolment changed.
        Recipient = "RECIPIENT",
        /// A subject's yearly key was destroyed.
        Erase = "ERASE",
        /// An officer or operator acted.
        Admin = "ADMIN",
        /// A disclosure outside the gateway was recorded.
        Manual = "MANUAL",
        /// A shard was opened or closed.
        Epoch = "EPOCH",
        /// An invoice audit was opened.
        AuditOpen = "AUDIT_OPEN",
        /// An invoice audit was closed.
        AuditClose = "AUDIT_CLOSE",
        /// An obligation was fulfilled.
        ObligationDone = "OBLIGATION_DONE",
        /// Identifiers were corrected or merged.
        Identity = "IDENTITY",
        /// A source missed events.
        SourceGap = "SOURCE_GAP",
    }
}

impl LeafKind {
    /// Whether an entry of this kind answers a question: what a halted log records no more (A27). Changes of standing, of
    /// enrolment and of policy, and what only says what happened, still go in.
    #[must_use]
    pub const fn answers(self) -> bool {
        use LeafKind::{AuditOpen, BatchOpen, Deny, Escalate, Explain, Page, Redelivery, Release};
        matches!(self, Release | Deny | Escalate | Explain | AuditOpen | BatchOpen | Page | Redelivery)
    }
}

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = u64;
