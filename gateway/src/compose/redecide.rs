//! Decides again every answer of an export that names one policy, from the payloads beside a gateway (invariant 11).

use super::behind::Behind;
use super::freshness::FreshnessFault;
use crate::client::bundle::Bundle;
use crate::client::chain::verify_each;
use crate::client::verify::VerifyFault;
use crate::config::Config;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::redecide::{Otherwise, decided_again, is_decision};
use sluis_core::policy::Policy;
use std::path::Path;

/// Entries of one bundle.
const BUNDLE: u32 = 256;
/// Most findings that are kept; all are counted.
const KEPT: usize = 100;

/// What came of it.
#[derive(Debug, Default)]
pub struct Redecided {
    /// Answers that were decided again.
    pub decided: u64,
    /// Answers that name another policy.
    pub other_policy: u64,
    /// Answers of which the payload went with its key.
    pub erased: u64,
    /// The first hundred that come out otherwise.
    pub otherwise: Vec<Otherwise>,
    /// How many there are.
    pub count: u64,
}

/// Verifies an export with every shard that it continues, then decides again. `progress` is called with entries done and in all.
///
/// # Errors
/// [`FreshnessFault::Export`] when the export does not verify, or is not what the log of the configuration holds.
pub async fn redecide(
    dir: &Path,
    vkey: &str,
    policy: &Policy,
    config: &Config,
    mut progress: impl FnMut(u64, u64),
) -> Result<Redecided, FreshnessFault> {
    let shards = verify_each(dir, Some(vkey), &mut progress)?;
    let (mut found, digest, mut done) = (Redecided::default(), policy.digest().to_hex(), 0);
    let size = shards.iter().map(|shard| shard.summary.size).sum();
    for shard in &shards {
        let bundle = Bundle::open(&shard.dir, &shard.vkey)?;
        let behind = Behind::open(config, &bundle).await?;
        for number in 0..bundle.bundles() {
            let texts = bundle.entries(number)?;
            let stored = behind.entries(number * u64::from(BUNDLE), BUNDLE).await?;
            for (position, text) in texts.iter().enumerate() {
                let leaf = Leaf::decode(text).map_err(|error| VerifyFault::Found(error.to_string()))?;
                if !is_decision(&leaf) {
                    continue;
                }
                if leaf.text(Key::Po) != Some(digest.as_str()) {
                    found.other_policy += 1;
                    continue;
                }
                match behind.plain(&leaf, text, stored.get(position)).await? {
                    None => found.erased += 1,
                    Some(plain) => found.take(decided_again(policy, &leaf, &plain)),
                }
            }
            done += texts.len() as u64;
            progress(done, size);
        }
    }
    Ok(found)
}

impl Redecided {
    fn take(&mut self, again: Result<(), Otherwise>) {
        self.decided += 1;
        if let Err(otherwise) = again {
            self.count += 1;
            self.otherwise.extend((self.otherwise.len() < KEPT).then_some(otherwise));
        }
    }
}
