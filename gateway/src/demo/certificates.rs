//! A development certificate authority: it stands in for PKIoverheid in the demo, on loopback and in tests.
//!
//! It promises certificates as the OIN-Stelsel wants them: the OIN in `Subject.serialNumber` (2.5.4.5), the organisation in
//! `O`, P-256 keys. It can also make bad ones (expired, not yet valid, without or with two serialNumbers), so that a test
//! proves that the acceptor refuses them. It is no authority for production: keys are made here and handed out.

use jiff::civil::Date;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SanType, SerialNumber, SigningKey,
};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// `Subject.serialNumber`, where an OIN stands.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];
/// Stand-in for a further serialNumber until [`repeat_serial_number`] rewrites it; 2.5.4.127 is not assigned.
const FURTHER_SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 127];
/// `AlgorithmIdentifier` of ecdsa-with-SHA256 in DER (RFC 5758, 3.2).
const ECDSA_WITH_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// The end of the year 9998 in seconds since 1970; later moments do not fit in a certificate.
const SECONDS_MAX: u64 = 253_370_764_800;

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The subject cannot be put into a certificate.
    #[error("the development authority cannot make this certificate, check the names and addresses: {0}")]
    Make(#[from] rcgen::Error),
    /// At most two serialNumbers are supported, and dates must lie between the years 1950 and 9999.
    #[error("a development certificate has at most two serialNumbers and dates between 1950 and 9999")]
    Unsupported,
}

/// What a certificate is for (extended key usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Calling: clientAuth.
    Client,
    /// Being called: serverAuth.
    Server,
    /// Both, as PKIoverheid's private services certificates have it.
    Both,
}

/// Whom a certificate is for.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// `O`: the name of the organisation.
    pub organisation: &'a str,
    /// The serialNumbers: one OIN for a good certificate, none or two for a bad one.
    pub oins: &'a [&'a str],
    /// `CN`.
    pub common_name: &'a str,
    /// DNS names (subjectAltName).
    pub dns: &'a [&'a str],
    /// Addresses (subjectAltName).
    pub addresses: &'a [IpAddr],
    /// First day, from midnight UTC.
    pub not_before: Date,
    /// Valid until midnight UTC at which this day begins.
    pub not_after: Date,
    /// What it is for.
    pub usage: Usage,
}

/// A certificate with its private key.
pub struct Issued {
    /// The certificate, PEM.
    pub cert_pem: String,
    /// The private key, PEM (PKCS#8); wiped when dropped.
    pub key_pem: Zeroizing<String>,
    /// The serial number of the certificate itself, for [`Authority::revocation_list`]; not the OIN.
    pub serial: Vec<u8>,
}

/// A certificate authority with its own key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    cert_pem: String,
}

impl Authority {
    /// A new self-signed authority under this common name, valid on the days given.
    ///
    /// # Errors
    /// [`CertificateError::Make`] for a name that fits in no certificate, [`CertificateError::Unsupported`] for a date.
    pub fn new(name: &str, not_before: Date, not_after: Date) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, not_before, not_after)?;
        let key = KeyPair::generate()?;
        params.serial_number = Some(SerialNumber::from(serial(&key)));
        let cert_pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), cert_pem })
    }

    /// The certificate of the authority, PEM: what the others trust.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// Makes a key and a certificate for this subject.
    ///
    /// # Errors
    /// [`CertificateError`] says what in the subject is not supported.
    pub fn issue(&self, subject: &Subject<'_>) -> Result<Issued, CertificateError> {
        self.certify(subject, None)
    }

    /// The same with a certificate that ends at this moment, whatever day the subject says.
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub fn issue_until(&self, subject: &Subject<'_>, end: jiff::Timestamp) -> Result<Issued, CertificateError> {
        self.certify(subject, Some(end))
    }

    fn certify(&self, subject: &Subject<'_>, end: Option<jiff::Timestamp>) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate()?;
        let serial = serial(&key);
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(serial.clone()));
        params.distinguished_name = distinguished_name(subject)?;
        params.subject_alt_names = alternative_names(subject)?;
        valid(&mut params, subject.not_before, subject.not_after)?;
        if let Some(end) = end {
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(end)?;
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages(subject.usage);
        params.use_authority_key_identifier_extension = true;
        let made = params.signed_by(&key, &self.issuer)?;
        let cert_pem = if subject.oins.len() > 1 {
            pem("CERTIFICATE", &repeat_serial_number(made.der(), self.issuer.key())?)
        } else {
            made.pem()
        };
        Ok(Issued { cert_pem, key_pem: Zeroizing::new(key.serialize_pem()), serial })
    }

    /// A list of revoked certificates (CRL, RFC 5280), PEM, by the serial numbers in [`Issued::serial`].
    ///
    /// # Errors
    /// [`CertificateError::Unsupported`] for a date out of range.
    pub fn revocation_list(
        &self,
        serials: &[&[u8]],
        this_update: Date,
        next_update: Date,
    ) -> Result<String, CertificateError> {
        let midnight = |date: Date| date.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp());
        let (this_update, next_update) = (midnight(this_update), midnight(next_update));
        let unsupported = |_| CertificateError::Unsupported;
        let (this_update, next_update) = (this_update.map_err(unsupported)?, next_update.map_err(unsupported)?);
        // Grows with the day, as RFC 5280, 5.2.3 asks.
        let number = u64::try_from(this_update.as_second()).map_err(|_| CertificateError::Unsupported)?;
        self.revocation_list_at(serials, number, this_update, next_update)
    }

    /// The same, under a number of its own and to the second.
    ///
    /// # Errors
    /// [`CertificateError::Unsupported`] for a moment out of range.
    pub fn revocation_list_at(
        &self,
        serials: &[&[u8]],
        number: u64,
        this_update: jiff::Timestamp,
        next_update: jiff::Timestamp,
    ) -> Result<String, CertificateError> {
        let begin = rcgen::date_time_ymd(1970, 1, 1);
        let (this_update, next_update) = (begin + since_1970(this_update)?, begin + since_1970(next_update)?);
        let revoked = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: this_update,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

fn distinguished_name(subject: &Subject<'_>) -> Result<DistinguishedName, CertificateError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "NL");
    name.push(DnType::OrganizationName, subject.organisation);
    name.push(DnType::CommonName, subject.common_name);
    match subject.oins {
        [] => {}
        [only] => name.push(DnType::from_oid(&SERIAL_NUMBER), *only),
        [first, second] => {
            name.push(DnType::from_oid(&SERIAL_NUMBER), *first);
            name.push(DnType::from_oid(&FURTHER_SERIAL_NUMBER), *second);
        }
        _ => return Err(CertificateError::Unsupported),
    }
    Ok(name)
}

fn alternative_names(subject: &Subject<'_>) -> Result<Vec<SanType>, CertificateError> {
    let names = subject.dns.iter().map(|dns| Ok(SanType::DnsName((*dns).try_into()?)));
    let addresses = subject.addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
    names.chain(addresses).collect()
}

fn usages(usage: Usage) -> Vec<ExtendedKeyUsagePurpose> {
    match usage {
        Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Both => vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth],
    }
}

/// Sets the first day and the day that is no longer included, at midnight UTC.
fn valid(params: &mut CertificateParams, from: Date, until: Date) -> Result<(), CertificateError> {
    let (year, month, day_of_month) = day(from)?;
    params.not_before = rcgen::date_time_ymd(year, month, day_of_month);
    let (year, month, day_of_month) = day(until)?;
    params.not_after = rcgen::date_time_ymd(year, month, day_of_month);
    Ok(())
}

/// A moment as the time since 1970, which `rcgen`'s dates can be moved by; it panics outside this range.
fn since_1970(at: jiff::Timestamp) -> Result<std::time::Duration, CertificateError> {
    let seconds = u64::try_from(at.as_second()).ok().filter(|seconds| *seconds < SECONDS_MAX);
    seconds.map(std::time::Duration::from_secs).ok_or(CertificateError::Unsupported)
}

/// A date in the parts that `rcgen::date_time_ymd` takes; it panics outside this range.
fn day(date: Date) -> Result<(i32, u8, u8), CertificateError> {
    let (month, day) = (u8::try_from(date.month()), u8::try_from(date.day()));
    match (date.year(), month, day) {
        (year @ 1950..=9999, Ok(month), Ok(day)) => Ok((i32::from(year), month, day)),
        _ => Err(CertificateError::Unsupported),
    }
}

/// The serial number of a certificate: a 1 and 15 bytes of the digest of its key, so positive, unique and under the 20
/// octets of RFC 5280.
fn serial(key: &KeyPair) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.public_key_raw());
    std::iter::once(1).chain(digest.as_ref().iter().copied().take(15)).collect()
}

/// Turns the stand-in attribute into a second serialNumber and signs again; rcgen refuses to write one type twice.
fn repeat_serial_number(der: &[u8], authority: &KeyPair) -> Result<Vec<u8>, CertificateError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).map_err(|_| CertificateError::Unsupported)?;
    let mut body = parsed.tbs_certificate.as_ref().to_vec();
    let stand_in = [0x06, 0x03, 0x55, 0x04, 0x7f];
    let at = body.windows(stand_in.len()).position(|window| window == stand_in).ok_or(CertificateError::Unsupported)?;
    let last = body.get_mut(at + 4).ok_or(CertificateError::Unsupported)?;
    *last = 0x05;
    let mut bits = vec![0];
    bits.extend(authority.sign(&body)?);
    let mut content = body;
    content.extend(ECDSA_WITH_SHA256);
    content.extend(tagged(0x03, &bits)?);
    tagged(0x30, &content)
}

/// Tag, length and value in DER, up to 65,535 bytes.
fn tagged(tag: u8, value: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let length = u16::try_from(value.len()).map_err(|_| CertificateError::Unsupported)?;
    let [high, low] = length.to_be_bytes();
    let mut der = match (high, low) {
        (0, 0..=127) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    der.extend(value);
    Ok(der)
}

/// PEM (RFC 7468): base64 in lines of 64 between two labels.
fn pem(label: &str, der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}
