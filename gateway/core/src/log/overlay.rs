//! The guards as they stand after the drafts before this one: what makes a withdrawal stop the very next entry.

use super::draft::{Effect, GuardKey, GuardState, Outcome, Versioned};
use super::finalise::GuardRow;
use crate::standing::Standing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Guards read inside the lock, changed by the drafts that were recorded.
pub(super) struct Overlay {
    guards: BTreeMap<GuardKey, Versioned<Arc<GuardState>>>,
    changed: BTreeMap<GuardKey, u64>,
}

/// The guards that one draft would change.
pub(super) type Changes = BTreeMap<GuardKey, Versioned<Arc<GuardState>>>;

impl Overlay {
    pub(super) fn new(guards: BTreeMap<GuardKey, Versioned<Arc<GuardState>>>) -> Self {
        Self { guards, changed: BTreeMap::new() }
    }

    /// The version of a guard; 0 when nothing was ever set.
    pub(super) fn version(&self, key: &GuardKey) -> u64 {
        self.guards.get(key).map_or(0, |guard| guard.version)
    }

    /// What the effects make of the guards, or the outcome that stops the draft. Changes nothing yet.
    pub(super) fn attempt(&self, effects: &[Effect]) -> Result<Changes, Outcome> {
        let mut changes = Changes::new();
        for effect in effects {
            let key = key_of(effect);
            let before = changes.get(&key).or_else(|| self.guards.get(&key));
            let state = Arc::new(after(before.map(|guard| &*guard.state), effect)?);
            let version = self.version(&key) + 1;
            changes.insert(key, Versioned { version, state });
        }
        Ok(changes)
    }

    /// Takes over the changes of a draft that is recorded at this index.
    pub(super) fn accept(&mut self, changes: Changes, index: u64) {
        self.changed.extend(changes.keys().map(|key| (key.clone(), index)));
        self.guards.extend(changes);
    }

    /// The last state of every guard that changed, in the order of locks.
    pub(super) fn into_rows(mut self) -> Vec<GuardRow> {
        let row = |(key, index): (GuardKey, u64)| {
            let Versioned { version, state } = self.guards.remove(&key)?;
            Some(GuardRow { key, version, state, index })
        };
        self.changed.into_iter().filter_map(row).collect()
    }
}

/// The guard that an effect changes.
pub(super) fn key_of(effect: &Effect) -> GuardKey {
    match effect {
        Effect::Standing { subject, .. } => GuardKey::Subject(*subject),
        Effect::Organisation { oin, .. } => GuardKey::Organisation(oin.clone()),
        Effect::Policy { .. } => GuardKey::Policy,
    }
}

/// Whether a state is of the sort that its key names.
pub(super) const fn matches(key: &GuardKey, state: &GuardState) -> bool {
    matches!(
        (key, state),
        (GuardKey::Policy, GuardState::Policy { .. })
            | (GuardKey::Organisation(_), GuardState::Organisation(_))
            | (GuardKey::Subject(_), GuardState::Subject(_))
    )
}

fn after(before: Option<&GuardState>, effect: &Effect) -> Result<GuardState, Outcome> {
    match effect {
        Effect::Standing { change, .. } => {
            let mut standing = match before {
                Some(GuardState::Subject(standing)) => standing.clone(),
                _ => Standing::default(),
            };
            standing.apply(change).map_err(Outcome::Refused)?;
            Ok(GuardState::Subject(standing))
        }
        Effect::Organisation { enrolments, .. } => Ok(GuardState::Organisation(enrolments.clone())),
        Effect::Policy { digest, number } => match before {
            Some(GuardState::Policy { digest: active, number: highest })
                if number < highest || (number == highest && digest != active) =>
            {
                Err(Outcome::PolicyTooOld)
            }
            _ => Ok(GuardState::Policy { digest: *digest, number: *number }),
        },
    }
}
