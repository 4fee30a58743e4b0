//! Where the house counts. Labels are from closed lists, or bounded: no subject, no actor, no identifier of a person ever.

use super::histogram::Histogram;
use super::series::Series;
use crate::scrubber::Progress;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::Draft;
use sluis_core::log::leaf::{Key, LeafDraft, LeafValue};
use sluis_core::ports::StoreError;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Calls that ended: service, method, gRPC code.
    pub calls: Series<3>,
    /// How long calls took: service, method.
    pub call_seconds: Series<2, Histogram>,
    /// Calls in progress, streams included.
    pub calls_open: AtomicU64,
    /// Calls of an organisation: OIN, `ok` or `error`. Shown by the day.
    pub organisations: Series<2>,
    /// Calls that the door turned away, by gRPC code; read for the log lines only, the page has them by reason.
    turned_away: Series<1>,
    /// Answers of the token endpoint: HTTP status.
    pub token_requests: Series<1>,
    /// What a store did not do: store, state.
    pub store_errors: Series<2>,
    /// What happens now and then, by name.
    pub events: Series<1>,
    /// When the newest wrapping generation was made, milliseconds since 1970; 0 while that is not known.
    pub wrapping_made_at: AtomicU64,
    /// How far the scrubber is.
    pub scrub: Arc<Progress>,
    keys_halted: AtomicBool,
    keys_failed: AtomicBool,
    alarm: Notify,
}

impl Metrics {
    /// Counts something that happens now and then; `name` in snake case.
    pub fn event(&self, name: &'static str) {
        self.events.count([name.into()]);
    }

    /// Counts a call that the door turned away, and says whether this one is worth a log line: the first and every hundredth.
    pub fn turned_away(&self, code: &'static str) -> bool {
        let mut worth_a_line = false;
        let count = |row: &AtomicU64| worth_a_line = row.fetch_add(1, Ordering::Relaxed).is_multiple_of(100);
        self.turned_away.with([code.into()], count);
        worth_a_line
    }

    /// Counts what a store did not do, and calls the watch.
    pub fn store_failed(&self, error: &StoreError) {
        let (store, state) = match error {
            StoreError::Unavailable { store, state } => (*store, *state),
            StoreError::Unknown { store } => (*store, "UNKNOWN"),
            StoreError::Corrupt { store, .. } => (*store, "CORRUPT"),
            StoreError::Secret { store, .. } => (*store, "SECRET"),
            StoreError::ClockBehind { .. } => ("log database", "CLOCK_BEHIND"),
        };
        self.store_errors.count([store.into(), state.into()]);
        if store == "key database" {
            self.keys_failed.store(true, Ordering::Relaxed);
        }
        if matches!(error, StoreError::Unknown { store: "key database" }) {
            self.keys_halted.store(true, Ordering::Relaxed);
        }
        self.alarm.notify_one();
    }

    /// Waits until a store failed.
    pub async fn alarmed(&self) {
        self.alarm.notified().await;
    }

    /// Whether a call of the key database failed since this was asked last.
    #[must_use]
    pub fn take_keys_failed(&self) -> bool {
        self.keys_failed.swap(false, Ordering::Relaxed)
    }

    /// Whether the key database writes nothing any more until the gateway is started again.
    #[must_use]
    pub fn keys_halted(&self) -> bool {
        self.keys_halted.load(Ordering::Relaxed)
    }
}

/// Counts of the recorder.
#[derive(Debug)]
pub struct LogCounts {
    /// How long an append took, the flush to disk included.
    pub append_seconds: Histogram,
    /// Entries per append.
    pub batch: Histogram,
    /// Appends that failed.
    pub append_errors: AtomicU64,
    /// Entries by kind. Shown by the hour: MANUAL on a Saturday night tells who telephoned.
    pub entries: Series<1>,
    /// Entries that answer a question: kind, rule, purpose, type of recipient. Shown by the hour or the day. The rule is
    /// empty where nothing was released, as in the leaf (A10).
    pub decisions: Series<4>,
}

impl Default for LogCounts {
    fn default() -> Self {
        Self {
            append_seconds: Histogram::default(),
            batch: Histogram::sizes(),
            append_errors: AtomicU64::new(0),
            entries: Series::default(),
            decisions: Series::default(),
        }
    }
}

/// What an entry counts as, taken before it goes to the ledger.
#[derive(Debug)]
pub struct Counted {
    kind: LeafKind,
    decision: Option<[Cow<'static, str>; 3]>,
}

impl Counted {
    /// What a draft counts as once it is recorded.
    #[must_use]
    pub fn of(draft: &Draft) -> Self {
        let leaf = &draft.leaf;
        let asked = text(leaf, Key::Pu).zip(text(leaf, Key::Rt));
        let decision = asked.map(|(purpose, recipient)| [text(leaf, Key::Ru).unwrap_or_default(), purpose, recipient]);
        Self { kind: leaf.kind(), decision }
    }
}

fn text(leaf: &LeafDraft, key: Key) -> Option<Cow<'static, str>> {
    match leaf.get(key)? {
        LeafValue::Text(text) => Some(text.clone().into()),
        LeafValue::List(list) => list.first().map(|text| text.clone().into()),
        LeafValue::Number(_) => None,
    }
}

impl LogCounts {
    /// Counts an entry that is durable.
    pub fn recorded(&self, counted: Counted) {
        self.entries.count([counted.kind.code().into()]);
        if let Some([rule, purpose, recipient]) = counted.decision {
            self.decisions.count([counted.kind.code().into(), rule, purpose, recipient]);
        }
    }

    /// Counts an append that failed.
    pub fn failed(&self) {
        self.append_errors.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_calls_turned_away_the_first_of_each_code_and_every_hundredth_get_a_line() {
        let metrics = Metrics::default();
        let lines = |code| (0..201).filter(|_| metrics.turned_away(code)).count();
        assert_eq!((lines("RESOURCE_EXHAUSTED"), lines("UNAUTHENTICATED")), (3, 3));
    }
}
