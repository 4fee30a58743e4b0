//! Conditions of the real binary: raised by a fault that was planted, told in readiness and health, cleared with the fault;
//! nothing is released meanwhile, and releases resume.

use super::load::{World, connect, dossier, partner, transaction};
use super::place::Place;
use super::program::Running;
use super::watchtower::Watchtower;
use rusqlite::Connection;
use sluis::client::ask::Reply;
use sluis::client::connection::CallError;
use sluis::transport::install_cryptography;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::{Limits, SqliteLog};
use sluis_adapters::system::SystemClock;
use sluis_core::log::draft::{Draft, Outcome, RequestId};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::{LeafKind, Millis};
use sluis_core::ports::{Clock, Ledger};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

struct Scene {
    place: Place,
    runtime: Runtime,
    tower: Watchtower,
    client: String,
}

impl Scene {
    /// A gateway in a place where the dossier of one client is released.
    fn set(name: &str) -> (Self, Running) {
        install_cryptography();
        let (place, runtime) = (Place::new(name), Runtime::new().unwrap());
        let tower = Watchtower::build(&place, &[]);
        let gateway = place.serve();
        tower.until(200, "ready");
        let (world, _) = runtime.block_on(World::lay(&place, &gateway));
        let client = world.clients().next().unwrap().clone();
        (Self { place, runtime, tower, client }, gateway)
    }

    fn ask(&self) -> Result<Reply, CallError> {
        self.runtime
            .block_on(async { connect(&self.place, &partner()).await.ask(&dossier(&self.client), transaction()).await })
    }

    fn released(&self) {
        let reply = self.ask().unwrap();
        assert!(matches!(reply, Reply::Released { .. }), "{reply:?}");
    }

    fn unavailable(&self, reason: &str) {
        match self.ask() {
            Err(CallError::Refused { reason: said, code, .. }) => {
                assert_eq!((said.as_str(), code), (reason, tonic::Code::Unavailable));
            }
            other => panic!("not UNAVAILABLE: {other:?}"),
        }
    }

    fn execute(&self, database: &str, sql: &str) {
        execute(&self.place.file(database), sql);
    }
}

fn execute(file: &Path, sql: &str) {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn ended(gateway: Running) {
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0), "{said:#?}");
}

#[test]
fn a_holder_database_that_changes_under_us_is_named_and_comes_back() {
    let (scene, gateway) = Scene::set("condition-holder");
    scene.released();
    scene.execute("holder.db", "ALTER TABLE client RENAME TO client_away");
    scene.unavailable("SOURCE_UNAVAILABLE");
    scene.tower.until(503, "HOLDER_FAILING: the holder database does not answer (SCHEMA)");
    assert_eq!(scene.tower.number("sluis_condition{name=\"HOLDER_FAILING\"}"), 1.0);
    assert!(scene.tower.number("sluis_store_errors_total{store=\"holder database\",state=\"SCHEMA\"}") >= 1.0);
    scene.execute("holder.db", "ALTER TABLE client_away RENAME TO client");
    scene.tower.until(200, "ready");
    scene.released();
    ended(gateway);
}

#[test]
fn a_key_database_that_does_not_answer_is_named_and_comes_back() {
    let (scene, gateway) = Scene::set("condition-keys");
    scene.released();
    scene.execute("keys.db", "ALTER TABLE bucket_key RENAME TO bucket_key_away");
    scene.tower.until(503, "KEYS_FAILING: the key database");
    scene.execute("keys.db", "ALTER TABLE bucket_key_away RENAME TO bucket_key");
    scene.tower.until(200, "ready");
    scene.released();
    ended(gateway);
}

#[test]
fn a_log_that_cannot_be_written_is_found_whole_although_nobody_asks() {
    let (scene, gateway) = Scene::set("condition-log");
    let other = Connection::open(scene.place.file("log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    scene.unavailable("LOG_UNAVAILABLE");
    scene.tower.until(503, "LOG_FAILING");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    scene.tower.until(200, "ready");
    scene.released();
    ended(gateway);
}

#[test]
fn a_clock_behind_the_log_is_named_before_anybody_asks() {
    let (scene, gateway) = Scene::set("condition-clock");
    ended(gateway);
    // The machine's clock was an hour ahead when the last entry was written.
    write_at(&scene, SystemClock.now() + 3_600_000);
    let gateway = scene.place.serve();
    scene.tower.until(503, "CLOCK_BEHIND: ");
    scene.unavailable("LOG_UNAVAILABLE");
    ended(gateway);
}

#[test]
fn a_clock_that_catches_up_with_the_log_is_enough() {
    let (scene, gateway) = Scene::set("condition-clock-soon");
    ended(gateway);
    // Eight seconds ahead: three of them too many.
    write_at(&scene, SystemClock.now() + 8_000);
    let gateway = scene.place.serve();
    scene.tower.until(200, "ready");
    scene.released();
    ended(gateway);
}

/// A clock that stands at one moment.
struct Standing(Millis);

impl Clock for Standing {
    fn now(&self) -> Millis {
        self.0
    }
}

/// Writes an entry at a moment, as a gateway would whose clock says so.
fn write_at(scene: &Scene, time: Millis) {
    let config = scene.place.config_read();
    let master = MasterKey::read(&config.keys.master_key).unwrap();
    let file = config.log.database.unwrap();
    let log = SqliteLog::open(&file, &master, Arc::new(Standing(time)), Limits::default()).unwrap();
    let committed = scene.runtime.block_on(async {
        let origin = log.head().await.unwrap().origin;
        let leaf = LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "WRITTEN_AHEAD");
        log.append(vec![Draft::new(RequestId(transaction()), origin.into(), leaf)]).await.unwrap()
    });
    assert!(matches!(committed.outcomes(), [Outcome::Recorded { time: at, .. }] if *at == time));
}

#[test]
fn a_disk_without_room_stops_releases_and_nothing_else() {
    install_cryptography();
    let place = Place::new("condition-disk");
    let (scene, gateway) = {
        let tower = Watchtower::build(&place, &[]);
        let (runtime, gateway) = (Runtime::new().unwrap(), place.serve());
        let (world, _) = runtime.block_on(World::lay(&place, &gateway));
        let client = world.clients().next().unwrap().clone();
        (Scene { place, runtime, tower, client }, gateway)
    };
    ended(gateway);
    // A disk of which all must be free has too little room, whatever is on it.
    scene.place.change("gateway.toml", "disk_free_min_percent = 0", "disk_free_min_percent = 100");
    let gateway = scene.place.serve();
    scene.tower.until(503, "DISK_LOW: less than 100 % of the disk of the log is free: make room");
    scene.unavailable("LOG_UNAVAILABLE");
    scene.runtime.block_on(async {
        use sluis::demo::organisations::DOSSIER_SYSTEM;
        let desk = connect(&scene.place, &DOSSIER_SYSTEM).await;
        let subject = sluis::client::ask::by_client_number(&scene.client);
        let kind = sluis_proto::v1::standing::Kind::Restriction(sluis_proto::v1::Restriction {});
        desk.record(subject, kind).await.expect("a restriction must be recorded while there is room for it");
        assert!(desk.verifier_key().await.is_ok());
    });
    ended(gateway);
    scene.place.change("gateway.toml", "disk_free_min_percent = 100", "disk_free_min_percent = 0");
    let gateway = scene.place.serve();
    scene.tower.until(200, "ready");
    let reply = scene.ask().unwrap();
    assert!(matches!(reply, Reply::Refused { .. }), "the restriction was lost: {reply:?}");
    ended(gateway);
}
