//! The configuration file: one file, one struct, unknown keys refused, paths relative to the file.

mod address;
mod faults;
mod holder;
mod identity;
mod limits;
mod listen;
mod operation;
mod operators;
mod retention;
mod rules;
mod stores;
mod token;

pub use faults::{LineFault, faults, line_of};
pub use holder::Holder;
pub use identity::{Organisation, Tls};
pub use limits::{Exception, Limits, Most};
pub use listen::Listen;
pub use operation::{LogForm, LogLevel, Operation};
pub use operators::Operators;
pub use retention::Retention;
pub use rules::{Enrolment, PolicyFiles};
pub use stores::{Engine, Keys, KeysPostgres, Log, LogPostgres};
pub use token::{ExternalIssuer, Token, TokenIssuer};

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How strict the gateway is about its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Loopback, generated keys, fictitious people; says so everywhere.
    Demo,
    /// Loopback, generated keys.
    Development,
    /// Refuses every setting that is not safe, naming each.
    Production,
}

/// `gateway.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strict.
    pub mode: Mode,
    /// Who holds the dossiers.
    pub organisation: Organisation,
    /// Where to listen.
    pub listen: Listen,
    /// Certificates.
    pub tls: Tls,
    /// Access tokens.
    pub token: Token,
    /// The transfer log.
    pub log: Log,
    /// The key database.
    pub keys: Keys,
    /// The holder's database.
    pub holder: Holder,
    /// The policy.
    pub policy: PolicyFiles,
    /// Organisations that are admitted by a file.
    #[serde(default)]
    pub enrolment: Enrolment,
    /// How much one organisation may ask.
    #[serde(default)]
    pub limits: Limits,
    /// What the operator sees.
    #[serde(default)]
    pub operation: Operation,
    /// The persons who may change who is admitted.
    #[serde(default)]
    pub operators: Operators,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is unknown, missing or has the wrong form; the text has line and column.
    #[error("`{}`: {text}", file.display())]
    Malformed {
        /// Which file.
        file: PathBuf,
        /// Line, column and what is wrong.
        text: String,
    },
    /// Settings that exclude each other, or one that is missing beside another: which, and what to do.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Settings that the mode refuses.
    #[error("settings that are refused in this mode:\n{}", .0.iter().map(|s| format!("  - {s}\n")).collect::<String>())]
    Unsafe(Vec<String>),
}

impl Config {
    /// Reads a configuration; paths become absolute by the folder of the file.
    ///
    /// # Errors
    /// [`ConfigFault`] with the file, the place and the reason.
    pub fn read(file: &Path) -> Result<Self, ConfigFault> {
        let config = Self::read_unjudged(file)?;
        let issuer = config.token.issuer(config.listen.token.is_some());
        let told = issuer.map(drop).and(stores::engine(&config.log, &config.keys).map(drop));
        let told = told.and_then(|()| config.log.retention.as_ref().map_or(Ok(()), Retention::check));
        told.map_err(|text| ConfigFault::Malformed { file: file.to_owned(), text: text.to_owned() })?;
        config.judge()?;
        Ok(config)
    }

    /// Reads a configuration that its mode may refuse: to look at, not to serve with.
    ///
    /// # Errors
    /// [`ConfigFault`] with the file, the place and the reason.
    pub fn read_unjudged(file: &Path) -> Result<Self, ConfigFault> {
        let unreadable = |source| ConfigFault::Unreadable { file: file.to_owned(), source };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let malformed = |e: toml::de::Error| ConfigFault::Malformed { file: file.to_owned(), text: e.to_string() };
        let mut config: Self = toml::from_str(&text).map_err(malformed)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        for path in config.paths() {
            *path = folder.join(&*path);
        }
        Ok(config)
    }

    /// What keeps log and keys.
    ///
    /// # Errors
    /// [`ConfigFault::Contradiction`] names the setting and what to do.
    pub fn engine(&self) -> Result<Engine<'_>, ConfigFault> {
        stores::engine(&self.log, &self.keys).map_err(ConfigFault::Contradiction)
    }

    /// Whether the mode allows these settings.
    ///
    /// # Errors
    /// [`ConfigFault::Unsafe`] with every setting that it refuses.
    pub fn judge(&self) -> Result<(), ConfigFault> {
        self.check_production()
    }

    fn paths(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.tls.authorities,
            &mut self.log.signing_key,
            &mut self.keys.master_key,
            &mut self.holder.database,
            &mut self.holder.map,
            &mut self.policy.catalog,
            &mut self.policy.ceiling,
            &mut self.policy.policy,
        ];
        paths.extend(self.log.anchor.iter_mut());
        paths.extend(self.log.database.iter_mut());
        paths.extend(self.log.postgres.iter_mut().flat_map(|postgres| postgres.password_file.iter_mut()));
        paths.extend(self.keys.database.iter_mut());
        paths.extend(self.keys.wrapping.iter_mut());
        paths.extend(self.keys.postgres.iter_mut().flat_map(|postgres| postgres.password_file.iter_mut()));
        paths.extend(self.tls.revocation.iter_mut());
        paths.extend(self.token.key.iter_mut());
        paths.extend(self.token.external.iter_mut().flat_map(|external| external.certificates.iter_mut()));
        paths.extend(self.enrolment.file.iter_mut());
        paths.extend(self.operators.register.iter_mut());
        paths
    }

    /// What production refuses today. A policy needs signatures, which cannot be configured yet, so production refuses to
    /// start, and says so.
    fn check_production(&self) -> Result<(), ConfigFault> {
        if self.mode != Mode::Production {
            let loopback =
                self.listen.grpc.ip().is_loopback() && self.listen.token.is_none_or(|at| at.ip().is_loopback());
            let only = "demo and development listen on loopback only: use 127.0.0.1 or ::1".to_owned();
            let mut refused = self.operation.refused();
            refused.extend((!loopback).then_some(only));
            return if refused.is_empty() { Ok(()) } else { Err(ConfigFault::Unsafe(refused)) };
        }
        let mut refused = stores::engine(&self.log, &self.keys)
            .map_or(Vec::new(), |engine| stores::refused_in_production(engine, &self.log.anchor()));
        refused.push("policy.policy: the policy carries no signatures (not available yet)".to_owned());
        if self.tls.revocation.is_empty() {
            refused.push("tls.revocation: no revocation list, so a revoked certificate would pass".to_owned());
        }
        if !self.listen.transaction_id_required {
            refused.push(
                "listen.transaction_id_required: must be true, both sides log under one transaction id".to_owned(),
            );
        }
        if self.enrolment.file.is_some() {
            refused.push(
                "enrolment.file: persons sign for who is admitted: leave it out, use `sluis organisation add`"
                    .to_owned(),
            );
        }
        if self.operators.register.is_none() {
            refused.push(
                "operators.register: no register of operators, so nobody could be admitted or suspended".to_owned(),
            );
        }
        if self.organisation.oin.is_test() {
            refused.push("organisation.oin: a test OIN (prefix 00000099)".to_owned());
        }
        refused.extend(self.operation.refused());
        refused.extend(self.limits.unsafe_settings(self.listen.calls_max, self.listen.connections_max));
        Err(ConfigFault::Unsafe(refused))
    }
}
