//! Our certificate, its key, the authorities of callers, the revocation lists: whether they serve, and until when.

use super::{Findings, moment};
use crate::compose::operate::files;
use crate::config::{Config, Mode};
use crate::operation::watch::Expiry;
use crate::transport::expiry::expiries;
use crate::transport::own::{Own, lists_cover};
use crate::transport::trust::{Material, Protocol, Trust};
use sluis_core::log::Millis;

const DAY_MS: Millis = 24 * 3600 * 1000;
/// A renewal takes days: this is when somebody must begin.
const CERTIFICATE_NOTICE_DAYS: u64 = 30;
const LIST_NOTICE_MS: Millis = 2 * 3600 * 1000;

/// Everything loads and fits together.
pub(super) fn material(config: &Config, found: &mut Findings) {
    let material = match Material::read(&files(config)) {
        Ok(material) => material,
        Err(error) => return found.fault("certificate", error.to_string(), "put the right file there"),
    };
    match Trust::new(&material, Protocol::Grpc) {
        Ok(_) => found.ok(
            "certificate",
            "certificate, key, authorities and revocation lists load; the key belongs to the certificate",
        ),
        Err(error) => found.fault(
            "certificate",
            error.to_string(),
            "put certificate and key of one pair in `tls.certificate` and `tls.key`",
        ),
    }
    match Own::read(&config.tls.certificate) {
        Ok(own) => say_own(config, &own, found),
        Err(error) => found.fault("certificate", error.to_string(), "put a PEM certificate in `tls.certificate`"),
    }
}

fn say_own(config: &Config, own: &Own, found: &mut Findings) {
    const SUBJECT: &str = "certificate";
    let expected = config.organisation.oin.as_str();
    match own.numbers.as_slice() {
        [only] if only == expected => found.ok(SUBJECT, format!("carries the OIN {expected}")),
        [only] => found.fault(
            SUBJECT,
            format!("carries the serialNumber {only} and `organisation.oin` is {expected}"),
            "configure the certificate of this organisation, or correct the number",
        ),
        numbers => found.fault(
            SUBJECT,
            format!("has {} serialNumbers in its subject", numbers.len()),
            "ask for a certificate with exactly one, the OIN",
        ),
    }
    if own.for_servers {
        found.ok(SUBJECT, "may be used by a server (extended key usage)");
    } else {
        found.fault(
            SUBJECT,
            "is not for servers (extended key usage lacks serverAuth)",
            "ask for a certificate for server authentication",
        );
    }
}

/// How long everything holds.
pub(super) fn look_ahead(config: &Config, now: Millis, found: &mut Findings) {
    for expiry in expiries(&files(config)) {
        match expiry.what {
            "revocation_list" => list(&expiry, now, found),
            _ => certificate(&expiry, now, found),
        }
    }
    if let Ok(own) = Own::read(&config.tls.certificate) {
        if now < own.not_before {
            let advice = "set the clock right, or wait";
            found.fault("certificate", format!("is valid from {} only", moment(own.not_before)), advice);
        }
        match own.is_from(&config.tls.authorities) {
            Ok(true) => found.ok("certificate", "was issued by one of our authorities"),
            Ok(false) => found.warning(
                "certificate",
                "was not issued by an authority in `tls.authorities`",
                "make sure that partners trust its issuer; the authorities there are those of callers",
            ),
            Err(error) => found.fault("certificate", error.to_string(), "put PEM certificates in `tls.authorities`"),
        }
    }
    if config.tls.revocation.is_empty() {
        let text = "no revocation list: a revoked certificate passes";
        let advice = "configure `tls.revocation` and keep the lists fresh";
        if config.mode == Mode::Production {
            found.fault("revocation list", text, advice)
        } else {
            found.ok("revocation list", text)
        }
    } else {
        match lists_cover(&config.tls.revocation, &config.tls.authorities) {
            Ok(uncovered) if uncovered.is_empty() => found.ok("revocation list", "every authority has one"),
            Ok(uncovered) => uncovered.iter().for_each(|name| {
                let text = format!("none speaks for the authority `{name}`: every certificate of it is refused");
                found.fault("revocation list", text, "add its list to `tls.revocation`");
            }),
            Err(error) => found.fault("revocation list", error.to_string(), "put PEM blocks `X509 CRL` there"),
        }
    }
}

fn certificate(expiry: &Expiry, now: Millis, found: &mut Findings) {
    let subject = if expiry.what == "authority" { "authority" } else { "certificate" };
    let (file, end) = (&expiry.file, moment(expiry.at));
    if expiry.at <= now {
        found.fault(subject, format!("`{file}` ended on {end}"), "renew it, put the new file in its place");
    } else if expiry.at < now + CERTIFICATE_NOTICE_DAYS * DAY_MS {
        let text = format!("`{file}` ends on {end}, within {CERTIFICATE_NOTICE_DAYS} days");
        found.warning(subject, text, "ask for a new one now");
    } else {
        found.ok(subject, format!("`{file}` is valid until {end}"));
    }
}

fn list(expiry: &Expiry, now: Millis, found: &mut Findings) {
    let (file, end) = (&expiry.file, moment(expiry.at));
    if expiry.at <= now {
        let text = format!("`{file}` should have been replaced by {end}: everybody under it is refused");
        found.fault("revocation list", text, "fetch the new list from the authority");
    } else if expiry.at < now + LIST_NOTICE_MS {
        let text = format!("`{file}` must be replaced by {end}");
        found.warning("revocation list", text, "see that the new list is fetched");
    } else {
        found.ok("revocation list", format!("`{file}` is fresh until {end}"));
    }
}
