//! One pass over an export in a process of its own, whose memory is its own: the verifier, or SHA-256 over the same files.

use super::super::Fault;
use super::super::report::peak_rss_mib;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use sluis::client::verify::verify_export;
use sluis::operation::stopwatch::Stopwatch;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a pass took.
pub struct Pass {
    pub seconds: f64,
    pub entries: u64,
    /// In files of entries and hash tiles.
    pub bytes: u64,
    pub peak_rss_mib: f64,
}

impl Pass {
    /// Makes one, as a process.
    pub fn start(what: &str, dir: &Path) -> Result<Self, Fault> {
        let said = Command::new(std::env::current_exe()?).arg("pass").arg(what).arg(dir).output()?;
        if !said.status.success() {
            return Err(String::from_utf8_lossy(&said.stderr).into_owned().into());
        }
        let said: Value = serde_json::from_slice(&said.stdout)?;
        let number = |name: &str| said.get(name).and_then(Value::as_f64).ok_or("a pass says less than it should");
        let count = |name: &str| said.get(name).and_then(Value::as_u64).ok_or("a pass says less than it should");
        Ok(Self {
            seconds: number("seconds")?,
            entries: count("entries")?,
            bytes: count("bytes")?,
            peak_rss_mib: number("peak_rss_mib")?,
        })
    }

    /// Megabytes of the files in a second.
    pub fn megabytes_per_second(&self) -> f64 {
        f64::from(u32::try_from(self.bytes / 1000).unwrap_or(u32::MAX)) / 1000.0 / self.seconds
    }
}

/// Makes a pass and prints what it took.
pub fn run(what: &str, dir: &Path) -> Result<(), Fault> {
    let files = files(dir)?;
    let bytes: u64 = files.iter().map(|file| std::fs::metadata(file).map_or(0, |meta| meta.len())).sum();
    let watch = Stopwatch::start();
    let entries = match what {
        "verify" => verify_export(dir, None, |_, _| {})?.size,
        "hash" => hash(&files)?,
        _ => return Err("a pass is `verify` or `hash`".into()),
    };
    let seconds = watch.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "seconds": seconds, "entries": entries, "bytes": bytes, "peak_rss_mib": peak_rss_mib("self") })
    );
    Ok(())
}

/// Reads every file and computes SHA-256 over it.
fn hash(files: &[PathBuf]) -> Result<u64, Fault> {
    for file in files {
        std::hint::black_box(digest(&SHA256, &std::fs::read(file)?));
    }
    Ok(0)
}

/// Every tile and bundle of an export.
fn files(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let (mut files, mut folders) = (Vec::new(), vec![dir.join("tile")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
