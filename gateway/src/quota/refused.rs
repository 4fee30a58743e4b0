//! What was turned away at the door, as exact numbers (A25). Nothing else is kept of it: no time, no question, no subject.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why, coarsely: the three that the log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Certificate or token do not prove who calls.
    NotProven,
    /// Proven, but not admitted here, or not for this.
    NotAdmitted,
    /// Above a limit.
    OverLimit,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::NotProven, Self::NotAdmitted, Self::OverLimit];

    /// The name in leaves and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotProven => "NOT_PROVEN",
            Self::NotAdmitted => "NOT_ADMITTED",
            Self::OverLimit => "OVER_LIMIT",
        }
    }
}

/// Why exactly: a class and the reason within it, as callers are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refused {
    /// Coarsely.
    pub class: Class,
    /// The name of the reason, as in `google.rpc.ErrorInfo` where there is one.
    pub reason: &'static str,
}

impl Refused {
    /// More calls in a second than agreed.
    pub const RATE: Self = Self::over("RATE_EXCEEDED");
    /// More calls in progress than agreed.
    pub const CALLS_AT_ONCE: Self = Self::over("CALLS_AT_ONCE_EXCEEDED");
    /// More connections than agreed.
    pub const CONNECTIONS: Self = Self::over("CONNECTIONS_EXCEEDED");
    /// More requests for a token than agreed.
    pub const TOKEN_RATE: Self = Self::over("TOKEN_RATE_EXCEEDED");
    /// The gateway as a whole has no place left.
    pub const HOUSE_FULL: Self = Self::over("LIMIT_REACHED");

    /// Above a limit.
    #[must_use]
    pub const fn over(reason: &'static str) -> Self {
        Self { class: Class::OverLimit, reason }
    }

    /// Not proven.
    #[must_use]
    pub const fn not_proven(reason: &'static str) -> Self {
        Self { class: Class::NotProven, reason }
    }

    /// Not admitted.
    #[must_use]
    pub const fn not_admitted(reason: &'static str) -> Self {
        Self { class: Class::NotAdmitted, reason }
    }
}

/// Numbers by reason; there are as many reasons as words in the program, so it cannot grow.
pub type Counts = BTreeMap<Refused, u64>;

/// Counts by reason. They only grow.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    /// Counts one.
    pub fn count(&self, refused: Refused) {
        *self.counts().entry(refused).or_default() += 1;
    }

    /// The counts at this moment.
    #[must_use]
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Adding one is a single step: what a panicking holder left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came on top of `told`.
#[must_use]
pub fn since(now: &Counts, told: &Counts) -> Counts {
    let new = |(refused, count): (&Refused, &u64)| {
        let more = count.saturating_sub(told.get(refused).copied().unwrap_or_default());
        (more > 0).then_some((*refused, more))
    };
    now.iter().filter_map(new).collect()
}
