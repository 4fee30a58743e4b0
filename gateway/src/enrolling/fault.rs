//! Why enrolments are not read or changed.

use crate::fault::Fault;
use sluis_core::enrolment::change::ChangeFault;

/// Why enrolments are not read or changed. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrollingFault {
    /// A certificate of another organisation than the holder.
    #[error("enrolments are read and changed with a certificate of the holder itself: use the profile of the holder")]
    NotTheHolder,
    /// The change does not hold.
    #[error(transparent)]
    Change(#[from] ChangeFault),
}

impl From<EnrollingFault> for Fault {
    fn from(fault: EnrollingFault) -> Self {
        Self::Enrolling(Box::new(fault))
    }
}
