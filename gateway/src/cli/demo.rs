//! `sluis demo`: the main job, on a fresh machine, on loopback.

use super::{ANSWER_NO, Failure};
use crate::compose::{self, Listening};
use crate::demo::organisations::{DOSSIER_SYSTEM, HOLDER, NEWCOMER, Organisation, PORTAL, THE_HAGUE};
use crate::demo::people::{Cast, Family};
use crate::demo::{Folder, Stage, onboard, verify_everything};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// See it work.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Play the scenes, verify, and end; the status is zero only when every step went as it must
    #[arg(long)]
    once: bool,
    /// The folder to make; one that an earlier demo made is made again
    #[arg(long, value_name = "DIR", default_value = "sluis-demo")]
    dir: PathBuf,
}

impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        println!("Sluis demo: generated keys, fictitious people, loopback only. Not for real dossiers.");
        let today = dutch_date(SystemClock.now());
        let folder = Folder::make(&self.dir, today)?;
        println!(
            "made {}: certificates, {} fictitious clients, a declaration",
            self.dir.display(),
            crate::demo::people::CLIENTS
        );
        compose::init(&folder.config).await?;
        let listening = compose::listen(&folder.config).await?;
        println!("the gateway of Kracht listens on {}, {} clients registered", listening.grpc, listening.provisioned);
        let changes = onboard(&folder).await?;
        println!("the holder's system recorded {changes} facts of standing, each an entry in the log");
        let cast = Cast::find(&folder.holder()?, today)?;
        let verifier_key = listening.gateway.verifier_key().to_string();
        let mut stage = Stage::set(&folder, cast.clone()).await?;
        stage.audit(&verifier_key).await?;
        stage.play().await?;
        let tally = stage.tally;
        let size = verify_everything(&folder, &tally, &verifier_key).await?;
        for wrong in &tally.wrong {
            println!("✗ {wrong}");
        }
        let status = if tally.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) };
        if !self.once {
            stay(listening, &folder, &cast).await?;
        } else {
            listening.stop().await?;
        }
        println!(
            "demo: {} requests, {} released, {} refused, {} escalated; log size {size}, verified",
            tally.requests, tally.released, tally.refused, tally.escalated
        );
        Ok(status)
    }
}

/// Stays up and says what to try.
async fn stay(mut listening: Listening, folder: &Folder, cast: &Cast) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let sluis = pasteable(&program);
    // Whole paths: the other terminal may stand elsewhere.
    let dir = folder.dir.canonicalize()?;
    let at = |organisation: &Organisation| pasteable(&dir.join(format!("profiles/{}.toml", organisation.slug)));
    let (config, export) = (pasteable(&dir.join("gateway.toml")), pasteable(&dir.join("my-export")));
    let Family { client, parent } = &cast.sixteen;
    let (number, system) = (&client.client_number, at(&DOSSIER_SYSTEM));
    println!("\nThe gateway stays up until Ctrl-C. In another terminal:\n");
    println!("  {sluis} audit {} --profile {}", pasteable(&dir.join("declaration.xml")), at(&THE_HAGUE));
    println!("  {sluis} ask --profile {} --client {number} --purpose PARENT_INFORMATION --actor {parent}", at(&PORTAL));
    println!(
        "  {sluis} standing --profile {} --client {number} consent --purpose PARENT_INFORMATION --recipient PARENT --by youth",
        at(&DOSSIER_SYSTEM)
    );
    println!(
        "  {sluis} ask --profile {} --client {number} --purpose PARENT_INFORMATION --actor {parent} --explain",
        at(&PORTAL)
    );
    try_enrolling(&sluis, &dir, number, &at);
    println!(
        "  {sluis} manual record --profile {system} --client {} --when now --by fs-0001 --channel telephone --recipient \
         POLICE --contact agent-4711 --purpose SERIOUS_DANGER --ground 'WvSr 40' --fields name,whereabouts --criteria all \
         --reviewer in-0002",
        cast.endangered.client_number
    );
    println!("  {sluis} manual open --profile {system}");
    println!("  {sluis} manual review --profile {system} --by in-0002 --conclusion right");
    println!("  {sluis} log export --config {config} {export} && {sluis} log verify {export}");
    println!("  {sluis} policy check {}\n", pasteable(&dir.join("policy/kracht.toml")));
    tokio::select! {
        ended = listening.ended() => { ended?; return Ok(()) }
        _ = tokio::signal::ctrl_c() => {}
    }
    tokio::time::timeout(Duration::from_secs(15), listening.stop())
        .await
        .map_err(|_| "calls in progress did not end")??;
    Ok(())
}

/// One more organisation: enrolled by two persons, used for the first time, suspended by one.
fn try_enrolling(sluis: &str, dir: &Path, client: &str, at: &dyn Fn(&Organisation) -> String) {
    let file = |name: &str| pasteable(&dir.join(name));
    let (holder, newcomer, oin) = (at(&HOLDER), at(&NEWCOMER), NEWCOMER.oin);
    let [anna, bram] = ["operators/anna.key", "operators/bram.key"].map(file);
    let (asked, change) = (file("westland.toml"), file("westland.json"));
    println!(
        "  {sluis} organisation add {asked} --profile {holder} --operator {anna} --reason 'agreement 2026-118' --out {change}"
    );
    println!("  {sluis} organisation approve {change} --profile {holder} --operator {bram}");
    println!("  {sluis} ask --profile {newcomer} --client {client} --purpose INVOICE_FORMAL");
    println!("  {sluis} organisation show {oin} --profile {holder}");
    println!("  {sluis} organisation suspend {oin} --profile {holder} --operator {anna} --reason 'incident 12'");
}

/// A path as a shell reads it back, whatever stands in it.
fn pasteable(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
