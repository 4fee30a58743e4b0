//! A ledger that fails as disks and networks do: honestly, or without telling what became of the write.

use crate::conduct::decorate::Append;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Committed;
use sluis_core::ports::{Ledger, StoreError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a hanging append hangs.
const HANG: Duration = Duration::from_millis(4);
const STORE: &str = "log database";

/// A stream of numbers that a seed determines (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What becomes of one append.
struct Fate {
    hangs: bool,
    written: bool,
    told: Option<StoreError>,
}

/// Fails some appends. An error other than `Unknown` always means that nothing was written: that is the port's promise.
pub struct Faulty {
    dice: Mutex<Dice>,
    /// Whether an outcome was left unknown.
    pub unknown: AtomicBool,
    /// Appends that were tried after that.
    pub after: AtomicU64,
}

impl Faulty {
    pub fn new(seed: u64) -> Arc<Self> {
        let dice = Mutex::new(Dice::new(seed ^ 0x5105));
        Arc::new(Self { dice, unknown: AtomicBool::new(false), after: AtomicU64::new(0) })
    }

    fn fate(&self) -> Fate {
        let mut dice = self.dice.lock().unwrap();
        let hangs = dice.roll(3) == 0;
        let (written, told) = match dice.roll(32) {
            0..=5 => (false, Some(StoreError::Unavailable { store: STORE, state: "LOCKED" })),
            6 => (false, Some(StoreError::Unknown { store: STORE })),
            7 => (true, Some(StoreError::Unknown { store: STORE })),
            _ => (true, None),
        };
        Fate { hangs, written, told }
    }
}

#[async_trait::async_trait]
impl Append for Arc<Faulty> {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        if self.unknown.load(Ordering::SeqCst) {
            self.after.fetch_add(1, Ordering::SeqCst);
        }
        let fate = self.fate();
        let committed = if fate.written { Some(inner.append(drafts).await) } else { None };
        if fate.hangs {
            tokio::time::sleep(HANG).await;
        }
        if matches!(fate.told, Some(StoreError::Unknown { .. })) {
            self.unknown.store(true, Ordering::SeqCst);
        }
        match (fate.told, committed) {
            (None, Some(committed)) => committed,
            (Some(error), _) => Err(error),
            (None, None) => panic!("what succeeds is written"),
        }
    }
}
