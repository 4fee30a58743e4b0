//! What the register answers from a guard; version 0 and nothing set when there is no row.

use super::corrupt;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{GuardState, Versioned};
use sluis_core::ports::StoreError;
use sluis_core::standing::Standing;
use std::sync::Arc;

type Guard = Option<Versioned<Arc<GuardState>>>;

/// The standing in a guard of a subject.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is the guard of something else.
pub(crate) fn standing_of(guard: Guard) -> Result<Versioned<Standing>, StoreError> {
    let Some(Versioned { version, state }) = guard else {
        return Ok(Versioned { version: 0, state: Standing::default() });
    };
    match &*state {
        GuardState::Subject(state) => Ok(Versioned { version, state: state.clone() }),
        _ => Err(corrupt("state")),
    }
}

/// The enrolments in a guard of an organisation.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is the guard of something else.
pub(crate) fn enrolments_of(guard: Guard) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
    let Some(Versioned { version, state }) = guard else {
        return Ok(Versioned { version: 0, state: Vec::new() });
    };
    match &*state {
        GuardState::Organisation(state) => Ok(Versioned { version, state: state.clone() }),
        _ => Err(corrupt("state")),
    }
}

/// The active policy, where one was activated.
pub(crate) fn policy_of(guard: Guard) -> Option<Versioned<GuardState>> {
    guard.map(|Versioned { version, state }| Versioned { version, state: (*state).clone() })
}
