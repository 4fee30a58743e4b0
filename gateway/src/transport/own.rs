//! Our own certificate as others will see it, for those who check a configuration.

use super::MaterialError;
use super::trust::Pem;
use sluis_core::log::Millis;
use std::path::{Path, PathBuf};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// What stands in our certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Every serialNumber of its subject; there must be one, the OIN.
    pub numbers: Vec<String>,
    /// Whether it may authenticate a server; also when it names no usage at all.
    pub for_servers: bool,
    /// First moment.
    pub not_before: Millis,
    chain: Vec<Vec<u8>>,
}

impl Own {
    /// Reads the first certificate of a file; the others are its intermediates.
    ///
    /// # Errors
    /// [`MaterialError`] names the file.
    pub fn read(file: &Path) -> Result<Self, MaterialError> {
        let chain = ders(file, "certificate")?;
        let first = chain.first().map(Vec::as_slice).unwrap_or_default();
        let certificate = parse(first, file)?;
        let numbers = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
        let numbers = numbers.map(|number| number.as_str().unwrap_or_default().to_owned()).collect();
        let usage = certificate.extended_key_usage().ok().flatten();
        let for_servers = usage.is_none_or(|usage| usage.value.server_auth || usage.value.any);
        let from = u64::try_from(certificate.validity().not_before.timestamp()).unwrap_or(0);
        Ok(Self { numbers, for_servers, not_before: from.saturating_mul(1000), chain })
    }

    /// Whether the last certificate of the chain was issued by one of the authorities in a file, by name; the signature is
    /// verified by whoever connects.
    ///
    /// # Errors
    /// [`MaterialError`] names the file.
    pub fn is_from(&self, authorities: &Path) -> Result<bool, MaterialError> {
        let last = self.chain.last().map(Vec::as_slice).unwrap_or_default();
        let issuer = parse(last, authorities)?.issuer().as_raw().to_vec();
        Ok(names(authorities)?.iter().any(|(raw, _)| *raw == issuer))
    }
}

/// The authorities for which none of these lists speaks, by name.
///
/// # Errors
/// [`MaterialError`] names the file.
pub fn lists_cover(lists: &[PathBuf], authorities: &Path) -> Result<Vec<String>, MaterialError> {
    let mut issuers = Vec::new();
    for file in lists {
        for der in Pem::read("revocation list", file)?.revocation_lists()? {
            if let Ok((_, list)) = CertificateRevocationList::from_der(&der) {
                issuers.push(list.issuer().as_raw().to_vec());
            }
        }
    }
    Ok(names(authorities)?.into_iter().filter(|(raw, _)| !issuers.contains(raw)).map(|(_, name)| name).collect())
}

/// Subject of each certificate in a file: its bytes and its text.
fn names(file: &Path) -> Result<Vec<(Vec<u8>, String)>, MaterialError> {
    let ders = ders(file, "authority certificate")?;
    let name = |der: &Vec<u8>| {
        let certificate = parse(der, file)?;
        Ok((certificate.subject().as_raw().to_vec(), certificate.subject().to_string()))
    };
    ders.iter().map(name).collect()
}

fn ders(file: &Path, what: &'static str) -> Result<Vec<Vec<u8>>, MaterialError> {
    Ok(Pem::read(what, file)?.certificates(what)?.into_iter().map(|der| der.as_ref().to_vec()).collect())
}

fn parse<'a>(der: &'a [u8], file: &Path) -> Result<X509Certificate<'a>, MaterialError> {
    let parsed = x509_parser::parse_x509_certificate(der).map(|(_, certificate)| certificate);
    parsed.map_err(|_| MaterialError::Unusable {
        what: "certificate",
        name: file.display().to_string(),
        reason: "its certificate cannot be parsed".to_owned(),
    })
}
