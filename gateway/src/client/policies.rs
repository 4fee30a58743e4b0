//! Which policy was in force at which entry of an export, and whether every answer names it.

use super::bundle::Bundle;
use super::verify::{VerifyFault, verify_export};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::policies::{Other, Policies};
use sluis_core::log::verify::Summary;
use std::path::Path;

/// Most findings that are kept; all are counted.
const KEPT: usize = 100;

/// What a replay of the policies gives.
#[derive(Debug)]
pub struct Replayed {
    /// The export, verified.
    pub summary: Summary,
    /// The policies, and what could not be compared.
    pub policies: Policies,
    /// The first hundred entries that do not follow from them.
    pub others: Vec<Other>,
    /// How many there are.
    pub count: u64,
}

/// Verifies an export, then replays its policies. `progress` is called with entries done and in all, for each of both.
///
/// # Errors
/// As [`verify_export`]: from an export that does not verify nothing is told.
pub fn policies(dir: &Path, vkey: &str, mut progress: impl FnMut(u64, u64)) -> Result<Replayed, VerifyFault> {
    let summary = verify_export(dir, Some(vkey), &mut progress)?;
    let bundle = Bundle::open(dir, vkey)?;
    let (mut policies, mut others, mut count, mut done) = (Policies::new(), Vec::new(), 0, 0);
    for number in 0..bundle.bundles() {
        for text in bundle.entries(number)? {
            let leaf = Leaf::decode(&text).map_err(|error| VerifyFault::Found(error.to_string()))?;
            if let Some(other) = policies.entry(&leaf) {
                count += 1;
                others.extend((others.len() < KEPT).then_some(other));
            }
            done += 1;
        }
        progress(done, bundle.size());
    }
    Ok(Replayed { summary, policies, others, count })
}
