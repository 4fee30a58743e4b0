//! Halts: why nothing is released upon a log any more (A27). They outlive the process, and only an operator lifts them.
//!
//! A replica that read twice what was not written stops itself and writes a row. When a second replica reads the same by
//! itself, all stop: every append reads the rows inside its lock. Where this ends: who can write the database can also stop
//! the gateways; who takes a row away is found by the flag that the replica keeps outside the database.

use crate::log::Millis;
use crate::ports::StoreError;
use async_trait::async_trait;

/// One halt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// The replica that found it.
    pub replica: i16,
    /// When, which names it among those of its replica.
    pub time: Millis,
    /// What was found: table, index, what. Never personal data.
    pub found: String,
    /// The entry with which an operator lifted it, as in `ref`.
    pub lifted: Option<String>,
    /// Whether its seal opens: somebody else wrote or changed it if not.
    pub ours: bool,
}

impl Halt {
    /// Whether it is in force. One that we did not write, or did not lift, is.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.lifted.is_none() || !self.ours
    }
}

/// The halts that stop this replica: its own, those of two others, and any that nobody of us wrote.
#[must_use]
pub fn stops(halts: &[Halt], replica: i16) -> Vec<&Halt> {
    let held: Vec<&Halt> = halts.iter().filter(|halt| halt.holds()).collect();
    let first = held.first().map(|halt| halt.replica);
    let several = held.iter().any(|halt| Some(halt.replica) != first);
    if several || held.iter().any(|halt| halt.replica == replica || !halt.ours) { held } else { Vec::new() }
}

/// The halts of a log.
#[async_trait]
pub trait LogHalts: Send + Sync {
    /// The number of this process among those that write the log.
    fn replica(&self) -> i16;

    /// Every halt there ever was, oldest first; their seals are compared now.
    async fn halts(&self) -> Result<Vec<Halt>, StoreError>;

    /// Writes that this replica halts. Writing the same again changes nothing.
    async fn halt(&self, time: Millis, found: &str) -> Result<(), StoreError>;

    /// Lifts these halts, each by its replica and time, with the entry that says so; one that was written meanwhile, by a
    /// replica that goes on, stays. Gives how many of them were in force.
    async fn lift_halts(&self, these: &[(i16, Millis)], entry: &str) -> Result<u64, StoreError>;
}

/// That this replica halted, kept outside the database.
pub trait HaltFlag: Send + Sync {
    /// When it halted, and what was found; `None` when it did not.
    ///
    /// # Errors
    /// When that cannot be told: release nothing then.
    fn read(&self) -> std::io::Result<Option<(Millis, String)>>;

    /// Keeps it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn raise(&self, time: Millis, found: &str) -> std::io::Result<()>;

    /// Takes it away.
    ///
    /// # Errors
    /// When it stays.
    fn lower(&self) -> std::io::Result<()>;

    /// Where it is, for people.
    fn name(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halt(replica: i16, lifted: bool, ours: bool) -> Halt {
        let lifted = lifted.then(|| "2026-1:9".to_owned());
        Halt { replica, time: 1, found: "`state` at 3: gone".to_owned(), lifted, ours }
    }

    #[test]
    fn one_stops_itself_and_two_stop_all() {
        let stopped = |halts: &[Halt], replica| !stops(halts, replica).is_empty();
        let one = [halt(1, false, true)];
        assert!(stopped(&one, 1) && !stopped(&one, 2));
        let two = [halt(1, false, true), halt(2, false, true)];
        assert!((1..4).all(|replica| stopped(&two, replica)));
        let same = [halt(1, false, true), halt(1, false, true)];
        assert!(!stopped(&same, 2));
        let lifted = [halt(1, true, true), halt(2, false, true)];
        assert!(!stopped(&lifted, 1) && stopped(&lifted, 2));
    }

    #[test]
    fn what_nobody_of_us_wrote_or_lifted_stops_all() {
        assert!(!stops(&[halt(1, true, false)], 2).is_empty());
        assert!(!stops(&[halt(1, false, false)], 2).is_empty());
        assert!(stops(&[halt(1, true, true)], 1).is_empty());
    }
}
