//! An export folder as somebody else reads it: its checkpoint, its hash tiles, its entries.

use super::verify::VerifyFault;
use sluis_core::log::Hash;
use sluis_core::log::checkpoint::{self, OpenedCheckpoint};
use sluis_core::log::tile_proof;
use sluis_core::log::tiles::{TILE_WIDTH, decode_entries, entries_path, tile_path};
use std::path::{Path, PathBuf};

/// Entries of one bundle, hashes of one tile (C2SP tlog-tiles).
const WIDTH: u64 = TILE_WIDTH as u64;

/// An export whose newest checkpoint is signed with the trusted key. Its files were not compared with it yet.
#[derive(Debug)]
pub struct Bundle {
    dir: PathBuf,
    /// Its newest checkpoint.
    pub checkpoint: OpenedCheckpoint,
}

impl Bundle {
    /// Opens an export.
    ///
    /// # Errors
    /// [`VerifyFault::Unusable`] when the folder has no checkpoint, [`VerifyFault::Found`] when the key did not sign it.
    pub fn open(dir: &Path, vkey: &str) -> Result<Self, VerifyFault> {
        let note = text(&dir.join("checkpoint"))?;
        let name = dir.display();
        let checkpoint =
            checkpoint::open(&note, vkey).map_err(|e| VerifyFault::Found(format!("`{name}`: its checkpoint: {e}")))?;
        Ok(Self { dir: dir.to_owned(), checkpoint })
    }

    /// Number of entries, as its checkpoint says.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Number of its bundles of entries.
    #[must_use]
    pub const fn bundles(&self) -> u64 {
        self.checkpoint.size.div_ceil(WIDTH)
    }

    /// The folder, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.dir.display().to_string()
    }

    /// Hashes `from..to` of a level; all of them lie in one tile.
    ///
    /// # Errors
    /// When the tile cannot be read.
    pub fn hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, VerifyFault> {
        let number = from / WIDTH;
        let all = self.size().checked_shr(8 * u32::from(level)).unwrap_or(0);
        let path = tile_path(level, number, width(all, number));
        let stored = bytes(&self.dir.join(&path))?;
        let (hashes, rest) = stored.as_chunks::<32>();
        let within = |at: u64| usize::try_from(at - number * WIDTH).unwrap_or(usize::MAX);
        let wanted = hashes.get(within(from)..within(to)).filter(|_| rest.is_empty());
        wanted.map(<[Hash]>::to_vec).ok_or_else(|| VerifyFault::Found(format!("`{path}` is not a hash tile")))
    }

    /// The root over its first entries, as its hash tiles give it.
    ///
    /// # Errors
    /// When a tile cannot be read or is too short.
    pub fn root(&self, size: u64) -> Result<Hash, VerifyFault> {
        tile_proof::root(size, &mut |level, from, to| self.hashes(level, from, to))?.ok_or_else(|| self.broken())
    }

    /// A consistency proof between two of its sizes, as its hash tiles give it.
    ///
    /// # Errors
    /// When a tile cannot be read or is too short.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, VerifyFault> {
        let path = tile_proof::consistency(from, to, &mut |level, from, to| self.hashes(level, from, to))?;
        path.ok_or_else(|| self.broken())
    }

    /// The entries of one bundle of 256.
    ///
    /// # Errors
    /// When the file cannot be read, or holds another number of entries.
    pub fn entries(&self, number: u64) -> Result<Vec<String>, VerifyFault> {
        let width = width(self.size(), number);
        let path = entries_path(number, width);
        let entries = decode_entries(&bytes(&self.dir.join(&path))?).filter(|entries| entries.len() == width);
        entries.ok_or_else(|| VerifyFault::Found(format!("`{path}` is not a bundle of {width} entries")))
    }

    /// That its own tiles are not of its checkpoint.
    #[must_use]
    pub fn broken(&self) -> VerifyFault {
        let name = self.name();
        let text =
            format!("`{name}`: its hash tiles are not those of its own checkpoint: run `sluis log verify {name}`");
        VerifyFault::Found(text)
    }
}

/// How wide a tile or bundle is among so many hashes or entries.
fn width(all: u64, number: u64) -> usize {
    usize::try_from(all.saturating_sub(number * WIDTH)).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
}

fn unusable(file: &Path, error: &std::io::Error) -> VerifyFault {
    VerifyFault::Unusable(format!("cannot read `{}`: {error}", file.display()))
}

/// A file of text.
pub(super) fn text(file: &Path) -> Result<String, VerifyFault> {
    std::fs::read_to_string(file).map_err(|error| unusable(file, &error))
}

fn bytes(file: &Path) -> Result<Vec<u8>, VerifyFault> {
    std::fs::read(file).map_err(|error| unusable(file, &error))
}
