//! Writes a log as C2SP tlog-tiles files: what an auditor takes home.

use sluis_core::log::tiles::{TileFile, Tiler};
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
    /// The newest checkpoint, over `size` leaves.
    pub newest: &'a str,
    /// Kept checkpoints.
    pub kept: Vec<String>,
    /// The verifier key.
    pub vkey: &'a str,
    /// How many leaves.
    pub size: u64,
}

/// Writes an export into a new folder.
///
/// # Errors
/// [`ExportFault`]; what was written stays, and does not verify.
pub async fn export(dir: &Path, notes: &Notes<'_>, leaves: &dyn LeafPages) -> Result<(), ExportFault> {
    if dir.exists() {
        return Err(ExportFault::Exists(dir.to_owned()));
    }
    std::fs::create_dir_all(dir).map_err(|source| ExportFault::Io { file: dir.to_owned(), source })?;
    let (mut tiler, mut done) = (Tiler::new(), 0u64);
    while done < notes.size {
        let count = u32::try_from(notes.size - done).unwrap_or(PAGE).min(PAGE);
        let page = leaves.page(done, count).await?;
        if page.is_empty() {
            return Err(ExportFault::Short);
        }
        for leaf in &page {
            write_all(dir, tiler.push(leaf))?;
        }
        done += page.len() as u64;
    }
    write_all(dir, tiler.finish())?;
    write(dir, "checkpoint", notes.newest.as_bytes())?;
    write(dir, "checkpoints", notes.kept.join("---\n").as_bytes())?;
    write(dir, "vkey", format!("{}\n", notes.vkey).as_bytes())
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
