//! PostgreSQL behind the ports: one database for the log and its state, one for the keys, many gateway processes on both.
//!
//! Promises: what [`append`](sluis_core::ports::Ledger::append) calls recorded survives a power cut, and the loss of the
//! primary where a standby is required (A1); entries, state, index and head are one commit under one lock, so that
//! replicas leave no gap and no duplicate; a replica that freezes loses the lock within two seconds (A3); a database that
//! does not extend what a replica last saw is not written to by it (A5). Where this ends: an operator who runs two primaries.

mod append;
mod check;
mod connect;
mod ended;
mod errors;
mod halts;
pub mod inspect;
mod keys;
mod keys_day;
mod keys_provision;
mod keys_reader;
mod keys_rotation;
mod keys_rows;
mod keys_statements;
mod keys_writer;
mod look;
mod mending;
mod open;
mod open_error;
mod pruning;
mod raw_rows;
mod read;
mod reader;
mod register;
mod rows;
pub mod safety;
mod settle;
mod shards;
mod statements;
mod upkeep;
mod write;
mod writer;

pub use connect::Place;
pub use keys::PostgresKeys;
pub use keys_reader::PostgresKeysReader;
pub use keys_statements::KEY_STATEMENTS;
pub use open::PostgresLog;
pub use open_error::OpenError;
pub use reader::PostgresLogReader;
pub use statements::LOG_STATEMENTS;
