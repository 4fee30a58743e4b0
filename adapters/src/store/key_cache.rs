//! What the key database remembers in memory: bounded, and for 60 seconds at most (A21).

use moka::sync::Cache;
use sluis_core::ports::SubjectKey;
use sluis_core::subject::SubjectRef;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest life of a key in memory: an erasure takes effect everywhere within it.
const LIFE: Duration = Duration::from_secs(60);
const ENTRIES_MAX: u64 = 20_000;
const DAYS_MAX: u64 = 16;

/// Subjects by lookup tag, keys by subject and year, keys of a day. Unknown subjects are not remembered.
pub(crate) struct KeyCache {
    pub subjects: Cache<[u8; 32], SubjectRef>,
    pub keys: Cache<(SubjectRef, i16), SubjectKey>,
    pub buckets: Cache<jiff::civil::Date, SubjectKey>,
    pub transactions: Cache<jiff::civil::Date, Zeroizing<[u8; 32]>>,
}

impl KeyCache {
    pub fn new() -> Self {
        Self {
            subjects: cache(ENTRIES_MAX),
            keys: cache(ENTRIES_MAX),
            buckets: cache(DAYS_MAX),
            transactions: cache(DAYS_MAX),
        }
    }

    /// Forgets everything: after keys were destroyed.
    pub fn forget(&self) {
        self.subjects.invalidate_all();
        self.keys.invalidate_all();
        self.buckets.invalidate_all();
        self.transactions.invalidate_all();
    }
}

fn cache<K, V>(entries: u64) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(entries).time_to_live(LIFE).build()
}
