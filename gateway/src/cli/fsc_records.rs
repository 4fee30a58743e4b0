//! `sluis log fsc-records`: the transaction log that an FSC Manager hands to its peers, out of the transfer log.

use super::Failure;
use crate::compose;
use crate::config::Config;
use crate::fsc::record::TransactionLogRecord;
use sluis_core::organisation::Oin;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the calls as transaction log records of FSC.
#[derive(Debug, clap::Args)]
pub struct FscRecords {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only records that name this organisation: all that its Manager may be given
    #[arg(long, value_name = "OIN", value_parser = Oin::parse)]
    peer: Option<Oin>,
    /// Only calls under this grant
    #[arg(long, value_name = "HASH")]
    grant: Option<String>,
    /// Only calls after this moment, seconds of Unix time
    #[arg(long, value_name = "SECONDS")]
    after: Option<u64>,
    /// Only calls before this moment, seconds of Unix time
    #[arg(long, value_name = "SECONDS")]
    before: Option<u64>,
}

impl FscRecords {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let config = Config::read(&self.config)?;
        // Printed when the log was read to its end: half a transaction log would look like a whole one.
        let mut records = Vec::new();
        let take = |record| records.extend(self.wants(&record).then_some(record));
        let unavailable = compose::fsc_records(&config, take).await?;
        for record in records {
            println!("{}", serde_json::to_string(&record)?);
        }
        for (count, why) in [
            (unavailable.erased, "their payload was erased with the key of its subject"),
            (unavailable.older, "they were written before the log kept grant and service"),
            (
                unavailable.changed,
                "their payload is not what the entry commits to; the scrubber of the gateway names it",
            ),
        ] {
            if count > 0 {
                eprintln!("sluis: {count} calls without a record: {why}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn wants(&self, record: &TransactionLogRecord) -> bool {
        self.peer.as_ref().is_none_or(|peer| record.names(peer))
            && self.grant.as_ref().is_none_or(|grant| record.grant_hash() == grant)
            && self.after.is_none_or(|after| record.created_at() > after)
            && self.before.is_none_or(|before| record.created_at() < before)
    }
}
