//! Signing keys of tokens: our own P-256 key, and the public keys that a verifier accepts, each with its algorithms.

use super::algorithm::JwsAlgorithm;
use crate::transport::{MaterialError, read};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::EncodingKey;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use sluis_core::log::Millis;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use zeroize::Zeroizing;

/// Our own signing key, P-256 for ES256.
pub struct SigningKey {
    encoding: EncodingKey,
    /// The uncompressed point: `04`, x, y.
    public: Vec<u8>,
    kid: String,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`MaterialError::Mismatch`] when the machine gives no random bytes.
    pub fn generate() -> Result<Self, MaterialError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = pair.and_then(|pair| pair.to_pkcs8v1());
        let pkcs8 = pkcs8.map_err(|_| MaterialError::Mismatch("no token key could be generated".to_owned()))?;
        Self::from_pkcs8("generated", pkcs8.as_ref())
    }

    /// Reads a PEM file with a PKCS#8 private key on P-256.
    ///
    /// # Errors
    /// [`MaterialError`] names the file.
    pub fn load(path: &Path) -> Result<Self, MaterialError> {
        Self::from_pem(&path.display().to_string(), &read("token key", path)?)
    }

    /// The same from the bytes of the file of this name.
    ///
    /// # Errors
    /// [`MaterialError`] names the file.
    pub fn from_pem(name: &str, pem: &[u8]) -> Result<Self, MaterialError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|_| unusable(name, "it must hold one PEM block `PRIVATE KEY`"))?;
        Self::from_pkcs8(name, key.secret_pkcs8_der())
    }

    fn from_pkcs8(name: &str, der: &[u8]) -> Result<Self, MaterialError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| unusable(name, "it must be a PKCS#8 key on the curve P-256"))?;
        let public = pair.public_key().as_ref().to_vec();
        let kid = thumbprint(&public).ok_or_else(|| unusable(name, "its public key is not an uncompressed point"))?;
        Ok(Self { encoding: EncodingKey::from_ec_der(der), public, kid, pkcs8: Zeroizing::new(der.to_vec()) })
    }

    /// The private key as PEM (PKCS#8), to be kept in a file that only the gateway can read.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(data_encoding::BASE64.encode(&self.pkcs8));
        let mut pem = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        pem
    }

    /// The key id: its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

/// RFC 7638 over the required members of a P-256 key, in lexicographic order.
fn thumbprint(point: &[u8]) -> Option<String> {
    let (x, y) = point.strip_prefix(&[0x04]).filter(|rest| rest.len() == 64)?.split_at_checked(32)?;
    let (x, y) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y));
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.as_bytes());
    Some(BASE64URL_NOPAD.encode(digest.as_ref()))
}

fn unusable(name: &str, reason: &str) -> MaterialError {
    MaterialError::Unusable { what: "token key", name: name.to_owned(), reason: reason.to_owned() }
}

/// A public key with the algorithms it is used for, and when.
pub(super) struct PublicKey {
    parsed: Vec<(JwsAlgorithm, ParsedPublicKey)>,
    /// While the certificate of the key is valid; our own key has none and holds as long as it is configured.
    pub(super) valid: RangeInclusive<Millis>,
}

impl PublicKey {
    /// The key for this algorithm, where it is used with it.
    pub(super) fn under(&self, algorithm: JwsAlgorithm) -> Option<&ParsedPublicKey> {
        self.parsed.iter().find(|(used, _)| *used == algorithm).map(|(_, key)| key)
    }
}

/// The keys that a verifier accepts: our own by `kid`, those of an FSC Manager by `x5t#S256` of the signing certificate.
#[derive(Default)]
pub struct KeySet {
    own: HashMap<String, PublicKey>,
    certified: HashMap<String, PublicKey>,
}

impl KeySet {
    /// A set without keys: it accepts nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With our own key.
    #[must_use]
    pub fn with_own(mut self, key: &SigningKey) -> Self {
        if let Ok(parsed) = ParsedPublicKey::new(JwsAlgorithm::Es256.verification(), &key.public) {
            let parsed = vec![(JwsAlgorithm::Es256, parsed)];
            self.own.insert(key.kid.clone(), PublicKey { parsed, valid: 0..=Millis::MAX });
        }
        self
    }

    /// With the key of a signing certificate, for those of these algorithms that its kind of key can do.
    ///
    /// # Errors
    /// [`MaterialError::Unusable`] when it can do none of them, or is no certificate; `name` says where it was read.
    pub fn with_certificate(mut self, name: &str, der: &[u8], use_for: &[JwsAlgorithm]) -> Result<Self, MaterialError> {
        let unusable = |reason: &str| MaterialError::Unusable {
            what: "signing certificate",
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let parsed = x509_parser::parse_x509_certificate(der);
        let (_, certificate) = parsed.map_err(|_| unusable("one of its certificates cannot be parsed"))?;
        let key = certificate.public_key().raw;
        let fits = |algorithm: &JwsAlgorithm| {
            let parsed = ParsedPublicKey::new(algorithm.verification(), key).ok()?;
            Some((*algorithm, parsed))
        };
        let parsed: Vec<_> = use_for.iter().filter_map(fits).collect();
        if parsed.is_empty() {
            return Err(unusable(
                "its key fits none of the accepted algorithms; use RSA of at least 2048 bits, P-256, P-384 or P-521, and see `token.external.algorithms`",
            ));
        }
        let millis =
            |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).map(|s| s.saturating_mul(1000));
        let validity = certificate.validity();
        let (Ok(from), Ok(to)) = (millis(validity.not_before), millis(validity.not_after)) else {
            return Err(unusable("the period of one of its certificates cannot be read"));
        };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        self.certified.insert(BASE64URL_NOPAD.encode(digest.as_ref()), PublicKey { parsed, valid: from..=to });
        Ok(self)
    }

    /// The key that a header names. A thumbprint decides where there is one: no `kid` beside it can overrule it.
    pub(super) fn find(&self, kid: Option<&str>, thumbprint: Option<&str>) -> Option<&PublicKey> {
        match thumbprint {
            Some(thumbprint) => self.certified.get(thumbprint),
            None => self.own.get(kid?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::rehearsal::Folder;

    #[test]
    fn a_written_key_is_read_back_as_the_same_key() {
        let (folder, key) = (Folder::new(), SigningKey::generate().unwrap());
        let path = folder.write("token.key", &key.to_pem());
        assert_eq!(SigningKey::load(&path).unwrap().kid(), key.kid());
        assert_ne!(SigningKey::generate().unwrap().kid(), key.kid());
    }

    #[test]
    fn another_kind_of_key_is_refused_with_the_file_named() {
        let folder = Folder::new();
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        for text in ["", "no key", &p384.serialize_pem()] {
            let error = SigningKey::load(&folder.write("token.key", text)).err().unwrap().to_string();
            assert!(error.contains("token.key") && error.contains("no usable token key"), "{error}");
        }
    }

    /// RFC 7638 leaves no room: members in this order, no spaces.
    #[test]
    fn the_key_id_is_the_thumbprint_that_others_compute() {
        let key = SigningKey::generate().unwrap();
        crate::transport::install_cryptography();
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(key.encoding(), jsonwebtoken::Algorithm::ES256).unwrap();
        assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid());
    }
}
