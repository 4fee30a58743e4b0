//! Three replicas on one PostgreSQL, each with its own callers, against one: the sum must not fall far.

use super::door::{Door, Measured, Recorded};
use super::drafts::Drafts;
use super::level::{Plan, batch, merge, per_entry, ratio, recorder};
use super::place::{Place, Which};
use super::postgres::Databases;
use super::{Cluster, Fault, median};
use crate::report::micros;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const CALLERS_EACH: usize = 256;
const REPLICAS: i16 = 3;

/// A log, the replicas on it, and what they wrote.
struct Site {
    databases: Databases,
    drafts: Arc<Drafts>,
    doors: Vec<Arc<dyn Door>>,
    first: u64,
    before: u64,
    measured: Measured,
}

impl Site {
    async fn make(plan: &Plan, cluster: &Cluster, folder: &Path, replicas: i16) -> Result<Self, Fault> {
        let (databases, drafts) = (Databases::make(cluster), Arc::new(Drafts::about(plan.subjects)?));
        let mut ledgers = vec![databases.ledger().await?];
        let first = drafts.prepare(ledgers.first().ok_or("no replica")?.as_ref()).await?;
        for number in 2..=replicas {
            ledgers.push(databases.replica(number).await?);
        }
        let mut doors: Vec<Arc<dyn Door>> = Vec::new();
        for ledger in ledgers {
            let recorder = recorder(ledger, folder).await?;
            doors.push(Arc::new(Recorded { recorder, drafts: Arc::clone(&drafts) }));
        }
        Ok(Self { databases, drafts, doors, first, before: 0, measured: Measured::nothing()? })
    }

    async fn warm_up(&mut self, plan: &Plan) -> Result<(), Fault> {
        let mut warm_up = Measured::nothing()?;
        warm_up.round(&self.doors, CALLERS_EACH, &self.drafts, plan.warm_up, || Ok(0.0)).await?;
        self.before = warm_up.entries;
        Ok(())
    }

    async fn round(&mut self, plan: &Plan, cluster: &Cluster) -> Result<(), Fault> {
        self.measured.round(&self.doors, CALLERS_EACH, &self.drafts, plan.round, || cluster.cpu_us()).await
    }

    /// Every entry stands once, with its bytes.
    async fn check(&self) -> Result<(), Fault> {
        let tally = self.databases.tally(Which::Product, self.first).await?;
        let template = self.databases.template(self.first).await?;
        tally.check(Which::Product, self.before + self.measured.entries, self.first, &template)
    }
}

/// Measures and prints one line.
///
/// # Errors
/// When an entry is not recorded, or is not there.
pub async fn run(plan: &Plan, cluster: &Cluster, folder: &Path, settings: &Value) -> Result<(), Fault> {
    let mut one = Site::make(plan, cluster, folder, 1).await?;
    let mut three = Site::make(plan, cluster, folder, REPLICAS).await?;
    one.warm_up(plan).await?;
    three.warm_up(plan).await?;
    for round in 1..=plan.rounds {
        one.round(plan, cluster).await?;
        three.round(plan, cluster).await?;
        let last = |site: &Site| site.measured.rates.last().copied().unwrap_or_default();
        eprintln!("round {round} of {}: one replica {:.0}/s, three {:.0}/s", plan.rounds, last(&one), last(&three));
    }
    one.check().await?;
    three.check().await?;
    let (single, all) = (&one.measured, &three.measured);
    let milliseconds = |of: &Measured, percentile| micros(&of.latency, percentile).round() / 1000.0;
    let mut line = json!({ "bench": "commit", "engine": "postgres", "replicas": REPLICAS, "callers": CALLERS_EACH,
        "callers_of": "each replica", "entries_per_s": median(&all.rates).round(),
        "one_per_s": median(&single.rates).round(), "ratio": ratio(all, single), "bound_ratio": 0.8,
        "p50_ms": milliseconds(all, 50.0), "p99_ms": milliseconds(all, 99.0),
        "one_p50_ms": milliseconds(single, 50.0), "one_p99_ms": milliseconds(single, 99.0) });
    let more = json!({ "cpu_us": per_entry(all.cpu_us, all), "one_cpu_us": per_entry(single.cpu_us, single),
        "server_cpu_us": per_entry(all.server_cpu_us, all), "one_server_cpu_us": per_entry(single.server_cpu_us, single),
        "batch": batch(all), "one_batch": batch(single), "entries": all.entries, "settings": settings });
    merge(&mut line, more);
    println!("{line}");
    Ok(())
}
