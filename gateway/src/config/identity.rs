//! Who the gateway is: the holder, its number, its certificates.

use serde::{Deserialize, Serialize};
use sluis_core::organisation::Oin;
use std::path::PathBuf;

/// Who holds the dossiers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its OIN, in the origin of the log and as issuer of tokens.
    pub oin: Oin,
    /// Its name, for people.
    pub name: String,
    /// Its domain, in the origin of the log.
    pub domain: String,
}

/// Certificates, PEM files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain of the gateway.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose client certificates are trusted.
    pub authorities: PathBuf,
    /// Revocation lists; when given, a certificate without status is refused.
    #[serde(default)]
    pub revocation: Vec<PathBuf>,
}
