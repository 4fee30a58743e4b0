//! Issuing: short-lived tokens for a peer whose certificate was just proven, bound to that certificate.

use super::claims::{Audience, Claims, Confirmation};
use super::keys::SigningKey;
use crate::transport::peer::Peer;
use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, Header};
use sluis_core::log::Millis;
use std::sync::Arc;

/// How long a token lives, in seconds: five minutes, the most for content purposes.
pub const LIFETIME_S: u64 = 300;

/// What our tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// `iss`: our peer id (OIN).
    pub issuer: String,
    /// `aud`: the address of the gateway, scheme and port included.
    pub audience: String,
    /// `gid`: the FSC group.
    pub group: String,
    /// `svc`: the service.
    pub service: String,
}

/// A token, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The compact JWS.
    pub token: String,
    /// Seconds that it lives.
    pub expires_in_s: u64,
}

/// The token could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed; check the token key of the gateway")]
pub struct SigningFailed;

/// Makes tokens with our key for our realm.
pub struct Issuer {
    key: ArcSwap<SigningKey>,
    realm: Realm,
}

impl Issuer {
    /// An issuer.
    #[must_use]
    pub fn new(key: impl Into<Arc<SigningKey>>, realm: Realm) -> Self {
        crate::transport::install_cryptography();
        Self { key: ArcSwap::new(key.into()), realm }
    }

    /// Signs with this key from here on. Verifiers must know it already.
    pub fn replace_key(&self, key: Arc<SigningKey>) {
        self.key.store(key);
    }

    /// A token for this peer under this grant.
    ///
    /// # Errors
    /// [`SigningFailed`] when the key does not sign.
    pub fn issue(&self, peer: &Peer, grant_hash: &str, now: Millis) -> Result<IssuedToken, SigningFailed> {
        let now_s = now / 1000;
        let claims = Claims {
            gth: grant_hash.to_owned(),
            gid: self.realm.group.clone(),
            sub: peer.oin.as_str().to_owned(),
            iss: self.realm.issuer.clone(),
            svc: self.realm.service.clone(),
            aud: Audience::One(self.realm.audience.clone()),
            exp: now_s.saturating_add(LIFETIME_S),
            nbf: now_s,
            cnf: Confirmation { thumbprint: peer.thumbprint_text.clone() },
            act: None,
            pdi: None,
            prp: None,
        };
        let token = self.sign(&claims)?;
        Ok(IssuedToken { token, expires_in_s: LIFETIME_S })
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, SigningFailed> {
        let mut header = Header::new(Algorithm::ES256);
        let key = self.key.load();
        header.kid = Some(key.kid().to_owned());
        jsonwebtoken::encode(&header, claims, key.encoding()).map_err(|_| SigningFailed)
    }
}
