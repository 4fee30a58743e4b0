//! A disk that is really full under the key database of either engine: the first call of a day needs a key that cannot be
//! made. Nothing is released, and no entry is left, under a named state; when there is room the same call is answered.
//!
//! In process, because each round is the first call of a day: the key of the day is taken away past the gateway, which is made
//! to forget it. Needs the right to mount; says so loudly where there is none.
//! `SLUIS_DISK_ROUNDS` sets how often the disk fills (100).

use super::kill::from_environment;
use super::small_disk::SmallDisk;
use crate::invariant::seen::Seen;
use crate::pairs::acts::{Act, Scene};
use crate::pairs::bears_out;
use crate::pairs::ground::Ground;
use crate::world::postgres::Cluster;
use rusqlite::Connection;
use sluis::condition::Condition;
use sluis::fault::Fault;
use sluis::gateway::Gateway;
use sluis::operation::watch::{Disk, Expiry, Surroundings, Usage, Watch};
use sluis_core::ports::StoreError;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A machine of which nothing is known.
struct Nowhere;

impl Surroundings for Nowhere {
    fn disk(&self) -> Option<Disk> {
        None
    }
    fn usage(&self) -> Option<Usage> {
        None
    }
    fn expiries(&self) -> Vec<Expiry> {
        Vec::new()
    }
}

/// What the operator sees when the watch looked.
async fn shown(gateway: &Arc<Gateway>) -> Option<String> {
    Watch::new(Arc::clone(gateway), Arc::new(Nowhere), 0).look().await;
    gateway.conditions.watch().borrow().get(&Condition::KeysFailing).cloned()
}

/// The disk fills before the first call of a day, again and again.
async fn rounds(ground: Ground, disk: &SmallDisk, day_begins: impl AsyncFn(&Ground)) {
    let seen = Arc::<Mutex<Seen>>::default();
    let scene = Scene::open(&ground, &seen).await;
    scene.prepare().await;
    let rounds = from_environment("SLUIS_DISK_ROUNDS").unwrap_or(100);
    for round in 0..rounds {
        day_begins(&ground).await;
        // What was destroyed must not be remembered: nothing is.
        ground.keys.destroy(Vec::new()).await.unwrap();
        disk.fill();
        let (id, before) = (scene.gateway.new_uuid(), ground.log().head().await.unwrap());
        assert_eq!(shown(&scene.gateway).await, None, "round {round}: nothing was asked yet");
        for _ in 0..2 {
            let refused = scene.perform(Act::Release, id).await.unwrap_err();
            let full = StoreError::Unavailable { store: "key database", state: "DISK_FULL" };
            assert!(matches!(&refused, Fault::Store(error) if *error == full), "round {round}: {refused:?}");
            let state = shown(&scene.gateway).await.unwrap_or_else(|| panic!("round {round}: no state says so"));
            assert!(state.contains("DISK_FULL"), "round {round}: {state}");
        }
        assert_eq!(ground.log().head().await.unwrap(), before, "round {round}: it left an entry");
        disk.make_room();
        assert_eq!(shown(&scene.gateway).await, None, "round {round}: it goes on when there is room");
        scene.perform(Act::Release, id).await.unwrap_or_else(|fault| panic!("round {round}: {fault:?}"));
        if round == 0 || round + 1 == rounds {
            bears_out(&scene, &seen).await;
        }
    }
    println!("{rounds} rounds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_file_on_a_full_disk_releases_nothing_until_there_is_room() {
    let at = std::env::temp_dir().join(format!("sluis-disk-keys-{}", std::process::id()));
    let Some(disk) = SmallDisk::mount(&at, 16) else { return };
    let file = at.join("keys.db");
    rounds(Ground::with_keys_at(&file).await, &disk, async |_| forget_in(&file)).await;
}

/// Takes the keys of the day away, and gives back the room that a write would use.
fn forget_in(file: &Path) {
    let intruder = Connection::open(file).unwrap();
    intruder.busy_timeout(crate::world::PATIENCE).unwrap();
    intruder.execute_batch("DELETE FROM transaction_key").unwrap();
    intruder.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
}

/// The tables are on the small disk, the WAL of the server is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_on_a_server_with_a_full_disk_release_nothing_until_there_is_room() {
    // Stores of a ground may outlive any scope: the cluster is stopped below, and goes with the process.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let Some(disk) = SmallDisk::mount(&cluster.server.data.with_file_name("small"), 64) else { return };
    let database = cluster.database();
    disk.holds(&cluster.server, &database.keys_url);
    let name = database.keys_url.rsplit('/').next().unwrap().to_owned();
    // A new file for the table: one that is there may have room.
    let forget = async |_: &Ground| drop(cluster.server.sql(&name, "TRUNCATE transaction_key"));
    rounds(Ground::on_database(database).await, &disk, forget).await;
    assert!(cluster.server.runs(), "the server ended");
    cluster.server.kill();
}
