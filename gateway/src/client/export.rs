//! Writes a log as C2SP tlog-tiles files: what an auditor takes home.

use sluis_core::log::Hash;
use sluis_core::log::tiles::{TileFile, Tiler};
use sluis_core::log::tree::{Frontier, leaf_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Leaves read at once.
const PAGE: u32 = 4096;

/// Where an export has the shards before the newest, each in a folder with the name of the shard.
pub const BEFORE: &str = "before";

/// Why an export was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// A file cannot be written.
    #[error("cannot write `{}`: {source}", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder is there already.
    #[error("`{}` exists: name a folder that does not, an export never overwrites", .0.display())]
    Exists(PathBuf),
    /// The log does not answer.
    #[error(transparent)]
    Store(#[from] sluis_core::ports::StoreError),
    /// Leaves are missing below the head.
    #[error("the log holds fewer entries than its head says: do not serve from it")]
    Short,
}

/// Leaves in pages, from whatever holds them.
#[async_trait::async_trait]
pub trait LeafPages: Send + Sync {
    /// `count` leaves from `from`, fewer at the end.
    async fn page(&self, from: u64, count: u32) -> Result<Vec<String>, sluis_core::ports::StoreError>;
}

/// What is written besides the leaves.
pub struct Notes<'a> {
    /// The newest checkpoint, over all leaves.
    pub newest: &'a str,
    /// Kept checkpoints.
    pub kept: &'a [String],
    /// The verifier key.
    pub vkey: &'a str,
}

/// The leaves that were written, recomputed.
#[derive(Debug, Default)]
pub struct Recomputed {
    /// The first leaf.
    pub first: Option<String>,
    /// The root at each size that was asked for.
    pub roots: BTreeMap<u64, Hash>,
}

/// Makes the folder of an export.
///
/// # Errors
/// [`ExportFault`], also when there is one.
pub fn begin(dir: &Path) -> Result<(), ExportFault> {
    if dir.exists() {
        return Err(ExportFault::Exists(dir.to_owned()));
    }
    std::fs::create_dir_all(dir).map_err(|source| ExportFault::Io { file: dir.to_owned(), source })
}

/// Writes the first `size` leaves of a shard with their tiles, and gives the roots at these sizes. Without [`notes`] it does not
/// verify.
///
/// # Errors
/// [`ExportFault`]; what was written stays.
pub async fn leaves(
    dir: &Path,
    size: u64,
    at: &BTreeSet<u64>,
    leaves: &dyn LeafPages,
) -> Result<Recomputed, ExportFault> {
    let (mut tiler, mut tree, mut recomputed) = (Tiler::new(), Frontier::empty(), Recomputed::default());
    let mut root = |tree: &Frontier| at.get(&tree.size()).and_then(|at| recomputed.roots.insert(*at, tree.root()));
    root(&tree);
    let mut first = None;
    while tree.size() < size {
        let count = u32::try_from(size - tree.size()).unwrap_or(PAGE).min(PAGE);
        let page = leaves.page(tree.size(), count).await?;
        if page.is_empty() {
            return Err(ExportFault::Short);
        }
        for leaf in page {
            write_all(dir, tiler.push(&leaf))?;
            tree.push(leaf_hash(leaf.as_bytes()));
            root(&tree);
            first.get_or_insert(leaf);
        }
    }
    write_all(dir, tiler.finish())?;
    recomputed.first = first;
    Ok(recomputed)
}

/// Writes what signs the leaves.
///
/// # Errors
/// [`ExportFault`].
pub fn notes(dir: &Path, notes: &Notes<'_>) -> Result<(), ExportFault> {
    write(dir, "checkpoint", notes.newest.as_bytes())?;
    write(dir, "checkpoints", notes.kept.join("---\n").as_bytes())?;
    write(dir, "vkey", format!("{}\n", notes.vkey).as_bytes())
}

/// Writes what is left of a shard that was removed at the end of its term: its last signed checkpoint.
///
/// # Errors
/// [`ExportFault`].
pub fn export_gone(dir: &Path, note: &str, vkey: &str) -> Result<(), ExportFault> {
    write(dir, "checkpoint", note.as_bytes())?;
    write(dir, "vkey", format!("{vkey}\n").as_bytes())
}

fn write_all(dir: &Path, files: Vec<TileFile>) -> Result<(), ExportFault> {
    files.into_iter().try_for_each(|file| write(dir, &file.path, &file.bytes))
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportFault> {
    let file = dir.join(name);
    let io = |source| ExportFault::Io { file: file.clone(), source };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    std::fs::write(&file, bytes).map_err(io)
}
