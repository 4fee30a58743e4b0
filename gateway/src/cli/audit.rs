//! `sluis audit FILE`: a municipality audits a declaration (JW323).

use super::ask::connect;
use super::{ANSWER_NO, Failure};
use crate::client::describe;
use indicatif::ProgressBar;
use sluis_adapters::ijw::{DeclaredLine, Header, Jw323Reader};
use sluis_proto::v1;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Audit a declaration.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// The declaration, a JW323 message (iJw 3.2)
    file: PathBuf,
    /// The profile: where the gateway is and who asks
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// The controller who audits
    #[arg(long, default_value = "controller")]
    actor: String,
    /// Verifier key of the holder's log, as given at enrolment; read from the gateway when absent
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

/// Reads a declaration whole: a fault in any line refuses the file, with line and path.
pub fn read_declaration(file: &Path) -> Result<(Header, Vec<DeclaredLine>), Failure> {
    let opened = File::open(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()))?;
    let named = |e: &dyn std::fmt::Display| Failure::from(format!("`{}`: {e}", file.display()));
    let mut reader = Jw323Reader::open(BufReader::new(opened)).map_err(|e| named(&e))?;
    let header = reader.header().clone();
    let lines = reader.by_ref().collect::<Result<Vec<_>, _>>().map_err(|e| named(&e))?;
    Ok((header, lines))
}

/// A line in the words of the wire.
#[must_use]
pub fn on_wire(declared: &DeclaredLine) -> v1::ClaimLine {
    let line = &declared.line;
    v1::ClaimLine {
        reference: line.reference.clone(),
        bsn: declared.bsn.digits(),
        allocation_number: line.allocation_number,
        product_category: line.product_category.clone(),
        product_code: line.product_code.clone(),
        begin: line.begin.to_string(),
        end: line.end.to_string(),
        volume: line.volume,
        unit: line.unit.clone(),
        tariff: line.tariff,
        amount: line.amount,
        credit: line.credit,
    }
}

impl Audit {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let (header, lines) = read_declaration(&self.file)?;
        let connection = connect(&self.profile).await?;
        let vkey = match &self.vkey {
            Some(key) => key.clone(),
            None => connection.verifier_key().await?,
        };
        let bar = ProgressBar::new(lines.len() as u64);
        let opening = v1::AuditOpening {
            declaration_number: header.number.clone(),
            provider_agb: header.sender_agb.clone(),
            actor: self.actor.clone(),
        };
        let sent = lines.iter().map(on_wire).collect();
        let finished = connection.audit(opening, sent, &vkey, |done| bar.set_position(done as u64)).await?;
        bar.finish_and_clear();
        println!(
            "declaration {} of AGB {}, {} lines, audit {}",
            header.number,
            header.sender_agb,
            lines.len(),
            finished.audit_id
        );
        print_findings(&lines, &finished);
        let open = finished.lines.iter().filter(|l| l.finding != v1::Finding::Agrees).count();
        println!("{} lines agree, {open} do not; every page verified against its receipt", finished.lines.len() - open);
        Ok(if open == 0 { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}

/// One row per line that does not agree, and one for all that do.
pub fn print_findings(lines: &[DeclaredLine], finished: &crate::client::audit::Finished) {
    println!("  {:<14} {:<10} {:>12}  {:<13} in what", "line", "BSN", "amount", "finding");
    for (declared, result) in lines.iter().zip(&finished.lines) {
        if result.finding == v1::Finding::Agrees {
            continue;
        }
        let amount = declared.line.amount;
        let finding = match result.finding {
            v1::Finding::Differs => "DIFFERS",
            _ => "NOT CONFIRMED",
        };
        let differing: Vec<_> = result.differing.iter().map(|f| describe::field(*f)).collect();
        let what = if differing.is_empty() { "handle by hand (handmatig)".to_owned() } else { differing.join(", ") };
        let euros = format!("€ {}.{:02}", amount / 100, amount % 100);
        println!("  {:<14} {:<10} {euros:>12}  {finding:<13} {what}", result.reference, declared.bsn.digits());
    }
}
