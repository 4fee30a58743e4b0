//! One entry a minute about callers that were turned away, and none when there were none (A25, threat T25).
//!
//! A flood of refused calls grows the log by one entry a minute, whatever its size. The entry says how many were not proven,
//! not admitted or over a limit; its payload, encrypted, says of which organisation and why. The numbers are exact: what could
//! not be written is in the next entry, and a stop writes the last one. A process that is killed loses what came after its
//! last entry, at most a minute.

use super::refused::{Class, Counts, Refused, since};
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::transport::counters::Counters;
use serde_json::{Map, Value, json};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::{LeafKind, Millis};
use sluis_core::organisation::Oin;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// One entry in this time at most.
pub const EVERY: Duration = Duration::from_secs(60);
/// Organisations that an entry names; the others are one sum, so that the entry has a greatest length.
const NAMED_MAX: usize = 256;

/// Writes the entries.
pub struct Report {
    gateway: Arc<Gateway>,
    connections: Arc<Counters>,
    told: Mutex<Told>,
}

/// What the entries up to now have said.
#[derive(Default)]
struct Told {
    connections: Counts,
    organisations: HashMap<Oin, Counts>,
    until: Millis,
}

/// What is to be said.
struct Round {
    connections: Counts,
    organisations: Vec<(Oin, Counts)>,
}

impl Report {
    /// A report about this gateway and its listeners' counters.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, connections: Arc<Counters>) -> Self {
        let told = Told { until: gateway.clock.now(), ..Told::default() };
        Self { gateway, connections, told: Mutex::new(told) }
    }

    /// Writes once a minute until told to end. The last entry is left to whoever ends: see [`Report::write`].
    pub async fn run(self: Arc<Self>, mut ending: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.write().await {
                tracing::warn!(%error, "what was turned away is not in the log yet; the next entry will say it");
            }
        }
    }

    /// Writes what was turned away since the last entry. Whether there was anything.
    ///
    /// # Errors
    /// A store that does not answer; the next entry says it all.
    pub async fn write(&self) -> Result<bool, Fault> {
        let mut told = self.told.lock().await;
        let open = self.gateway.quotas.open_accounts();
        let now = Told {
            connections: self.connections.turned_away().chain(self.gateway.quotas.refused_unnamed().read()).collect(),
            organisations: open.iter().map(|(oin, account)| (oin.clone(), account.refused().read())).collect(),
            until: self.gateway.clock.now(),
        };
        drop(open);
        let none = Counts::new();
        let mut organisations: Vec<_> = now
            .organisations
            .iter()
            .map(|(oin, counts)| (oin.clone(), since(counts, told.organisations.get(oin).unwrap_or(&none))))
            .filter(|(_, counts)| !counts.is_empty())
            .collect();
        organisations.sort_by_cached_key(|(oin, counts)| (std::cmp::Reverse(sum(counts)), oin.clone()));
        let round = Round { connections: since(&now.connections, &told.connections), organisations };
        let any = !round.connections.is_empty() || !round.organisations.is_empty();
        if any {
            self.record(&round, told.until, now.until).await?;
        }
        *told = now;
        let all_told = |oin: &Oin, account: &super::Account| {
            account.refused().read() == told.organisations.get(oin).cloned().unwrap_or_default()
        };
        let closed = self.gateway.quotas.close_unused(EVERY, all_told);
        // An account that is opened again counts from nothing.
        closed.iter().for_each(|oin| drop(told.organisations.remove(oin)));
        Ok(any)
    }

    async fn record(&self, round: &Round, from: Millis, until: Millis) -> Result<(), Fault> {
        let counts = || round.organisations.iter().map(|(_, counts)| counts).chain([&round.connections]);
        let of = |class: Class| -> u64 { counts().flatten().filter(|(r, _)| r.class == class).map(|(_, n)| n).sum() };
        let mut said = vec!["CALLERS_REFUSED".to_owned()];
        said.extend(Class::ALL.map(|class| (class, of(class))).into_iter().filter(|(_, n)| *n > 0).map(counter));
        let total: u64 = counts().map(sum).sum();
        let payload = json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.gateway.salt()),
            "from": from,
            "until": until,
            "connections": reasons(&round.connections),
            "organisations": by_organisation(&round.organisations),
        });
        let leaf = LeafDraft::new(LeafKind::Admin).with(Key::Rs, said).with(Key::N, total);
        self.gateway.record_own(leaf, Some(payload.to_string().as_bytes()), &[]).await.map(drop)
    }
}

/// `NOT_PROVEN:12`, as it stands in the leaf.
fn counter((class, count): (Class, u64)) -> String {
    format!("{}:{count}", class.code())
}

fn sum(counts: &Counts) -> u64 {
    counts.values().sum()
}

fn reasons(counts: &Counts) -> Value {
    let of = |(refused, count): (&Refused, &u64)| (refused.reason.to_owned(), Value::from(*count));
    Value::Object(counts.iter().map(of).collect())
}

/// The organisations with the most by name, the others as one sum.
fn by_organisation(organisations: &[(Oin, Counts)]) -> Value {
    let (named, others) = organisations.split_at(organisations.len().min(NAMED_MAX));
    let mut said: Map<_, _> = named.iter().map(|(oin, counts)| (oin.to_string(), reasons(counts))).collect();
    if !others.is_empty() {
        said.insert("others".to_owned(), Value::from(others.iter().map(|(_, counts)| sum(counts)).sum::<u64>()));
    }
    Value::Object(said)
}
