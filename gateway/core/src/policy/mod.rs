//! The policy: a closed table from (recipient type, purpose) to fields, conditions, basis and obligations.
//!
//! Three texts make a [`Policy`]: the field catalogue, the legal ceiling and the rules. [`load`] reads them strictly,
//! reports every fault with its place, and only gives a policy whose whole input space was enumerated
//! ([`enumerate`]). Nothing in a rule can be computed, called or looped, so a lawyer can read it as a table.
//!
//! Nothing here reads a file or a clock: texts are arguments.

mod basis;
mod catalogue;
mod ceiling;
mod check;
mod clause;
mod digest;
pub mod enumerate;
mod fault;
mod load;
mod model;
#[cfg(test)]
mod mutants;
mod property;
mod read;
mod rule;
mod space;
mod table;
#[cfg(test)]
mod tests;

pub use ceiling::Ceiling;
pub use clause::{Atom, Clause};
pub use fault::{PolicyFault, PolicyFile};
pub use load::{Sources, load};
pub use model::{Branch, OnObjection, OnRestriction, Rule};
pub use table::{Header, Policy};
