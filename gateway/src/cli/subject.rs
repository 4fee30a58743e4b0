//! `sluis subject`: erase a year of a client, or keep a client from erasure, while the gateway is stopped.

use super::Failure;
use crate::compose::retention::{Destroying, retain};
use crate::compose::subject::{Erasure, erase, hold};
use crate::config::Config;
use sluis_core::subject::{Bsn, SubjectId};
use std::path::PathBuf;
use std::process::ExitCode;

/// Erase what was kept about a client in a year, or keep a client from erasure.
#[derive(Debug, clap::Args)]
pub struct Subject {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Destroy the key of one year and what it sealed; the gateway must be stopped. It cannot be undone
    Erase {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        who: Who,
        /// Which year
        #[arg(long, value_name = "YYYY", value_parser = clap::value_parser!(i16).range(2020..=2199))]
        year: i16,
        /// Why; stands in the log for everybody who reads it
        #[arg(long, value_parser = ["RETENTION_ENDED", "REQUEST_GRANTED", "LOGGED_WRONGLY", "COURT_ORDER"])]
        reason: String,
        /// Who decided, and the reference of the decision; encrypted in the log
        #[arg(long, value_name = "TEXT", value_parser = some_text)]
        authorised_by: String,
        /// For how many days backups of the key database are kept
        #[arg(long, value_name = "DAYS", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=366))]
        backup_days: u16,
    },
    /// List the years whose term is over, and with --destroy erase them all; the gateway must be stopped
    Retention {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// For how many years after the year itself keys are kept
        #[arg(long, value_parser = clap::value_parser!(i16).range(5..=115))]
        years: i16,
        /// Destroy them. It cannot be undone
        #[arg(long)]
        destroy: bool,
        /// Who decided, and the reference of the decision; encrypted in the log
        #[arg(long, value_name = "TEXT", value_parser = some_text, required_if_eq("destroy", "true"))]
        authorised_by: Option<String>,
        /// For how many days backups of the key database are kept
        #[arg(long, value_name = "DAYS", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=366))]
        backup_days: u16,
    },
    /// Keep a client from erasure, or end that; the gateway must be stopped
    Hold {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        who: Who,
        /// End it
        #[arg(long)]
        lift: bool,
        /// Why, with the reference of the case; encrypted in the log
        #[arg(long, value_name = "TEXT", value_parser = some_text)]
        reason: String,
    },
}

/// Which client.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// Burgerservicenummer
    #[arg(long)]
    bsn: Option<String>,
    /// The holder's client number
    #[arg(long, value_name = "NUMBER")]
    client_number: Option<String>,
}

impl Who {
    pub(super) fn subject(&self) -> Result<SubjectId, Failure> {
        match (&self.bsn, &self.client_number) {
            (Some(bsn), _) => Ok(SubjectId::Bsn(Bsn::parse(bsn)?)),
            (None, number) => {
                let malformed = "a client number has 1 to 20 letters, digits and hyphens";
                SubjectId::client_number(number.as_deref().unwrap_or_default()).ok_or_else(|| malformed.into())
            }
        }
    }
}

/// A reason or a name that says something, and fits in a payload.
pub(super) fn some_text(given: &str) -> Result<String, &'static str> {
    let text = given.trim();
    if (3..=500).contains(&text.len()) { Ok(text.to_owned()) } else { Err("say it in 3 to 500 characters") }
}

impl Subject {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Action::Erase { config, who, year, reason, authorised_by, backup_days } => {
                let subject = who.subject()?;
                let erasure =
                    Erasure { subject: &subject, year, reason: &reason, authorised_by: &authorised_by, backup_days };
                let erased = erase(&Config::read(&config)?, &erasure).await?;
                println!("erased: the key of {year} and the {} payloads that it opened", erased.payloads);
                println!("entry {} of the log says so; it names nobody", erased.index);
                tell_backups(erased.effective_after, erased.generation)?;
                if erased.pages > 0 {
                    println!(
                        "NOT ERASED: {} audit pages also concern this client; they are sealed with the key of their day",
                        erased.pages
                    );
                }
                tell_untidy(erased.untidy.as_ref());
                println!("receipts, proofs and exports hold as before");
            }
            Action::Retention { config, years, destroy, authorised_by, backup_days } => {
                let decided = authorised_by.as_deref().filter(|_| destroy);
                let destroying = decided.map(|authorised_by| Destroying { authorised_by, backup_days });
                let retention = retain(&Config::read(&config)?, years, destroying).await?;
                for (year, keys) in &retention.due {
                    println!("{year}  {keys} keys are due");
                }
                println!("{} keys are due, {} more are under legal hold", retention.count(), retention.held);
                if let Some(done) = retention.destroyed {
                    println!("erased: {} keys and the {} payloads that they opened", done.keys, done.payloads);
                    tell_backups(done.effective_after, done.generation)?;
                    tell_untidy(done.untidy.as_ref());
                } else if retention.count() > 0 {
                    println!("nothing was erased: give --destroy");
                }
            }
            Action::Hold { config, who, lift, reason } => {
                let index = hold(&Config::read(&config)?, &who.subject()?, lift, &reason).await?;
                let what = if lift { "may be erased again" } else { "is not erased until `sluis subject hold --lift`" };
                println!("entry {index} of the log: this client {what}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The window is what the entry says; that backups are dead is shown by the generation only.
fn tell_backups(effective_after: u64, generation: u32) -> Result<(), Failure> {
    println!("it holds for backups of the key database after {}, if none is kept for longer", day(effective_after)?);
    println!(
        "  provably, and for those that are: once `sluis keys rotate` has destroyed wrapping generation {generation}"
    );
    Ok(())
}

fn tell_untidy(error: Option<&sluis_core::ports::StoreError>) {
    if let Some(error) = error {
        println!("NOT YET: superseded rows are still in the server's files ({error}): run `VACUUM` on both databases");
    }
}

/// A moment as a date and time in UTC.
pub(super) fn day(millis: u64) -> Result<jiff::Timestamp, Failure> {
    Ok(jiff::Timestamp::from_second(i64::try_from(millis / 1000)?)?)
}
