//! A profile: everything a calling organisation needs to reach a gateway, in one TOML file next to its key.

use super::trust::{Pem, Protocol};
use super::{MaterialError, provider, read};
use rustls::ClientConfig;
use rustls::client::Resumption;
use serde::Deserialize;
use sluis_core::organisation::Oin;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to reach a gateway, and as whom. Paths in the file are relative to the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `host:port` of the gateway's gRPC listener.
    pub endpoint: String,
    /// `https://host:port/path` of the token endpoint.
    pub token_endpoint: String,
    /// What to ask a token for: the grant hash of the FSC contract.
    pub scope: String,
    /// Certificate of the authority that the gateway's certificate is from, PEM.
    pub ca: PathBuf,
    /// Our certificate, PEM.
    pub cert: PathBuf,
    /// Our private key, PEM.
    pub key: PathBuf,
    /// Our number, as it stands in our certificate.
    pub oin: Oin,
}

impl Profile {
    /// Reads a profile; relative paths in it are resolved against its folder.
    ///
    /// # Errors
    /// [`MaterialError`] names the file, and the line and key that are wrong.
    pub fn load(path: &Path) -> Result<Self, MaterialError> {
        let bytes = read("profile", path)?;
        let unusable =
            |reason: String| MaterialError::Unusable { what: "profile", name: path.display().to_string(), reason };
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("it is not UTF-8 text".to_owned()))?;
        let mut profile: Self = toml::from_str(text).map_err(|error| unusable(error.to_string()))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for file in [&mut profile.ca, &mut profile.cert, &mut profile.key] {
            *file = folder.join(&*file);
        }
        Ok(profile)
    }

    /// The TLS side of this profile: TLS 1.3, our certificate, no resumption, only the authority named.
    ///
    /// # Errors
    /// [`MaterialError`] names the file that does not serve.
    pub fn tls(&self, protocol: Protocol) -> Result<Arc<ClientConfig>, MaterialError> {
        let roots = Pem::read("authority certificate", &self.ca)?.roots()?;
        let chain = Pem::read("certificate", &self.cert)?.certificates("certificate")?;
        let key = Pem::read("private key", &self.key)?.key()?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| MaterialError::Mismatch(error.to_string()))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| MaterialError::Mismatch(error.to_string()))?;
        config.alpn_protocols = protocol.names();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}
