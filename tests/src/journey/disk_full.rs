//! A disk that is really full, a small file system of its own, under the log of either engine: nothing is released while it is, under a named state, and releases resume when there is room. A call that failed left no entry.
//!
//! Needs the right to mount; says so loudly where there is none. `SLUIS_DISK_ROUNDS` sets how often the disk fills (100).

use super::evidence::{Export, Kept};
use super::kill::from_environment;
use super::load::{World, connect, dossier, partner, transaction};
use super::place::Place;
use super::program::{PATIENCE, Running};
use super::small_disk::SmallDisk;
use super::watchtower::Watchtower;
use crate::world::postgres::Cluster;
use sluis::client::ask::Reply;
use sluis::client::connection::{CallError, Connection};
use sluis::transport::install_cryptography;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Calls within which a full disk must have shown itself: a table has room in its last pages.
const CALLS_MAX: usize = 400;
/// Between two attempts of a call that waits for room.
const PAUSE: Duration = Duration::from_millis(50);

/// A gateway whose stores are on the small disk, and what its clients have.
struct Scene {
    place: Place,
    runtime: Runtime,
    tower: Watchtower,
    world: World,
    kept: Vec<Kept>,
    connection: Connection,
}

impl Scene {
    fn set(place: Place) -> (Self, Running) {
        install_cryptography();
        let runtime = Runtime::new().unwrap();
        let tower = Watchtower::build(&place, &[]);
        let gateway = place.serve();
        let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
        let connection = runtime.block_on(connect(&place, &partner()));
        runtime.block_on(connection.token()).unwrap();
        (Self { place, runtime, tower, world, kept, connection }, gateway)
    }

    /// Asks until the disk is found full; gives the call that it met.
    fn until_full(&mut self, round: u64) -> (uuid::Uuid, String) {
        let clients: Vec<String> = self.world.clients().cycle().take(CALLS_MAX).cloned().collect();
        for client in clients {
            let id = transaction();
            match self.runtime.block_on(self.connection.ask(&dossier(&client), id)) {
                Ok(reply) => self.keep(id, &reply),
                Err(CallError::Refused { reason, code, .. }) => {
                    let refused = (reason.as_str(), code);
                    assert_eq!(refused, ("LOG_UNAVAILABLE", tonic::Code::Unavailable), "in round {round}");
                    return (id, client);
                }
                Err(other) => panic!("in round {round}: {other}"),
            }
        }
        panic!("{CALLS_MAX} calls in round {round}, and the disk is not full");
    }

    fn keep(&mut self, id: uuid::Uuid, reply: &Reply) {
        assert!(matches!(reply, Reply::Released { .. }), "{reply:?}");
        self.kept.push(Kept::of_reply(id, reply, &self.world.vkey).unwrap());
    }

    /// The call that failed is repeated, until the gateway has seen that there is room: it left no entry.
    fn resumes(&mut self, (id, client): &(uuid::Uuid, String), round: u64) {
        let mut left = PATIENCE.as_millis() / PAUSE.as_millis();
        let reply = loop {
            match self.runtime.block_on(self.connection.ask(&dossier(client), *id)) {
                Ok(reply) => break reply,
                Err(CallError::Refused { reason, .. }) if reason == "LOG_UNAVAILABLE" && left > 0 => {
                    left -= 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => panic!("in round {round} it does not resume: {error}; {:?}", self.tower.get("/readyz")),
            }
        };
        self.keep(*id, &reply);
        assert_eq!(self.kept.last().unwrap().repeats(), None, "the call that failed in round {round} left an entry");
    }

    fn rounds(&mut self, disk: &SmallDisk) {
        for round in 0..from_environment("SLUIS_DISK_ROUNDS").unwrap_or(100) {
            disk.fill();
            let failed = self.until_full(round);
            self.tower.until(503, "LOG_FAILING: DISK_FULL");
            if round == 0 {
                self.tower.until_number("sluis_condition{name=\"LOG_FAILING\"}", 1.0);
                disk.make_room();
                self.tower.until(200, "ready");
            } else {
                disk.make_room();
            }
            self.resumes(&failed, round);
        }
        let export = Export::take(&self.place, &self.place.file("export"), &self.world.vkey).unwrap();
        export.bears_out(&self.kept).unwrap();
    }
}

fn ended(gateway: Running) {
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0), "{said:#?}");
}

#[test]
fn a_log_file_on_a_full_disk_releases_nothing_until_there_is_room() {
    let place = Place::new("disk-full");
    let Some(disk) = SmallDisk::mount(&place.file("disk"), 64) else { return };
    std::fs::rename(place.file("log.db"), place.file("disk/log.db"))
        .or_else(|_| std::fs::copy(place.file("log.db"), place.file("disk/log.db")).map(drop))
        .unwrap();
    place.change("gateway.toml", "database = \"log.db\"", "database = \"disk/log.db\"");
    let (mut scene, gateway) = Scene::set(place);
    scene.rounds(&disk);
    ended(gateway);
}

/// The tables are on the small disk. The WAL is not: when that is full the server ends itself, which is a killed server.
#[test]
fn a_log_on_a_server_with_a_full_disk_releases_nothing_until_there_is_room() {
    let (place, cluster) = (Place::new("disk-full-server"), Cluster::start());
    let Some(disk) = SmallDisk::mount(&cluster.server.data.with_file_name("small"), 128) else { return };
    let database = cluster.database();
    disk.holds(&cluster.server, &database.log_url);
    place.onto_server(&database.log_url, &database.keys_url);
    let (mut scene, gateway) = Scene::set(place);
    scene.rounds(&disk);
    ended(gateway);
    assert!(cluster.server.runs(), "the server ended");
}
