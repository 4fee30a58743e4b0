//! The file that travels between two persons: the exact document, and who signed it so far.

use crate::cli::Failure;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use sluis_core::enrolment::change::{ChangeDocument, Signature, signed_bytes};
use sluis_core::ports::Signer;
use std::io::{ErrorKind, Write};
use std::path::Path;

const PAPER_FORMAT: &str = "sluis-signed-change/1";

/// A document with signatures.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paper {
    format: String,
    /// The text of the document, exactly as signed.
    change: String,
    signatures: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    signature: String,
}

impl Paper {
    pub(super) fn new(document: &ChangeDocument) -> Result<Self, Failure> {
        let change = serde_json::to_string_pretty(document)?;
        Ok(Self { format: PAPER_FORMAT.to_owned(), change, signatures: Vec::new() })
    }

    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()))?;
        let paper: Self = serde_json::from_slice(&text).map_err(|e| format!("`{}`: {e}", file.display()))?;
        if paper.format != PAPER_FORMAT {
            return Err(format!("`{}` is not a signed change ({PAPER_FORMAT})", file.display()).into());
        }
        Ok(paper)
    }

    /// Writes it to a new file: one that is there may be a change on its way to a second person.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        let fail = |e: std::io::Error| match e.kind() {
            ErrorKind::AlreadyExists => format!(
                "`{}` exists already, and may be a change that somebody still has to approve: name another file with \
                 --out, or remove this one when it is not needed any more; nothing was changed",
                file.display()
            ),
            _ => format!("cannot write `{}`: {e}; name another file with --out", file.display()),
        };
        let mut out = std::fs::File::create_new(file).map_err(fail)?;
        out.write_all(serde_json::to_string_pretty(self)?.as_bytes()).map_err(fail)?;
        Ok(())
    }

    pub(super) fn document(&self) -> Result<ChangeDocument, Failure> {
        Ok(ChangeDocument::read(self.change.as_bytes())?)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.change.clone().into_bytes()
    }

    /// Adds a signature. One key signs once.
    pub(super) fn sign(&mut self, signer: &dyn Signer) -> Result<(), Failure> {
        let key = BASE64.encode(&signer.public_key());
        if self.signatures.iter().any(|line| line.key == key) {
            return Err("this key signed the change already: another person must approve it".into());
        }
        let signature = BASE64.encode(&signer.sign(&signed_bytes(self.change.as_bytes())));
        self.signatures.push(Line { key, signature });
        Ok(())
    }

    pub(super) fn signatures(&self) -> Result<Vec<Signature>, Failure> {
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| "a signature is not base64");
        let signature = |line: &Line| Ok(Signature { key: bytes(&line.key)?, signature: bytes(&line.signature)? });
        self.signatures.iter().map(signature).collect()
    }
}
