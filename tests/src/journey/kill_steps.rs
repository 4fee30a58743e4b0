//! `kill -9` at every step of writing a file: before the first, the second, ... system call of the thread that writes the log.
//! Enumerated, not drawn. Whatever a client received stands in the log.
//!
//! Needs `strace` and the right to trace; says so loudly and passes where there is none. `SLUIS_KILL_STEPS` sets how many
//! steps (48).

use super::disk_faults::inject_into;
use super::evidence::Export;
use super::kill::{Known, from_environment};
use super::load::World;
use super::place::Place;
use super::program::PATIENCE;
use sluis::transport::install_cryptography;
use tokio::runtime::Runtime;

const STEPS: u64 = 48;
/// What SQLite calls on its files to write, and nothing else in the gateway.
const CALLS: &str = "pwrite64,fdatasync,ftruncate";

#[test]
fn what_a_client_received_survives_a_kill_at_any_step_of_writing() {
    install_cryptography();
    let (place, runtime) = (Place::new("kill-steps"), Runtime::new().unwrap());
    let mut gateway = place.serve();
    let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
    let mut known = Known::of(kept);
    let steps = from_environment("SLUIS_KILL_STEPS").unwrap_or(STEPS);
    for step in 1..=steps {
        let how = format!("signal=KILL:when={step}");
        let Some(_strace) = inject_into(&[gateway.id()], true, CALLS, &how) else { return };
        let came = runtime.block_on(async {
            let callers = world.begin(&place, u32::try_from(step).unwrap()).await;
            tokio::time::timeout(PATIENCE, callers.join_all()).await.expect("nobody was killed")
        });
        known.take(came.into_iter().flatten().collect());
        assert_eq!(gateway.end().status, None, "it was not killed");
        gateway = place.serve();
        known.repeat(&runtime, &world, &place);
    }
    let export = Export::take(&place, &place.file("export"), &world.vkey).unwrap();
    export.bears_out(&known.kept).unwrap();
    println!("{steps} steps, {} calls interrupted, {} of them were durable", known.interrupted, known.found_durable);
    assert!(known.interrupted >= steps, "a kill interrupted nobody");
}
