//! Which policy was in force at which entry of an export, and whether every answer names it.

use super::bundle::Bundle;
use super::chain::verify_each;
use super::verify::VerifyFault;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::policies::{Other, Policies};
use sluis_core::log::shard::name_of;
use sluis_core::log::verify::Summary;
use std::path::Path;

/// Most findings that are kept; all are counted.
const KEPT: usize = 100;

/// What a replay of the policies gives.
#[derive(Debug)]
pub struct Replayed {
    /// The shards of the export, oldest first, verified as one history.
    pub shards: Vec<Summary>,
    /// The policies, and what could not be compared.
    pub policies: Policies,
    /// The first hundred entries that do not follow from them.
    pub others: Vec<Other>,
    /// How many there are.
    pub count: u64,
}

/// Verifies an export with every shard that it continues, then replays their policies. `progress` is called with entries done and
/// in all, for each of both.
///
/// # Errors
/// As [`verify_each`]: from an export that does not verify nothing is told.
pub fn policies(dir: &Path, vkey: &str, mut progress: impl FnMut(u64, u64)) -> Result<Replayed, VerifyFault> {
    let shards = verify_each(dir, Some(vkey), &mut progress)?;
    let (mut policies, mut others, mut count, mut done) = (Policies::new(), Vec::new(), 0, 0);
    let size = shards.iter().map(|shard| shard.summary.size).sum();
    for shard in &shards {
        if shards.len() > 1 {
            policies.begin_shard(name_of(&shard.summary.origin));
        }
        let bundle = Bundle::open(&shard.dir, &shard.vkey)?;
        for number in 0..bundle.bundles() {
            for text in bundle.entries(number)? {
                let leaf = Leaf::decode(&text).map_err(|error| VerifyFault::Found(error.to_string()))?;
                if let Some(other) = policies.entry(&leaf) {
                    count += 1;
                    others.extend((others.len() < KEPT).then_some(other));
                }
                done += 1;
            }
            progress(done, size);
        }
    }
    let shards = shards.into_iter().map(|shard| shard.summary).collect();
    Ok(Replayed { shards, policies, others, count })
}
