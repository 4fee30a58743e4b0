//! Generations of the key that wraps all others: each has a secret outside the database, and when nothing is wrapped under it any
//! more the secret is destroyed, and every backup of its time with it (A21).
//!
//! Each act stands alone, is durable when it returns, and may be repeated: a rotation that was interrupted anywhere goes on with the next.

use crate::log::Millis;
use crate::ports::StoreError;
use async_trait::async_trait;

/// A generation, as the key database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// From 1; the highest wraps new keys.
    pub number: u32,
    /// When it began.
    pub made_at: Millis,
    /// That nothing is wrapped under it any more; `None` while something may be.
    pub ended: Option<GenerationEnd>,
}

/// The end of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationEnd {
    /// From when on no row was wrapped under it.
    pub at: Millis,
    /// When its secret was destroyed where it was rotated; `None` while that is not done.
    pub destroyed_at: Option<Millis>,
}

/// What generations there are.
#[async_trait]
pub trait KeyGenerations: Send + Sync {
    /// Every generation there ever was, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of us did not write that a generation ended.
    async fn generations(&self) -> Result<Vec<Generation>, StoreError>;
}

/// Held by the only process that rotates.
pub trait Alone: Send + Sync {}

/// The acts of a rotation.
#[async_trait]
pub trait KeyRotation: KeyGenerations {
    /// Keeps other rotations away until it is dropped; `None` while another is at work. What two would do at once is safe all the
    /// same.
    async fn alone(&self) -> Result<Option<Box<dyn Alone>>, StoreError>;

    /// Begins a generation, whose secret is in its file: from now on new keys are wrapped under it, in every process.
    async fn begin(&self, number: u32, now: Millis) -> Result<(), StoreError>;

    /// Wraps up to `count` keys of one generation under another, in one transaction. Gives how many; 0 when none was left.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of them does not open: it stays as it is.
    async fn rewrap(&self, from: u32, to: u32, count: u32) -> Result<u64, StoreError>;

    /// Opens every key of a generation, `count` at a time. Gives how many there are.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of them does not open.
    async fn prove(&self, generation: u32, count: u32) -> Result<u64, StoreError>;

    /// Ends a generation, when no row is wrapped under it; from then on none can be. Gives whether it did.
    async fn end(&self, number: u32, now: Millis) -> Result<bool, StoreError>;

    /// Notes that the secret of a generation that ended was destroyed.
    async fn destroyed(&self, number: u32, now: Millis) -> Result<(), StoreError>;
}
