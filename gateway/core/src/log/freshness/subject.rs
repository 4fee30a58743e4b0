//! What held for each subject, entry by entry, and whether releases relied on it.
//!
//! A subject is known by its yearly key: within one year all entries about it are sealed under one. Pages are sealed
//! for many subjects together and are not compared.

use super::super::Millis;
use super::super::leaf::{Key, Leaf};
use super::{Opened, Report, Stale};
use crate::fact::Facts;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::standing::{Asked, Change, Standing};
use crate::subject::{Actor, dutch_date};
use std::collections::BTreeMap;

/// A decision was made at most this long before its entry: what ended in between may have held then.
const DECIDED_BEFORE_MS: Millis = 60_000;

/// The standing of every subject.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    standing: BTreeMap<[u8; 16], (Standing, u64)>,
    /// Changes of standing of which the payload is gone.
    erased: u64,
    first_year: Option<i16>,
}

impl Subjects {
    /// Takes a change of standing.
    pub(super) fn change(
        &mut self,
        leaf: &Leaf,
        opened: Opened<'_>,
        said: Option<&serde_json::Value>,
    ) -> Option<Stale> {
        let year = dutch_date(leaf.time()).year();
        self.first_year.get_or_insert(year);
        let Opened::Plain { key_id, .. } = opened else {
            self.erased += u64::from(matches!(opened, Opened::Gone));
            return None;
        };
        let change = said.and_then(|said| serde_json::from_value::<Change>(said.get("standing")?.clone()).ok());
        let Some(change) = change else { return Some(Stale::Payload { index: leaf.index() }) };
        let (standing, since) = self.standing.entry(key_id).or_default();
        *since = leaf.index();
        // It was applied when it was recorded; a log that records what cannot be applied contradicts itself.
        standing.apply(&change).err().map(|_| Stale::Payload { index: leaf.index() })
    }

    /// Compares the facts of a release with the standing before it.
    pub(super) fn compare(
        &mut self,
        leaf: &Leaf,
        opened: Opened<'_>,
        said: Option<&serde_json::Value>,
        continued: bool,
        report: &mut Report,
    ) -> Option<Stale> {
        let year = dutch_date(leaf.time()).year();
        let first_year = *self.first_year.get_or_insert(year);
        let key_id = match opened {
            Opened::NotAsked => {
                report.subjects_not_asked += 1;
                return None;
            }
            Opened::Gone => {
                report.subjects_erased += 1;
                return None;
            }
            Opened::Plain { .. } if continued || year != first_year => {
                report.subjects_earlier += 1;
                return None;
            }
            Opened::Plain { key_id, .. } => key_id,
        };
        let (standing, since) = self.standing.get(&key_id).cloned().unwrap_or((Standing::default(), leaf.index()));
        let Some(differs) = said.and_then(|said| differing(leaf, said, &standing)) else {
            return Some(Stale::Payload { index: leaf.index() });
        };
        let Some((fact, relied, in_force)) = differs else {
            report.subjects += 1;
            return None;
        };
        if self.erased > 0 {
            report.subjects_unclear += 1;
            return None;
        }
        report.subjects += 1;
        Some(Stale::Standing { index: leaf.index(), fact, relied, in_force, since })
    }
}

type Differs = Option<(&'static str, String, &'static str)>;

/// The first fact that the release has otherwise than the standing; `None` when the release cannot be read.
fn differing(leaf: &Leaf, said: &serde_json::Value, standing: &Standing) -> Option<Differs> {
    let delegator = said.get("fsc").and_then(|fsc| fsc.get("delegator")?.as_str());
    let organisation = Oin::parse(delegator.or(leaf.text(Key::Rp))?).ok()?;
    let actor = match said.get("actor")?.as_str() {
        Some(actor) => Some(Actor::parse(actor)?),
        None => None,
    };
    let asked = Asked {
        organisation: &organisation,
        recipient: RecipientType::from_code(leaf.text(Key::Rt)?)?,
        actor: actor.as_ref(),
        purpose: Purpose::from_code(leaf.text(Key::Pu)?)?,
    };
    let facts = said.get("facts")?.as_object()?;
    let at = |now| standing.answer(Facts::UNKNOWN, &asked, now);
    let (then, now) = (at(leaf.time().saturating_sub(DECIDED_BEFORE_MS)), at(leaf.time()));
    let differs = now.iter().find(|(fact, value)| {
        let relied = facts.get(fact.code()).and_then(|relied| relied.as_str());
        relied != Some(*value) && (relied.is_none() || relied != then.value(*fact))
    });
    Some(differs.map(|(fact, value)| {
        let relied = facts.get(fact.code()).and_then(|relied| relied.as_str()).unwrap_or("unknown");
        (fact.code(), relied.to_owned(), value)
    }))
}
