//! `sluis organisation`: who is admitted, for what; what becomes wider needs a second person.
//!
//! Each command fetches the present state, says what changes in words, and signs. What only narrows is submitted at once;
//! the rest is written to a file that the second person approves.

mod act;
mod paper;
mod print;

use super::{ANSWER_NO, Failure, connect};
use crate::client::connection::Connection;
use crate::enrolment::EnrolmentFile;
use crate::transport::peer::Peer;
use act::{Act, Which};
use jiff::{Timestamp, ToSpan};
use paper::Paper;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::change::{CHANGE_FORMAT, ChangeDocument, VALIDITY_DAYS_MAX};
use sluis_core::enrolment::compare::{compare, widens};
use sluis_core::organisation::{Oin, Purpose};
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show and change who is admitted.
#[derive(Debug, clap::Args)]
pub struct Organisation {
    #[command(subcommand)]
    command: Action,
}

/// Who is needed for a suspension, as people ask at night.
const ALONE: &str = "\
One person is enough: what only becomes narrower holds at once. A second person is needed to lift it (`resume`), and
here in one case: where two units disagree on a purpose both are refused, and suspending one lets the other be answered.";
/// And to lift one.
const TOGETHER: &str =
    "A second person is always needed: the change is written to a file, which he approves (`approve`).";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what organisations are admitted for, and when it was first used
    Show {
        /// OIN of the organisation; all when absent
        oin: Option<String>,
        /// The profile of the holder
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
    },
    /// Admit an organisation, or replace what a unit has in a role
    Add {
        /// One `[[organisation]]` per unit and role, all of one organisation
        file: PathBuf,
        #[command(flatten)]
        signing: Signing,
    },
    /// Refuse an organisation from the next call on
    #[command(after_help = ALONE)]
    Suspend {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        signing: Signing,
    },
    /// Lift a suspension
    #[command(after_help = TOGETHER)]
    Resume {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        signing: Signing,
    },
    /// Accept a new certificate, and the old ones until a last day
    Rotate {
        /// OIN of the organisation
        oin: String,
        /// The new certificate, PEM
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// Last day of the certificates it has now; in seven days when absent
        #[arg(long, value_name = "DATE")]
        until: Option<jiff::civil::Date>,
        /// Only this unit
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Show a change that somebody signed and, with a key, sign it as the second person and submit it
    Approve {
        /// The change
        change: PathBuf,
        /// The profile of the holder
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// Your own key; without it the change is only shown
        #[arg(long, value_name = "FILE")]
        operator: Option<PathBuf>,
    },
}

/// Which part of an organisation.
#[derive(Debug, clap::Args)]
struct Part {
    /// OIN of the organisation
    oin: String,
    /// Only this unit
    #[arg(long)]
    unit: Option<String>,
    /// Only this purpose: TREATMENT, INVOICE_FORMAL, …
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
}

/// Who signs, and why.
#[derive(Debug, clap::Args)]
struct Signing {
    /// The profile of the holder
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Your own key, made by `sluis operator key`
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// Why; it stands in the log
    #[arg(long)]
    reason: String,
    /// Days within which the second person must approve
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=VALIDITY_DAYS_MAX))]
    days: i64,
    /// Where a change for the second person is written; `change-<OIN>-<version>.json` when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Part {
    fn which(&self) -> Result<(Oin, Which), Failure> {
        let purpose = self.purpose.as_deref().map(|code| {
            let unknown = || format!("unknown purpose `{code}`: use a code such as TREATMENT or INVOICE_FORMAL");
            Purpose::from_code(&code.to_uppercase()).ok_or_else(unknown)
        });
        Ok((Oin::parse(&self.oin)?, Which { unit: self.unit.clone(), purpose: purpose.transpose()? }))
    }
}

impl Organisation {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let today = dutch_date(SystemClock.now());
        match self.command {
            Action::Show { oin, profile } => show(oin.as_deref(), &profile).await,
            Action::Add { file, signing } => {
                let (oin, entries) = entries(&file)?;
                signing.change(oin, &Act::Add(entries)).await
            }
            Action::Suspend { part, signing } => {
                let (oin, which) = part.which()?;
                signing.change(oin, &Act::Suspend(which)).await
            }
            Action::Resume { part, signing } => {
                let (oin, which) = part.which()?;
                signing.change(oin, &Act::Resume(which)).await
            }
            Action::Rotate { oin, certificate, until, unit, signing } => {
                let (oin, thumbprint) = (Oin::parse(&oin)?, thumbprint(&certificate, &oin)?);
                signing.change(oin, &Act::Rotate { unit, thumbprint, until, today }).await
            }
            Action::Approve { change, profile, operator } => approve(&change, &profile, operator.as_deref()).await,
        }
    }
}

async fn show(oin: Option<&str>, profile: &Path) -> Result<ExitCode, Failure> {
    let connection = connect(profile).await?;
    let found = match oin {
        Some(oin) => vec![connection.organisation(&Oin::parse(oin)?).await?],
        None => connection.organisations().await?,
    };
    let today = dutch_date(SystemClock.now());
    for organisation in &found {
        println!("{}", print::organisation(organisation, today).join("\n"));
    }
    let any = found.iter().any(|organisation| organisation.basis.version > 0);
    Ok(if any { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
}

/// The entries of a file and the one organisation they are of.
fn entries(file: &Path) -> Result<(Oin, Vec<sluis_core::enrolment::Enrolment>), Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()))?;
    let read: EnrolmentFile = toml::from_str(&text).map_err(|e| format!("`{}`: {e}", file.display()))?;
    let mut by_oin = read.by_organisation();
    match (by_oin.pop_first(), by_oin.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(format!("`{}` must hold entries of one organisation", file.display()).into()),
    }
}

/// The thumbprint of a certificate, which must be of this organisation.
fn thumbprint(file: &Path, oin: &str) -> Result<String, Failure> {
    let pem = std::fs::read(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()))?;
    let peer = Peer::from_pem(&pem).map_err(|_| format!("`{}` is no certificate with an OIN", file.display()))?;
    if peer.oin.as_str() != oin {
        return Err(format!("`{}` is a certificate of {}, not of {oin}", file.display(), peer.oin).into());
    }
    Ok(peer.thumbprint_text)
}

impl Signing {
    /// Makes the document of a change against the present state, shows it, signs it, and submits or writes it.
    async fn change(self, oin: Oin, act: &Act) -> Result<ExitCode, Failure> {
        let signer = Ed25519Signer::read(&self.operator)?;
        let connection = connect(&self.profile).await?;
        let present = connection.organisation(&oin).await?;
        let now = Timestamp::from_millisecond(i64::try_from(SystemClock.now())?)?;
        let document = ChangeDocument {
            format: CHANGE_FORMAT.to_owned(),
            gateway: connection.verifier_key().await?,
            organisation: oin,
            from: present.basis,
            enrolments: act.after(&present.enrolments)?,
            reason: self.reason,
            made_at: now,
            valid_until: now.checked_add((self.days * 24).hours())?,
        };
        let points = compare(&present.enrolments, &document.enrolments);
        if points.is_empty() {
            println!("nothing changes: the enrolments of {} say this already", document.organisation);
            return Ok(ExitCode::from(ANSWER_NO));
        }
        println!("{}", print::change(&document, &points).join("\n"));
        let mut paper = Paper::new(&document)?;
        paper.sign(&signer)?;
        if !widens(&points) {
            return submit(&connection, &paper).await;
        }
        let name = || PathBuf::from(format!("change-{}-{}.json", document.organisation, document.from.version));
        let file = self.out.unwrap_or_else(name);
        paper.write(&file)?;
        println!("signed by one person; something becomes wider, so nothing changed yet: {}", file.display());
        println!("a second person approves it with his own key:");
        println!("  sluis organisation approve {} --profile … --operator …", file.display());
        Ok(ExitCode::SUCCESS)
    }
}

async fn approve(file: &Path, profile: &Path, operator: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut paper = Paper::read(file)?;
    let document = paper.document()?;
    let connection = connect(profile).await?;
    let present = connection.organisation(&document.organisation).await?;
    if present.basis != document.from {
        let (from, now) = (document.from.version, present.basis.version);
        return Err(format!(
            "the change starts from version {from} and the enrolments are at {now}: it was made already, or must be made again"
        )
        .into());
    }
    println!("{}", print::change(&document, &compare(&present.enrolments, &document.enrolments)).join("\n"));
    let Some(operator) = operator else {
        println!("not signed: name your key with --operator to approve it");
        return Ok(ExitCode::SUCCESS);
    };
    paper.sign(&Ed25519Signer::read(operator)?)?;
    submit(&connection, &paper).await
}

async fn submit(connection: &Connection, paper: &Paper) -> Result<ExitCode, Failure> {
    let (receipt, version) = connection.submit_change(paper.bytes(), &paper.signatures()?).await?;
    println!("recorded at log index {}, version {version}: every call after it is decided under it", receipt.index);
    Ok(ExitCode::SUCCESS)
}
