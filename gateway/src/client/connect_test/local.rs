//! Steps that need our own files only: profile, certificate, key, dates, number.

use super::Failed;
use crate::transport::peer::Peer;
use crate::transport::profile::Profile;
use crate::transport::provider;
use crate::transport::read;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sluis_core::log::Millis;
use sluis_core::subject::dutch_date;
use std::path::Path;

/// From how many days before its end a certificate is worth a word.
const DAYS_LEFT_FEW: u64 = 30;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// What the three files hold.
pub struct Files {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

pub fn profile(file: &Path) -> Result<(Profile, String), Failed> {
    let write = "write a file with endpoint, token_endpoint, scope, ca, cert, key and oin, as the partner guide shows";
    let profile = Profile::load(file).map_err(|e| Failed::new(e.to_string(), write))?;
    Ok((profile, file.display().to_string()))
}

pub fn files(profile: &Profile) -> Result<(Files, String), Failed> {
    let authorities = certificates("ca", &profile.ca)?;
    let chain = certificates("cert", &profile.cert)?;
    let pem = "name a file with one unencrypted PEM private key";
    let bytes = read("private key", &profile.key).map_err(|e| Failed::new(format!("`key`: {e}"), pem))?;
    let held = format!("`key`: `{}` holds no private key", profile.key.display());
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| Failed::new(held, pem))?;
    let found = format!("certificates in `ca`: {}, in `cert`: {}; a key in `key`", authorities.len(), chain.len());
    Ok((Files { chain, key }, found))
}

fn certificates(setting: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let pem = "name a file with PEM blocks `CERTIFICATE`";
    let bytes = read("certificate", file).map_err(|e| Failed::new(format!("`{setting}`: {e}"), to_put(setting)))?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failed::new(format!("`{setting}`: `{}` holds no certificate", file.display()), pem)),
    }
}

/// Where a file that cannot be read comes from.
fn to_put(setting: &str) -> &'static str {
    if setting == "ca" {
        "put the certificate of the authority there that the holder gave you, PEM; a path in a profile is relative to the \
         folder of the profile"
    } else {
        "put the certificate there that your authority gave you, PEM; a path in a profile is relative to the folder of \
         the profile"
    }
}

pub fn key(profile: &Profile, files: &Files) -> Result<((), String), Failed> {
    let (cert, key) = (name(&profile.cert), name(&profile.key));
    let signer = provider().key_provider.load_private_key(files.key.clone_key());
    let kind = "use a key of RSA (2048 bits or more) or of the curves P-256 or P-384";
    let signer = signer.map_err(|_| Failed::new(format!("`{key}` is of a kind that TLS 1.3 does not take"), kind))?;
    match CertifiedKey::new(files.chain.clone(), signer).keys_match() {
        Ok(()) => Ok(((), format!("`{key}` is the key of `{cert}`"))),
        Err(_) => Err(Failed::new(
            format!("`{key}` is not the key of `{cert}`"),
            "name the key with which this certificate was requested, or the certificate that belongs to this key",
        )),
    }
}

pub fn dates(profile: &Profile, files: &Files, now: Millis) -> Result<((), String), Failed> {
    let cert = name(&profile.cert);
    let (from, until) = validity(files).ok_or_else(|| unreadable(profile))?;
    let (first, last) = (dutch_date(from), dutch_date(until));
    if now < from {
        return Err(Failed::new(
            format!("`{cert}` is valid from {first}"),
            "wait until then, or set the clock of this machine",
        ));
    }
    if now > until {
        return Err(Failed::new(format!("`{cert}` expired on {last}"), "ask your authority for a new certificate"));
    }
    let days = until.saturating_sub(now) / DAY_MS;
    let soon = if days < DAYS_LEFT_FEW { ": ask for a new one now" } else { "" };
    Ok(((), format!("valid until {last}, {days} days{soon}")))
}

/// The name of a file, without the way to it.
fn name(file: &Path) -> std::borrow::Cow<'_, str> {
    file.file_name().map_or_else(|| file.to_string_lossy(), |name| name.to_string_lossy())
}

fn validity(files: &Files) -> Option<(Millis, Millis)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(files.chain.first()?).ok()?;
    let millis = |seconds: i64| u64::try_from(seconds).ok().map(|s| s.saturating_mul(1000));
    let validity = certificate.validity();
    Some((millis(validity.not_before.timestamp())?, millis(validity.not_after.timestamp())?))
}

fn unreadable(profile: &Profile) -> Failed {
    Failed::new(
        format!("the first certificate in `{}` cannot be read", profile.cert.display()),
        "put your own certificate first, then its intermediates",
    )
}

pub fn oin(profile: &Profile, files: &Files) -> Result<((), String), Failed> {
    let cert = name(&profile.cert);
    let own = files.chain.first().ok_or_else(|| unreadable(profile))?;
    let peer = Peer::from_certificate(own).map_err(|refusal| {
        Failed::new(
            format!("`{cert}` does not name exactly one OIN as its Subject.serialNumber ({})", refusal.code()),
            "put your own certificate first; ask your authority for one with your OIN as Subject.serialNumber",
        )
    })?;
    if peer.oin != profile.oin {
        return Err(Failed::new(
            format!("`{cert}` names {}, the profile {}", peer.oin.as_str(), profile.oin.as_str()),
            "set `oin` in the profile to the number in the certificate, if that is yours; else name your own certificate, \
             or ask your authority for one with your number: it cannot be changed in a certificate",
        ));
    }
    if !is_for_calling(own) {
        return Err(Failed::new(
            format!("`{cert}` is not for calling: its extended key usage lacks clientAuth"),
            "ask your authority for a certificate that may be used as a TLS client",
        ));
    }
    Ok(((), format!("{} ({})", peer.oin.as_str(), peer.organisation)))
}

/// Without the extension a certificate may be used for anything.
fn is_for_calling(certificate: &[u8]) -> bool {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else { return false };
    match certificate.extended_key_usage() {
        Ok(Some(usage)) => usage.value.any || usage.value.client_auth,
        Ok(None) => true,
        Err(_) => false,
    }
}
