//! Everything that may change while the gateway runs, changed under the real binary: what is good is taken over without a
//! failed call, what is not changes nothing and is named, and a revocation counts within one second, everywhere.

mod callers;
mod everything;
mod refused;
mod revocation;
mod rules;
mod scene;

pub use rules::numbered;
