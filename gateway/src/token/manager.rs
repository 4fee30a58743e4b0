//! The FSC Manager of our own organisation as the issuer: the certificates that it signs tokens with, pinned by file.
//!
//! FSC core wants a token signed by the Peer that owns the Inway, so every certificate must carry the number of the holder.
//! A chain is not needed and not believed: an authority that certified the Manager must not be able to sign in its place.

use super::algorithm::JwsAlgorithm;
use super::keys::KeySet;
use crate::transport::peer::Peer;
use crate::transport::{MaterialError, read};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sluis_core::organisation::Oin;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The keys of the Manager of `holder`, out of PEM files with one or more signing certificates each: the present one and, while
/// it is being replaced, the next.
///
/// # Errors
/// [`MaterialError`] names the file: not to be read, no certificate, of another organisation, or with a key that cannot sign so.
pub fn signing_keys(files: &[PathBuf], holder: &Oin, algorithms: &[JwsAlgorithm]) -> Result<KeySet, MaterialError> {
    let pems = files.iter().map(|file| Ok((file.display().to_string(), read("signing certificate", file)?)));
    keys_in(&pems.collect::<Result<Vec<_>, MaterialError>>()?, holder, algorithms)
}

/// The same, out of files that were read already: name and content of each.
///
/// # Errors
/// As [`signing_keys`].
pub fn keys_in(
    pems: &[(String, Zeroizing<Vec<u8>>)],
    holder: &Oin,
    algorithms: &[JwsAlgorithm],
) -> Result<KeySet, MaterialError> {
    let mut keys = KeySet::new();
    for (name, pem) in pems {
        let unusable = |reason: &str| MaterialError::Unusable {
            what: "signing certificate",
            name: name.clone(),
            reason: reason.to_owned(),
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.ok().filter(|found| !found.is_empty());
        for certificate in found.ok_or_else(|| unusable("it must hold PEM blocks `CERTIFICATE`"))? {
            let by = Peer::from_certificate(&certificate).ok();
            if by.is_none_or(|peer| peer.oin != *holder) {
                return Err(unusable(
                    "each certificate must carry the number in `organisation.oin`: give the Manager's own certificate, without its chain",
                ));
            }
            keys = keys.with_certificate(name, &certificate, algorithms)?;
        }
    }
    Ok(keys)
}
