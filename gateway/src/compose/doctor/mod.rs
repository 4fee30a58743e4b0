//! `sluis doctor` and `sluis check-config`: looks at everything a gateway stands on, writes nothing, and says for each thing
//! whether it is well, what is wrong, and what to do.
//!
//! [`configuration`] is what a start reads; [`examine`] adds what only shows with time. It may run beside a gateway that
//! serves from the same files.

mod evidence;
mod files;
mod holder;
mod machine;
mod rules;
mod server;
mod stores;
mod trust;
mod wrapping;

use crate::config::{self, Config, ConfigFault};
use sluis_core::log::Millis;
use std::path::Path;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it must be.
    Ok,
    /// Works today; somebody should act.
    Warning,
    /// Does not work, or is not safe.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// What was looked at: `configuration`, `certificate`, `log database`, …
    pub subject: &'static str,
    /// What was found.
    pub text: String,
    /// What to do; empty when all is well.
    pub advice: String,
}

/// The findings as they come.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, subject: &'static str, text: impl Into<String>) {
        self.0.push(Finding { level: Level::Ok, subject, text: text.into(), advice: String::new() });
    }

    fn warning(&mut self, subject: &'static str, text: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { level: Level::Warning, subject, text: text.into(), advice: advice.into() });
    }

    fn fault(&mut self, subject: &'static str, text: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { level: Level::Fault, subject, text: text.into(), advice: advice.into() });
    }

    /// An error that already says what to do: `what is wrong: what to do`.
    fn error(&mut self, subject: &'static str, error: &dyn std::fmt::Display) {
        let text = error.to_string();
        let (text, advice) = text.rsplit_once(": ").map_or((text.as_str(), ""), |(text, advice)| (text, advice));
        self.fault(subject, text, advice);
    }
}

/// Looks at the configuration and everything that a start reads, without writing.
pub async fn configuration(file: &Path) -> Vec<Finding> {
    let mut found = Findings::default();
    if let Some(config) = settings(file, &mut found) {
        read_by_a_start(file, &config, &mut found).await;
    }
    found.0
}

/// Looks at everything.
pub async fn examine(file: &Path, now: Millis) -> Vec<Finding> {
    let mut found = Findings::default();
    let Some(config) = settings(file, &mut found) else { return found.0 };
    read_by_a_start(file, &config, &mut found).await;
    trust::look_ahead(&config, now, &mut found);
    machine::secrets(&config, &mut found);
    machine::disk(&config, &mut found);
    machine::ports(&config, stores::is_served(&config).await, &mut found);
    machine::clock(&config, now, &mut found).await;
    stores::look_inside(&config, &mut found).await;
    wrapping::generations(&config, now, &mut found).await;
    rules::against_the_log(&config, now, &mut found).await;
    evidence::whole(&config, &mut found).await;
    found.0
}

async fn read_by_a_start(file: &Path, config: &Config, found: &mut Findings) {
    trust::material(config, found);
    if machine::is_unmade(config) {
        let advice = format!(
            "run `sluis init --config {}`; if this gateway ran before, mount its disks or restore its backups instead",
            file.display()
        );
        found.fault("keys and databases", "not made yet: none of their files is there", advice);
    } else {
        machine::keys(config, found);
        stores::present(config, found).await;
    }
    machine::token_issuer(config, found);
    rules::policy(config, found);
    rules::organisations(config, found);
    holder::source(config, found).await;
}

/// The configuration, when it can be read at all; settings that the mode refuses are each a fault, and reading goes on.
fn settings(file: &Path, found: &mut Findings) -> Option<Config> {
    const SUBJECT: &str = "configuration";
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            found.fault(
                SUBJECT,
                format!("cannot read `{}`: {error}", file.display()),
                "correct the path after --config",
            );
            return None;
        }
    };
    let faults = config::faults(&text);
    for fault in &faults {
        let place = fault.line.map_or_else(String::new, |line| format!(", line {line}"));
        found.fault(SUBJECT, format!("`{}`{place}: {}", file.display(), fault.text), fault.advice.clone());
    }
    match Config::read_unjudged(file) {
        Ok(config) => {
            if let Err(contradiction) = config.token.issuer(config.listen.token.is_some()) {
                found.error(SUBJECT, &contradiction);
            }
            if let Err(contradiction) = config.engine() {
                found.error(SUBJECT, &contradiction);
            }
            match config.judge() {
                Ok(()) if faults.is_empty() => {
                    found.ok(SUBJECT, format!("`{}` is complete, mode {:?}", file.display(), config.mode))
                }
                Ok(()) => {}
                Err(ConfigFault::Unsafe(settings)) => settings.iter().for_each(|setting| {
                    let key = setting.split(':').next().unwrap_or_default();
                    let line = config::line_of(&text, key).map_or_else(String::new, |line| format!(", line {line}"));
                    let advice = "change the setting, or run in the mode that allows it";
                    found.fault(
                        SUBJECT,
                        format!("`{}`{line}: refused in mode {:?}: {setting}", file.display(), config.mode),
                        advice,
                    );
                }),
                Err(error) => found.error(SUBJECT, &error),
            }
            Some(config)
        }
        Err(error) if faults.is_empty() => {
            found.error(SUBJECT, &error);
            None
        }
        Err(_) => None,
    }
}

/// A moment as a date and time of day, UTC.
fn moment(at: Millis) -> String {
    let at = i64::try_from(at).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "an unknown moment".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
