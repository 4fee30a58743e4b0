//! The account of one organisation: its allowance in time (GCRA, by `governor`), its places, and what it was refused.

use super::Terms;
use super::refused::{Refused, Tally};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When to try again where no clock says so: when somebody leaves.
const LATER: Duration = Duration::from_millis(200);

/// A limit that was reached, and when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    /// Which.
    pub refused: Refused,
    /// After how long there is room again, as far as is known.
    pub retry_after: Duration,
}

impl OverLimit {
    pub(super) const fn later(refused: Refused) -> Self {
        Self { refused, retry_after: LATER }
    }
}

/// A call's place among those of its organisation; free again when dropped.
#[derive(Debug)]
pub struct CallPlace {
    _at_once: Option<OwnedSemaphorePermit>,
}

/// What one organisation has left.
pub struct Account {
    calls: Option<Allowance>,
    tokens: Option<Allowance>,
    at_once: Option<Arc<Semaphore>>,
    connections: Option<Arc<Semaphore>>,
    own: Tally,
    all: Arc<Tally>,
    used: AtomicBool,
    quiet_rounds: AtomicU32,
}

/// So many in a period, in the long run.
struct Allowance {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    burst: NonZeroU32,
    period: Duration,
}

impl Allowance {
    fn new(quota: Quota) -> Self {
        let (burst, period) = (quota.burst_size(), quota.replenish_interval());
        Self { limiter: RateLimiter::direct(quota), clock: DefaultClock::default(), burst, period }
    }

    /// Takes one, or says when there will be one.
    fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Time in which everything that was taken comes back.
    fn whole_after(&self) -> Duration {
        self.period.saturating_mul(self.burst.get())
    }
}

fn places(most: Option<NonZeroU32>) -> Option<Arc<Semaphore>> {
    most.map(|most| Arc::new(Semaphore::new(most.get() as usize)))
}

impl Account {
    pub(super) fn open(terms: &Terms, all: Arc<Tally>) -> Self {
        let calls = terms.calls_per_second.map(|rate| Quota::per_second(rate).allow_burst(terms.calls_burst));
        let tokens = terms.tokens_per_minute.map(Quota::per_minute);
        Self {
            calls: calls.map(Allowance::new),
            tokens: tokens.map(Allowance::new),
            at_once: places(terms.calls_at_once),
            connections: places(terms.connections),
            own: Tally::default(),
            all,
            used: AtomicBool::new(true),
            quiet_rounds: AtomicU32::new(0),
        }
    }

    /// A call comes in.
    ///
    /// # Errors
    /// [`OverLimit`], counted: the organisation calls too often, or has too many calls in progress.
    pub fn enter(&self) -> Result<CallPlace, OverLimit> {
        self.take(self.calls.as_ref(), Refused::RATE)?;
        let place = self.place(self.at_once.as_ref(), Refused::CALLS_AT_ONCE)?;
        Ok(CallPlace { _at_once: place })
    }

    /// A token is asked for.
    ///
    /// # Errors
    /// [`OverLimit`], counted: the organisation asks for tokens too often.
    pub fn ask_token(&self) -> Result<(), OverLimit> {
        self.take(self.tokens.as_ref(), Refused::TOKEN_RATE)
    }

    /// A connection was proven; its place is free again when dropped.
    ///
    /// # Errors
    /// [`OverLimit`], counted: the organisation has too many connections.
    pub fn connect(&self) -> Result<Option<OwnedSemaphorePermit>, OverLimit> {
        self.place(self.connections.as_ref(), Refused::CONNECTIONS)
    }

    /// Counts something that was turned away, for the organisation and for all together.
    pub fn count(&self, refused: Refused) {
        self.own.count(refused);
        self.all.count(refused);
    }

    /// What the organisation was refused since its account was opened.
    #[must_use]
    pub fn refused(&self) -> &Tally {
        &self.own
    }

    fn take(&self, allowance: Option<&Allowance>, refused: Refused) -> Result<(), OverLimit> {
        self.used.store(true, Ordering::Relaxed);
        let Some(allowance) = allowance else { return Ok(()) };
        allowance.take().map_err(|retry_after| {
            self.count(refused);
            OverLimit { refused, retry_after }
        })
    }

    fn place(
        &self,
        places: Option<&Arc<Semaphore>>,
        refused: Refused,
    ) -> Result<Option<OwnedSemaphorePermit>, OverLimit> {
        let Some(places) = places else { return Ok(None) };
        Arc::clone(places).try_acquire_owned().map(Some).map_err(|_| {
            self.count(refused);
            OverLimit::later(refused)
        })
    }

    /// A round of `length` has passed. Whether nothing was taken for so long that a new account would be as good as this.
    pub(super) fn rested(&self, length: Duration) -> bool {
        if self.used.swap(false, Ordering::Relaxed) {
            self.quiet_rounds.store(0, Ordering::Relaxed);
            return false;
        }
        let quiet = self.quiet_rounds.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let whole_after = [&self.calls, &self.tokens].into_iter().flatten().map(Allowance::whole_after).max();
        length.saturating_mul(quiet) >= whole_after.unwrap_or_default()
    }
}
