//! Canary: nothing of the holder's database leaves but the permitted fields, wherever it could be seen.
//!
//! Every column of every table holds a value of its own ([`super::world::people`]). Every rule of `kracht` is asked at every
//! field set it can reach, and at every mask of one field; then the bytes on the wire, headers and trailers, the lines we log,
//! and every file beside the holder's database are searched for every value. Expectations are written by hand from the
//! policy's notes in [`cases`], not computed by the code under test.

mod capture;
pub mod cases;
mod search;

use super::world::people::Client;
use super::world::{Options, World, files};
use capture::Capture;
use cases::{Case, cases};
use search::{findings, seen};
use sluis::compose;
use sluis_proto::v1::Field;

/// Plays every case and gives everything that is not as it must be.
async fn play(world: &World, cases: &[Case]) -> Vec<String> {
    let everyone: Vec<&Client> = cases.iter().map(|c| &c.client).collect();
    let mut wrong = Vec::new();
    for case in cases {
        world.standing(&case.client, &case.standing).await;
        let desk = world.desk(&case.who).await;
        let mut masks = vec![None];
        if case.has_masks() {
            masks.extend((1..=53).map(Some));
        }
        for mask in masks {
            let field = mask.map(|m| Field::try_from(m).unwrap());
            let raw = case.ask(&desk, field).await;
            // Masks narrow the same answer: they are searched for this client alone.
            let searched = if mask.is_some() { &[&case.client][..] } else { &everyone };
            wrong.extend(findings(case, field, &raw, searched));
        }
        if let Some(raw) = case.explain(&desk).await {
            wrong.extend(seen(&raw, &everyone).into_iter().map(|place| format!("{}: explained {place}", case.name)));
        }
    }
    wrong
}

/// Values of anybody in bytes that lie or are written somewhere.
pub fn betrayed(bytes: &[u8], cases: &[Case]) -> Vec<String> {
    let text = search::text(bytes);
    let values = cases.iter().flat_map(|c| c.client.values().into_iter().chain(c.words()));
    values.filter(|(_, value)| text.contains(value)).map(|(place, _)| place).collect()
}

#[tokio::test]
async fn only_permitted_fields_are_on_the_wire_in_logs_and_at_rest() {
    let cases = cases();
    let capture = Capture::begin();
    let world = World::open(Options::with(cases.iter().map(|c| c.client.clone()).collect())).await;
    let wrong = play(&world, &cases).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    let lines = capture.end();
    assert!(lines.len() > 10_000, "hardly a log line was captured");

    assert_eq!(betrayed(&lines, &cases), Vec::<String>::new(), "in log lines");
    compose::export_log(&world.folder.config, &world.folder.dir.join("export")).await.unwrap();
    // The holder's own database, its map, which translates its words for municipalities, and the register of
    // organisations, which names practices.
    let kept = files(&world.folder.dir, &["holder.db", "holder.toml", "organisations.toml"]);
    for name in ["log.db", "log.db-wal", "keys.db"] {
        assert!(kept.iter().any(|(n, bytes)| n == name && !bytes.is_empty()), "{name} was not searched");
    }
    assert!(kept.iter().any(|(name, _)| name.starts_with("export")), "the export was not searched");
    for (name, bytes) in kept {
        assert_eq!(betrayed(&bytes, &cases), Vec::<String>::new(), "in {name}");
    }
}

/// The search finds what it must find: one column more in a policy, and it says which.
#[tokio::test]
async fn one_column_more_is_found() {
    let more =
        |text: String| text.replace("\"parents_authority\",\n]", "\"parents_authority\", \"worker_contact\",\n]");
    assert_ne!(more(include_str!("../../gateway/policy/kracht.toml").to_owned()).len(), 0);
    let treated: Vec<Case> = cases().into_iter().filter(|c| c.name == "treatment").collect();
    let clients = treated.iter().map(|c| c.client.clone()).collect();
    let world = World::open(Options { clients, policy: Some(more), ..Options::default() }).await;
    let wrong = play(&world, &treated).await;
    assert!(wrong.iter().any(|w| w.contains("client.worker_contact")), "{wrong:#?}");
    assert!(wrong.iter().all(|w| w.contains("worker_contact")), "{wrong:#?}");
}

/// The searches of files and lines find what they must find.
#[test]
fn a_value_in_a_file_is_found() {
    let cases = cases();
    let spilled = format!("warn: no dossier for {} here", cases[3].client.bsn);
    assert_eq!(betrayed(spilled.as_bytes(), &cases), ["client.bsn"]);
}
