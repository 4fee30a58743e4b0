//! Inclusion proofs of random entries, as the gateway answers `ProveInclusion`; each is verified.

use super::super::Fault;
use hdrhistogram::Histogram;
use sluis::operation::stopwatch::Stopwatch;
use sluis_core::log::proof::{inclusion, verify_inclusion};
use sluis_core::ports::Ledger;

/// How long so many proofs took, nanoseconds each.
pub async fn run(ledger: &dyn Ledger, size: u64, count: u64) -> Result<Histogram<u64>, Fault> {
    let (root, mut times) = (ledger.head().await?.frontier.root(), Histogram::new(3)?);
    for number in 0..count {
        // Spread as if at random, the same in every run.
        let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let watch = Stopwatch::start();
        let path = inclusion(ledger, index, size).await?.ok_or("a proof cannot be built")?;
        let leaf = ledger.leaf_hashes(index, index + 1).await?;
        times.record(u64::try_from(watch.elapsed().as_nanos())?)?;
        let leaf = leaf.first().ok_or("an entry has no hash")?;
        if !verify_inclusion(leaf, index, size, &path, &root) {
            return Err(format!("the proof of entry {index} does not hold").into());
        }
    }
    Ok(times)
}
