//! Federated Service Connectivity (Logius): the gateway as an Inway, and its log as a transaction log.
//!
//! - [`connection`] is what a token says about the contract that a call runs under;
//! - [`record`] is the transaction log record that an entry of our log amounts to.

pub mod connection;
pub mod record;
