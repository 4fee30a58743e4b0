//! Certificates: what both listeners show, and whom they believe.
//!
//! Certificate and key are one piece, authorities and revocation lists another: a fault in one does not hold up the other.

use super::files::Content;
use super::piece::{Piece, Refused, Taken};
use crate::config::Tls;
use crate::transport::MaterialError;
use crate::transport::revocation::Revocation;
use crate::transport::trust::{Files, Material, Pem, Protocol, Trust};
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// The trust of the two listeners, replaced together.
pub(crate) struct Listeners {
    /// Of the gRPC listener.
    pub(crate) grpc: Arc<Trust>,
    /// Of the token endpoint.
    pub(crate) token: Arc<Trust>,
    believed: Mutex<Believed>,
}

struct Believed {
    material: Material,
    revocation: Arc<Revocation>,
}

impl Listeners {
    /// Reads and judges what the configuration names. A list that has ended is taken here, and refuses everyone until a
    /// present one arrives; one that no authority of ours signed is not.
    ///
    /// # Errors
    /// [`MaterialError`] names the file.
    pub(crate) fn begin(tls: &Tls) -> Result<Self, MaterialError> {
        let material = Material::read(&Files {
            authorities: tls.authorities.clone(),
            revocation: tls.revocation.clone(),
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
        })?;
        let revocation = Arc::new(Revocation::read(&material)?);
        Ok(Self {
            grpc: Arc::new(Trust::new(&material, Protocol::Grpc)?),
            token: Arc::new(Trust::new(&material, Protocol::Token)?),
            believed: Mutex::new(Believed { material, revocation }),
        })
    }

    /// The revocation lists in force.
    pub(crate) fn revocation(&self) -> Arc<Revocation> {
        Arc::clone(&self.believed.lock().unwrap_or_else(PoisonError::into_inner).revocation)
    }

    /// Has every open connection judged again.
    pub(crate) fn judge_again(&self) {
        self.grpc.judge_again();
        self.token.judge_again();
    }

    fn replace_own(&self, certificate: Pem, key: Pem) -> Result<(), MaterialError> {
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let material = Material { certificate, key, ..believed.material.clone() };
        self.believe(&material)?;
        believed.material = material;
        Ok(())
    }

    fn replace_callers(&self, authorities: Pem, revocation: Vec<Pem>, now: Millis) -> Result<(), MaterialError> {
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let material = Material { authorities, revocation, ..believed.material.clone() };
        let revocation = Revocation::read(&material)?;
        revocation.may_replace(&believed.revocation, now)?;
        self.believe(&material)?;
        *believed = Believed { material, revocation: Arc::new(revocation) };
        Ok(())
    }

    /// What one listener can use, the other can: they differ in the name of their protocol only.
    fn believe(&self, material: &Material) -> Result<(), MaterialError> {
        self.grpc.replace(material)?;
        self.token.replace(material)
    }
}

/// Our certificate and its key.
pub(crate) struct Own {
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Piece for Own {
    fn name(&self) -> &'static str {
        "certificate and key"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let [certificate, key] = contents else { return Err(Refused::ForNow("two files are expected".to_owned())) };
        let (file, of_key) = (certificate.file(), key.file());
        let (certificate, key) = (certificate.pem("certificate")?, key.pem("private key")?);
        let (from, until) = certificate.validity()?;
        let now = self.clock.now();
        if now > until {
            return Err(Refused::Content(format!("the certificate in `{file}` has ended: fetch the present one")));
        }
        if now < from {
            return Err(Refused::ForNow(format!("the certificate in `{file}` does not hold yet: check the clock")));
        }
        match self.listeners.replace_own(certificate, key) {
            Ok(()) => Ok(Taken::Changed(format!("`{file}` with `{of_key}`"))),
            Err(error @ MaterialError::Mismatch(_)) => {
                Err(Refused::Content(format!("`{file}` with `{of_key}`: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The authorities of callers and their revocation lists: the first file and the others.
pub(crate) struct Callers {
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Piece for Callers {
    fn name(&self) -> &'static str {
        "authorities and revocation lists"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let Some((authorities, lists)) = contents.split_first() else {
            return Err(Refused::ForNow("a file of authorities is expected".to_owned()));
        };
        let revocation = lists.iter().map(|list| list.pem("revocation list")).collect::<Result<_, _>>()?;
        self.listeners.replace_callers(authorities.pem("authority certificate")?, revocation, self.clock.now())?;
        let files: Vec<String> = contents.iter().map(|content| format!("`{}`", content.file())).collect();
        Ok(Taken::Changed(files.join(", ")))
    }
}
