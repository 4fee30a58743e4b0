//! Gateway processes on one PostgreSQL: what holds for one of them holds for all together, and the commands work beside them.

mod commands;
mod ended;
mod erasing;
mod halt;

use crate::world::desk::Desk;
use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::postgres::{Cluster, Database};
use crate::world::{Options, PATIENCE, index_of};
use sluis::client::standing::on_wire;
use sluis::client::verify::verify_export;
use sluis::compose::{self, Listening};
use sluis::condition::{Condition, Conditions};
use sluis::config::{Config, KeysPostgres, LogPostgres};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::sync::Arc;
use tonic::Code;

const WORKER: &str = "fs-0001";

/// A folder with the keys of one organisation, and two databases for however many gateways.
struct Site {
    folder: Folder,
    database: Database<'static>,
}

impl Site {
    /// Keys and tables are made; nobody serves yet.
    async fn make(clients: Vec<Client>) -> Self {
        let (mut folder, database) = (Folder::make(&Options::with(clients)), Cluster::shared().database());
        let log =
            LogPostgres { address: database.log_url.clone(), password_file: None, replica: 1, require_standby: false };
        let keys = KeysPostgres { address: database.keys_url.clone(), password_file: None, require_standby: false };
        (folder.config.log.database, folder.config.log.postgres) = (None, Some(log));
        (folder.config.keys.database, folder.config.keys.postgres) = (None, Some(keys));
        compose::init(&folder.config).await.unwrap();
        Self { folder, database }
    }

    /// The configuration of one replica.
    fn config(&self, replica: i16) -> Config {
        let mut config = self.folder.config.clone();
        config.log.postgres.as_mut().unwrap().replica = replica;
        config
    }

    async fn listen(&self, replica: i16) -> Listening {
        compose::listen(&self.config(replica)).await.unwrap()
    }

    async fn desk(&self, at: &Listening, organisation: &Organisation) -> Desk {
        let profile = self.folder.profile(organisation.slug, organisation.oin, at.grpc, at.token.unwrap());
        Desk::open(profile).await
    }
}

pub fn is_released(reply: &v1::ReleaseResponse) -> bool {
    matches!(reply.outcome, Some(Outcome::Released(_)))
}

/// What one gateway records holds at the other at once, and both write one log without a gap.
#[tokio::test]
async fn a_withdrawal_at_one_gateway_stops_the_next_release_at_another() {
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let site = Site::make(vec![child.clone()]).await;
    let (one, two) = (site.listen(1).await, site.listen(2).await);
    let system = site.desk(&one, &DOSSIER_SYSTEM).await;
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    let question = child.question(v1::Purpose::Treatment, WORKER);
    let desks = [site.desk(&one, &partner).await, site.desk(&two, &partner).await];
    for round in 0..5 {
        system.record(child.by_number(), kind.clone(), on).await.unwrap();
        for desk in &desks {
            assert!(is_released(&desk.release(question.clone()).await.unwrap()), "round {round}");
        }
        system.record(child.by_number(), kind.clone(), !on).await.unwrap();
        for desk in desks.iter().rev() {
            assert!(!is_released(&desk.release(question.clone()).await.unwrap()), "round {round}");
        }
    }
    let last = index_of(&desks[1].release(question).await.unwrap());
    for gateway in [&one, &two] {
        assert_eq!(gateway.gateway.ledger.head().await.unwrap().size(), last + 1);
    }
    let export = site.folder.dir.join("export");
    compose::export_log(&site.config(3), &export).await.unwrap();
    let key = compose::verifier_key(&site.folder.config).unwrap();
    let verified = verify_export(&export, Some(&key), |_, _| {}).unwrap();
    assert_eq!(verified.size, last + 1);
    one.stop().await.unwrap();
    let reply = desks[1].release(child.question(v1::Purpose::Treatment, WORKER)).await.unwrap();
    assert_eq!(index_of(&reply), last + 1, "the other goes on");
    two.stop().await.unwrap();
}

/// What one gateway has in flight is not called unknown by another that starts meanwhile.
#[tokio::test]
async fn a_start_judges_only_its_own_deliveries() {
    use sluis_core::log::LeafKind;
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let site = Site::make(vec![child.clone()]).await;
    let one = site.listen(1).await;
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    site.desk(&one, &DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
    let desk = site.desk(&one, &partner).await;
    assert!(is_released(&desk.release(child.question(v1::Purpose::Treatment, WORKER)).await.unwrap()));
    let two = site.listen(2).await;
    let outcomes = two.gateway.ledger.leaves_of(LeafKind::Outcome, 0, 10).await.unwrap();
    assert_eq!(outcomes, []);
    let again = compose::listen(&site.config(2)).await.err().expect("two gateways are replica 2").to_string();
    assert!(again.contains("replica 2 of `127.0.0.1:") && again.contains("is in use"), "{again}");
    two.stop().await.unwrap();
    one.stop().await.unwrap();
}

/// Gateways that start together on an empty log open it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_start_together_open_the_log_once() {
    use sluis_core::log::LeafKind;
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let starts = [1, 2, 3].map(|replica| {
        let config = site.config(replica);
        tokio::spawn(async move { compose::listen(&config).await.unwrap() })
    });
    let mut gateways = Vec::new();
    for start in starts {
        gateways.push(start.await.unwrap());
    }
    let opened = gateways[0].gateway.ledger.leaves_of(LeafKind::Epoch, 0, 10).await.unwrap();
    assert_eq!(opened.len(), 1, "{opened:?}");
    for gateway in gateways {
        gateway.stop().await.unwrap();
    }
}

/// Waits until a state holds at a gateway, or does not.
pub async fn becomes(at: &Listening, condition: Condition, holds: bool) {
    becomes_at(&at.gateway.conditions, condition, holds).await;
}

/// The same of a gateway by its conditions. Some are looked at once a minute.
pub async fn becomes_at(conditions: &Conditions, condition: Condition, holds: bool) {
    let mut held = conditions.watch();
    let changed = held.wait_for(|held| held.contains_key(&condition) == holds);
    let changed = tokio::time::timeout(3 * PATIENCE, changed).await;
    drop(changed.unwrap_or_else(|_| panic!("{} does not become {holds}", condition.code())).unwrap());
}

/// A policy becomes active at one gateway: no other answers under the one before, and it says what it lacks.
#[tokio::test]
async fn a_gateway_under_another_policy_answers_nothing_until_it_has_the_same() {
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let site = Site::make(vec![child.clone()]).await;
    let (one, two) = (site.listen(1).await, site.listen(2).await);
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    site.desk(&one, &DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
    let desks = [site.desk(&one, &partner).await, site.desk(&two, &partner).await];
    let question = child.question(v1::Purpose::Treatment, WORKER);
    for desk in &desks {
        assert!(is_released(&desk.release(question.clone()).await.unwrap()));
    }

    let (mut config, newer) = (site.config(1), site.folder.dir.join("newer.toml"));
    let text = std::fs::read_to_string(&config.policy.policy).unwrap();
    assert!(text.contains("version = 1\n"));
    let numbered = format!("version = 2\nprevious = \"sha256:{}\"\n", "0".repeat(64));
    std::fs::write(&newer, text.replacen("version = 1\n", &numbered, 1)).unwrap();
    config.policy.policy = newer;
    let newer = Arc::new(compose::read_policy(&config).unwrap());
    one.gateway.activate(Arc::clone(&newer)).await.unwrap();
    let size = one.gateway.ledger.head().await.unwrap().size();
    let status = desks[1].release(question.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted, "{status}");
    becomes(&two, Condition::PolicyBehind, true).await;
    assert_eq!(one.gateway.ledger.head().await.unwrap().size(), size, "nothing was written under the policy before");
    // New connections: waiting for a state may take as long as a connection may live.
    assert!(is_released(&site.desk(&one, &partner).await.release(question.clone()).await.unwrap()));

    two.gateway.activate(newer).await.unwrap();
    becomes(&two, Condition::PolicyBehind, false).await;
    assert!(is_released(&site.desk(&two, &partner).await.release(question).await.unwrap()));
    two.stop().await.unwrap();
    one.stop().await.unwrap();
}
