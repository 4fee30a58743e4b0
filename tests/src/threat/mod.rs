//! Threats of the design (core-design §6.2), each tried on the real binary by a test that bears its number.
//!
//! Elsewhere: T4's whole corpus is in `bad_input/token`, T13 (a source that answers more than was asked) in `outage/liar`, and
//! the HTTP/2 abuses of T28 in `tests/foreign/http2_abuse.py`.

mod flood;
mod identity;
mod secrecy;
mod surface;

use super::journey::place::Place;
use super::world::desk::{Desk, transaction};
use super::world::raw::{self, Raw, frames};
use sluis::client::ask::by_client_number;
use sluis::demo::organisations::{Organisation, partners};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;

const WORKER: &str = "threat-worker";
const RELEASE: &str = "/sluis.v1.ReleaseService/Release";

fn partner(number: usize) -> Organisation {
    partners().nth(number).unwrap()
}

async fn desk(place: &Place, organisation: &Organisation) -> Desk {
    Desk::open(place.profile(organisation)).await
}

/// Size of the log, by the checkpoint that anyone admitted may read.
async fn size(desk: &Desk) -> u64 {
    let path = "/sluis.v1.LogService/ReadCheckpoint";
    let reply = desk.raw(path, &[v1::ReadCheckpointRequest {}]).await.messages::<v1::ReadCheckpointResponse>();
    reply.first().unwrap().note.lines().nth(1).unwrap().parse().unwrap()
}

fn question(client: &str, purpose: v1::Purpose) -> v1::ReleaseRequest {
    let subject = Some(by_client_number(client));
    v1::ReleaseRequest { subject, purpose: purpose as i32, actor: WORKER.to_owned(), ..v1::ReleaseRequest::default() }
}

/// Puts the worker of the first partner on caseloads until a client's dossier is released to him; gives that client.
async fn client(place: &Place, by: &Desk) -> String {
    let system = desk(place, &sluis::demo::organisations::DOSSIER_SYSTEM).await;
    let holder = rusqlite::Connection::open(place.config_read().holder.database).unwrap();
    let mut rows = holder.prepare("SELECT client_number FROM client WHERE active_case = 1 LIMIT 40").unwrap();
    let clients: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for client in clients {
        let caseload = v1::Caseload { partner_oin: partner(0).oin.to_owned(), worker: WORKER.to_owned() };
        system.record(by_client_number(&client), v1::standing::Kind::Caseload(caseload), true).await.unwrap();
        let reply = by.release(question(&client, v1::Purpose::Treatment)).await.unwrap();
        if matches!(reply.outcome, Some(Outcome::Released(_))) {
            return client;
        }
    }
    panic!("no dossier is released")
}

/// Asks with these headers beside token and transaction id.
async fn ask_with(desk: &Desk, question: v1::ReleaseRequest, more: &[(&'static str, String)]) -> Raw {
    let mut headers =
        vec![("authorization", format!("Bearer {}", desk.token)), ("fsc-transaction-id", transaction().to_string())];
    headers.extend(more.iter().cloned());
    raw::call(&desk.channel, RELEASE, &headers, frames(&[question])).await
}

/// What came of a question that was answered.
fn outcome(raw: &Raw) -> &'static str {
    match raw.messages::<v1::ReleaseResponse>().first().and_then(|reply| reply.outcome.clone()) {
        Some(Outcome::Released(_)) => "released",
        Some(Outcome::Refused(_)) => "refused",
        Some(Outcome::Escalated(_)) => "escalated",
        None => "nothing",
    }
}
