//! The key that signs checkpoints: Ed25519 from a file of mode 0400.
//!
//! For development and small holders. The key is never in a database; it signs every shard of one log, under the name of each.

use crate::secret_file::{self, SecretFileError};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sluis_core::ports::{Entropy, Signer};
use std::path::Path;
use zeroize::Zeroizing;

const EXPECTED: &str = "an Ed25519 key (a raw seed of 32 bytes, or PKCS#8 in DER)";

/// Signs with a private key that stays in this process.
pub struct Ed25519Signer {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl Ed25519Signer {
    /// Reads a raw seed of 32 bytes, or PKCS#8 (version 1 or 2, DER), from a file of mode 0400.
    ///
    /// # Errors
    /// [`SecretFileError`] names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, SecretFileError> {
        let bytes = secret_file::read(path)?;
        let pair = if bytes.len() == 32 {
            Ed25519KeyPair::from_seed_unchecked(&bytes)
        } else {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes)
        };
        let wrong = || SecretFileError::Content { file: path.to_owned(), expected: EXPECTED };
        Self::of(pair.map_err(|_| wrong())?).ok_or_else(wrong)
    }

    /// Makes a new key and its file, a raw seed.
    ///
    /// # Errors
    /// [`SecretFileError::Exists`] when there is one already.
    pub fn generate(path: &Path, entropy: &dyn Entropy) -> Result<Self, SecretFileError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(&mut *seed);
        secret_file::create(path, &*seed)?;
        Self::read(path)
    }

    fn of(pair: Ed25519KeyPair) -> Option<Self> {
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref()).ok()?;
        Some(Self { pair, public })
    }
}

impl Signer for Ed25519Signer {
    fn public_key(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(message);
        // Ed25519 signatures are 64 bytes; were this one not, zeros verify under no key.
        signature.as_ref().try_into().unwrap_or([0; 64])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::OsEntropy;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use std::os::unix::fs::PermissionsExt;

    fn path(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("sluis-signer-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn a_generated_key_signs_the_same_after_reading_and_is_never_overwritten() {
        let file = path("generate");
        let made = Ed25519Signer::generate(&file, &OsEntropy).unwrap();
        let read = Ed25519Signer::read(&file).unwrap();
        assert_eq!(made.public_key(), read.public_key());
        let signature = read.sign(b"head");
        UnparsedPublicKey::new(&ED25519, made.public_key()).verify(b"head", &signature).unwrap();
        assert!(matches!(Ed25519Signer::generate(&file, &OsEntropy), Err(SecretFileError::Exists(_))));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
        assert!(matches!(Ed25519Signer::read(&file), Err(SecretFileError::Mode { mode: 0o440, .. })));
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn pkcs8_is_read_and_other_content_refused() {
        let file = path("pkcs8");
        let pair = Ed25519KeyPair::from_seed_unchecked(&[0x42; 32]).unwrap();
        secret_file::create(&file, pair.to_pkcs8().unwrap().as_ref()).unwrap();
        assert_eq!(Ed25519Signer::read(&file).unwrap().public_key(), pair.public_key().as_ref());
        std::fs::remove_file(&file).unwrap();
        secret_file::create(&file, b"not a key").unwrap();
        assert!(matches!(Ed25519Signer::read(&file), Err(SecretFileError::Content { .. })));
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(Ed25519Signer::read(&file), Err(SecretFileError::Missing(_))));
    }
}
