//! How the scrubber spreads its work over the configured time, and that it and the verifier tell how far they are.
//!
//! Time is that of the runtime, which stands still while anything is done: hours pass in a moment.

use crate::conduct::House;
use crate::contract::Engine;
use crate::contract::draft::{ORIGIN, bare};
use crate::contract::sqlite::Sqlite;
use crate::pairs::upkeep::files;
use crate::pairs::yard::{Yard, anchored, configured};
use crate::tamper::entries::under;
use crate::tamper::ground::Heard;
use crate::turn::chain::copy;
use sluis::client::chain::verify_all;
use sluis::client::verify::verify_export;
use sluis::compose::{Assembled, assemble, export_log};
use sluis::scrubber::{Acting, Progress, Scrubber, Stores};
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::verifier_key;
use sluis_core::log::draft::Draft;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Pages of the log, and entries of each.
const PAGES: u64 = 5;
const PAGE: u64 = 512;
const SECOND: Duration = Duration::from_secs(1);

/// A scrubber over a log of five pages, which is whole.
async fn over(engine: &Sqlite, within: Duration) -> Scrubber {
    let (log, keys) = (engine.log().await, engine.keys().await);
    let day = keys.bucket_key(dutch_date(engine.clock().now())).await.unwrap();
    let said = serde_json::json!({ "v": "sluis-payload/1" });
    let noted = |n| under(bare(n, LeafDraft::new(LeafKind::Admin).with(Key::Rs, "TEST")), &day, &said);
    let first = bare(0, LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN"));
    let mut all: Vec<Draft> = std::iter::once(first).chain((1..PAGES * PAGE).map(noted)).collect();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(256));
        log.append(std::mem::replace(&mut all, rest)).await.unwrap();
    }
    let verifier_key = verifier_key(ORIGIN, &engine.signer().public_key()).into();
    let stores = Stores { log, keys, origin: ORIGIN.into(), verifier_key };
    Scrubber { stores, within, mends: false, progress: Arc::<Progress>::default() }
}

/// Waits so many seconds, and gives how far the scrubber was after each.
async fn watched(progress: &Progress, seconds: u64) -> Vec<f64> {
    let mut parts = Vec::new();
    for _ in 0..seconds {
        tokio::time::sleep(SECOND).await;
        parts.push(progress.part());
    }
    parts
}

/// A pass takes about its time, page after page, and tells how far it is; never as fast as it can.
#[tokio::test]
async fn a_pass_is_spread_over_its_time_and_tells_how_far_it_is() {
    let engine = Sqlite::empty().await;
    let scrubber = over(&engine, SECOND).await;
    tokio::time::pause();
    for (time, least, most) in [(60, 30, 60), (240, 120, 240), (36_000, 240, 300)] {
        let (begun, progress) = (Instant::now(), Arc::clone(&scrubber.progress));
        let heard = Heard::default();
        let pass = async {
            let found = scrubber.pass(Duration::from_secs(time), &heard).await.unwrap();
            assert_eq!((found, progress.part()), (0, 1.0), "the pass ends, and its progress does not");
            begun.elapsed().as_secs()
        };
        let (took, parts) = tokio::join!(pass, watched(&progress, most));
        assert!((least..=most).contains(&took), "a pass over {time} s took {took} s");
        // The first page is read at once, and then one for each rest.
        let rest = (took / (PAGES - 1)) as f64;
        for (second, part) in (1..).zip(&parts) {
            let pages = (f64::from(second) / rest).floor() + 1.0;
            assert!(*part <= (pages + 0.01) / PAGES as f64, "{part} of a pass over {time} s after {second} s");
        }
        assert!(parts.is_sorted(), "it goes back: {parts:?}");
        let mut steps = parts;
        steps.dedup();
        assert!(steps.len() >= PAGES as usize, "it is told in {} steps", steps.len());
    }
    // Who waits for it, a command, does not wait longer than it must.
    let begun = Instant::now();
    assert_eq!(scrubber.pass(Duration::ZERO, &Heard::default()).await, Ok(0));
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
}

/// Passes follow one another: each takes half of the time, so that what is changed behind the back of one is met by the next
/// within the whole; between two there is a rest.
#[tokio::test]
async fn a_scrubber_that_runs_recomputes_everything_within_its_time_and_no_faster() {
    let (engine, mut house) = (Sqlite::empty().await, House::build(1).await);
    house.config.operation.scrub_hours = NonZeroU16::new(7).unwrap();
    let Assembled { gateway, brake, scrubber, .. } = assemble(&house.config).await.unwrap();
    assert_eq!(scrubber.within, Duration::from_secs(7 * 3600), "`operation.scrub_hours`");
    let within = 200;
    let scrubber = over(&engine, Duration::from_secs(within)).await;
    let (progress, (end, ending)) = (Arc::clone(&scrubber.progress), watch::channel(false));
    tokio::time::pause();
    let running = tokio::spawn(scrubber.run(Acting { gateway, brake }, ending));
    let (mut passes, mut ended_at) = (0, vec![0]);
    for second in 1..=10 * within {
        tokio::time::sleep(SECOND).await;
        if progress.passes() > passes {
            assert_eq!(progress.passes(), passes + 1, "two passes within a second");
            passes += 1;
            ended_at.push(second);
        }
    }
    end.send_replace(true);
    running.await.unwrap();
    let between: Vec<u64> = ended_at.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert!(between.len() > 5, "passes ended at {ended_at:?}");
    // From the end of one to the end of the next: its rest, and its own time.
    assert!(between.iter().all(|time| (within / 2..=within).contains(time)), "passes ended at {ended_at:?}");
}

/// What was told while somebody waits: done, and of how much.
#[derive(Default)]
struct Told(Vec<(u64, u64)>);

impl Told {
    fn take(&mut self) -> impl FnMut(u64, u64) {
        |done, of| self.0.push((done, of))
    }

    /// One run after another, each in at least so many steps, each growing to its whole.
    fn grows(&self, runs: &[u64], steps: usize) {
        let mut rest = self.0.as_slice();
        for size in runs {
            let end = rest.iter().position(|told| *told == (*size, *size)).expect("it never ends") + 1;
            let (run, after) = rest.split_at(end);
            assert!(run.len() >= steps, "{size} entries in {} steps", run.len());
            assert!(run.iter().all(|(_, of)| of == size), "another whole: {run:?}");
            assert!(run.windows(2).all(|pair| pair[0].0 < pair[1].0), "it does not grow: {run:?}");
            rest = after;
        }
        assert_eq!(rest, [], "it goes on after its end");
    }
}

/// `sluis log verify` tells entries done and in all, up to all of them, for every shard; and stops telling where it stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifying_an_export_tells_how_far_it_is() {
    let engine = Sqlite::empty().await;
    let scrubber = over(&engine, SECOND).await;
    let head = scrubber.stores.log.durable_head().await.unwrap();
    drop(scrubber);
    let config = configured(files(&engine));
    anchored(&config, &head, engine.signer());
    let dir = engine.folder.join("export");
    let (size, _) = export_log(&config, &dir).await.unwrap();
    assert_eq!(size, PAGES * PAGE);
    let mut told = Told::default();
    verify_export(&dir, None, told.take()).unwrap();
    told.grows(&[size], 5);

    let mut told = Told::default();
    let lost = engine.folder.join("lost");
    copy(&dir, &lost);
    std::fs::remove_file(lost.join("tile/entries/005")).unwrap();
    verify_export(&lost, None, told.take()).unwrap_err();
    assert!(told.0.last().is_some_and(|(done, of)| done < of), "it says that it ended: {:?}", told.0);

    // Of two shards each is told.
    let two = Yard::<Sqlite>::aged(files).await;
    let mut told = Told::default();
    verify_all(&two.export(), None, told.take()).unwrap();
    told.grows(&[1, 31], 1);
}
