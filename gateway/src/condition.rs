//! What is wrong now, by name: raised by whoever finds it, cleared by whoever sees it gone, read by health, metrics and people.
//!
//! A condition never decides whether something may be released: every path fails closed by itself. It tells why, and some
//! tell callers to go elsewhere (readiness).

use std::collections::BTreeMap;
use tokio::sync::watch;

/// Defines the conditions with their codes, so that none is missing where they are listed.
macro_rules! conditions {
    ($($(#[$meta:meta])* $variant:ident = $code:literal, ready: $ready:literal;)+) => {
        /// A named condition (core-design 1.10).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Condition { $($(#[$meta])* $variant),+ }

        impl Condition {
            /// Every condition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in health, metrics and log lines.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Whether the gateway can still be sent calls while this holds.
            #[must_use]
            pub const fn ready(self) -> bool {
                match self { $(Self::$variant => $ready),+ }
            }
        }
    };
}

conditions! {
    /// The log cannot be written for now.
    LogFailing = "LOG_FAILING", ready: false;
    /// The log cannot be read: no question is decided, and nothing is released.
    LogUnreadable = "LOG_UNREADABLE", ready: false;
    /// The outcome of a write is unknown; the process ends.
    LogHalted = "LOG_HALTED", ready: false;
    /// Too many deliveries that were given up have no outcome in the log yet: nothing more is released until they have.
    OutcomesPending = "OUTCOMES_PENDING", ready: false;
    /// The key database does not answer.
    KeysFailing = "KEYS_FAILING", ready: false;
    /// The holder's database does not answer.
    HolderFailing = "HOLDER_FAILING", ready: false;
    /// A server of log or keys is not set as safety needs: nothing is released.
    ServerUnsafe = "SERVER_UNSAFE", ready: false;
    /// Another gateway of this log decides under another policy: every answer here would be out of date.
    PolicyBehind = "POLICY_BEHIND", ready: false;
    /// A changed file was not taken over; what was loaded before stays in force.
    ReloadRefused = "RELOAD_REFUSED", ready: true;
    /// A revocation list reaches its next update soon; connections under it are then refused.
    RevocationEnding = "REVOCATION_ENDING", ready: true;
    /// A revocation list is past its next update: connections under it are refused.
    RevocationStale = "REVOCATION_STALE", ready: false;
    /// Our own certificate ends soon.
    CertificateEnding = "CERTIFICATE_ENDING", ready: true;
    /// Little room is left on the disk of the log: new releases stop, proofs and changes of standing go on.
    DiskLow = "DISK_LOW", ready: false;
    /// The clock of this machine is behind the log: nothing is written or signed.
    ClockBehind = "CLOCK_BEHIND", ready: false;
    /// The anchor outside the database cannot be written: a database put back would be noticed later, or not at all.
    AnchorFailing = "ANCHOR_FAILING", ready: true;
    /// The scrubber found something beside the tree that is not what its leaf says.
    ScrubFinding = "SCRUB_FINDING", ready: true;
    /// No pass of the scrubber ended in time: what somebody changes in the log meanwhile is not found.
    ScrubOverdue = "SCRUB_OVERDUE", ready: true;
    /// The scrubber found a leaf, hash, head or row of state that is not what was written: nothing is released any more.
    LogTampered = "LOG_TAMPERED", ready: false;
    /// Another gateway of this log found such a thing and stopped; this one reads everything again.
    LogDoubted = "LOG_DOUBTED", ready: true;
    /// A manual disclosure or a review is overdue.
    ReviewOverdue = "REVIEW_OVERDUE", ready: true;
    /// The gateway is ending: calls in progress finish, new ones go elsewhere.
    Ending = "ENDING", ready: false;
}

/// The conditions that hold now, each with a text for the operator, without personal data.
#[derive(Debug)]
pub struct Conditions(watch::Sender<BTreeMap<Condition, String>>);

impl Default for Conditions {
    fn default() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }
}

impl Conditions {
    /// Says that a condition holds, and what to do. One log line when it is new or its text changes.
    pub fn raise(&self, condition: Condition, text: impl Into<String>) {
        let text = text.into();
        self.0.send_if_modified(|held| {
            if held.get(&condition) == Some(&text) {
                return false;
            }
            tracing::warn!(condition = condition.code(), text, "condition raised");
            held.insert(condition, text.clone());
            true
        });
    }

    /// Says that a condition no longer holds.
    pub fn clear(&self, condition: Condition) {
        self.0.send_if_modified(|held| {
            let held = held.remove(&condition).is_some();
            if held {
                tracing::info!(condition = condition.code(), "condition cleared");
            }
            held
        });
    }

    /// The conditions as they come and go.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<BTreeMap<Condition, String>> {
        self.0.subscribe()
    }

    /// Whether this condition holds now.
    #[must_use]
    pub fn holds(&self, condition: Condition) -> bool {
        self.0.borrow().contains_key(&condition)
    }

    /// Whether callers may be sent here now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.0.borrow().keys().all(|condition| condition.ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_follows_what_holds() {
        let conditions = Conditions::default();
        conditions.raise(Condition::ReloadRefused, "the certificate does not belong to the key");
        assert!(conditions.ready());
        conditions.raise(Condition::LogFailing, "DISK_FULL");
        assert!(!conditions.ready());
        conditions.clear(Condition::LogFailing);
        assert!(conditions.ready() && conditions.watch().borrow().len() == 1);
    }
}
