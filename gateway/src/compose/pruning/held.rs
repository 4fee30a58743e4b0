//! What still holds a closed shard: everything is looked at, and each that holds is named.

use super::super::StartFault;
use super::super::holds::Holds;
use super::super::payloads::corrupt;
use super::super::stopped::Stopped;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::GuardKey;
use sluis_core::log::finalise::Head;
use sluis_core::log::leaf::Key;
use sluis_core::log::shard::{INDEX_BITS, number_of, year_and_epoch};
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::{FIRST_PLACE, StatePlace};
use std::collections::{BTreeMap, BTreeSet};

/// Rows read at a time.
const READ: u32 = 1000;

/// Who has a key, and which entries what is in force rests on.
pub(super) struct InForce {
    /// Everybody who has a key, and the number of keys of each year.
    keyed: BTreeSet<SubjectRef>,
    keys: BTreeMap<i16, u64>,
    /// Rows of state, with the position of the entry that set each.
    states: Vec<(u64, StatePlace, GuardKey)>,
}

impl InForce {
    pub async fn read(stopped: &Stopped) -> Result<Self, StartFault> {
        let (mut keyed, mut keys) = (BTreeSet::new(), BTreeMap::new());
        for key in stopped.keys.due(i16::MAX, u32::MAX).await? {
            keyed.insert(key.subject);
            *keys.entry(key.year).or_default() += 1;
        }
        Ok(Self { keyed, keys, states: states(stopped).await? })
    }

    /// The rows of state that go with a shard: of subjects without any key.
    pub fn going(&self, shard: u16) -> Vec<StatePlace> {
        let goes = |key: &GuardKey| matches!(key, GuardKey::Subject(subject) if !self.keyed.contains(subject));
        let here = self.states.iter().filter(|(at, _, key)| number_of(*at) == shard && goes(key));
        here.map(|(_, place, _)| place.clone()).collect()
    }
}

/// What the whole log says that holds some of its shards.
pub(super) struct Everywhere {
    pub in_force: InForce,
    holds: Holds,
    /// Disclosures that wait for a review.
    open: Vec<u64>,
    /// What may be in flight.
    in_flight: Vec<u64>,
}

/// What one shard is held by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Yearly keys of its year that exist.
    pub keys: u64,
    /// Clients under legal hold with an entry in it.
    pub on_hold: u64,
    /// Manual disclosures in it that wait for a review.
    pub open: u64,
    /// Whether the policy in force was put in force in it.
    pub policy: bool,
    /// Organisations whose enrolments were set last in it.
    pub organisations: u64,
    /// Clients with a key whose standing was set last in it.
    pub standings: u64,
    /// Entries whose delivery is not known yet.
    pub in_flight: u64,
}

impl Everywhere {
    pub async fn read(stopped: &Stopped, holds: Holds) -> Result<Self, StartFault> {
        let mut in_flight = stopped.log.left_in_flight().await?;
        in_flight.extend(stopped.log.ended_replicas().await?.into_iter().map(|ended| ended.low));
        let (in_force, open) = (InForce::read(stopped).await?, open_reviews(stopped).await?);
        Ok(Self { in_force, holds, open, in_flight })
    }

    /// What holds the shard with this head.
    pub async fn of(&self, stopped: &Stopped, head: &Head) -> Result<Holding, StartFault> {
        let (shard, year) = (head.shard, year_and_epoch(&head.origin).ok_or(corrupt())?.0);
        let InForce { keyed, keys, states } = &self.in_force;
        let mut holding = Holding {
            keys: keys.range(..=year).map(|(_, keys)| keys).sum(),
            open: self.open.iter().filter(|at| number_of(**at) == shard).count() as u64,
            in_flight: self.in_flight.iter().filter(|at| **at < head.end()).count() as u64,
            ..Holding::default()
        };
        for (_, _, key) in states.iter().filter(|(at, ..)| number_of(*at) == shard) {
            match key {
                GuardKey::Policy => holding.policy = true,
                GuardKey::Organisation(_) => holding.organisations += 1,
                GuardKey::Subject(subject) => holding.standings += u64::from(keyed.contains(subject)),
            }
        }
        if !self.holds.is_empty() {
            let mut here = BTreeSet::new();
            stopped.segments_of(shard, |subject, _| _ = here.insert(subject)).await?;
            holding.on_hold = here.into_iter().filter(|subject| self.holds.of(*subject).is_some()).count() as u64;
        }
        Ok(holding)
    }
}

/// Manual disclosures that no review names.
async fn open_reviews(stopped: &Stopped) -> Result<Vec<u64>, StartFault> {
    let (shards, done) = (stopped.shards(), stopped.leaves_of(LeafKind::ObligationDone, 0).await?);
    let done = done.iter().filter_map(|(_, leaf)| shards.position(leaf.text(Key::Ref)?));
    let done: BTreeSet<u64> = done.collect();
    let manual = stopped.leaves_of(LeafKind::Manual, 0).await?;
    Ok(manual.into_iter().map(|(at, _)| at).filter(|at| !done.contains(at)).collect())
}

/// Every row of state.
async fn states(stopped: &Stopped) -> Result<Vec<(u64, StatePlace, GuardKey)>, StartFault> {
    let (mut all, mut after) = (Vec::new(), FIRST_PLACE);
    loop {
        let page = stopped.log.state_rows(&after, READ).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.place.clone();
        for row in page {
            let key = row.key.filter(|_| row.opens && row.index >> INDEX_BITS < 1 << 16).ok_or(corrupt())?;
            all.push((row.index, row.place, key));
        }
    }
}
