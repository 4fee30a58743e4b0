//! The organisation at the other end of a connection, as its certificate says. Read once per connection, never per call.

use super::counters::Refusal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sluis_core::log::Millis;
use sluis_core::organisation::Oin;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::x509::X509Name;

/// A proven peer: TLS has verified the certificate and the possession of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The one `Subject.serialNumber` (2.5.4.5), which is the organisation's number (OIN-Stelsel).
    pub oin: Oin,
    /// `O` of the subject; empty when absent. For people, never for a decision.
    pub organisation: String,
    /// `CN` of the subject; empty when absent. For people, never for a decision.
    pub common_name: String,
    /// SHA-256 of the certificate in DER.
    pub thumbprint: [u8; 32],
    /// The same in base64url without padding: `x5t#S256` (RFC 8705, 3.1).
    pub thumbprint_text: String,
    /// Last moment of the certificate; a connection may outlive it, a call may not.
    pub not_after: Millis,
}

impl Peer {
    /// Reads a certificate that TLS has already verified.
    ///
    /// # Errors
    /// [`Refusal::OinMissing`], [`Refusal::OinRepeated`], [`Refusal::OinInvalid`] or, for what is no certificate at all,
    /// [`Refusal::BadCertificate`].
    pub fn from_certificate(der: &[u8]) -> Result<Self, Refusal> {
        let (rest, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| Refusal::BadCertificate)?;
        if !rest.is_empty() {
            return Err(Refusal::BadCertificate);
        }
        let subject = certificate.subject();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let thumbprint: [u8; 32] = digest.as_ref().try_into().map_err(|_| Refusal::BadCertificate)?;
        let not_after =
            u64::try_from(certificate.validity().not_after.timestamp()).map_err(|_| Refusal::BadCertificate)?;
        Ok(Self {
            oin: oin(subject)?,
            organisation: first(subject.iter_organization()),
            common_name: first(subject.iter_common_name()),
            thumbprint,
            thumbprint_text: data_encoding::BASE64URL_NOPAD.encode(&thumbprint),
            not_after: not_after.saturating_mul(1000),
        })
    }

    /// Reads the first certificate of a PEM text. Nothing of it is verified: for naming a certificate, not for trusting it.
    ///
    /// # Errors
    /// As [`Peer::from_certificate`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, Refusal> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|_| Refusal::BadCertificate)?;
        Self::from_certificate(&der)
    }

    /// Whether the certificate still holds at this moment.
    #[must_use]
    pub fn in_force(&self, now: Millis) -> bool {
        now <= self.not_after
    }
}

/// The only serialNumber. Two of them would let two readers see two organisations in one certificate.
fn oin(subject: &X509Name<'_>) -> Result<Oin, Refusal> {
    let mut numbers = subject.iter_by_oid(&OID_X509_SERIALNUMBER);
    let number = numbers.next().ok_or(Refusal::OinMissing)?;
    if numbers.next().is_some() {
        return Err(Refusal::OinRepeated);
    }
    let text = number.as_str().map_err(|_| Refusal::OinInvalid)?;
    Oin::parse(text).map_err(|_| Refusal::OinInvalid)
}

fn first<'a>(mut values: impl Iterator<Item = &'a x509_parser::x509::AttributeTypeAndValue<'a>>) -> String {
    values.next().and_then(|value| value.as_str().ok()).unwrap_or_default().to_owned()
}
