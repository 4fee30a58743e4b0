//! On PostgreSQL under load: `kill -9` of the gateway, of the whole server under a gateway that stays, and a flush of the server
//! that fails, upon which it ends all its sessions and recovers. Whatever a client received stands in the log, and releases
//! resume without anybody's help.
//!
//! Rounds and seed as in [`super::kill`].

use super::disk_faults::inject_into;
use super::evidence::Export;
use super::kill::{EXPORT_EVERY, KILLED_AFTER_MS, Known, killed_under_load, rounds};
use super::load::{World, connect, dossier, partner, transaction};
use super::place::Place;
use super::program::{PATIENCE, Running};
use crate::world::postgres::{Cluster, Database};
use sluis::client::ask::Reply;
use sluis::transport::install_cryptography;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Between two questions that find out whether it releases again.
const LOOK: Duration = Duration::from_millis(20);

#[test]
fn what_a_client_received_survives_kill_9_of_gateway_and_server() {
    install_cryptography();
    let (rounds, mut dice) = rounds();
    let (cluster, runtime) = (Cluster::start(), Runtime::new().unwrap());
    let (place, database) = (Place::new("kill-server"), cluster.database());
    place.onto_server(&database.log_url, &database.keys_url);
    let mut gateway = place.serve();
    let (mut world, kept) = runtime.block_on(World::lay(&place, &gateway));
    world.outages = true;
    let mut known = Known::of(kept);
    let (mut size, mut servers, mut flushes) = (0, 0, 0);
    for round in 1..=rounds {
        let after_ms = dice.throw(&KILLED_AFTER_MS);
        match dice.throw(&(0..=2)) {
            0 => {
                known.take(killed_under_load(&runtime, &world, &place, gateway, round, after_ms));
                gateway = place.serve();
            }
            1 => {
                servers += 1;
                known.take(server_killed_under_load(&runtime, &world, &place, &cluster, (round, after_ms)));
                runtime.block_on(releases_again(&world, &place));
            }
            _ => {
                let sessions = sessions(&cluster, &database);
                assert!(!sessions.is_empty(), "round {round}: the gateway has no session");
                let Some(strace) = inject_into(&sessions, false, "fdatasync", "error=EIO:when=3+") else { continue };
                flushes += 1;
                let callers = runtime.block_on(world.begin(&place, round));
                // Its sessions end when one of them cannot flush; then there is nothing left to trace.
                let _traced = strace.end();
                runtime.block_on(releases_again(&world, &place));
                assert!(cluster.server.runs(), "round {round}: the server did not recover");
                // Whoever asked may have heard nothing of it: the entry stood, and was looked up. This ends the load.
                gateway.kill();
                known.take(runtime.block_on(callers.join_all()).into_iter().flatten().collect());
                gateway = place.serve();
            }
        }
        known.repeat(&runtime, &world, &place);
        if round % EXPORT_EVERY != 0 && round != rounds {
            continue;
        }
        let dir = place.file(&format!("export-{round}"));
        let export = Export::take(&place, &dir, &world.vkey).unwrap_or_else(|e| panic!("round {round}: {e}"));
        export.bears_out(&known.kept).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert!(export.leaves.len() >= size, "round {round}: the log shrank from {size} to {}", export.leaves.len());
        size = export.leaves.len();
        if round == rounds {
            a_lost_entry_is_found(&export, &known);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
    println!(
        "{} releases, {} calls interrupted, {} of them were durable; {size} entries; {servers} killed servers, {flushes} failed flushes",
        known.releases, known.interrupted, known.found_durable
    );
    assert!(known.releases > u64::from(rounds), "too few releases to prove anything");
    assert!(known.interrupted >= u64::from(rounds), "a kill interrupted nobody");
    assert!(rounds < 10 || servers > 0, "the server was never killed");
    end(gateway);
}

/// Calls go on until every process of the server is killed; it is started again under the gateway.
fn server_killed_under_load(
    runtime: &Runtime,
    world: &World,
    place: &Place,
    cluster: &Cluster,
    (round, after_ms): (u32, u64),
) -> Vec<super::load::Came> {
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
fn sessions(cluster: &Cluster, database: &Database<'_>) -> Vec<u32> {
    let name = database.log_url.rsplit('/').next().unwrap();
    let all = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'sluis'");
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
