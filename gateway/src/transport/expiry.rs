//! When certificates and revocation lists end, as their files say.

use super::MaterialError;
use super::trust::{Files, Pem};
use crate::operation::watch::Expiry;
use sluis_core::log::Millis;
use std::path::Path;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

/// What ends when. A file that cannot be read has no end here: who loads it says so.
#[must_use]
pub fn expiries(files: &Files) -> Vec<Expiry> {
    let certificates = |what, path: &Path, first_only: bool| {
        let ends = certificate_ends(path).unwrap_or_default();
        let taken = if first_only { 1 } else { usize::MAX };
        ends.into_iter().take(taken).map(|at| Expiry { what, file: name(path), at }).collect::<Vec<_>>()
    };
    let mut all = certificates("certificate", &files.certificate, true);
    all.extend(certificates("authority", &files.authorities, false));
    for path in &files.revocation {
        let ends = list_ends(path).unwrap_or_default();
        all.extend(ends.into_iter().map(|at| Expiry { what: "revocation_list", file: name(path), at }));
    }
    all
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn certificate_ends(path: &Path) -> Result<Vec<Millis>, MaterialError> {
    let ders = Pem::read("certificate", path)?.certificates("certificate")?;
    let end = |der: &[u8]| {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        millis(certificate.validity().not_after)
    };
    Ok(ders.iter().filter_map(|der| end(der)).collect())
}

/// The next update of each list in a file; one without promises none and counts as ended.
fn list_ends(path: &Path) -> Result<Vec<Millis>, MaterialError> {
    let ders = Pem::read("revocation list", path)?.revocation_lists()?;
    let end = |der: &[u8]| {
        let (_, list) = CertificateRevocationList::from_der(der).ok()?;
        Some(list.next_update().and_then(millis).unwrap_or(0))
    };
    Ok(ders.iter().filter_map(|der| end(der)).collect())
}

fn millis(time: ASN1Time) -> Option<Millis> {
    u64::try_from(time.timestamp()).ok().map(|seconds| seconds.saturating_mul(1000))
}
