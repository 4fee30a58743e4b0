//! The end of the demo: the whole log and every receipt are verified, and one changed byte in a copy is found.

use super::folder::Folder;
use super::tally::Tally;
use crate::cli::Failure;
use crate::client::receipts;
use crate::client::verify::{VerifyFault, verify_export};
use crate::compose;
use std::path::{Path, PathBuf};

/// Exports and verifies the log, verifies every receipt of the scenes, and proves that a changed byte is found.
/// Gives the size of the log.
///
/// # Errors
/// When something does not verify, or the changed byte is not found.
pub async fn verify_everything(folder: &Folder, tally: &Tally, verifier_key: &str) -> Result<u64, Failure> {
    let export = folder.dir.join("export");
    compose::export_log(&folder.config, &export).await?;
    let summary = verify_export(&export, Some(verifier_key), |_, _| ())?;
    let kinds: Vec<_> = summary.kinds.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    println!("\nThe log, verified offline from its export: {} entries ({})", summary.size, kinds.join(", "));
    for reply in &tally.replies {
        receipts::verify(reply, verifier_key)?;
        receipts::keep(reply, &folder.dir.join("receipts"))?;
    }
    for receipt in &tally.receipts {
        receipts::verify_bare(receipt, verifier_key)?;
    }
    println!(
        "Every receipt verified: {} replies with their bodies, {} others",
        tally.replies.len(),
        tally.receipts.len()
    );
    let changed = change_one_byte(&export, &folder.dir.join("export-changed"))?;
    match verify_export(&folder.dir.join("export-changed"), Some(verifier_key), |_, _| ()) {
        Err(VerifyFault::Found(finding)) => {
            println!("One byte changed in a copy (`{changed}`): found, {finding}");
            Ok(summary.size)
        }
        Err(fault @ VerifyFault::Unusable(_)) => Err(fault.into()),
        Ok(_) => Err("one byte was changed in a copy of the log and the verification did not find it".into()),
    }
}

/// Copies an export and changes one digit in the middle of its first bundle of entries. Gives the file's name.
fn change_one_byte(from: &Path, to: &Path) -> Result<String, Failure> {
    copy(from, to)?;
    let bundles = to.join("tile/entries");
    let mut files: Vec<PathBuf> = Vec::new();
    list(&bundles, &mut files)?;
    files.sort();
    let file = files.first().ok_or("the export has no entries")?;
    let mut bytes = std::fs::read(file)?;
    let middle = bytes.len() / 2;
    let at = bytes.iter().skip(middle).position(u8::is_ascii_digit).map(|n| n + middle);
    let byte = at.and_then(|at| bytes.get_mut(at)).ok_or("the bundle has no digit to change")?;
    *byte = if *byte == b'9' { b'8' } else { *byte + 1 };
    std::fs::write(file, bytes)?;
    Ok(file.strip_prefix(to).unwrap_or(file).display().to_string())
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
