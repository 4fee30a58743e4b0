//! On PostgreSQL under load: `kill -9` of the gateway, of the whole server under a gateway that stays, and a flush of the server
//! that fails, upon which it ends all its sessions and recovers. Whatever a client received stands in the log, and releases
//! resume without anybody's help.
//!
//! Each of the three as often as [`super::kill`] has rounds; moments and seed as there.

use super::disk_faults::inject_into;
use super::evidence::Export;
use super::kill::{EXPORT_EVERY, KILLED_AFTER_MS, Known, killed_under_load, rounds};
use super::load::{Came, World, connect, dossier, partner, transaction};
use super::place::Place;
use super::program::{PATIENCE, Running};
use crate::world::postgres::Cluster;
use sluis::client::ask::Reply;
use sluis::transport::install_cryptography;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Between two questions that find out whether it releases again.
const LOOK: Duration = Duration::from_millis(20);
/// What the server says when it ends all its sessions because one could not flush, and when it starts after a crash.
const FAILED_FLUSH: &str = "could not fdatasync file";
const RECOVERY: &str = "was not properly shut down";

/// What is killed in a round: each in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gateway,
    Server,
    Flush,
}

const KINDS: [Kind; 3] = [Kind::Gateway, Kind::Server, Kind::Flush];

/// What the rounds of one kind met.
#[derive(Debug, Default)]
struct Met {
    rounds: u32,
    /// Calls that broke off.
    interrupted: u64,
    /// Of these, calls whose entry stood: a commit was under way.
    durable: u64,
    /// Flushes of which the server said that they failed.
    flushes: usize,
    /// Recoveries that the server says it went through.
    recoveries: usize,
}

/// A gateway on a server of its own, and what its clients know.
struct Scene {
    cluster: Cluster,
    place: Place,
    runtime: Runtime,
    world: World,
    known: Known,
    met: [Met; 3],
    /// Whether system calls can be made to fail here.
    traces: bool,
}

#[test]
fn what_a_client_received_survives_kill_9_of_gateway_and_server() {
    install_cryptography();
    let (rounds, mut dice) = rounds();
    let (cluster, runtime) = (Cluster::start(), Runtime::new().unwrap());
    let (place, names) = (Place::new("kill-server"), cluster.database());
    place.onto_server(&names.log_url, &names.keys_url);
    let database = names.log_url.rsplit('/').next().unwrap().to_owned();
    drop(names);
    let mut gateway = place.serve();
    let (mut world, kept) = runtime.block_on(World::lay(&place, &gateway));
    world.outages = true;
    let mut scene =
        Scene { cluster, place, runtime, world, known: Known::of(kept), met: Default::default(), traces: true };
    let (mut size, total) = (0, rounds * 3);
    for round in 1..=total {
        let kind = KINDS[round as usize % 3];
        gateway = scene.round(kind, gateway, &database, (round, dice.throw(&KILLED_AFTER_MS)));
        if round % (3 * EXPORT_EVERY) != 0 && round != total {
            continue;
        }
        let dir = scene.place.file(&format!("export-{round}"));
        let (world, known) = (&scene.world, &scene.known);
        let export = Export::take(&scene.place, &dir, &world.vkey).unwrap_or_else(|e| panic!("round {round}: {e}"));
        export.bears_out(&known.kept).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert!(export.leaves.len() >= size, "round {round}: the log shrank from {size} to {}", export.leaves.len());
        size = export.leaves.len();
        if round == total {
            a_lost_entry_is_found(&export, known);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
    println!("{} releases, {size} entries", scene.known.releases);
    assert!(scene.known.releases > u64::from(total), "too few releases to prove anything");
    scene.happened(rounds);
    end(gateway);
}

impl Scene {
    /// One kill under load, and what became of the calls that it interrupted.
    fn round(&mut self, kind: Kind, gateway: Running, database: &str, at: (u32, u64)) -> Running {
        let Self { cluster, place, runtime, world, known, .. } = self;
        let (interrupted, durable) = (known.interrupted, known.found_durable);
        let (failed, recovered) = (says(cluster, FAILED_FLUSH), says(cluster, RECOVERY));
        let gateway = match kind {
            Kind::Gateway => {
                known.take(killed_under_load(runtime, world, place, gateway, at.0, at.1));
                place.serve()
            }
            Kind::Server => {
                known.take(server_killed_under_load(runtime, world, place, cluster, at));
                runtime.block_on(releases_again(world, place));
                gateway
            }
            Kind::Flush => {
                let Some(came) = flush_fails_under_load(runtime, world, place, (cluster, database), at.0) else {
                    self.traces = false;
                    return gateway;
                };
                runtime.block_on(releases_again(world, place));
                assert!(cluster.server.runs(), "round {}: the server did not recover", at.0);
                // Whoever asked may have heard nothing of it: the entry stood, and was looked up. This ends the load.
                gateway.kill();
                known.take(runtime.block_on(came.join_all()).into_iter().flatten().collect());
                place.serve()
            }
        };
        known.repeat(runtime, world, place);
        let met = &mut self.met[kind as usize];
        met.rounds += 1;
        met.interrupted += known.interrupted - interrupted;
        met.durable += known.found_durable - durable;
        let (flushes, recoveries) = (says(cluster, FAILED_FLUSH) - failed, says(cluster, RECOVERY) - recovered);
        met.flushes += flushes;
        met.recoveries += recoveries;
        assert!(known.interrupted > interrupted, "round {}, {kind:?}: it interrupted nobody", at.0);
        assert_eq!(flushes > 0, kind == Kind::Flush, "round {}, {kind:?}: {flushes} flushes failed", at.0);
        assert_eq!(recoveries > 0, kind != Kind::Gateway, "round {}, {kind:?}: {recoveries} recoveries", at.0);
        gateway
    }

    /// Every kind came as often as it must, and met what it is for.
    fn happened(&self, rounds: u32) {
        for (kind, met) in KINDS.iter().zip(&self.met) {
            println!("{kind:?}: {met:?}");
            if *kind == Kind::Flush && !self.traces {
                continue;
            }
            assert_eq!(met.rounds, rounds, "{kind:?}");
            assert!(met.durable < met.interrupted, "{kind:?} never came before a commit: {met:?}");
        }
    }
}

/// How often the server said this since it was made.
fn says(cluster: &Cluster, words: &str) -> usize {
    std::fs::read_to_string(cluster.server.log_file()).unwrap().matches(words).count()
}

/// Calls go on, and flushes of the sessions that serve the log begin to fail; the callers, who may have heard nothing of it.
fn flush_fails_under_load(
    runtime: &Runtime,
    world: &World,
    place: &Place,
    (cluster, database): (&Cluster, &str),
    round: u32,
) -> Option<JoinSet<Vec<Came>>> {
    let sessions = sessions(cluster, database);
    assert!(!sessions.is_empty(), "round {round}: the gateway has no session");
    let strace = inject_into(&sessions, false, "fdatasync", "error=EIO:when=3+")?;
    let callers = runtime.block_on(world.begin(place, round));
    // Its sessions end when one of them cannot flush; then there is nothing left to trace.
    let _traced = strace.end();
    Some(callers)
}

/// Calls go on until every process of the server is killed; it is started again under the gateway.
fn server_killed_under_load(
    runtime: &Runtime,
    world: &World,
    place: &Place,
    cluster: &Cluster,
    (round, after_ms): (u32, u64),
) -> Vec<Came> {
    let callers = runtime.block_on(async {
        let callers = world.begin(place, round).await;
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        callers
    });
    cluster.server.kill();
    let came = runtime.block_on(callers.join_all());
    cluster.server.start();
    came.into_iter().flatten().collect()
}

/// The processes of the server that serve the log of a gateway.
fn sessions(cluster: &Cluster, database: &str) -> Vec<u32> {
    let all = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'sluis'");
    cluster.server.sql("postgres", &all).lines().map(|pid| pid.trim().parse().unwrap()).collect()
}

/// Nobody helps: in its own time it releases again.
async fn releases_again(world: &World, place: &Place) {
    let client = world.clients().next().unwrap();
    let released = async {
        loop {
            let asked = connect(place, &partner()).await.ask(&dossier(client), transaction()).await;
            if let Ok(Reply::Released { .. }) = asked {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, released).await.expect("it does not release again");
}

/// Negative control: without one entry that a client has a receipt of, the comparison is not content.
fn a_lost_entry_is_found(export: &Export, known: &Known) {
    let mut leaves = export.leaves.clone();
    leaves.truncate(usize::try_from(known.kept.iter().map(|one| one.index).max().unwrap()).unwrap());
    let error = Export { leaves }.bears_out(&known.kept).unwrap_err();
    assert!(error.contains("is gone"), "{error}");
}

fn end(gateway: Running) {
    gateway.signal("TERM");
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}
