//! Verifies an export: every leaf decoded strictly, every hash recomputed, every tile and checkpoint compared.

mod reading;

use sluis_core::log::checkpoint;
use sluis_core::log::tiles::HashTiler;
use sluis_core::log::verify::{LogVerifier, Summary};
use std::path::Path;

/// Why an export does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// The folder is not an export, or the key is not a key.
    #[error("{0}")]
    Unusable(String),
    /// Something was found: the log is not what its checkpoint says.
    #[error("{0}")]
    Found(String),
}

fn found(text: impl std::fmt::Display) -> VerifyFault {
    VerifyFault::Found(text.to_string())
}

/// Verifies an export folder. `progress` is called with entries done and in all.
///
/// # Errors
/// [`VerifyFault::Found`] names the first place that is not as it must be.
pub fn verify_export(
    dir: &Path,
    vkey: Option<&str>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Summary, VerifyFault> {
    let vkey = match vkey {
        Some(key) => key.to_owned(),
        None => text(dir, "vkey")?.trim_end().to_owned(),
    };
    let mut verifier = LogVerifier::new(&vkey).map_err(|e| VerifyFault::Unusable(e.to_string()))?;
    let newest = text(dir, "checkpoint")?;
    let size = checkpoint::open(&newest, &vkey).map_err(found)?.size;
    verifier.checkpoint(&newest).map_err(found)?;
    let kept = text(dir, "checkpoints")?;
    for note in kept.split("---\n").filter(|note| !note.is_empty()) {
        verifier.checkpoint(note).map_err(found)?;
    }
    let mut tiler = HashTiler::new();
    reading::in_order(dir, size, |bundle| {
        for leaf in bundle? {
            compare(dir, tiler.push(verifier.next(leaf).map_err(found)?))?;
        }
        progress(verifier.size(), size);
        Ok(())
    })?;
    compare(dir, tiler.finish())?;
    verifier.finish().map_err(found)
}

/// The hash tiles of the export must be the ones its entries give.
fn compare(dir: &Path, files: Vec<sluis_core::log::tiles::TileFile>) -> Result<(), VerifyFault> {
    for file in files {
        let stored =
            std::fs::read(dir.join(&file.path)).map_err(|e| found(format!("`{}` cannot be read: {e}", file.path)))?;
        if stored != file.bytes {
            return Err(found(format!("`{}` is not what the entries give", file.path)));
        }
    }
    Ok(())
}

fn text(dir: &Path, name: &str) -> Result<String, VerifyFault> {
    let file = dir.join(name);
    std::fs::read_to_string(&file).map_err(|e| VerifyFault::Unusable(format!("cannot read `{}`: {e}", file.display())))
}
