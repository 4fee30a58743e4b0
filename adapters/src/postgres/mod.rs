//! PostgreSQL behind the ports: one database for the log and its state, one for the keys, many gateway processes on both.

mod connect;
mod errors;
mod keys;
mod keys_day;
mod keys_provision;
mod keys_reader;
mod keys_rows;
mod keys_statements;
mod keys_writer;
mod open_error;

pub use connect::Place;
pub use keys::PostgresKeys;
pub use keys_reader::PostgresKeysReader;
pub use keys_statements::KEY_STATEMENTS;
pub use open_error::OpenError;
