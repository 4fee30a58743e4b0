//! How much of this gateway one organisation may have: calls in a second, calls and connections at once, tokens in a minute.
//!
//! The organisation is the OIN of the certificate, so all of this is known before a token is looked at. An organisation at its
//! limit is told so; others do not notice. Accounts live in memory and are few: one per organisation that called in the last
//! minutes, at most [`ACCOUNTS_MAX`]. [`refused`] counts what was turned away, [`report`] writes it down once a minute.

mod account;
pub mod refused;
pub mod report;

pub use account::{Account, CallPlace, OverLimit};

use crate::config::Limits;
use refused::{Refused, Tally};
use sluis_core::organisation::Oin;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Organisations with an account at one time. Every one of them has a certificate of a trusted authority, so this is never
/// reached by strangers; above it a new one waits until others are gone.
const ACCOUNTS_MAX: usize = 8192;

/// What one organisation may have; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Calls in a second, in the long run.
    pub calls_per_second: Option<NonZeroU32>,
    /// Calls at once after a quiet time.
    pub calls_burst: NonZeroU32,
    /// Calls in progress.
    pub calls_at_once: Option<NonZeroU32>,
    /// Open connections.
    pub connections: Option<NonZeroU32>,
    /// Requests for a token in a minute.
    pub tokens_per_minute: Option<NonZeroU32>,
}

/// The accounts of all organisations.
pub struct Quotas {
    everyone: Terms,
    exceptions: HashMap<Oin, Terms>,
    accounts: Mutex<HashMap<Oin, Arc<Account>>>,
    all: Arc<Tally>,
    unnamed: Tally,
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Quotas {
    /// Accounts under these limits; none is open yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            everyone: limits.terms(),
            exceptions: limits.exceptions().collect(),
            accounts: Mutex::default(),
            all: Arc::default(),
            unnamed: Tally::default(),
        }
    }

    /// The account of an organisation, opened at its first connection or call.
    ///
    /// # Errors
    /// [`OverLimit`] when there are [`ACCOUNTS_MAX`] others.
    pub fn account(&self, oin: &Oin) -> Result<Arc<Account>, OverLimit> {
        let mut accounts = self.accounts();
        if let Some(account) = accounts.get(oin) {
            return Ok(Arc::clone(account));
        }
        if accounts.len() >= ACCOUNTS_MAX {
            self.all.count(Refused::HOUSE_FULL);
            self.unnamed.count(Refused::HOUSE_FULL);
            return Err(OverLimit::later(Refused::HOUSE_FULL));
        }
        let terms = self.exceptions.get(oin).unwrap_or(&self.everyone);
        let account = Arc::new(Account::open(terms, Arc::clone(&self.all)));
        accounts.insert(oin.clone(), Arc::clone(&account));
        Ok(account)
    }

    /// What was turned away since the start of the process, of all organisations together.
    #[must_use]
    pub fn refused(&self) -> &Tally {
        &self.all
    }

    /// What organisations without an account were refused.
    fn refused_unnamed(&self) -> &Tally {
        &self.unnamed
    }

    /// Every open account, for metrics and for the report.
    #[must_use]
    pub fn open_accounts(&self) -> Vec<(Oin, Arc<Account>)> {
        self.accounts().iter().map(|(oin, account)| (oin.clone(), Arc::clone(account))).collect()
    }

    /// Closes accounts of which nobody holds anything, whose allowance is whole again and of which `told` says that all
    /// that was counted is written down. Called every `round`; gives whose accounts were closed.
    fn close_unused(&self, round: Duration, told: impl Fn(&Oin, &Account) -> bool) -> Vec<Oin> {
        let mut accounts = self.accounts();
        // Under the lock nobody can take hold of an account that only this map holds.
        let unused = |(oin, account): (&Oin, &Arc<Account>)| {
            let unused = account.rested(round) && Arc::strong_count(account) == 1 && told(oin, account);
            unused.then(|| oin.clone())
        };
        let unused: Vec<_> = accounts.iter().filter_map(unused).collect();
        unused.iter().for_each(|oin| drop(accounts.remove(oin)));
        unused
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Oin, Arc<Account>>> {
        // Whoever panicked while holding it left whole entries: each insertion and removal is one step.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
