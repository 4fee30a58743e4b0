//! Access tokens bound to a client certificate (RFC 8705), with the claims of FSC.
//!
//! - [`keys`] is what signatures are made and checked with; [`issue`] makes tokens; [`verify`] judges them on every call.
//! - [`endpoint`] hands them out over mutual TLS (client credentials); [`client`] fetches them and keeps them fresh.
//!
//! The FSC Manager of the organisation replaces [`endpoint`] by configuration: the verifier then takes the certificates
//! that it signs with ([`manager`]).

pub mod algorithm;
pub mod claims;
pub mod client;
pub mod endpoint;
pub mod fault;
pub mod issue;
pub mod keys;
pub mod manager;
pub mod verify;
