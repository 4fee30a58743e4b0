//! Keeps receipts: what proves, years later, what was released and that it was logged.

use super::ask::Reply;
use sluis_core::log::commitment;
use sluis_core::log::leaf::Key;
use sluis_core::log::receipt::verify_text;
use sluis_proto::v1;
use std::path::{Path, PathBuf};

/// What is wrong with a receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFault {
    /// The proof does not verify.
    #[error("the proof does not verify: {0}")]
    Proof(String),
    /// The entry does not commit to the body.
    #[error("the entry in the log does not commit to this body")]
    Body,
    /// The receipt cannot be kept.
    #[error("cannot write `{}`: {source}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Verifies a receipt and, for a release, that its entry commits to exactly the body.
///
/// # Errors
/// [`ReceiptFault`].
pub fn verify(reply: &Reply, verifier_key: &str) -> Result<(), ReceiptFault> {
    let proof = &reply.receipt().proof;
    let verified = verify_text(proof, verifier_key).map_err(|e| ReceiptFault::Proof(e.to_string()))?;
    let Reply::Released { body, salt, .. } = reply else { return Ok(()) };
    let salt: [u8; 32] = salt.as_slice().try_into().map_err(|_| ReceiptFault::Body)?;
    let committed = commitment::body(&salt, body);
    if verified.leaf.text(Key::Bc) == Some(committed.as_str()) { Ok(()) } else { Err(ReceiptFault::Body) }
}

/// Verifies a bare receipt.
///
/// # Errors
/// [`ReceiptFault::Proof`].
pub fn verify_bare(receipt: &v1::Receipt, verifier_key: &str) -> Result<(), ReceiptFault> {
    verify_text(&receipt.proof, verifier_key).map(drop).map_err(|e| ReceiptFault::Proof(e.to_string()))
}

/// Keeps a reply in a folder: `<shard>-<index>.proof`, and for a release `.body` and `.salt` (hex): indices begin anew every year.
///
/// # Errors
/// [`ReceiptFault::Io`] names the file.
pub fn keep(reply: &Reply, folder: &Path) -> Result<PathBuf, ReceiptFault> {
    let receipt = reply.receipt();
    let name = format!("{}-{}", receipt.shard, receipt.index);
    write(folder.join(format!("{name}.proof")), receipt.proof.as_bytes())?;
    if let Reply::Released { body, salt, .. } = reply {
        write(folder.join(format!("{name}.body")), body)?;
        write(folder.join(format!("{name}.salt")), data_encoding::HEXLOWER.encode(salt).as_bytes())?;
    }
    Ok(folder.join(format!("{name}.proof")))
}

fn write(file: PathBuf, bytes: &[u8]) -> Result<(), ReceiptFault> {
    let io = |source| ReceiptFault::Io { file: file.clone(), source };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    std::fs::write(&file, bytes).map_err(io)
}
