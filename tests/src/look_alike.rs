//! Look-alike: a refusal does not tell whether the client is unknown, restricted, elsewhere, hidden or merely not theirs.
//!
//! Compared are whole replies, entries of the log, and payloads at rest; [`timing`] compares the moment they leave.

mod lines;
mod timing;

use super::world::desk::Desk;
use super::world::people::{Client, ROTTERDAM_CODE};
use super::world::{Options, World, index_of, receipt_of};
use prost::Message;
use sluis::demo::organisations::{Organisation, PORTAL, THE_HAGUE, partners};
use sluis_core::standing::{Change, ObjectionKind};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::collections::BTreeMap;

const WORKER: &str = "fs-0001";

/// Where a rule refuses what is hidden, which no rule of `kracht` does: there, less leaves instead.
fn refuses_hidden(policy: String) -> String {
    let adjust = policy.find("[[rule.adjust]]").unwrap();
    let next = adjust + policy[adjust..].find("# -- 3").unwrap();
    let whole = policy.replace(&policy[adjust..next], "");
    let clause = "deny_if = [{ withheld_good_care = true }]\nrestriction";
    assert!(whole.contains(clause));
    whole.replace(clause, "deny_if = [{ withheld_good_care = true }, { residence_secret = true }]\nrestriction")
}

/// One client per reason to refuse; the last is known to nobody.
fn hidden() -> Vec<(&'static str, Client)> {
    vec![
        ("plain", Client::new(1, 8)),
        ("restricted", Client::new(2, 8)),
        ("of another municipality", Client::new(3, 8).of(ROTTERDAM_CODE)),
        ("with a secret residence", Client::new(4, 8).secret()),
        ("case ended", Client::new(5, 8).ended()),
        ("withheld as good care", Client::new(6, 8)),
        ("objected", Client::new(7, 8)),
        ("unknown", Client::new(8, 8)),
    ]
}

async fn world() -> World {
    let clients: Vec<_> = hidden().into_iter().filter(|(n, _)| *n != "unknown").map(|(_, c)| c).collect();
    let options = Options { clients: clients.clone(), policy: Some(refuses_hidden), ..Options::default() };
    let world = World::open(options).await;
    let partner = partners().next().unwrap().oin;
    // On the caseload are all who are refused for a reason of their own, so that nothing else refuses them.
    for client in clients.iter().filter(|c| c.n != 1 && c.n != 3) {
        let of_its_own = match client.n {
            2 => Some(Change::Restriction { set: true }),
            6 => Some(Change::GoodCare { withheld: true }),
            7 => Some(Change::Objection { kind: ObjectionKind::Processing, made: true }),
            _ => None,
        };
        let changes: Vec<_> = of_its_own.into_iter().chain([client.caseload(partner, WORKER)]).collect();
        world.standing(client, &changes).await;
    }
    world
}

/// All that can be observed of one reply: its bytes but for proof, index and ids; its leaf's shape; its payload's length.
#[derive(Debug, PartialEq, Clone)]
struct Observed {
    wire_bytes: usize,
    reply: v1::ReleaseResponse,
    leaf: BTreeMap<String, Value>,
    payload_bytes: usize,
}

/// A value of a leaf: itself, or only its length where it must differ.
#[derive(Debug, PartialEq, Clone)]
enum Value {
    Same(String),
    Length(usize),
}

fn shape(leaf: &str) -> BTreeMap<String, Value> {
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(leaf).unwrap();
    let value = |key: &str, value: &serde_json::Value| match key {
        // Random or blinded, and so of one length; index and time grow.
        "rid" | "st" | "pc" | "txn" => Value::Length(value.as_str().unwrap().len()),
        "i" | "t" => Value::Length(0),
        _ => Value::Same(value.to_string()),
    };
    object.iter().map(|(key, v)| (key.clone(), value(key, v))).collect()
}

async fn observe(world: &World, desk: &Desk, question: v1::ReleaseRequest) -> Observed {
    let mut reply = desk.release(question).await.unwrap();
    let (index, wire_bytes) = (index_of(&reply), reply.encoded_len());
    let proof = receipt_of(&reply).proof.len();
    let (receipt, padding) = match reply.outcome.as_mut().unwrap() {
        Outcome::Released(released) => (released.receipt.as_mut(), None),
        Outcome::Refused(refused) => (refused.receipt.as_mut(), Some(&mut refused.padding)),
        Outcome::Escalated(escalated) => (escalated.receipt.as_mut(), Some(&mut escalated.padding)),
    };
    *receipt.unwrap() = v1::Receipt::default();
    if let Some(padding) = padding {
        // The proof grows with the log; the padding takes up exactly that.
        assert!(padding.iter().all(|byte| *byte == 0) && padding.len() + proof < wire_bytes);
        padding.clear();
    }
    let leaf = shape(&world.leaf_text(index).await);
    Observed { wire_bytes, reply, leaf, payload_bytes: world.payload_len(index).await }
}

/// Asks about everybody and demands that all look like the first.
async fn all_alike(world: &World, who: &Organisation, ask: impl Fn(&Client) -> v1::ReleaseRequest) -> Observed {
    let desk = world.desk(who).await;
    let mut seen: Vec<(&str, Observed)> = Vec::new();
    for (name, client) in hidden() {
        seen.push((name, observe(world, &desk, ask(&client)).await));
    }
    for (name, observed) in &seen {
        assert_eq!(*observed, seen[0].1, "{name}");
    }
    seen.remove(0).1
}

#[tokio::test]
async fn a_care_partner_cannot_tell_why_nothing_left() {
    let world = world().await;
    let by_number = |c: &Client| c.question(v1::Purpose::Treatment, WORKER);
    let refused = all_alike(&world, &partners().next().unwrap(), by_number).await;
    assert!(matches!(refused.reply.outcome, Some(Outcome::Refused(_))));
    let by_bsn = |c: &Client| v1::ReleaseRequest { subject: Some(c.by_bsn()), ..by_number(c) };
    assert_eq!(all_alike(&world, &partners().next().unwrap(), by_bsn).await, refused);
}

#[tokio::test]
async fn a_municipality_cannot_tell_why_nothing_left() {
    let world = world().await;
    let ask = |c: &Client| v1::ReleaseRequest {
        subject: Some(c.by_bsn()),
        ..c.question(v1::Purpose::InvoiceFormal, "controller-7")
    };
    let refused = all_alike(&world, &THE_HAGUE, ask).await;
    assert!(matches!(refused.reply.outcome, Some(Outcome::Refused(_))));
}

/// A parent who asks about a youth of 12 to 15 gets the same first reply whether or not the youth objected (B21).
#[tokio::test]
async fn a_parent_cannot_tell_that_the_youth_objected() {
    let (plain, objecting) = (Client::new(1, 14), Client::new(2, 14));
    let world = World::open(Options::with(vec![plain.clone(), objecting.clone()])).await;
    let objection = Change::Objection { kind: ObjectionKind::ShareWithParents, made: true };
    world.standing(&plain, &[plain.authority()]).await;
    world.standing(&objecting, &[objecting.authority(), objection]).await;
    let desk = world.desk(&PORTAL).await;
    let ask = |c: &Client| c.question(v1::Purpose::ParentInformation, &c.parent());
    let first = observe(&world, &desk, ask(&plain)).await;
    assert!(matches!(first.reply.outcome, Some(Outcome::Escalated(_))));
    assert_eq!(observe(&world, &desk, ask(&objecting)).await, first);
}

/// Only the worker is missing for the plain one and for the one elsewhere: with him on the case both are released.
#[tokio::test]
async fn whoever_has_no_reason_of_his_own_is_released_to_a_worker_on_the_case() {
    let world = world().await;
    let partner = partners().next().unwrap();
    let desk = world.desk(&partner).await;
    for (name, client) in hidden().into_iter().filter(|(_, c)| c.n == 1 || c.n == 3) {
        world.standing(&client, &[client.caseload(partner.oin, WORKER)]).await;
        let reply = desk.release(client.question(v1::Purpose::Treatment, WORKER)).await.unwrap();
        assert!(matches!(reply.outcome, Some(Outcome::Released(_))), "{name}: {reply:?}");
    }
}
