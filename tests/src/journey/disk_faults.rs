//! A disk that fails under the real binary, by system call injection: nothing is released without an entry.
//!
//! Needs `strace` and the right to trace; says so loudly and passes where there is none. `SLUIS_FSYNC_ROUNDS` sets how often a
//! flush fails (100): a round is a start, a trace and an end.

use super::evidence::{Export, Kept};
use super::kill::from_environment;
use super::load::{Wish, World, connect, dossier, partner, transaction};
use super::place::Place;
use super::program::{Running, skipped};
use sluis::client::ask::Reply;
use sluis::client::connection::CallError;
use sluis::transport::install_cryptography;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::Leaf;
use std::process::Command;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Calls within which a fault must have shown itself.
const CALLS_MAX: usize = 50;

/// Makes system calls of a running gateway fail; `None`, loudly, where that cannot be done.
fn inject(gateway: &Running, calls: &str, how: &str) -> Option<Running> {
    inject_into(&[gateway.id()], true, calls, how)
}

/// Makes system calls of running processes fail, and of those that they start where `follow` says so; `None`, loudly, where
/// that cannot be done.
pub fn inject_into(processes: &[u32], follow: bool, calls: &str, how: &str) -> Option<Running> {
    let mut words = format!("strace -o /dev/null -e trace={calls} -e inject={calls}:{how}");
    words.push_str(if follow { " -f" } else { "" });
    processes.iter().for_each(|id| words.push_str(&format!(" -p {id}")));
    let mut strace = Running::start(Command::new("sh").args(["-c", &format!("exec {words} 2>&1")]));
    match strace.wait_for("strace: Process") {
        Some(_) => Some(strace),
        None => {
            skipped(&format!("strace cannot trace: {:?}", strace.end()));
            None
        }
    }
}

/// A gateway in a place of its own, a world to ask about, and one who asks.
struct Scene {
    place: Place,
    runtime: Runtime,
    world: World,
    kept: Vec<Kept>,
    refused: Vec<(Uuid, String)>,
}

impl Scene {
    fn set(name: &str) -> (Self, Running) {
        install_cryptography();
        let (place, runtime) = (Place::new(name), Runtime::new().unwrap());
        let gateway = place.serve();
        let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
        (Self { place, runtime, world, kept, refused: Vec::new() }, gateway)
    }

    /// Asks until an error comes, and gives it.
    fn ask_until_error(&mut self, connection: &sluis::client::connection::Connection) -> CallError {
        let clients: Vec<String> = self.world.clients().cycle().take(CALLS_MAX).cloned().collect();
        for client in clients {
            let transaction = transaction();
            match self.runtime.block_on(connection.ask(&dossier(&client), transaction)) {
                Ok(reply) => self.kept.push(self.examined(transaction, &reply)),
                Err(error) => {
                    self.refused.push((transaction, client));
                    return error;
                }
            }
        }
        panic!("{CALLS_MAX} calls, and the fault did not show");
    }

    fn examined(&self, transaction: Uuid, reply: &Reply) -> Kept {
        assert!(matches!(reply, Reply::Released { .. }), "{reply:?}");
        Kept::of_reply(transaction, reply, &self.world.vkey).unwrap()
    }

    /// Exports and compares: every release that a client holds, and no other.
    fn prove(&self) -> usize {
        let export = Export::take(&self.place, &self.place.file("export"), &self.world.vkey).unwrap();
        export.bears_out(&self.kept).unwrap();
        export.leaves.iter().filter(|leaf| Leaf::decode(leaf).unwrap().kind() == LeafKind::Release).count()
    }
}

#[test]
fn a_failed_flush_ends_the_process_and_releases_nothing_unlogged() {
    let (mut scene, mut gateway) = Scene::set("eio");
    for round in 0..from_environment("SLUIS_FSYNC_ROUNDS").unwrap_or(100) {
        let connection = scene.runtime.block_on(connect(&scene.place, &partner()));
        scene.runtime.block_on(connection.token()).unwrap();
        // At another flush in every round: of the log, of its checkpoint, of the anchor.
        let how = format!("error=EIO:when={}+", 4 + round % 13);
        let Some(_strace) = inject(&gateway, "fsync,fdatasync", &how) else { return };
        let before = scene.kept.len();
        let error = scene.ask_until_error(&connection);
        assert!(matches!(error, CallError::Refused { .. }), "round {round}: {error}");
        assert!(scene.kept.len() > before, "round {round}: no call succeeded before the fault");
        let ended = gateway.end();
        assert_eq!(ended.status, Some(2), "round {round}: {ended:#?}");
        assert!(ended.err.contains("the outcome of a write to the log is not known"), "{}", ended.err);

        gateway = scene.place.serve();
        let wishes: Vec<_> = scene.refused.drain(..).map(|(id, client)| (id, Wish::Dossier(client))).collect();
        for came in scene.runtime.block_on(scene.world.again(&scene.place, &wishes)) {
            let super::load::Came::Kept(kept, _) = came else { panic!("the interrupted call has no outcome") };
            scene.kept.push(kept);
        }
    }
    scene.prove();
}

#[test]
fn a_full_disk_answers_unavailable_and_releases_resume() {
    let (mut scene, gateway) = Scene::set("enospc");
    let connection = scene.runtime.block_on(connect(&scene.place, &partner()));
    scene.runtime.block_on(connection.token()).unwrap();
    let Some(strace) = inject(&gateway, "pwrite64", "error=ENOSPC") else { return };
    for _ in 0..3 {
        let before = scene.kept.len();
        let error = scene.ask_until_error(&connection);
        let CallError::Refused { reason, code, .. } = &error else { panic!("{error}") };
        assert_eq!((reason.as_str(), *code), ("LOG_UNAVAILABLE", tonic::Code::Unavailable), "{error}");
        assert_eq!(scene.kept.len(), before, "released on a full disk");
    }
    strace.signal("TERM");
    strace.end();

    let (id, client) = scene.refused.first().cloned().unwrap();
    let reply = scene.runtime.block_on(connection.ask(&dossier(&client), id)).unwrap();
    let kept = scene.examined(id, &reply);
    assert_eq!(kept.repeats(), None, "the call that failed left an entry");
    scene.kept.push(kept);
    assert_eq!(scene.prove(), scene.kept.len(), "entries of releases that nobody received");
    gateway.signal("TERM");
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}
