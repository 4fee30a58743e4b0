//! Looks at what the gateway stands on, and raises and clears conditions by what it finds.
//!
//! Disk and clock are looked at every two seconds. A store is tried when a call found it failing, every two seconds until it
//! answers again, and otherwise twice a minute. A condition clears because the fault was seen to be gone, not because time
//! passed. The log is tried by its own recorder.

use super::metrics::Metrics;
use super::watched::{ANSWERS_WITHIN, SILENT};
use crate::condition::{Condition, Conditions};
use crate::gateway::{ActivePolicy, Gateway};
use sluis_core::log::Millis;
use sluis_core::log::draft::GuardState;
use sluis_core::log::finalise::CLOCK_TOLERANCE_MS;
use sluis_core::ports::StoreError;
use sluis_core::subject::dutch_date;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// A store that answers is tried after this many looks.
const LOOKS_STORES: u32 = 15;
/// Certificates are read after this many looks.
const LOOKS_CERTIFICATES: u32 = 30;
/// Our own certificate is named this long before its end.
const CERTIFICATE_NOTICE_MS: Millis = 30 * 24 * 3600 * 1000;

/// Bytes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Free for this user.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// What this process takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub resident: u64,
    /// Open file descriptors.
    pub files: u64,
    /// How many it may have open; 0 when unlimited.
    pub files_max: u64,
}

/// Something that ends at a known moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// `certificate`, `authority` or `revocation_list`.
    pub what: &'static str,
    /// The file's name, without its folder.
    pub file: String,
    /// When.
    pub at: Millis,
}

/// What lies around the gateway: composition knows where.
pub trait Surroundings: Send + Sync {
    /// The disk of the log; `None` when the operating system does not say.
    fn disk(&self) -> Option<Disk>;

    /// What this process takes; `None` when the operating system does not say.
    fn usage(&self) -> Option<Usage>;

    /// What ends when, of our certificate, the authorities and the revocation lists.
    fn expiries(&self) -> Vec<Expiry>;
}

/// The watch over one gateway.
pub struct Watch {
    gateway: Arc<Gateway>,
    surroundings: Arc<dyn Surroundings>,
    disk_free_min_percent: u8,
}

impl Watch {
    /// A watch that has not looked yet.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, surroundings: Arc<dyn Surroundings>, disk_free_min_percent: u8) -> Self {
        Self { gateway, surroundings, disk_free_min_percent }
    }

    /// Looks at everything once: before serving, so that the first call is not the first to find out.
    pub async fn look(&self) {
        self.look_at_disk();
        self.look_at_scrubber();
        self.look_at_certificates();
        self.look_at_log().await;
        self.look_at_policy().await;
        self.try_keys().await;
        self.try_holder().await;
    }

    /// Looks until the gateway ends.
    pub async fn run(self, mut ending: watch::Receiver<bool>) {
        let mut looks = 0u32;
        loop {
            let alarmed = tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = self.metrics().alarmed() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            looks = looks.wrapping_add(1);
            self.look_at_disk();
            self.look_at_scrubber();
            self.look_at_log().await;
            self.look_at_policy().await;
            if looks.is_multiple_of(LOOKS_CERTIFICATES) {
                self.look_at_certificates();
            }
            let stores = alarmed || looks.is_multiple_of(LOOKS_STORES);
            if stores || self.holds(Condition::KeysFailing) {
                self.try_keys().await;
            }
            if stores || self.holds(Condition::HolderFailing) {
                self.try_holder().await;
            }
            if alarmed {
                // Calls that fail one after another must not make this a busy loop.
                tokio::time::sleep(EVERY / 4).await;
            }
            // What was tried just now called the watch itself where it failed: the next look is due by time.
            tokio::select! {
                biased;
                () = self.metrics().alarmed() => {}
                () = std::future::ready(()) => {}
            }
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.gateway.metrics
    }

    fn conditions(&self) -> &Conditions {
        &self.gateway.conditions
    }

    fn holds(&self, condition: Condition) -> bool {
        self.conditions().holds(condition)
    }

    fn set(&self, condition: Condition, wrong: Option<String>) {
        match wrong {
            Some(text) => self.conditions().raise(condition, text),
            None => self.conditions().clear(condition),
        }
    }

    /// Below the bound nothing new is released; proofs, withdrawals and our own entries go on (core-design 1.10).
    fn look_at_disk(&self) {
        let Some(disk) = self.surroundings.disk() else { return };
        let least = u128::from(disk.total) * u128::from(self.disk_free_min_percent) / 100;
        let low = u128::from(disk.free) < least;
        self.gateway.recorder.close_to_answers(Condition::DiskLow.code(), low);
        let text = || format!("less than {} % of the disk of the log is free: make room", self.disk_free_min_percent);
        self.set(Condition::DiskLow, low.then(text));
    }

    /// A pass that fails is tried again; one that never ends finds nothing, and says nothing.
    fn look_at_scrubber(&self) {
        let overdue = self.metrics().scrub.is_overdue(self.gateway.clock.now());
        let text = "the log was not recomputed within twice `operation.scrub_hours`: see the warnings of the scrubber for what it cannot read";
        self.set(Condition::ScrubOverdue, overdue.then(|| text.to_owned()));
    }

    fn look_at_certificates(&self) {
        let now = self.gateway.clock.now();
        let own = self.surroundings.expiries().into_iter().filter(|e| e.what == "certificate");
        let ending = own.filter(|e| e.at < now.saturating_add(CERTIFICATE_NOTICE_MS)).min_by_key(|e| e.at);
        let text = |e: Expiry| format!("`{}` ends on {} (UTC): renew it", e.file, day(e.at));
        self.set(Condition::CertificateEnding, ending.map(text));
    }

    /// The log refuses to write while the clock is behind its last entry (A7); this says so before anybody asks. That the log can
    /// be read is tried here too: a gateway that nobody asks finds a server that is gone, and one that is asked never gets as
    /// far as writing.
    async fn look_at_log(&self) {
        let read = tokio::time::timeout(ANSWERS_WITHIN, self.gateway.ledger.head()).await;
        let silent = StoreError::Unavailable { store: "log database", state: SILENT };
        let head = match read.unwrap_or(Err(silent)) {
            Ok(head) => head,
            Err(error) => return self.conditions().raise(Condition::LogUnreadable, told(&error)),
        };
        self.conditions().clear(Condition::LogUnreadable);
        let behind = self.gateway.clock.now().saturating_add(CLOCK_TOLERANCE_MS) < head.last_time;
        let text = "the clock of this machine is behind the last entry of the log: set it right";
        self.set(Condition::ClockBehind, behind.then(|| text.to_owned()));
    }

    /// Another gateway of this log may have made a policy active: under any other every answer is out of date before it is
    /// written, so nothing leaves under two policies at once.
    async fn look_at_policy(&self) {
        // One is becoming active here just now.
        let Ok(_nobody_activates) = self.gateway.activating.try_lock() else { return };
        let Ok(Some(of_log)) = self.gateway.register.active_policy().await else { return };
        let ours = self.gateway.active.load_full();
        let policy = Arc::clone(&ours.policy);
        let same = of_log.state == GuardState::Policy { digest: policy.digest(), number: policy.number() };
        if same && of_log.version != ours.version {
            self.gateway.active.store(Arc::new(ActivePolicy { policy, version: of_log.version }));
        }
        let text = "another gateway of this log made another policy active: put the same file in `policy.policy` here";
        self.set(Condition::PolicyBehind, (!same).then(|| text.to_owned()));
    }

    async fn try_keys(&self) {
        let tried = self.ask_keys().await;
        let halted = self.metrics().keys_halted();
        let restart = "the outcome of a write to the key database is not known: start the gateway again";
        let wrong = if halted { Some(restart.to_owned()) } else { tried.err().map(|error| told(&error)) };
        self.set(Condition::KeysFailing, wrong);
    }

    /// Reads past every cache. After a failure the key of the day is asked for too, without which
    /// no call is answered: a database that can be read and not written, for want of room, does not make it.
    async fn ask_keys(&self) -> Result<(), StoreError> {
        let failures = self.metrics().take_keys_failed();
        self.gateway.keys.answers().await?;
        if let Some(made_at) = self.gateway.keys.wraps().await? {
            self.metrics().wrapping_made_at.store(made_at, Ordering::Relaxed);
        }
        if failures || self.holds(Condition::KeysFailing) {
            self.gateway.keys.transaction_key(dutch_date(self.gateway.clock.now())).await?;
        }
        Ok(())
    }

    async fn try_holder(&self) {
        let tried = self.ask_holder().await;
        self.set(Condition::HolderFailing, tried.err().map(|error| told(&error)));
    }

    /// Asks for identifiers and for the facts of the first of them, as a question does: a table of facts may be gone while
    /// identifiers are still there. That one row contradicts itself says nothing about the store.
    async fn ask_holder(&self) -> Result<(), StoreError> {
        let subjects = self.gateway.facts.subjects(None, 1).await?;
        let Some(subject) = subjects.iter().flatten().next() else { return Ok(()) };
        match self.gateway.facts.facts(subject).await {
            Ok(_) | Err(StoreError::Corrupt { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The named state of a store, which has no data in it.
fn told(error: &StoreError) -> String {
    if let StoreError::Secret { .. } = error {
        return error.to_string();
    }
    format!("{error}: see its state, its disk and its permissions; it is tried again every few seconds")
}

/// The date of a moment, UTC.
fn day(at: Millis) -> String {
    let moment = i64::try_from(at).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(|| "an unknown day".to_owned(), |at| at.to_string().chars().take(10).collect())
}
