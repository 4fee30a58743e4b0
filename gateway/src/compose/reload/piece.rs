//! One piece of what may change while calls run, and the loop that takes it over.
//!
//! Promises: what cannot be used changes nothing, the one before stays in force, and `RELOAD_REFUSED` names the file, the
//! reason and what to do until it is put right. Each piece has a loop of its own: a policy that takes a second to prove does
//! not hold up a revocation list. Reading and judging happen off the threads that serve calls.

use super::files::{Content, Look, Watched};
use crate::condition::{Condition, Conditions};
use crate::transport::MaterialError;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks. A change is in force after at most three of these and the time that judging it takes.
pub(crate) const EVERY: Duration = Duration::from_millis(150);
/// Looks after which something is tried again that was refused for a reason outside the file: about 5 s.
const RETRY_LOOKS: u32 = 33;
/// Time for a look; a folder on the network that does not answer is reported after it.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// What was taken over.
pub(crate) enum Taken {
    /// In force now: what changed, for the log. Never a key.
    Changed(String),
    /// The files say in other words what was in force already.
    AsBefore,
}

/// Why nothing was taken over.
pub(crate) enum Refused {
    /// The files are at fault: the same content will not do later either.
    Content(String),
    /// Something else is: tried again soon.
    ForNow(String),
}

impl From<MaterialError> for Refused {
    fn from(error: MaterialError) -> Self {
        Self::Content(error.to_string())
    }
}

/// A group of files that are taken over together or not at all.
#[async_trait]
pub(crate) trait Piece: Send + 'static {
    /// What it is, for people.
    fn name(&self) -> &'static str;

    /// Takes the contents over, in the order of the files.
    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused>;

    /// What is due by time alone, at every look.
    fn pass(&mut self) {}
}

/// What is refused now, piece by piece, as one condition.
pub(crate) struct Alarm {
    conditions: Arc<Conditions>,
    refused: Mutex<BTreeMap<&'static str, String>>,
}

impl Alarm {
    pub(crate) fn new(conditions: Arc<Conditions>) -> Self {
        Self { conditions, refused: Mutex::default() }
    }

    fn raise(&self, piece: &'static str, reason: String) {
        self.update(|refused| drop(refused.insert(piece, reason)));
    }

    fn clear(&self, piece: &'static str) {
        self.update(|refused| drop(refused.remove(piece)));
    }

    fn update(&self, change: impl FnOnce(&mut BTreeMap<&'static str, String>)) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut refused);
        if refused.is_empty() {
            return self.conditions.clear(Condition::ReloadRefused);
        }
        let lines: Vec<String> = refused
            .iter()
            .map(|(piece, reason)| format!("{piece}: {reason}; what was loaded before stays in force"))
            .collect();
        self.conditions.raise(Condition::ReloadRefused, lines.join("\n"));
    }
}

/// Looks, and takes over, until told to end.
pub(crate) async fn keep_current(
    mut piece: impl Piece,
    mut watched: Watched,
    alarm: Arc<Alarm>,
    mut asked: watch::Receiver<()>,
    mut ending: watch::Receiver<bool>,
) {
    loop {
        let at_once = tokio::select! {
            _ = ending.wait_for(|end| *end) => return,
            Ok(()) = asked.changed() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let Some((seen, look)) = look(watched, at_once, piece.name(), &alarm).await else {
            alarm.raise(piece.name(), "the files are not looked at any more: start the gateway again".to_owned());
            return;
        };
        watched = seen;
        match look {
            Look::Nothing => {}
            Look::AsInForce => {
                alarm.clear(piece.name());
                tracing::info!(piece = piece.name(), "the files are again what is in force");
            }
            Look::Changed(contents) => take(&mut piece, &mut watched, &alarm, &contents).await,
        }
        piece.pass();
    }
}

async fn look(mut watched: Watched, at_once: bool, name: &'static str, alarm: &Alarm) -> Option<(Watched, Look)> {
    let mut looking = tokio::task::spawn_blocking(move || {
        let look = watched.look(at_once);
        (watched, look)
    });
    match tokio::time::timeout(LOOK_MAX, &mut looking).await {
        Ok(done) => done.ok(),
        Err(_) => {
            alarm.raise(name, "the files do not answer: check the folder they are in".to_owned());
            let (watched, look) = looking.await.ok()?;
            if !watched.is_refused() {
                alarm.clear(name);
            }
            Some((watched, look))
        }
    }
}

async fn take(piece: &mut impl Piece, watched: &mut Watched, alarm: &Alarm, contents: &[Content]) {
    match piece.take(contents).await {
        Ok(taken) => {
            watched.taken(contents);
            alarm.clear(piece.name());
            if let Taken::Changed(what) = taken {
                tracing::info!(piece = piece.name(), what, "taken over");
            }
        }
        Err(Refused::Content(reason)) => {
            watched.refused(contents, None);
            alarm.raise(piece.name(), reason);
        }
        Err(Refused::ForNow(reason)) => {
            watched.refused(contents, Some(RETRY_LOOKS));
            alarm.raise(piece.name(), reason);
        }
    }
}
