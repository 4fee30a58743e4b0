//! Every message that one act sends to the server of the log, and to that of the keys: the connection is cut before the
//! server sees it, and after the server has answered and nobody has heard it. The gateway goes on without a restart.

use super::acts::{Act, Scene, about};
use super::ground::{Ground, patiently};
use super::{bears_out, settled, step};
use crate::invariant::seen::Seen;
use crate::world::postgres::Cluster;
use crate::world::wire::{Then, When, Wire};
use sluis::compose::subject::{Erasure, erase};
use sluis_core::subject::SubjectId;
use std::sync::{Arc, Mutex};

/// More messages than one act has.
const MESSAGES_MAX: u64 = 400;

/// Messages between two cuts of an erasure: each costs two starts.
const STEP: u64 = 37;

/// Does an act while the message with this number meets a cut; whether there was one.
async fn meets(scene: &Scene, ground: &Ground, wire: &Wire, act: Act, (message, when): (u64, When)) -> bool {
    let id = scene.gateway.new_uuid();
    // What was read from the key database before is not asked again otherwise.
    patiently(|| ground.keys.destroy(Vec::new())).await;
    wire.trap_message(Some((message, when, Then::Cut)));
    let answer = scene.perform(act, id).await;
    let caught = wire.has_caught();
    wire.trap_message(None);
    assert!(caught || answer.is_ok(), "{act:?}, no cut: {answer:?}");
    // A caller repeats under the same transaction id.
    patiently(|| scene.perform(act, id)).await;
    settled(scene).await;
    caught
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_whose_connections_are_cut_at_any_message_goes_on() {
    let port = Cluster::shared().server.port();
    let (log, keys) = (Wire::to(port).await, Wire::to(port).await);
    let ground = Ground::at_ports(log.port(), keys.port()).await;
    let seen = Arc::<Mutex<Seen>>::default();
    let scene = Scene::open(&ground, &seen).await;
    scene.prepare().await;
    for (name, wire) in [("log", &log), ("keys", &keys)] {
        for act in [Act::Release, Act::Withdraw] {
            for when in [When::Before, When::Answered] {
                let mut messages = 0;
                while meets(&scene, &ground, wire, act, (messages, when)).await {
                    messages += 1;
                    assert!(messages < MESSAGES_MAX);
                }
                println!("{name}, {act:?}, {when:?}: {messages} messages");
                assert!(messages >= 4, "{name}, {act:?}: {messages} messages prove little");
            }
        }
        bears_out(&scene, &seen).await;
    }
}

/// An erasure is interrupted at any message to either database; the same command again completes it, and never twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_is_cut_at_any_message_is_completed_by_the_next() {
    let port = Cluster::shared().server.port();
    let (log, keys) = (Wire::to(port).await, Wire::to(port).await);
    let mut ground = Ground::at_ports(log.port(), keys.port()).await;
    let year = ground.folder.config.log.year;
    let subject = SubjectId::client_number(&about(Act::Release).number).unwrap();
    let erasure = Erasure { subject: &subject, year, reason: "LOGGED_WRONGLY", authorised_by: "T", backup_days: 30 };
    for wire in [&log, &keys] {
        for when in [When::Before, When::Answered] {
            let mut message = 0;
            loop {
                // The holder registers the client again, with a new key, and there is something to erase.
                let scene = Scene::open(&ground, &Arc::default()).await;
                scene.perform(Act::KeepHouse, scene.gateway.new_uuid()).await.unwrap();
                scene.prepare().await;
                let whom = ground.keys.find(&subject).await.unwrap().unwrap();
                let key = ground.keys.subject_key(whom, year).await.unwrap().unwrap().key_id;
                drop(scene);
                let (folder, database) = ground.close();
                wire.trap_message(Some((message, when, Then::Cut)));
                let first = erase(&folder.config, &erasure).await;
                let caught = wire.has_caught();
                wire.trap_message(None);
                if let (true, Err(fault)) = (caught, &first) {
                    let done = patiently(|| completed(&folder.config, &erasure)).await;
                    assert!(done, "message {message}, {when:?}: {fault}");
                }
                ground = Ground::reopen(folder, database).await;
                assert!(
                    ground.keys.key_by_id(key).await.unwrap().is_none(),
                    "message {message}, {when:?}: the key is there"
                );
                if !caught {
                    first.unwrap_or_else(|fault| panic!("no cut, and it failed: {fault}"));
                    break;
                }
                message += step(STEP);
            }
            println!("{when:?}: up to message {message}");
            assert!(message > 10, "{message} messages prove little");
        }
    }
}

/// Runs the command again until it says that it is done, or that there is nothing left to erase.
async fn completed(
    config: &sluis::config::Config,
    erasure: &Erasure<'_>,
) -> Result<bool, sluis::compose::subject::SubjectFault> {
    use sluis::compose::subject::SubjectFault;
    match erase(config, erasure).await {
        Ok(_) | Err(SubjectFault::NoKey { .. }) => Ok(true),
        Err(other) => Err(other),
    }
}
