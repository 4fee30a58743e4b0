//! Verifying: every call brings a token, and every claim of it is compared on every call.
//!
//! The signature costs as much as the rest of a call several times over, so the claims of a signature that verified are
//! kept (A24): by SHA-256 of the whole token, bounded, and only under the key set that verified it. A hit saves the
//! signature and nothing else: binding, subject, audience, group, service, issuer and time are compared on hit and miss alike.
//! Time is an argument. Before anything else the size is bounded.

use super::algorithm::JwsAlgorithm;
use super::claims::Claims;
use super::fault::TokenError;
use super::issue::Realm;
use super::keys::KeySet;
use crate::operation::series::Series;
use crate::transport::peer::Peer;
use arc_swap::ArcSwap;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use sluis_core::log::Millis;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest token that is looked at, in bytes.
const TOKEN_SIZE_MAX: usize = 8 * 1024;
/// Verified tokens kept.
const CACHE_SIZE_MAX: u64 = 10_000;
/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = 5;

/// What a token must be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Issuer, audience, group and service that a token must carry.
    pub realm: Realm,
    /// The longest life of a token, from `nbf` to `exp`, in seconds.
    pub lifetime_max_s: u64,
    /// Who issues the tokens, and so what the grant in them is.
    pub issued_by: IssuedBy,
}

/// Who issues the tokens of this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuedBy {
    /// Our own endpoint: the grant is the hash of the enrolments, and nothing is delegated.
    Endpoint,
    /// The FSC Manager of our own organisation: the grant is one of a contract. Tokens with `act` or `pdi` pass here and are
    /// compared with the grant at admission.
    Manager,
}

/// Judges tokens. One for the whole gateway; its keys can be replaced while it works.
pub struct Verifier {
    expectation: Expectation,
    keys: Arc<ArcSwap<VersionedKeys>>,
    next_version: AtomicU64,
    cache: moka::sync::Cache<[u8; 32], Kept>,
    judged: Series<1>,
}

struct VersionedKeys {
    version: u64,
    keys: KeySet,
}

/// The claims of a verified signature, and the key set that verified it.
#[derive(Clone)]
struct Kept {
    version: u64,
    claims: Arc<Claims>,
    signer: Arc<KeyName>,
    signer_valid: RangeInclusive<Millis>,
}

/// How a header names its key.
struct KeyName {
    kid: Option<String>,
    thumbprint: Option<String>,
}

/// The key that signed a token, to be asked for again while the call of that token is still in progress.
#[derive(Clone)]
pub struct Signer {
    keys: Arc<ArcSwap<VersionedKeys>>,
    name: Arc<KeyName>,
}

impl Signer {
    /// Whether a token of this key would still be believed: the key is among the present ones, and its certificate valid.
    #[must_use]
    pub fn is_believed(&self, now: Millis) -> bool {
        let keys = self.keys.load();
        let key = keys.keys.find(self.name.kid.as_deref(), self.name.thumbprint.as_deref());
        key.is_some_and(|key| key.valid.contains(&now))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// The parts of the header that matter. `crit` must not be ignored (RFC 7515, 4.1.11), so its presence is malformed here.
#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
    #[serde(rename = "x5t#S256")]
    signer: Option<String>,
    crit: Option<serde_json::Value>,
}

impl Verifier {
    /// A verifier with these keys.
    #[must_use]
    pub fn new(expectation: Expectation, keys: KeySet) -> Self {
        crate::transport::install_cryptography();
        Self {
            expectation,
            keys: Arc::new(ArcSwap::from_pointee(VersionedKeys { version: 0, keys })),
            next_version: AtomicU64::new(1),
            cache: moka::sync::Cache::new(CACHE_SIZE_MAX),
            judged: Series::default(),
        }
    }

    /// Who issues the tokens that are judged here.
    #[must_use]
    pub fn issued_by(&self) -> IssuedBy {
        self.expectation.issued_by
    }

    /// Replaces the keys. What the old ones verified counts for nothing from here on.
    pub fn replace_keys(&self, keys: KeySet) {
        let version = self.next_version.fetch_add(1, Ordering::Relaxed);
        // What is kept under an older version is a miss from here on, also when it is put there by a call under way.
        self.keys.store(Arc::new(VersionedKeys { version, keys }));
    }

    /// The claims of a token that holds here, now, on this connection.
    ///
    /// # Errors
    /// As [`Self::prove`].
    pub fn verify(&self, token: &str, peer: &Peer, now: Millis) -> Result<Arc<Claims>, TokenError> {
        self.prove(token, peer, now).map(|(claims, _)| claims)
    }

    /// The claims of a token that holds here, now, on this connection, and who signed it.
    ///
    /// # Errors
    /// The first [`TokenError`] in the order of that list; a signature is never judged by its claims first.
    pub fn prove(&self, token: &str, peer: &Peer, now: Millis) -> Result<(Arc<Claims>, Signer), TokenError> {
        let judged = self.judge(token, peer, now);
        self.judged.count([judged.as_ref().err().map_or("ok", |error| error.code()).into()]);
        judged
    }

    /// How tokens were judged: `ok` or the reason.
    #[must_use]
    pub const fn judged(&self) -> &Series<1> {
        &self.judged
    }

    fn judge(&self, token: &str, peer: &Peer, now: Millis) -> Result<(Arc<Claims>, Signer), TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > TOKEN_SIZE_MAX {
            return Err(TokenError::Malformed);
        }
        let kept = self.signed_claims(token)?;
        // The certificate of a signer ends while a token of it is remembered.
        if !kept.signer_valid.contains(&now) {
            return Err(TokenError::UnknownKey);
        }
        self.compare(&kept.claims, peer, now)?;
        Ok((kept.claims, Signer { keys: Arc::clone(&self.keys), name: kept.signer }))
    }

    /// The claims under a verified signature, from the cache where it was verified before under the present keys.
    fn signed_claims(&self, token: &str) -> Result<Kept, TokenError> {
        let keys = self.keys.load();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let name: [u8; 32] = digest.as_ref().try_into().map_err(|_| TokenError::Malformed)?;
        if let Some(kept) = self.cache.get(&name).filter(|kept| kept.version == keys.version) {
            return Ok(kept);
        }
        let (claims, signer, signer_valid) = check_signature(token, &keys.keys)?;
        let kept = Kept { version: keys.version, claims: Arc::new(claims), signer: Arc::new(signer), signer_valid };
        self.cache.insert(name, kept.clone());
        Ok(kept)
    }

    fn compare(&self, claims: &Claims, peer: &Peer, now: Millis) -> Result<(), TokenError> {
        let (realm, now_s) = (&self.expectation.realm, now / 1000);
        let bound = aws_lc_rs::constant_time::verify_slices_are_equal(
            claims.cnf.thumbprint.as_bytes(),
            peer.thumbprint_text.as_bytes(),
        );
        let delegated = claims.act.is_some() || claims.pdi.is_some();
        let life_s = claims.exp.checked_sub(claims.nbf).filter(|life| *life > 0);
        let checks = [
            (claims.exp.saturating_add(LEEWAY_S) > now_s, TokenError::Expired),
            (claims.nbf <= now_s.saturating_add(LEEWAY_S), TokenError::NotYetValid),
            (life_s.is_some_and(|life| life <= self.expectation.lifetime_max_s), TokenError::Lifetime),
            (claims.iss == realm.issuer, TokenError::Issuer),
            (claims.aud.means(&realm.audience), TokenError::Audience),
            (claims.gid == realm.group, TokenError::Group),
            (claims.svc == realm.service, TokenError::Service),
            (claims.sub == peer.oin.as_str(), TokenError::Subject),
            (bound.is_ok(), TokenError::Binding),
            (!delegated || self.expectation.issued_by == IssuedBy::Manager, TokenError::Delegated),
            (peer.in_force(now), TokenError::CertificateExpired),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, fault)| Err(fault))
    }
}

/// Header, algorithm, key, signature, claims, in this order; and which key it was, and while it holds.
///
/// The signature is over the first two parts exactly as they came (RFC 7515, 5.2); no byte of the claims is read before
/// it has verified. Everything but the signature is compared in `compare`, by our clock.
fn check_signature(token: &str, keys: &KeySet) -> Result<(Claims, KeyName, RangeInclusive<Millis>), TokenError> {
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| TokenError::Malformed);
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: JoseHeader = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenError::Malformed)?;
    let algorithm = JwsAlgorithm::from_name(&header.alg).ok_or(TokenError::Algorithm)?;
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let key = keys.find(header.kid.as_deref(), header.signer.as_deref()).ok_or(TokenError::UnknownKey)?;
    let verification = key.under(algorithm).ok_or(TokenError::Algorithm)?;
    let signature = decoded(signature)?;
    verification.verify_sig(signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
    let claims: Claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| TokenError::Malformed)?;
    let empty = [&claims.gth, &claims.gid, &claims.sub, &claims.iss, &claims.svc].into_iter().any(String::is_empty);
    let name = KeyName { kid: header.kid, thumbprint: header.signer };
    if empty { Err(TokenError::Malformed) } else { Ok((claims, name, key.valid.clone())) }
}

#[cfg(test)]
mod tests;
