//! The brake: what stops this gateway, and every gateway of a log, when the log is not what was written (A27).
//!
//! Promise: a gateway that read twice what was not written releases nothing from that moment on, also after a start; one that
//! sees another stopped reads everything again by itself, and when it finds the same, no gateway of this log releases: every
//! append sees two halts inside the lock. Only `sluis log lift` ends it. Changes of standing still go in. Where this ends: a
//! gateway that finds nothing goes on while one other stands still, and says so.

use crate::condition::{Condition, Conditions};
use crate::recorder::{LogState, Recorder};
use crate::scrubber::Progress;
use sluis_core::log::Millis;
use sluis_core::log::scrub::Found;
use sluis_core::ports::{Clock, StoreError};
use sluis_core::upkeep::{Halt, HaltFlag, LogHalts, stops};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Between two looks at what others found.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The brake of one gateway.
pub struct Brake {
    log: Arc<dyn LogHalts>,
    flag: Arc<dyn HaltFlag>,
    recorder: Recorder,
    conditions: Arc<Conditions>,
    clock: Arc<dyn Clock>,
    scrubber: Arc<Progress>,
    /// What this gateway found and did not write down yet.
    unwritten: Mutex<Option<(Millis, String)>>,
    /// The halt of another that made us read again.
    reread: Mutex<Option<(i16, Millis)>>,
    pulled: Notify,
}

impl Brake {
    /// A brake that nobody pulled.
    #[must_use]
    pub fn new(
        log: Arc<dyn LogHalts>,
        flag: Arc<dyn HaltFlag>,
        recorder: Recorder,
        conditions: Arc<Conditions>,
        clock: Arc<dyn Clock>,
        scrubber: Arc<Progress>,
    ) -> Self {
        let (unwritten, reread, pulled) = (Mutex::default(), Mutex::default(), Notify::new());
        Self { log, flag, recorder, conditions, clock, scrubber, unwritten, reread, pulled }
    }

    /// Stays stopped where the process before was, or where others are. To be called before anything is released.
    ///
    /// # Errors
    /// A store that does not answer: do not serve then.
    pub async fn at_start(&self) -> Result<(), StoreError> {
        let halts = match self.log.halts().await {
            Err(StoreError::Corrupt { table, .. }) => {
                self.stop(&format!("`{table}`: it cannot be read"));
                return Ok(());
            }
            halts => halts?,
        };
        if let Some(found) = self.flagged(&halts).await {
            self.stop(&found);
        }
        self.judge(&halts);
        Ok(())
    }

    /// What the flag says, unless an operator lifted that halt meanwhile, on this machine or another.
    async fn flagged(&self, halts: &[Halt]) -> Option<String> {
        let (time, found) = match self.on_flag(|flag| flag.read()).await {
            Ok(None) => return None,
            Ok(Some(said)) => said,
            Err(error) => return Some(format!("`{}`: it cannot be read ({error})", self.flag.name())),
        };
        let lifted = |halt: &Halt| halt.replica == self.log.replica() && halt.time == time && !halt.holds();
        if !halts.iter().any(lifted) {
            // The process may have died between flag and row: without the row no other replica reads again.
            lock(&self.unwritten).get_or_insert_with(|| (time, found.clone()));
            return Some(found);
        }
        if let Err(error) = self.on_flag(|flag| flag.lower()).await {
            tracing::warn!(%error, "the flag of a halt that was lifted stays");
        }
        None
    }

    /// Stops this gateway at once, and has it written down so that it stays so.
    pub fn pull(&self, found: &Found) {
        let text = found.to_string();
        self.stop(&text);
        let mut unwritten = lock(&self.unwritten);
        if unwritten.is_none() {
            *unwritten = Some((self.clock.now(), text));
            self.pulled.notify_one();
        }
    }

    fn stop(&self, found: &str) {
        self.recorder.stop_answers(Condition::LogTampered.code());
        self.conditions.clear(Condition::LogDoubted);
        let text = format!(
            "{found}. Nothing is released any more. Keep a copy, compare with exports and receipts; when it is known what \
             happened and the log is whole again, `sluis log lift` ends it"
        );
        self.conditions.raise(Condition::LogTampered, text);
    }

    /// Writes down what was found, and follows what others found, until the gateway ends.
    pub async fn run(self: Arc<Self>, mut ending: watch::Receiver<bool>) {
        let mut state = self.recorder.state();
        loop {
            tokio::select! {
                () = told(&mut ending) => {
                    // What was found a moment ago holds for the next start too.
                    if let Ok(halts) = self.log.halts().await {
                        self.write_down(&halts).await;
                    }
                    return;
                }
                () = self.pulled.notified() => {}
                // A row that an append met and that does not open: the scrubber names it.
                changed = state.changed() => match changed {
                    Ok(()) if *state.borrow_and_update() == LogState::Failing("CORRUPT") => self.scrubber.hurry(),
                    Ok(()) => continue,
                    Err(_) => return,
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match self.log.halts().await {
                Ok(halts) => {
                    self.write_down(&halts).await;
                    self.judge(&halts);
                }
                Err(StoreError::Corrupt { table, .. }) => self.stop(&format!("`{table}`: it cannot be read")),
                // The next look tries again; no append goes past a database that does not answer.
                Err(error) => tracing::debug!(%error, "the halts of the log could not be read"),
            }
        }
    }

    /// The flag first: if the process dies after it, the next start is stopped, finds its row missing and writes it.
    async fn write_down(&self, halts: &[Halt]) {
        let Some((time, found)) = lock(&self.unwritten).clone() else { return };
        let stands = halts.iter().find(|halt| halt.replica == self.log.replica() && halt.holds());
        let (at, text) = (stands.map_or(time, |halt| halt.time), found.clone());
        let flagged = self.on_flag(move |flag| flag.raise(at, &text)).await;
        let written = if stands.is_some() { Ok(()) } else { self.log.halt(time, &found).await };
        match (flagged, written) {
            (Ok(()), Ok(())) => *lock(&self.unwritten) = None,
            (flagged, written) => {
                let errors = [flagged.err().map(|e| e.to_string()), written.err().map(|e| e.to_string())];
                let errors = errors.into_iter().flatten().collect::<Vec<_>>().join("; ");
                tracing::error!(errors, "a halt could not be written down; it is tried again");
            }
        }
    }

    /// Stops by what stands in the database, or reads again what another found.
    fn judge(&self, halts: &[Halt]) {
        if let Some(halt) = stops(halts, self.log.replica()).first() {
            return self.stop(&format!("{} (replica {})", halt.found, halt.replica));
        }
        let Some(other) = halts.iter().find(|halt| halt.holds()) else {
            return self.conditions.clear(Condition::LogDoubted);
        };
        let text = format!(
            "replica {} stopped: {}. This gateway reads the whole log again and stops too when it finds the same",
            other.replica, other.found
        );
        self.conditions.raise(Condition::LogDoubted, text);
        let newer = Some((other.replica, other.time));
        if std::mem::replace(&mut *lock(&self.reread), newer) != newer {
            self.scrubber.hurry();
        }
    }

    async fn on_flag<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn HaltFlag) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let flag = Arc::clone(&self.flag);
        let done = tokio::task::spawn_blocking(move || work(flag.as_ref())).await;
        done.unwrap_or_else(|ended| Err(io::Error::other(ended)))
    }
}

async fn told(ending: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is also an end.
    let _ = ending.wait_for(|end| *end).await;
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
