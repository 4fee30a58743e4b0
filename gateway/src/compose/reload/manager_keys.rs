//! The certificates that the FSC Manager of the holder signs tokens with: what is named now counts, at once.
//!
//! Put the next certificate beside the present one before the Manager changes over, and take the old one away afterwards: a
//! token under a certificate that is not named any more is refused on the next call, which is also how one is revoked.

use super::files::Content;
use super::piece::{Piece, Refused, Taken};
use crate::token::algorithm::JwsAlgorithm;
use crate::token::manager::keys_in;
use crate::token::verify::Verifier;
use async_trait::async_trait;
use sluis_core::organisation::Oin;
use std::sync::Arc;

/// The signing certificates of the Manager.
pub(crate) struct ManagerKeys {
    pub(crate) verifier: Arc<Verifier>,
    /// Whose Manager it must be.
    pub(crate) holder: Oin,
    /// What it may sign with.
    pub(crate) algorithms: Vec<JwsAlgorithm>,
}

#[async_trait]
impl Piece for ManagerKeys {
    fn name(&self) -> &'static str {
        "signing certificates of the Manager"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let pem = |content: &Content| Ok((content.file(), content.bytes("signing certificate")?.clone()));
        let pems = contents.iter().map(pem).collect::<Result<Vec<_>, crate::transport::MaterialError>>()?;
        self.verifier.replace_keys(keys_in(&pems, &self.holder, &self.algorithms)?);
        let names: Vec<_> = pems.iter().map(|(name, _)| format!("`{name}`")).collect();
        Ok(Taken::Changed(names.join(", ")))
    }
}
