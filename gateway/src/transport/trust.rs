//! What a listener believes in: our certificate and key, the authorities of callers, the revocation lists. Hot-swappable.
//!
//! Promises: TLS 1.3 only; a client certificate is required; with revocation lists configured, a certificate of which the
//! status is unknown, or on which only an outdated list speaks, is refused; nothing is ever resumed. When the trust is
//! replaced, open connections are woken and judged again before another byte passes (see [`super::connection`]). A
//! replacement that cannot be loaded changes nothing: the old trust stays.

pub use super::pem::Pem;
use super::revocation::Revocation;
use super::{MaterialError, provider};
use arc_swap::ArcSwap;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

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

/// The pieces, read but not yet judged.
#[derive(Clone)]
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
    /// The version of the belief, apart from it, so that a connection compares one number per read or write.
    version: AtomicU64,
    changes: watch::Sender<()>,
}

impl Trust {
    /// Judges the material for a listener.
    ///
    /// # Errors
    /// [`MaterialError`] names the piece that does not serve.
    pub fn new(material: &Material, protocol: Protocol) -> Result<Self, MaterialError> {
        let belief = ArcSwap::from_pointee(believe(material, protocol, 0)?);
        Ok(Self { protocol, belief, version: AtomicU64::new(0), changes: watch::Sender::new(()) })
    }

    /// Replaces the trust; new handshakes use it at once, open connections are judged again at once.
    ///
    /// # Errors
    /// [`MaterialError`] names the piece that does not serve; the old trust then stays.
    pub fn replace(&self, material: &Material) -> Result<(), MaterialError> {
        let new = believe(material, self.protocol, 0)?;
        self.advance(|_| (Arc::clone(&new.config), Arc::clone(&new.verifier)));
        Ok(())
    }

    /// Has every open connection judged again under the same trust, because time passed: a revocation list became outdated.
    pub fn judge_again(&self) {
        self.advance(|old| (Arc::clone(&old.config), Arc::clone(&old.verifier)));
    }

    /// How often open connections were to be judged again.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What is spoken on this listener.
    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn belief(&self) -> Arc<Belief> {
        self.belief.load_full()
    }

    /// Wakes whoever waits when the version changes.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn advance(&self, next: impl Fn(&Belief) -> (Arc<ServerConfig>, Arc<dyn ClientCertVerifier>)) {
        let before = self.belief.rcu(|old| {
            let (config, verifier) = next(old);
            Belief { version: old.version.wrapping_add(1), config, verifier }
        });
        // The belief stands before its version is told: whoever sees the version finds at least this belief.
        self.version.fetch_max(before.version.wrapping_add(1), Ordering::AcqRel);
        self.changes.send_replace(());
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
    builder = builder.with_crls(Revocation::read(material)?.into_ders());
    if !material.revocation.is_empty() {
        // Unknown status is refused by default; an outdated list counts as knowing nothing.
        builder = builder.enforce_revocation_expiration();
    }
    builder.build().map_err(|error| MaterialError::Unusable {
        what: "authority certificate or revocation list",
        name: material.authorities.name().to_owned(),
        reason: error.to_string(),
    })
}
