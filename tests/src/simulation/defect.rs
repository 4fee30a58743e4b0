//! Deliberate defects: what a writer would do that had forgotten one of its steps. Each must be found, else the simulation
//! shows nothing.
//!
//! The production code is not changed for them. The server, or a port beside it, answers as if the step had not been there:
//! a lock that does not lock, a look under the lock that sees what stood before it, a standby that is not asked.

/// What is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// The index is taken without the lock, and no key of a table stops it.
    LockIgnored,
    /// Guards are read as they stood before the lock.
    GuardsBeforeLock,
    /// Transactions that were seen are not looked up.
    TransactionsUnseen,
    /// The receipt is given before the commit is flushed anywhere.
    AnsweredBeforeCommit,
    /// COMMIT returned success: the standby is not asked any more (A1).
    StandbyUnasked,
    /// A commit of unknown outcome is taken for one that failed.
    UnknownTakenForLost,
    /// A commit of unknown outcome is taken for one that stands.
    UnknownTakenForDone,
    /// The in-flight mark is written as if everything had been handed over.
    MarkEarly,
    /// The recorder forgets releases of unknown outcome.
    UnsettledForgotten,
    /// The time of the last leaf is forgotten.
    TimeForgotten,
    /// Whether the next shard was opened is looked for as it stood before the lock, and no key of a table stops a second one.
    OpenedUnseen,
    /// A shard that is closed takes entries.
    ClosedTaken,
    /// Of a transaction that was seen, the index in its shard is told for its position.
    IndexWithoutShard,
    /// What a process left in flight is looked for in the first shard alone.
    LeftInFirstShard,
}

impl Defect {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::LockIgnored,
        Self::GuardsBeforeLock,
        Self::TransactionsUnseen,
        Self::AnsweredBeforeCommit,
        Self::StandbyUnasked,
        Self::UnknownTakenForLost,
        Self::UnknownTakenForDone,
        Self::MarkEarly,
        Self::UnsettledForgotten,
        Self::TimeForgotten,
        Self::OpenedUnseen,
        Self::ClosedTaken,
        Self::IndexWithoutShard,
        Self::LeftInFirstShard,
    ];

    /// What the judge says of it: one of these.
    pub const fn shows_as(self) -> &'static [&'static str] {
        match self {
            Self::LockIgnored => &["gap", "a receipt of entry", "the head says", "twice", "another root"],
            Self::GuardsBeforeLock => &["released after a withdrawal"],
            Self::TransactionsUnseen => &["transaction twice"],
            Self::AnsweredBeforeCommit | Self::StandbyUnasked => &["durable"],
            Self::UnknownTakenForLost => &["told that nothing was written"],
            Self::UnknownTakenForDone => &["a receipt of entry", "never had"],
            Self::MarkEarly => &["which is open", "has no outcome"],
            Self::UnsettledForgotten => &["which is open", "has no outcome", "told that nothing was written"],
            Self::TimeForgotten => &["time goes back"],
            Self::OpenedUnseen => &["the head says", "another root", "is opened twice", "gap"],
            Self::ClosedTaken => &["after the end of its shard"],
            Self::IndexWithoutShard => &["told a duplicate of"],
            Self::LeftInFirstShard => &["which is open", "has no outcome"],
        }
    }
}
