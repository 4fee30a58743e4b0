//! The first call under a signed change is flagged once, also over a restart, and what was signed outlives the file.

use super::{Office, oin, partner};
use crate::world::operators::Person::Anna;
use crate::world::people::Client;
use crate::world::tokens::{peer, signer};
use crate::world::{Options, PATIENCE, World};
use sluis::compose::{self, StartFault};
use sluis::demo::organisations::THE_HAGUE;
use sluis::fsc::connection::ServiceConnection;
use sluis::gather::Caller;
use sluis_core::enrolment::change::ChangeDocument;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf, LeafValue};
use sluis_core::log::payload::{Sealing, open};
use sluis_core::organisation::Purpose;
use sluis_proto::v1;
use tokio::task::JoinSet;

/// The RECIPIENT entries of the partner after `from`, by their actions.
async fn actions(world: &World, from: u64) -> Vec<(u64, Vec<String>)> {
    let mut found = Vec::new();
    for index in from..world.size().await {
        let leaf = world.leaf(index).await;
        if leaf.kind() == LeafKind::Recipient && leaf.text(Key::Rp) == Some(partner().oin) {
            found.push((index, leaf.list(Key::Rs).unwrap().to_vec()));
        }
    }
    found
}

async fn again(world: World) -> World {
    let World { folder, listening } = world;
    listening.stop().await.unwrap();
    let listen = async {
        loop {
            match compose::listen(&folder.config).await {
                Ok(listening) => return listening,
                Err(StartFault::Open(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    let listening = tokio::time::timeout(PATIENCE, listen).await.unwrap();
    World { folder, listening }
}

#[tokio::test]
async fn the_first_use_of_a_change_is_flagged_once() {
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let office = Office::open(&world).await;
    let question = child.question(v1::Purpose::Treatment, "fs-0001");
    // What a file sets is not flagged.
    world.desk(&partner()).await.release(question.clone()).await.unwrap();
    let before = world.size().await;
    office.make(partner().oin, |e| e[0].purposes.push(Purpose::Crisis)).await;
    let change = actions(&world, before).await;
    assert_eq!(change, [(before, vec!["CHANGED".to_owned(), "WIDER".to_owned()])]);
    assert_eq!(office.enrolled(partner().oin).await.first_used, None);
    // Many calls at once: one entry, and it stands before every answer.
    let desk = world.desk(&partner()).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let (desk, question) = (desk.clone(), question.clone());
        calls.spawn(async move { desk.release(question).await.unwrap() });
    }
    while let Some(answered) = calls.join_next().await {
        assert!(crate::world::index_of(&answered.unwrap()) > before + 1);
    }
    let first = (before + 1, vec!["FIRST_USE".to_owned()]);
    assert_eq!(actions(&world, before + 1).await, std::slice::from_ref(&first));
    let used = office.enrolled(partner().oin).await.first_used.unwrap();
    assert_eq!(used, (before + 1, world.leaf(before + 1).await.time()));
    assert_eq!(world.leaf(before + 1).await.text(Key::Rt), Some("CARE_PARTNER"));

    let world = again(world).await;
    world.desk(&partner()).await.release(question.clone()).await.unwrap();
    assert_eq!(actions(&world, before + 1).await, [first]);
    // The next change is another one.
    let office = Office::open(&world).await;
    let narrower = office.document(partner().oin, |e| e[0].purposes.truncate(1)).await;
    office.submit(&narrower, &[Anna]).await.unwrap();
    assert_eq!(office.enrolled(partner().oin).await.first_used, None);
    world.desk(&partner()).await.release(question).await.unwrap();
    let said: Vec<_> = actions(&world, before + 2).await.into_iter().map(|(_, actions)| actions.join(" ")).collect();
    assert_eq!(said, ["CHANGED NARROWER", "FIRST_USE"]);
}

/// Whoever calls for another uses that other's rights: that is seen, though the other never calls itself.
#[tokio::test]
async fn a_delegated_call_is_the_first_use_of_the_delegator() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let at = world.size().await + 1;
    office.make(partner().oin, |e| e[0].purposes.push(Purpose::Crisis)).await;
    let grant = office.enrolled(THE_HAGUE.oin).await.basis.grant;
    let thumbprint = peer(&world.folder, THE_HAGUE.slug).thumbprint_text;
    let connection =
        ServiceConnection { delegator: Some(oin(partner().oin)), ..ServiceConnection::own(grant, "sluis") };
    let caller = Caller {
        oin: oin(THE_HAGUE.oin),
        thumbprint: thumbprint.as_str().into(),
        connection,
        signer: signer(),
        certified_until: u64::MAX,
    };
    for _ in 0..2 {
        world.listening.gateway.admit(&caller, None).await.unwrap();
        assert_eq!(actions(&world, at).await, [(at, vec!["FIRST_USE".to_owned()])]);
    }
    assert_eq!(world.leaf(at).await.text(Key::X5), Some(thumbprint.as_str()));
}

#[tokio::test]
async fn a_file_does_not_undo_what_was_signed() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let suspend = office.document(partner().oin, |e| e[0].suspended = true).await;
    office.submit(&suspend, &[Anna]).await.unwrap();
    let size = world.size().await;
    // The file still says that it is not suspended.
    let world = again(world).await;
    assert!(Office::open(&world).await.enrolled(partner().oin).await.enrolments[0].suspended);
    assert_eq!(world.size().await, size);
}

/// The payload of a change: whoever holds the keys reads the exact document and can check both signatures again.
#[tokio::test]
async fn the_entry_keeps_the_document_and_who_signed() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let at = world.size().await;
    office.make(partner().oin, |e| e[0].purposes.push(Purpose::Crisis)).await;
    let gateway = &world.listening.gateway;
    let entry = gateway.ledger.entry(at).await.unwrap().unwrap();
    let leaf = Leaf::decode(&entry.leaf).unwrap();
    let sealed = entry.payload.unwrap();
    let key = gateway.keys.key_by_id(sealed.key_id).await.unwrap().unwrap();
    let rid = sluis_core::log::draft::RequestId(uuid::Uuid::try_parse(leaf.rid()).unwrap());
    let plain = open(&Sealing { key: &key, origin: &gateway.origin(), rid, item: 0 }, &sealed).unwrap();
    assert_eq!(leaf.text(Key::Pc), Some(sluis_core::log::commitment::payload(&plain).as_str()));
    let said: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    let change = said["change"].as_str().unwrap();
    let document = ChangeDocument::read(change.as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(&document.enrolments).unwrap(), said["enrolments"]);
    let names: Vec<_> = said["signatures"].as_array().unwrap().iter().map(|s| s["operator"].clone()).collect();
    assert_eq!(names, ["Anna", "Bram"]);
    let signature = data_encoding::BASE64.decode(said["signatures"][1]["signature"].as_str().unwrap().as_bytes());
    let bram = crate::world::operators::Person::Bram;
    assert_eq!(signature.unwrap(), bram.sign(change.as_bytes()).signature);
    assert!(!entry.leaf.contains("Anna") && LeafValue::from(entry.leaf.as_str()) != LeafValue::Number(0));
}
