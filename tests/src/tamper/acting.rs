//! What a finding does to a gateway that serves (A27).

use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::{Options, PATIENCE, World};
use sluis::compose::lift::{LiftFault, Lifted, lift};
use sluis::compose::{self, Listening, StartFault};
use sluis::condition::Condition;
use sluis::demo::organisations::{DOSSIER_SYSTEM, partners};
use sluis::scrubber::{Acting, Hearing};
use sluis_adapters::halt_flag::HaltFile;
use sluis_core::log::scrub::Found;
use sluis_core::upkeep::HaltFlag;
use sluis_proto::v1;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

/// Nobody is answered, a change of standing goes in, and callers are sent elsewhere.
async fn stopped(world: &World, child: &Client) {
    let partner = partners().next().unwrap();
    let desk = world.desk(&partner).await;
    let refused = desk.release(child.question(v1::Purpose::Treatment, "fs-0001")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(!world.listening.gateway.conditions.ready());
    let size = world.size().await;
    world.standing(child, &[child.caseload(partner.oin, "fs-0001")]).await;
    assert_eq!(world.size().await, size + 1, "{}", DOSSIER_SYSTEM.slug);
}

/// Serves from a folder again; the gateway before may still be closing its files.
async fn again(folder: &Folder) -> Listening {
    loop {
        match compose::listen(&folder.config).await {
            Ok(listening) => return listening,
            Err(StartFault::Open(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(other) => panic!("{other}"),
        }
    }
}

/// The gateway sets a policy anew that it does not find: the entries tell that there was one.
#[tokio::test]
async fn a_row_of_state_that_was_deleted_while_nobody_looked_stops_the_gateway() {
    let child = Client::new(1, 8);
    let World { folder, listening } = World::open(Options::with(vec![child.clone()])).await;
    listening.stop().await.unwrap();
    let intruder = rusqlite::Connection::open(folder.dir.join("log.db")).unwrap();
    assert_eq!(intruder.execute("DELETE FROM state WHERE kind = 1", []).unwrap(), 1);
    drop(intruder);
    let listening = tokio::time::timeout(PATIENCE, again(&folder)).await.unwrap();
    let world = World { folder, listening };
    let mut held = world.listening.gateway.conditions.watch();
    let tampered = held.wait_for(|held| held.contains_key(&Condition::LogTampered));
    let text = tokio::time::timeout(PATIENCE, tampered).await.unwrap().unwrap()[&Condition::LogTampered].clone();
    assert!(text.contains("`state` at"), "{text}");
    stopped(&world, &child).await;
}

/// A start does not end it, nor does who takes the row away: the flag stands outside the database. An operator does.
#[tokio::test]
async fn a_halt_outlives_the_process_and_its_row_until_it_is_lifted() {
    let child = Client::new(1, 8);
    let World { folder, listening } = World::open(Options::with(vec![child.clone()])).await;
    listening.brake.pull(&Found::open("log_leaf", 3, "the text is not a leaf"));
    let flag = folder.config.log.anchor().with_extension("anchor.halt");
    let written = async {
        while !flag.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap();
    listening.stop().await.unwrap();
    let intruder = rusqlite::Connection::open(folder.dir.join("log.db")).unwrap();
    intruder.execute_batch("DROP TRIGGER log_halt_stays; DELETE FROM log_halt").unwrap();
    drop(intruder);
    let world = World { listening: tokio::time::timeout(PATIENCE, again(&folder)).await.unwrap(), folder };
    assert!(world.listening.gateway.conditions.holds(Condition::LogTampered));
    stopped(&world, &child).await;
    let World { folder, listening } = world;
    listening.stop().await.unwrap();
    let lifted = lift_again(&folder).await;
    assert_eq!(lifted.found.len(), 2, "the flag, and the row that was written anew for it: {:?}", lifted.found);
    let world = World { listening: tokio::time::timeout(PATIENCE, again(&folder)).await.unwrap(), folder };
    let desk = world.desk(&partners().next().unwrap()).await;
    desk.release(child.question(v1::Purpose::Treatment, "fs-0001")).await.unwrap();
}

/// The process dies between flag and row: the next one stays stopped, and has to tell the others, who read the row.
#[tokio::test]
async fn a_flag_whose_row_was_never_written_gets_its_row_at_the_next_start() {
    let World { folder, listening } = World::open(Options::with(vec![Client::new(1, 8)])).await;
    listening.stop().await.unwrap();
    HaltFile::beside(folder.config.log.anchor()).raise(7, "`log_leaf` at 3: the text is not a leaf").unwrap();
    let listening = tokio::time::timeout(PATIENCE, again(&folder)).await.unwrap();
    assert!(listening.gateway.conditions.holds(Condition::LogTampered));
    let log = rusqlite::Connection::open(folder.dir.join("log.db")).unwrap();
    let rows = || log.query_row("SELECT count(*) FROM log_halt WHERE t = 7", [], |row| row.get::<_, i64>(0)).unwrap();
    let written = async {
        while rows() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("nobody else learns that this gateway stopped");
    listening.stop().await.unwrap();
    assert_eq!(rows(), 1);
}

/// Lifts the halt; the gateway before may still be closing its files.
async fn lift_again(folder: &Folder) -> Lifted {
    loop {
        match lift(&folder.config, "FALSE_ALARM", "the board, 2026-31").await {
            Ok(lifted) => return lifted,
            Err(LiftFault::Start(StartFault::Open(_))) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Who opens the log again because there is room on the disk does not open it again for this.
#[tokio::test]
async fn what_was_stopped_stays_stopped_and_what_is_beside_the_tree_stops_nothing() {
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let gateway = Arc::clone(&world.listening.gateway);
    let acting = Acting { gateway: Arc::clone(&gateway), brake: Arc::clone(&world.listening.brake) };
    acting.found(&Found::beside("log_leaf", 3, "the payload does not open"));
    assert!(gateway.conditions.holds(Condition::ScrubFinding) && gateway.conditions.ready());
    let desk = world.desk(&partners().next().unwrap()).await;
    desk.release(child.question(v1::Purpose::Treatment, "fs-0001")).await.unwrap();
    acting.found(&Found::open("log_leaf", 3, "the text is not a leaf"));
    gateway.recorder.close_to_answers(Condition::DiskLow.code(), false);
    stopped(&world, &child).await;
}

/// A disk and a server can be wrong at once: whoever sees one of them right again does not open the log for the other.
#[tokio::test]
async fn a_log_that_is_closed_for_two_reasons_opens_when_both_are_over() {
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let recorder = &world.listening.gateway.recorder;
    let desk = world.desk(&partners().next().unwrap()).await;
    let question = child.question(v1::Purpose::Treatment, "fs-0001");
    let [disk, server] = [Condition::DiskLow.code(), Condition::ServerUnsafe.code()];
    recorder.close_to_answers(server, true);
    recorder.close_to_answers(disk, true);
    recorder.close_to_answers(disk, false);
    let refused = desk.release(question.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    recorder.close_to_answers(server, false);
    desk.release(question).await.unwrap();
}

/// A pass that never ends finds nothing and says nothing; somebody must.
#[tokio::test]
async fn that_no_pass_ended_in_time_is_named_until_one_does() {
    let world = World::open(Options::with(vec![Client::new(1, 8)])).await;
    let gateway = &world.listening.gateway;
    let mut held = gateway.conditions.watch();
    let passed = async {
        while gateway.metrics.scrub.passes() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, passed).await.unwrap();
    gateway.metrics.scrub.expect(1, Duration::from_millis(1));
    let raised = held.wait_for(|held| held.contains_key(&Condition::ScrubOverdue));
    tokio::time::timeout(PATIENCE, raised).await.unwrap().unwrap();
    assert!(gateway.conditions.ready());
    gateway.metrics.scrub.expect(gateway.clock.now(), Duration::from_secs(3600));
    let cleared = held.wait_for(|held| !held.contains_key(&Condition::ScrubOverdue));
    tokio::time::timeout(PATIENCE, cleared).await.unwrap().unwrap();
}
