//! The key that signs tokens: a new one signs at once, the old one is believed until its last token has ended.

use super::files::Content;
use super::piece::{Piece, Refused, Taken};
use crate::token::endpoint::Endpoint;
use crate::token::issue::LIFETIME_S;
use crate::token::keys::{KeySet, SigningKey};
use crate::token::verify::Verifier;
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::Clock;
use std::sync::Arc;

/// How long an old key is believed: the life of a token, and what clocks may differ and a signature in progress may take.
const BELIEVED_MS: Millis = (LIFETIME_S + 10) * 1000;

/// The token key.
pub(crate) struct TokenKey {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) current: Arc<SigningKey>,
    /// Our old keys, each with the last moment of its last token.
    pub(crate) leaving: Vec<(Arc<SigningKey>, Millis)>,
}

impl TokenKey {
    fn believe(&self) {
        let leaving = self.leaving.iter().fold(KeySet::new(), |keys, (key, _)| keys.with_own(key));
        self.verifier.replace_keys(leaving.with_own(&self.current));
    }
}

#[async_trait]
impl Piece for TokenKey {
    fn name(&self) -> &'static str {
        "token key"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let [content] = contents else { return Err(Refused::ForNow("one file is expected".to_owned())) };
        let key = Arc::new(SigningKey::from_pem(&content.file(), content.bytes("token key")?)?);
        if key.kid() == self.current.kid() {
            return Ok(Taken::AsBefore);
        }
        let old = std::mem::replace(&mut self.current, Arc::clone(&key));
        self.leaving.retain(|(leaving, _)| leaving.kid() != key.kid());
        self.leaving.push((old, self.clock.now().saturating_add(BELIEVED_MS)));
        // Believed before it signs: no token is ever refused for being the first of a key.
        self.believe();
        self.endpoint.issuer.replace_key(key);
        Ok(Taken::Changed(format!("`{}`, key id {}", content.file(), self.current.kid())))
    }

    fn pass(&mut self) {
        let (now, before) = (self.clock.now(), self.leaving.len());
        self.leaving.retain(|(_, until)| now < *until);
        if self.leaving.len() < before {
            self.believe();
            tracing::info!(
                piece = self.name(),
                "the last tokens of an old key have ended: it is not believed any more"
            );
        }
    }
}

#[cfg(test)]
mod tests;
