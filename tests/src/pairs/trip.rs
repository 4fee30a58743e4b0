//! One chosen call of a port goes wrong, in one of five ways; every call is numbered by its name.

use sluis_core::ports::StoreError;
use std::collections::BTreeMap;
use std::sync::Mutex;
use tokio::sync::watch;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It says so, and nothing was done.
    Refused,
    /// Nothing was done, and it does not know: of a read, it says that what is stored contradicts itself.
    Lost,
    /// It was done, and the answer is lost.
    Persisted,
    /// It is silent, and then it is done after all.
    SilentThenDone,
    /// It is done, and then it is silent.
    DoneThenSilent,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Refused, Self::Lost, Self::Persisted, Self::SilentThenDone, Self::DoneThenSilent];

    /// Whether whoever calls waits in vain.
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::SilentThenDone | Self::DoneThenSilent)
    }
}

/// A call of a port: which, of which store, and whether it changes something.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub name: &'static str,
    pub store: &'static str,
    pub writes: bool,
}

/// The calls that passed, and the one that goes wrong.
pub struct Trip {
    passed: Mutex<Vec<(&'static str, bool)>>,
    armed: Mutex<Option<(&'static str, usize, How)>>,
    tripped: watch::Sender<bool>,
    silent: watch::Sender<bool>,
}

impl Trip {
    /// Nothing goes wrong.
    pub fn idle() -> Self {
        Self {
            passed: Mutex::default(),
            armed: Mutex::default(),
            tripped: watch::Sender::new(false),
            silent: watch::Sender::new(false),
        }
    }

    /// Forgets what passed. The `nth` call of this name from now on, counted from 0, goes wrong, once.
    pub fn arm(&self, fault: Option<(&'static str, usize, How)>) {
        self.passed.lock().unwrap().clear();
        self.tripped.send_replace(false);
        self.silent.send_replace(fault.is_some_and(|(.., how)| how.is_silent()));
        *self.armed.lock().unwrap() = fault;
    }

    /// The fault clears: nothing goes wrong any more, and what was silent goes on.
    pub fn clear(&self) {
        *self.armed.lock().unwrap() = None;
        self.silent.send_replace(false);
    }

    /// Whether the chosen call came.
    pub fn tripped(&self) -> bool {
        *self.tripped.borrow()
    }

    /// The calls since it was armed, in order.
    pub fn passed(&self) -> Vec<&'static str> {
        self.passed.lock().unwrap().iter().map(|(name, _)| *name).collect()
    }

    /// The calls since it was armed, each with which of its name it is.
    pub fn numbered(&self) -> Vec<(&'static str, usize)> {
        self.numbered_with().into_iter().map(|(call, _)| call).collect()
    }

    /// The same, with whether each changes something.
    pub fn numbered_with(&self) -> Vec<((&'static str, usize), bool)> {
        let mut counts = BTreeMap::<_, usize>::new();
        let number = |(name, writes)| {
            let count = counts.entry(name).or_default();
            *count += 1;
            ((name, *count - 1), writes)
        };
        self.passed.lock().unwrap().iter().copied().map(number).collect()
    }

    /// Takes a call, and says how it goes wrong.
    pub fn take(&self, call: Call) -> Option<How> {
        let mut passed = self.passed.lock().unwrap();
        let nth = passed.iter().filter(|(name, _)| *name == call.name).count();
        passed.push((call.name, call.writes));
        drop(passed);
        let mut armed = self.armed.lock().unwrap();
        let how = armed.filter(|(name, at, _)| (*name, *at) == (call.name, nth)).map(|(.., how)| how)?;
        *armed = None;
        self.tripped.send_replace(true);
        Some(how)
    }

    /// Passes a call on, or not.
    pub async fn pass<T, E: From<StoreError>>(
        &self,
        call: Call,
        real: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let Some(how) = self.take(call) else { return real.await };
        let refused = StoreError::Unavailable { store: call.store, state: "INJECTED" };
        match how {
            How::Refused => Err(refused.into()),
            How::Lost if call.writes => Err(StoreError::Unknown { store: call.store }.into()),
            How::Lost => Err(StoreError::Corrupt { store: call.store, table: "injected" }.into()),
            How::Persisted => {
                let _lost = real.await;
                Err(if call.writes { StoreError::Unknown { store: call.store } } else { refused }.into())
            }
            How::SilentThenDone => {
                self.silence().await;
                real.await
            }
            How::DoneThenSilent => {
                let answer = real.await;
                self.silence().await;
                answer
            }
        }
    }

    async fn silence(&self) {
        // An error means that nobody can end it any more: the test is over.
        let _ = self.silent.subscribe().wait_for(|silent| !silent).await;
    }
}
