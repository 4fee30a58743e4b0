//! The keys that wrap every other key, generation by generation (A21): each follows from the master key and from a secret of
//! its own, in a file outside both databases.
//!
//! Promises: who has a key database and the master key, and not the secret of a generation, opens nothing that it wrapped; a
//! secret that is not the one its row was proven with is never used; a generation that was destroyed is not used again,
//! whatever is put back beside it. Where this ends: a copy of a secret that somebody kept elsewhere opens a backup from its time.

mod fault;
mod folder;

pub use fault::WrappingFault;
pub use folder::{SECRET_BYTES, SecretFolder};

use crate::master::{CryptoRefused, MasterKey, RowKey};
use sluis_core::log::Millis;
use sluis_core::ports::Entropy;
use std::path::PathBuf;

/// What wrapping keys follow from.
#[derive(Clone)]
pub struct Wrapping {
    master: MasterKey,
    folder: SecretFolder,
}

/// A generation as its row says: which, since when, and what opens under its key only.
#[derive(Debug, Clone)]
pub(crate) struct GenerationRow {
    pub number: u32,
    pub made_at: Millis,
    pub proof: Vec<u8>,
}

impl Wrapping {
    /// Of this master key, with the secrets in this folder.
    #[must_use]
    pub fn new(master: MasterKey, folder: impl Into<PathBuf>) -> Self {
        Self { master, folder: SecretFolder::new(folder) }
    }

    /// As [`Self::new`], with a secret for the first generation, which must not be there yet.
    ///
    /// # Errors
    /// [`WrappingFault`] names the file.
    pub fn generate(
        master: MasterKey,
        folder: impl Into<PathBuf>,
        entropy: &dyn Entropy,
    ) -> Result<Self, WrappingFault> {
        let made = Self::new(master, folder);
        made.folder.make(1, entropy)?;
        Ok(made)
    }

    /// The master key.
    #[must_use]
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Where the secrets are.
    #[must_use]
    pub const fn folder(&self) -> &SecretFolder {
        &self.folder
    }

    /// The row of a generation that begins, by its secret as it stands in its file.
    pub(crate) fn beginning(&self, number: u32, made_at: Millis) -> Result<GenerationRow, WrappingFault> {
        let key = self.key(number)?;
        let proof = key.seal(&proof_place(number, made_at), &[])?;
        Ok(GenerationRow { number, made_at, proof })
    }

    /// The key of a generation, when its secret is the one that the row was proven with.
    pub(crate) fn proven(&self, row: &GenerationRow) -> Result<RowKey, WrappingFault> {
        let key = self.key(row.number)?;
        match key.open(&proof_place(row.number, row.made_at), &row.proof) {
            Some(_) => Ok(key),
            None => Err(WrappingFault::Other { generation: row.number, file: self.folder.file(row.number) }),
        }
    }

    fn key(&self, number: u32) -> Result<RowKey, WrappingFault> {
        Ok(self.master.wrapping(number, &*self.folder.read(number)?)?)
    }
}

impl From<CryptoRefused> for WrappingFault {
    fn from(refused: CryptoRefused) -> Self {
        Self::Crypto(refused)
    }
}

fn proof_place(number: u32, made_at: Millis) -> Vec<u8> {
    format!("sluis-kek-proof/{number}/{made_at}").into_bytes()
}
