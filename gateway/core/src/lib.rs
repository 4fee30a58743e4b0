//! The domain of Sluis on one page: who asks, about whom, what holds, what may leave, and the proof that it was logged.
//!
//! The path of one release through the types, each the only key to the next:
//! [`release::Question`] and [`fact::Facts`] go into [`decide::decide`], which alone makes a [`release::Permit`];
//! a [`ports::DossierSource`] answers an [`release::Extract`] only to a permit;
//! a [`log::receipt::Receipt`] exists only after a durable commit;
//! only an extract together with its receipt becomes a [`released::Released`], and only that reaches the wire.
//!
//! Nothing here performs IO, reads a clock or draws randomness: time and random bytes are arguments.

#[macro_use]
mod closed_list;

pub mod claim;
pub mod decide;
pub mod disclosure;
pub mod enrolment;
pub mod fact;
pub mod field;
pub mod holder_fact;
pub mod log;
pub mod organisation;
pub mod policy;
pub mod ports;
pub mod release;
pub mod released;
pub mod standing;
pub mod subject;
pub mod upkeep;
pub mod working_day;
