//! What a listener believes in: our certificate and key, the authorities of callers, the revocation lists. Hot-swappable.
//!
//! Promises: TLS 1.3 only; a client certificate is required; with revocation lists configured, a certificate of which the
//! status is unknown, or on which only an outdated list speaks, is refused; nothing is ever resumed. When the trust is
//! replaced, open connections are judged again before the next byte is read (see [`super::connection`]). A replacement that
//! cannot be loaded changes nothing: the old trust stays.

use super::{MaterialError, provider, read};
use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is spoken behind TLS; negotiated by ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC: `h2` only.
    Grpc,
    /// The token endpoint: `http/1.1` only.
    Token,
}

impl Protocol {
    pub(super) fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Grpc => vec![b"h2".to_vec()],
            Self::Token => vec![b"http/1.1".to_vec()],
        }
    }
}

/// Where the pieces are on disk, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Certificates of the authorities that callers may have theirs from.
    pub authorities: PathBuf,
    /// Revocation lists; when empty, revocation is not looked at, which production refuses.
    pub revocation: Vec<PathBuf>,
    /// Our certificate, followed by its intermediates.
    pub certificate: PathBuf,
    /// Our private key.
    pub key: PathBuf,
}

/// A piece of PEM with the name of the file it came from, for error texts. Wiped when dropped.
pub struct Pem {
    name: String,
    text: Zeroizing<Vec<u8>>,
}

impl Pem {
    /// A piece that is already in memory; `name` appears in error texts.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: Zeroizing::new(text.as_bytes().to_vec()) }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`MaterialError::Unreadable`] names it.
    pub fn read(what: &'static str, path: &std::path::Path) -> Result<Self, MaterialError> {
        Ok(Self { name: path.display().to_string(), text: read(what, path)? })
    }

    pub(super) fn certificates(&self, what: &'static str) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
        let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        match parsed {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(self.unusable(what, "it must hold PEM blocks `CERTIFICATE`")),
        }
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, MaterialError> {
        PrivateKeyDer::from_pem_slice(&self.text)
            .map_err(|_| self.unusable("private key", "it must hold one unencrypted PEM private key"))
    }

    pub(super) fn roots(&self) -> Result<RootCertStore, MaterialError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates("authority certificate")? {
            let added = roots.add(certificate);
            added.map_err(|_| self.unusable("authority certificate", "one of its certificates cannot be parsed"))?;
        }
        Ok(roots)
    }

    fn revocation_lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, MaterialError> {
        let parsed: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&self.text).collect();
        match parsed {
            Ok(lists) if !lists.is_empty() => Ok(lists),
            _ => Err(self.unusable("revocation list", "it must hold PEM blocks `X509 CRL`")),
        }
    }

    fn unusable(&self, what: &'static str, reason: &str) -> MaterialError {
        MaterialError::Unusable { what, name: self.name.clone(), reason: reason.to_owned() }
    }
}

/// The pieces, read but not yet judged.
pub struct Material {
    /// Authorities of callers.
    pub authorities: Pem,
    /// Revocation lists.
    pub revocation: Vec<Pem>,
    /// Our certificate chain.
    pub certificate: Pem,
    /// Our private key.
    pub key: Pem,
}

impl Material {
    /// Reads the files.
    ///
    /// # Errors
    /// [`MaterialError::Unreadable`] names the file.
    pub fn read(files: &Files) -> Result<Self, MaterialError> {
        let revocation = files.revocation.iter().map(|path| Pem::read("revocation list", path));
        Ok(Self {
            authorities: Pem::read("authority certificate", &files.authorities)?,
            revocation: revocation.collect::<Result<_, _>>()?,
            certificate: Pem::read("certificate", &files.certificate)?,
            key: Pem::read("private key", &files.key)?,
        })
    }
}

/// One state of the trust, immutable.
pub(super) struct Belief {
    pub(super) version: u64,
    pub(super) config: Arc<ServerConfig>,
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
}

/// The trust of one listener.
pub struct Trust {
    protocol: Protocol,
    belief: ArcSwap<Belief>,
}

impl Trust {
    /// Judges the material for a listener.
    ///
    /// # Errors
    /// [`MaterialError`] names the piece that does not serve.
    pub fn new(material: &Material, protocol: Protocol) -> Result<Self, MaterialError> {
        let belief = ArcSwap::from_pointee(believe(material, protocol, 0)?);
        Ok(Self { protocol, belief })
    }

    /// Replaces the trust; new handshakes use it at once, open connections are judged again before their next byte is read.
    ///
    /// # Errors
    /// [`MaterialError`] names the piece that does not serve; the old trust then stays.
    pub fn replace(&self, material: &Material) -> Result<(), MaterialError> {
        let new = believe(material, self.protocol, 0)?;
        self.belief.rcu(|old| Belief {
            version: old.version.wrapping_add(1),
            config: Arc::clone(&new.config),
            verifier: Arc::clone(&new.verifier),
        });
        Ok(())
    }

    /// How often the trust was replaced.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.belief.load().version
    }

    /// What is spoken on this listener.
    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn belief(&self) -> Arc<Belief> {
        self.belief.load_full()
    }
}

fn believe(material: &Material, protocol: Protocol, version: u64) -> Result<Belief, MaterialError> {
    let verifier = verifier(material)?;
    let chain = material.certificate.certificates("certificate")?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| MaterialError::Mismatch(error.to_string()))?
        .with_client_cert_verifier(Arc::clone(&verifier))
        .with_single_cert(chain, material.key.key()?)
        .map_err(|error| MaterialError::Mismatch(error.to_string()))?;
    config.alpn_protocols = protocol.names();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Belief { version, config: Arc::new(config), verifier })
}

fn verifier(material: &Material) -> Result<Arc<dyn ClientCertVerifier>, MaterialError> {
    let roots = Arc::new(material.authorities.roots()?);
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
    for pem in &material.revocation {
        builder = builder.with_crls(pem.revocation_lists()?);
    }
    if !material.revocation.is_empty() {
        // Unknown status is refused by default; an outdated list counts as knowing nothing.
        builder = builder.enforce_revocation_expiration();
    }
    builder.build().map_err(|error| MaterialError::Unusable {
        what: "authority certificate or revocation list",
        name: material.authorities.name.clone(),
        reason: error.to_string(),
    })
}
