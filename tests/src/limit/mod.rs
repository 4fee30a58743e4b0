//! Limits per organisation: over the limit is told so before anything is looked at, others notice nothing, and the log says
//! exactly how many were turned away in one entry.

mod place;
mod rate;
mod report;

use super::world::desk::Desk;
use super::world::people::Client;
use super::world::{Options, World};
use sluis::demo::organisations::{Organisation, partners};
use sluis_proto::v1;

const WORKER: &str = "fs-0001";

fn partner(number: usize) -> Organisation {
    partners().nth(number).unwrap()
}

/// A gateway with these limits, and a client about whom the first two partners may ask.
async fn world(limits: &'static str) -> (World, Client) {
    let child = Client::new(1, 8);
    let world = World::open(Options { limits, ..Options::with(vec![child.clone()]) }).await;
    world.standing(&child, &[0, 1].map(|n| child.caseload(partner(n).oin, WORKER))).await;
    (world, child)
}

fn question(child: &Client) -> v1::ReleaseRequest {
    child.question(v1::Purpose::Treatment, WORKER)
}

/// A release, which must come.
async fn released(desk: &Desk, child: &Client) {
    let reply = desk.release(question(child)).await.unwrap();
    assert!(matches!(reply.outcome, Some(v1::release_response::Outcome::Released(_))), "{reply:?}");
}
