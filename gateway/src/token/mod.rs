//! Access tokens bound to a client certificate (RFC 8705), with the claims of FSC.
//!
//! - [`keys`] is what signatures are made and checked with; [`issue`] makes tokens; [`verify`] judges them on every call.
//! - [`endpoint`] hands them out over mutual TLS (client credentials); [`client`] fetches them and keeps them fresh.
//!
//! An external issuer replaces ours by configuration: the verifier takes its public keys and its name.

pub mod claims;
pub mod client;
pub mod endpoint;
pub mod fault;
pub mod issue;
pub mod keys;
pub mod verify;
