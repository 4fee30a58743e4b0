//! Tokens of an old key hold as long as they say, and not longer.

use super::*;
use crate::compose::reload::files::{Look, Watched};
use crate::token::endpoint::{Grant, GrantError, Grants};
use crate::token::fault::TokenError;
use crate::token::issue::{Issuer, Realm};
use crate::token::verify::{Expectation, IssuedBy};
use crate::transport::peer::Peer;
use crate::transport::rehearsal::{Folder, GOOD, authority, peer, subject};
use sluis_core::organisation::Oin;
use std::sync::atomic::{AtomicU64, Ordering};

const NOW: Millis = 1_800_000_000_000;

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

struct Nobody;

#[async_trait]
impl Grants for Nobody {
    async fn grant(&self, _: &Oin, _: &str) -> Result<Option<Grant>, GrantError> {
        Ok(None)
    }
}

struct Stage {
    piece: TokenKey,
    clock: Arc<Hands>,
    folder: Folder,
    peer: Peer,
}

impl Stage {
    fn new() -> Self {
        let realm = Realm {
            issuer: GOOD.to_owned(),
            audience: "https://localhost".to_owned(),
            group: "g".to_owned(),
            service: "s".to_owned(),
        };
        let (current, clock) = (Arc::new(SigningKey::generate().unwrap()), Arc::new(Hands(AtomicU64::new(NOW))));
        let expectation =
            Expectation { realm: realm.clone(), lifetime_max_s: LIFETIME_S, issued_by: IssuedBy::Endpoint };
        let issuer = Issuer::new(Arc::clone(&current), realm);
        let endpoint = Arc::new(Endpoint {
            issuer,
            grants: Arc::new(Nobody),
            clock: Arc::clone(&clock) as _,
            quotas: Arc::default(),
        });
        let verifier = Arc::new(Verifier::new(expectation, KeySet::new().with_own(&current)));
        let piece = TokenKey { verifier, endpoint, clock: Arc::clone(&clock) as _, current, leaving: Vec::new() };
        let peer = peer(&authority().issue(&subject(&[GOOD])).unwrap());
        Self { piece, clock, folder: Folder::new(), peer }
    }

    async fn rotate(&mut self, key: &SigningKey) -> Taken {
        let mut watched = Watched::begin(vec![self.folder.write("token.key", "")]);
        self.folder.write("token.key", &key.to_pem());
        let Look::Changed(contents) = watched.look(true) else { panic!("a change") };
        self.piece.take(&contents).await.unwrap_or_else(|_| panic!("refused"))
    }

    fn issue(&self) -> String {
        self.piece.endpoint.issuer.issue(&self.peer, "$1$3$grant", self.clock.now()).unwrap().token
    }

    fn verdict(&self, token: &str) -> Result<(), TokenError> {
        self.piece.verifier.verify(token, &self.peer, self.clock.now()).map(drop)
    }

    fn pass(&mut self, ms: Millis) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
        self.piece.pass();
    }
}

#[tokio::test]
async fn an_old_key_is_believed_until_its_last_token_has_ended() {
    let mut stage = Stage::new();
    let before = stage.issue();
    let taken = stage.rotate(&SigningKey::generate().unwrap()).await;
    let Taken::Changed(what) = taken else { panic!("not taken over") };
    assert!(
        what.contains("token.key") && what.contains(stage.piece.current.kid()) && !what.contains("PRIVATE"),
        "{what}"
    );
    let after = stage.issue();
    assert_eq!((stage.verdict(&before), stage.verdict(&after)), (Ok(()), Ok(())));
    stage.pass(LIFETIME_S * 1000 - 1);
    assert_eq!((stage.verdict(&before), stage.piece.leaving.len()), (Ok(()), 1));
    // A token that lies about its end would hold for as long as the key is believed: the key goes.
    stage.pass(11_000);
    assert_eq!((stage.verdict(&before), stage.piece.leaving.len()), (Err(TokenError::UnknownKey), 0));
    let renewed = stage.issue();
    assert_eq!(stage.verdict(&renewed), Ok(()));
}

#[tokio::test]
async fn a_key_that_comes_back_stays_and_the_same_key_is_no_change() {
    let mut stage = Stage::new();
    let first = Arc::clone(&stage.piece.current);
    assert!(matches!(stage.rotate(&first).await, Taken::AsBefore));
    stage.rotate(&SigningKey::generate().unwrap()).await;
    stage.rotate(&first).await;
    let token = stage.issue();
    stage.pass(LIFETIME_S * 1000 + 11_000);
    let renewed = stage.issue();
    assert_eq!((stage.verdict(&token), stage.verdict(&renewed)), (Err(TokenError::Expired), Ok(())));
}
