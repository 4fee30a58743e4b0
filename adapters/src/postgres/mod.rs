//! PostgreSQL behind the ports: one database for the log and its state, one for the keys, many gateway processes on both.

mod connect;
mod errors;
mod open_error;

pub use connect::Place;
pub use open_error::OpenError;
