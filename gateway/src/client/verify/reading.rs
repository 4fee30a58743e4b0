//! The bundles of an export, read by several threads and given in their order.
//!
//! Reading a leaf strictly and hashing it needs nothing of the leaves before it; what follows from their order is for whoever
//! takes them. Each thread is a few bundles ahead and no more, so that memory does not grow with the log.

use super::{VerifyFault, found};
use sluis_core::log::leaf::LeafError;
use sluis_core::log::tiles::{TILE_WIDTH, entries_path, read_entries};
use sluis_core::log::verify::WholeLeaf;
use std::path::Path;
use std::sync::mpsc::sync_channel;

/// Entries of one bundle (C2SP tlog-tiles).
const BUNDLE: u64 = TILE_WIDTH as u64;
/// Most threads.
const THREADS_MAX: usize = 4;
/// Bundles that a thread is ahead.
const AHEAD: usize = 4;

/// The leaves of one bundle, or why it cannot be read.
pub(super) type Read = Result<Vec<Result<WholeLeaf, LeafError>>, VerifyFault>;

/// Gives every bundle of a log of this size to `take`, in order, until it refuses one.
///
/// # Errors
/// What `take` says.
pub(super) fn in_order(
    dir: &Path,
    size: u64,
    mut take: impl FnMut(Read) -> Result<(), VerifyFault>,
) -> Result<(), VerifyFault> {
    let bundles = size.div_ceil(BUNDLE);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..bundles)
            .take(threads)
            .map(|first| {
                let (send, taken) = sync_channel(AHEAD);
                scope.spawn(move || {
                    // Nobody takes any more after the first that is refused.
                    let _refused =
                        (first..bundles).step_by(threads).try_for_each(|number| send.send(read(dir, number, size)));
                });
                taken
            })
            .collect();
        let turns = readers.iter().cycle().zip(0..bundles);
        turns
            .map(|(reader, _)| reader.recv().unwrap_or_else(|_| Err(found("a thread that reads has ended"))))
            .try_for_each(&mut take)
    })
}

fn read(dir: &Path, number: u64, size: u64) -> Read {
    let width = size.saturating_sub(number * BUNDLE).min(BUNDLE);
    let path = entries_path(number, usize::try_from(width).unwrap_or(0));
    let bytes = std::fs::read(dir.join(&path)).map_err(|e| found(format!("`{path}` cannot be read: {e}")))?;
    // An entry has one place and one length in a bundle: what is read whole cannot stand there in another form.
    let leaves = read_entries(&bytes).ok_or_else(|| found(format!("`{path}` is not a bundle of entries")))?;
    if leaves.len() as u64 != width {
        return Err(found(format!("`{path}` holds {} entries instead of {width}", leaves.len())));
    }
    Ok(leaves.into_iter().map(WholeLeaf::read).collect())
}
