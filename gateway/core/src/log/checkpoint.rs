//! Signed checkpoints: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519 (type 0x01), no extension lines.
//!
//! A checkpoint is signed only of a head that is durable; whoever calls [`sign`] promises that.

use super::Hash;
use super::finalise::Head;
use super::tree::sha256;
use crate::ports::Signer;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};

/// Signature type of Ed25519 in signed notes.
const ED25519_TYPE: u8 = 0x01;
/// Most signature lines that are looked at.
const SIGNATURES_MAX: usize = 16;

/// A checkpoint with our signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Number of leaves.
    pub size: u64,
    /// The root at that size.
    pub root: Hash,
    /// The whole note.
    pub note: String,
}

/// A checkpoint whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// The root at that size.
    pub root: Hash,
}

/// Why a note does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The verifier key is not `<name>+<8 hex>+<base64>` of an Ed25519 key, or its id does not match.
    #[error("the verifier key is not an Ed25519 key in the signed-note form")]
    VerifierKey,
    /// The text is not a signed note.
    #[error("not a signed note: text, an empty line, signature lines, each ended by a newline")]
    NotANote,
    /// The text is not a checkpoint of three lines.
    #[error("the note is not a checkpoint of three lines: origin, size, root")]
    NotACheckpoint,
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of another log than the key")]
    OtherOrigin,
    /// No line is signed with this key.
    #[error("no signature by this key")]
    NotSigned,
    /// A line claims this key but its signature is false.
    #[error("the signature is false")]
    FalseSignature,
}

/// Signs the head.
#[must_use]
pub fn sign(head: &Head, signer: &dyn Signer) -> SignedCheckpoint {
    let (size, root) = (head.size(), head.root());
    let text = format!("{}\n{size}\n{}\n", head.origin, BASE64.encode(&root));
    let mut signature = key_id(&head.origin, &signer.public_key()).to_vec();
    signature.extend_from_slice(&signer.sign(text.as_bytes()));
    let note = format!("{text}\n\u{2014} {} {}\n", head.origin, BASE64.encode(&signature));
    SignedCheckpoint { size, root, note }
}

/// The verifier key of a log: `<origin>+<key id>+<base64(01 ‖ key)>`.
#[must_use]
pub fn verifier_key(origin: &str, public: &[u8; 32]) -> String {
    let id = HEXLOWER.encode(&key_id(origin, public));
    let mut key = vec![ED25519_TYPE];
    key.extend_from_slice(public);
    format!("{origin}+{id}+{}", BASE64.encode(&key))
}

/// Verifies a note and reads its checkpoint. Lines by other keys are passed over, as the specification asks.
///
/// # Errors
/// [`NoteError`] says what is wrong.
pub fn open(note: &str, vkey: &str) -> Result<OpenedCheckpoint, NoteError> {
    let (name, id, key) = parse_key(vkey)?;
    let at = note.rfind("\n\n").ok_or(NoteError::NotANote)?;
    let (text, signatures) = note.split_at_checked(at + 1).ok_or(NoteError::NotANote)?;
    let signatures = signatures.strip_prefix('\n').and_then(|s| s.strip_suffix('\n')).ok_or(NoteError::NotANote)?;
    let checkpoint = parse_checkpoint(text)?;
    if checkpoint.origin != name {
        return Err(NoteError::OtherOrigin);
    }
    let mut signed = false;
    for (count, line) in signatures.split('\n').enumerate() {
        let (signer, bytes) = parse_signature(line).ok_or(NoteError::NotANote)?;
        if count >= SIGNATURES_MAX {
            return Err(NoteError::NotANote);
        }
        if let Some(signature) = bytes.strip_prefix(&id).filter(|_| signer == name) {
            let verified = UnparsedPublicKey::new(&ED25519, &key).verify(text.as_bytes(), signature);
            verified.map_err(|_| NoteError::FalseSignature)?;
            signed = true;
        }
    }
    if signed { Ok(checkpoint) } else { Err(NoteError::NotSigned) }
}

/// The verifier key of another shard of the same log: the same public key under the name of that shard.
///
/// # Errors
/// [`NoteError::VerifierKey`] when the given one is not a verifier key.
pub fn under_name(vkey: &str, origin: &str) -> Result<String, NoteError> {
    parse_key(vkey).map(|(_, _, public)| verifier_key(origin, &public))
}

/// The name in a verifier key, which is the origin of its log.
///
/// # Errors
/// [`NoteError::VerifierKey`] when it is not one.
pub fn key_name(vkey: &str) -> Result<&str, NoteError> {
    parse_key(vkey).map(|(name, _, _)| name)
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], public]);
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

fn parse_key(vkey: &str) -> Result<(&str, [u8; 4], [u8; 32]), NoteError> {
    let mut parts = vkey.trim_end_matches('\n').splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::VerifierKey);
    };
    let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| NoteError::VerifierKey)?;
    let key = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::VerifierKey)?;
    let public: [u8; 32] = match key.split_first() {
        Some((&ED25519_TYPE, public)) => public.try_into().map_err(|_| NoteError::VerifierKey)?,
        _ => return Err(NoteError::VerifierKey),
    };
    let expected = key_id(name, &public);
    if name.is_empty() || id != expected {
        return Err(NoteError::VerifierKey);
    }
    Ok((name, expected, public))
}

fn parse_signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64.decode(signature.as_bytes()).ok()?;
    (!name.is_empty() && bytes.len() > 4).then_some((name, bytes))
}

fn parse_checkpoint(text: &str) -> Result<OpenedCheckpoint, NoteError> {
    let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NoteError::NotACheckpoint)?.split('\n').collect();
    let [origin, size, root] = lines.as_slice() else { return Err(NoteError::NotACheckpoint) };
    let number: u64 = size.parse().map_err(|_| NoteError::NotACheckpoint)?;
    let bytes = BASE64.decode(root.as_bytes()).map_err(|_| NoteError::NotACheckpoint)?;
    let root: Hash = bytes.as_slice().try_into().map_err(|_| NoteError::NotACheckpoint)?;
    if origin.is_empty() || number.to_string() != *size {
        return Err(NoteError::NotACheckpoint);
    }
    Ok(OpenedCheckpoint { origin: (*origin).to_owned(), size: number, root })
}
