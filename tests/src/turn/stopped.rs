//! Commands on the stores of a gateway that stood still over New Year: what they record stands in the shard of this year.

use super::{SystemClock, ask, child, leaf, outcome_of, record, workers_question};
use crate::conduct::{House, PARTNER, caseload};
use crate::world::PATIENCE;
use crate::world::ports::MovedClock;
use sluis::compose::StartFault;
use sluis::compose::subject::{Found, SubjectFault, look_up};
use sluis::release::Answer;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::{under_name, verifier_key};
use sluis_core::log::draft::Draft;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::shard::{closing, name_of, request_id};
use sluis_core::ports::{Clock, Ledger, Signer};
use sluis_core::subject::{dutch_date, dutch_midnight};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// Noon on 30 December of last year, by a clock that goes on.
fn late_last_year() -> Arc<MovedClock> {
    let now = SystemClock.now();
    let noon = dutch_midnight(jiff::civil::date(dutch_date(now).year() - 1, 12, 30)) + 12 * 3_600_000;
    Arc::new(MovedClock(AtomicI64::new(i64::try_from(noon).unwrap() - i64::try_from(now).unwrap())))
}

/// A house whose gateway ended on 30 December, having released something that nobody took; or was killed right after the shard was
/// closed. Gives the place of the release.
async fn ended_last_year(killed: bool) -> (House, String) {
    let mut house = House::build(1).await;
    house.reinitialise_for(dutch_date(SystemClock.now()).year() - 1).await;
    let gateway = house.start_by(late_last_year() as _).await;
    record(&gateway, child(0), caseload(true)).await;
    let answer = ask(&gateway, PARTNER, &workers_question(&gateway, child(0))).await.unwrap();
    let Answer::Released(released, delivery) = answer else { panic!("not released: {answer:?}") };
    let (_, _, receipt) = released.into_parts();
    assert_eq!(dutch_date(leaf(&receipt).time()).year(), house.config.log.year);
    let (origin, place) = (gateway.origin(), format!("{}:{}", receipt.shard(), receipt.index()));
    drop(gateway);
    // Given up when nobody is there any more who could say so.
    drop(delivery);
    let log = house.open_log().await;
    let rid = request_id(&origin, log.head().await.unwrap().end(), late_last_year().now());
    // By the clock of the machine, as commands have it: a year that nothing was written to for long is not turned by themselves.
    let last = if killed { closing() } else { LeafDraft::new(LeafKind::Admin).with(Key::Rs, "TEST") };
    log.append(vec![Draft::new(rid, origin, last)]).await.unwrap();
    (house, place)
}

/// The command, when the process before it has closed its files.
async fn looked_up(house: &House) -> (u64, Vec<Found>) {
    let trying = async {
        loop {
            match look_up(&house.config, &child(0), "ASKED").await {
                Err(SubjectFault::Start(StartFault::Open(_))) => tokio::time::sleep(Duration::from_millis(5)).await,
                looked => break looked.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.expect("the log stays in use")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_after_new_year_is_recorded_in_the_shard_of_this_year() {
    for killed in [false, true] {
        let (house, place) = ended_last_year(killed).await;
        let (index, found) = looked_up(&house).await;
        assert_eq!(index, 1, "after the entry that opens the shard");
        let kinds: Vec<LeafKind> = found.iter().map(|one| one.leaf.kind()).collect();
        assert_eq!(kinds, [LeafKind::Standing, LeafKind::Release, LeafKind::Admin]);
        let log = house.open_log().await;
        let shards = log.shards().await.unwrap();
        let names: Vec<&str> = shards.iter().map(|shard| name_of(&shard.head.origin)).collect();
        assert_eq!(found.iter().map(|one| &*one.shard).collect::<Vec<_>>(), [names[0], names[0], names[1]]);
        let key = verifier_key(&shards[0].head.origin, &house.signer().public_key());
        for one in &found {
            let origin = &shards.iter().find(|shard| name_of(&shard.head.origin) == one.shard).unwrap().head.origin;
            verify_text(&one.receipt.text(), &under_name(&key, origin).unwrap()).unwrap();
        }
        drop(log);

        // The gateway starts upon it, and its sweeper says of last year's release what became of it.
        let gateway = house.start().await;
        assert_eq!(gateway.recorder.shards().names().count(), 2);
        let (_, outcome) = outcome_of(&gateway).await;
        assert_eq!(outcome.list(Key::Refs).unwrap(), [place], "{outcome:?}");
    }
}
