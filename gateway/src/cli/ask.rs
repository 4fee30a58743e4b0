//! `sluis ask`: one question about one client, as a partner.

use super::{ANSWER_NO, Failure};
use crate::client::ask::{Question, Reply, by_bsn, by_client_number};
use crate::client::connection::Connection;
use crate::client::{describe, receipts};
use crate::transport::profile::Profile;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::{Clock, Entropy};
use sluis_proto::v1;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Ask about one client.
#[derive(Debug, clap::Args)]
pub struct Ask {
    /// The profile: where the gateway is and who asks
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    #[command(flatten)]
    client: Client,
    /// For what: TREATMENT, PARENT_INFORMATION, INVOICE_FORMAL, SERIOUS_DANGER, …
    #[arg(long, value_name = "CODE")]
    purpose: String,
    /// Who acts: the worker, or the parent for whom the portal asks
    #[arg(long, default_value = "")]
    actor: String,
    /// Fields to ask for, separated by commas; all that the rule gives when absent
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    fields: Vec<String>,
    /// Only explain what would be answered
    #[arg(long)]
    explain: bool,
    /// Keep receipt, body and salt in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Repeat an earlier call under its transaction id
    #[arg(long, value_name = "UUID")]
    transaction: Option<uuid::Uuid>,
}

/// Which client.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Client {
    /// Burgerservicenummer
    #[arg(long)]
    bsn: Option<String>,
    /// The holder's client number
    #[arg(long, value_name = "NUMBER")]
    client: Option<String>,
}

impl Client {
    pub(super) fn subject(&self) -> v1::Subject {
        match (&self.bsn, &self.client) {
            (Some(bsn), _) => by_bsn(bsn),
            (None, number) => by_client_number(number.as_deref().unwrap_or_default()),
        }
    }
}

/// A UUIDv7 of this machine's clock and entropy.
pub(crate) fn new_transaction() -> uuid::Uuid {
    let mut random = [0; 10];
    OsEntropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(SystemClock.now(), &random).into_uuid()
}

/// A connection with the profile in a file.
pub(crate) async fn connect(profile: &Path) -> Result<Connection, Failure> {
    let profile = Profile::load(profile)?;
    Ok(Connection::open(&profile, Arc::new(SystemClock), Arc::new(new_transaction)).await?)
}

/// A purpose by its code.
pub(super) fn purpose(code: &str) -> Result<v1::Purpose, Failure> {
    let known = || sluis_core::organisation::Purpose::ALL.iter().map(|p| p.code()).collect::<Vec<_>>().join(", ");
    let unknown = || format!("unknown purpose `{code}`; known are {}", known());
    v1::Purpose::from_str_name(&format!("PURPOSE_{}", code.to_uppercase())).ok_or_else(|| unknown().into())
}

impl Ask {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let field = |code: &String| {
            let name = format!("FIELD_{}", code.to_uppercase());
            let known = || sluis_core::field::Field::ALL.iter().map(|f| f.code()).collect::<Vec<_>>().join(", ");
            let unknown = || Failure::from(format!("unknown field `{code}`; known are {}", known()));
            v1::Field::from_str_name(&name).ok_or_else(unknown)
        };
        let fields = self.fields.iter().map(field).collect::<Result<_, _>>()?;
        let purpose = purpose(&self.purpose)?;
        let question = Question { subject: self.client.subject(), purpose, fields, actor: self.actor.clone() };
        let connection = connect(&self.profile).await?;
        if self.explain {
            let reply = connection.explain(&question).await?;
            println!("{}", describe::explanation(&reply).join("\n"));
            let would_release = matches!(reply.outcome, Some(v1::explain_response::Outcome::WouldRelease(_)));
            return Ok(if would_release { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) });
        }
        let transaction = self.transaction.unwrap_or_else(|| connection.transaction());
        let reply = connection.ask(&question, transaction).await?;
        println!("{}", describe::reply(&reply).join("\n"));
        if let Some(folder) = &self.keep {
            println!("kept      {}", receipts::keep(&reply, folder)?.display());
        }
        let released = matches!(reply, Reply::Released { .. });
        Ok(if released { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}
