//! The moment of a refusal: always a slot of 100 ms, so that the way it was found does not show.
//!
//! Machines are shared and slow, so bounds are wide and counted over rounds; each test also shows what it would see without
//! slots.

use super::{WORKER, hidden, world};
use crate::world::Options;
use crate::world::broken::Broken;
use crate::world::desk::{Desk, transaction};
use crate::world::folder::SERVICE;
use crate::world::people::Client;
use crate::world::tokens::{claims_of, peer, signer};
use sluis::demo::organisations::partners;
use sluis::fsc::connection::ServiceConnection;
use sluis::gather::Caller;
use sluis::grpc::serialize_extract;
use sluis::release::{Answer, Ask};
use sluis::slot::SLOT;
use sluis_core::organisation::Purpose;
use sluis_core::subject::SubjectId;
use sluis_proto::v1;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Calls in a row.
const CALLS: u32 = 12;
/// Slots that so many refusals in a row take at least; one each, less some for a late first reply.
const SLOTS_MIN: u32 = 9;
/// How much longer a known client takes than an unknown one, in the test of slow facts.
const SLOW: Duration = Duration::from_millis(40);

/// Time from the first reply to the last of calls that follow one another.
async fn in_a_row(desk: &Desk, question: &v1::ReleaseRequest) -> Duration {
    desk.release(question.clone()).await.unwrap();
    let first = Instant::now();
    for _ in 1..CALLS {
        desk.release(question.clone()).await.unwrap();
    }
    first.elapsed()
}

#[tokio::test]
async fn every_refusal_waits_for_a_slot_of_its_own_and_a_release_for_none() {
    let world = world().await;
    let partner = partners().next().unwrap();
    let desk = world.desk(&partner).await;
    for (name, client) in hidden() {
        let took = in_a_row(&desk, &client.question(v1::Purpose::Treatment, WORKER)).await;
        assert!(took >= SLOT * SLOTS_MIN, "{name}: {CALLS} refusals took {took:?}");
    }
    let plain = &hidden()[0].1;
    world.standing(plain, &[plain.caseload(partner.oin, WORKER)]).await;
    let question = plain.question(v1::Purpose::Treatment, WORKER);
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        fastest = fastest.min(in_a_row(&desk, &question).await);
    }
    assert!(fastest < SLOT * SLOTS_MIN, "{CALLS} releases took {fastest:?}: this test would see no difference");
}

/// Facts are read for known clients only, and here that takes long: it must not show.
#[tokio::test]
async fn a_known_client_is_refused_at_the_same_moment_as_an_unknown_one() {
    const ROUNDS: usize = 12;
    let (known, unknown) = (Client::new(1, 8), Client::new(2, 8));
    let broken = Broken::open(Options::with(vec![known.clone()])).await;
    broken.facts_slow_ms.store(u64::try_from(SLOW.as_millis()).unwrap(), Ordering::SeqCst);
    let desk = broken.desk(&partners().next().unwrap()).await;
    let timed = async |client: &Client| {
        desk.release(client.question(v1::Purpose::Treatment, WORKER)).await.unwrap();
        Instant::now()
    };
    let mut together = 0;
    for _ in 0..ROUNDS {
        let (a, b) = tokio::join!(timed(&known), timed(&unknown));
        together += usize::from(a.max(b) - a.min(b) < SLOW * 3 / 4);
    }
    assert!(together > ROUNDS / 2, "only {together} of {ROUNDS} pairs left together");
    // Below the slots the difference is plain.
    for _ in 0..3 {
        let (a, b) = tokio::join!(conduct(&broken, &desk, &known), conduct(&broken, &desk, &unknown));
        assert!(a >= SLOW, "{a:?}");
        assert!(a > b, "{a:?} {b:?}");
    }
}

/// How long conduct takes for the same question, without the surface and its slots.
async fn conduct(broken: &Broken, desk: &Desk, client: &Client) -> Duration {
    let peer = peer(&broken.folder, partners().next().unwrap().slug);
    let connection = ServiceConnection::own(claims_of(&desk.token).gth, SERVICE);
    let caller = Caller {
        oin: peer.oin,
        thumbprint: peer.thumbprint_text.into(),
        connection,
        certified_until: peer.not_after,
        signer: signer(),
    };
    let ask = Ask {
        subject: SubjectId::client_number(&client.number).unwrap(),
        purpose: Purpose::Treatment,
        mask: None,
        actor: None,
        transaction_id: transaction(),
        request: Vec::new(),
    };
    let begun = Instant::now();
    let answer = broken.gateway.release(&caller, &ask, serialize_extract).await.unwrap();
    assert!(matches!(answer, Answer::Refused(_)));
    begun.elapsed()
}
