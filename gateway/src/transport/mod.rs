//! Mutual TLS 1.3 on both sides: who calls is known before a byte of a request is read.
//!
//! - [`acceptor`] turns a TCP listener into a stream of proven connections; [`trust`] is what it believes in and can be
//!   replaced while connections run; [`revocation`] says whether a new list may take the place of the one in force; [`peer`] is what is read from the client certificate, once per connection.
//! - [`lanes`] are the runtimes that connections are dealt to, where there are several.
//! - [`connector`] is the calling side: a [`profile::Profile`] in, a channel out.
//!
//! There is no TLS-terminating proxy in front of this and no forwarded-certificate header is ever read: such a header would
//! let anyone be anyone. TLS 1.2, session resumption and early data do not exist here: a resumed session would carry over a
//! client certificate without looking at the revocation lists again.

pub mod acceptor;
pub mod connection;
pub mod connector;
pub mod counters;
pub mod expiry;
mod frames;
pub mod lanes;
pub mod own;
mod patience;
pub mod peer;
pub mod pem;
pub mod profile;
#[cfg(test)]
pub(crate) mod rehearsal;
pub mod revocation;
pub mod room;
pub mod trust;
pub mod unread;

use std::sync::Arc;

/// Makes aws-lc-rs the one cryptographic provider of TLS and of tokens in this process. Call it first; more calls are harmless.
///
/// Everything in this room passes the provider explicitly; this is for libraries that would otherwise look for one.
pub fn install_cryptography() {
    // Either call fails only when a provider was installed before, and the only one compiled in is this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// The provider that both sides of TLS use.
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Why certificates, keys or profiles could not be used. Names the file and what to do, never its content.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// The file cannot be read.
    #[error("cannot read {what} `{name}`: {reason}; check the path and that this user may read it")]
    Unreadable {
        /// Certificate, key, list or profile.
        what: &'static str,
        /// The file.
        name: String,
        /// What the operating system said.
        reason: std::io::ErrorKind,
    },
    /// The file holds something else.
    #[error("`{name}` holds no usable {what}: {reason}")]
    Unusable {
        /// Certificate, key, list or profile.
        what: &'static str,
        /// The file.
        name: String,
        /// What is expected.
        reason: String,
    },
    /// The pieces do not fit each other.
    #[error("the TLS configuration cannot be built: {0}; check that certificate and key belong together")]
    Mismatch(String),
}

pub(crate) fn read(what: &'static str, path: &std::path::Path) -> Result<zeroize::Zeroizing<Vec<u8>>, MaterialError> {
    std::fs::read(path).map(zeroize::Zeroizing::new).map_err(|error| MaterialError::Unreadable {
        what,
        name: path.display().to_string(),
        reason: error.kind(),
    })
}
