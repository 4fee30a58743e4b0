//! Taking over, while the gateway runs, whatever may change: no restart, no dropped call.
//!
//! Certificate and key, authorities and revocation lists, token key, policy, register of operators, and outside production
//! the enrolment file are each looked at several times a second, and at once when asked ([`Asking`], SIGHUP). `gateway.toml` itself, the stores, the
//! keys of the log and the holder's map are read at start only.

pub(crate) mod files;
mod manager_keys;
mod piece;
mod rules;
mod token_key;
mod trust;
mod vigil;

pub(crate) use trust::Listeners;

use crate::config::{Config, Mode};
use crate::gateway::Gateway;
use crate::token::endpoint::Endpoint;
use crate::token::keys::SigningKey;
use crate::token::verify::Verifier;
use files::Watched;
use piece::{Alarm, Piece, keep_current};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// The files as they were before anything was loaded from them.
pub(crate) struct AtStart {
    own: Watched,
    callers: Watched,
    token_keys: Watched,
    rules: Watched,
    enrolments: Option<Watched>,
    operators: Option<Watched>,
}

/// Everything that is replaced while it works.
pub(crate) struct Replaceable {
    /// Policy and enrolments.
    pub(crate) gateway: Arc<Gateway>,
    /// Certificates.
    pub(crate) listeners: Arc<Listeners>,
    /// Verifies tokens.
    pub(crate) verifier: Arc<Verifier>,
    /// Issues tokens, where the gateway does so itself.
    pub(crate) own_tokens: Option<OwnTokens>,
}

/// What issues tokens, and the key that signs them now.
pub(crate) struct OwnTokens {
    /// Issues.
    pub(crate) endpoint: Arc<Endpoint>,
    /// Signs.
    pub(crate) key: Arc<SigningKey>,
}

/// Asks for a look at once, and for another try of what was refused.
#[derive(Clone)]
pub struct Asking(watch::Sender<()>);

impl Asking {
    /// Asks. What is asked while a piece is taken over is done after it.
    pub fn ask(&self) {
        self.0.send_replace(());
    }
}

impl AtStart {
    /// Remembers the files of this configuration; those that are missing are named by whoever loads them.
    pub(crate) fn remember(config: &Config) -> Self {
        let one = |file: &PathBuf| vec![file.clone()];
        let policy = &config.policy;
        let enrolments = config.enrolment.file.as_ref().filter(|_| config.mode != Mode::Production);
        Self {
            own: Watched::begin(vec![config.tls.certificate.clone(), config.tls.key.clone()]),
            callers: Watched::begin([one(&config.tls.authorities), config.tls.revocation.clone()].concat()),
            token_keys: Watched::begin(token_keys(config)),
            rules: Watched::begin(vec![policy.catalog.clone(), policy.ceiling.clone(), policy.policy.clone()]),
            enrolments: enrolments.map(|file| Watched::begin(one(file))),
            operators: config.operators.register.as_ref().map(|file| Watched::begin(one(file))),
        }
    }

    /// Begins to look, until told to end.
    pub(crate) fn follow(self, config: &Config, parts: Replaceable, ending: &watch::Receiver<bool>) -> Asking {
        let Replaceable { gateway, listeners, verifier, own_tokens } = parts;
        let clock = || Arc::clone(&gateway.clock);
        let (asking, alarm) = (Asking(watch::Sender::new(())), Arc::new(Alarm::new(Arc::clone(&gateway.conditions))));
        let follow = Follow { asking: &asking, alarm: &alarm, ending };
        follow.piece(trust::Own { listeners: Arc::clone(&listeners), clock: clock() }, self.own);
        follow.piece(trust::Callers { listeners: Arc::clone(&listeners), clock: clock() }, self.callers);
        if let Some(OwnTokens { endpoint, key }) = own_tokens {
            let key = token_key::TokenKey { verifier, endpoint, clock: clock(), current: key, leaving: Vec::new() };
            follow.piece(key, self.token_keys);
        } else if let Some(external) = &config.token.external {
            let (holder, algorithms) = (config.organisation.oin.clone(), external.algorithms.clone());
            follow.piece(manager_keys::ManagerKeys { verifier, holder, algorithms }, self.token_keys);
        }
        follow.piece(rules::Rules { gateway: Arc::clone(&gateway) }, self.rules);
        if let Some(watched) = self.enrolments {
            follow.piece(rules::Enrolments { gateway: Arc::clone(&gateway) }, watched);
        }
        if let Some(watched) = self.operators {
            follow.piece(rules::Persons { gateway: Arc::clone(&gateway) }, watched);
        }
        tokio::spawn(vigil::keep(listeners, Arc::clone(&gateway.conditions), clock(), ending.clone()));
        asking
    }
}

/// The files of the keys that tokens are judged with: our own, or the certificates of the Manager.
fn token_keys(config: &Config) -> Vec<PathBuf> {
    match &config.token.external {
        Some(external) => external.certificates.clone(),
        None => config.token.key.iter().cloned().collect(),
    }
}

struct Follow<'a> {
    asking: &'a Asking,
    alarm: &'a Arc<Alarm>,
    ending: &'a watch::Receiver<bool>,
}

impl Follow<'_> {
    fn piece(&self, piece: impl Piece, watched: Watched) {
        let asked = self.asking.0.subscribe();
        tokio::spawn(keep_current(piece, watched, Arc::clone(self.alarm), asked, self.ending.clone()));
    }
}
