//! Deterministic simulation of the sequencer: three gateway processes on one PostgreSQL, on one thread, from a seed.
//!
//! The production code runs unchanged, from the driver of the database to the sweeper: recorder and in-flight marks,
//! unsettled appends, the writer with its anchor and its fold, guards, `finalise`, the turn of the year, the check of the anchor
//! at a start, and what judges the deliveries of other processes that ended.
//! Simulated are the server ([`server`]), time, the clocks and who runs when. What is not covered here: that the statements
//! do on a real server what [`server`] says (`contract`, `nodes`), who finds a reason to halt (`tamper`), SQLite, the
//! surfaces.
//!
//! `SLUIS_SIM_SEED=n` runs one seed and tells its story; `SLUIS_SIM_SEEDS=n` runs so many (`tests/campaign.sh simulation`).

mod calls;
mod defect;
mod halts;
mod judge;
mod kept;
mod nobody;
mod process;
mod program;
mod random;
mod recovery;
mod seeds;
mod server;
mod turn;
mod world;
