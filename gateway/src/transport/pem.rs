//! A piece of PEM with the name of the file it came from, so that every fault names the file and never its content.

use super::{MaterialError, read};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use sluis_core::log::Millis;
use zeroize::Zeroizing;

/// `SEQUENCE`: what a list in DER begins with, and PEM never.
const DER_SEQUENCE: u8 = 0x30;

/// A piece of PEM. Wiped when dropped.
#[derive(Clone)]
pub struct Pem {
    name: String,
    text: Zeroizing<Vec<u8>>,
}

impl Pem {
    /// A piece that is already in memory; `name` appears in error texts.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self::of_bytes(name, Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// The bytes of a file that was read already.
    #[must_use]
    pub fn of_bytes(name: &str, text: Zeroizing<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), text }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`MaterialError::Unreadable`] names it.
    pub fn read(what: &'static str, path: &std::path::Path) -> Result<Self, MaterialError> {
        Ok(Self { name: path.display().to_string(), text: read(what, path)? })
    }

    /// The file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First and last moment of the first certificate, in milliseconds.
    ///
    /// # Errors
    /// [`MaterialError::Unusable`] when there is none.
    pub fn validity(&self) -> Result<(Millis, Millis), MaterialError> {
        let chain = self.certificates("certificate")?;
        let own = chain.first().and_then(|own| x509_parser::parse_x509_certificate(own).ok());
        let (_, own) = own.ok_or_else(|| self.unusable("certificate", "its first certificate cannot be parsed"))?;
        let validity = own.validity();
        Ok((millis(validity.not_before.timestamp()), millis(validity.not_after.timestamp())))
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

    /// The lists in it; authorities publish theirs in DER, so that is read as well.
    pub(super) fn revocation_lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, MaterialError> {
        if self.text.first() == Some(&DER_SEQUENCE) {
            return Ok(vec![CertificateRevocationListDer::from(self.text.to_vec())]);
        }
        let parsed: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&self.text).collect();
        match parsed {
            Ok(lists) if !lists.is_empty() => Ok(lists),
            _ => Err(self.unusable("revocation list", "it must hold PEM blocks `X509 CRL`, or one list in DER")),
        }
    }

    pub(super) fn unusable(&self, what: &'static str, reason: &str) -> MaterialError {
        MaterialError::Unusable { what, name: self.name.clone(), reason: reason.to_owned() }
    }
}

/// Seconds of a certificate as milliseconds; before 1970 is 0, which has passed.
pub(super) fn millis(seconds: i64) -> Millis {
    Millis::try_from(seconds).unwrap_or_default().saturating_mul(1000)
}
