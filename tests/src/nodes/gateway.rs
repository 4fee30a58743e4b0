//! The same at a gateway that serves: a paused standby or a log that was put back releases nothing, under a named state.

use super::blocking;
use super::restored::PUT_BACK;
use crate::replicas::{becomes, is_released};
use crate::world::Options;
use crate::world::desk::Desk;
use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::postgres::pair::Pair;
use sluis::client::standing::on_wire;
use sluis::compose::{self, Listening};
use sluis::condition::Condition;
use sluis::config::{KeysPostgres, LogPostgres};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis_proto::v1;
use sqlx::Executor;
use tonic::Code;

const WORKER: &str = "fs-0001";

async fn desk(folder: &Folder, at: &Listening, organisation: &Organisation) -> Desk {
    Desk::open(folder.profile(organisation.slug, organisation.oin, at.grpc, at.token.unwrap())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_releases_nothing_while_its_standby_is_paused_or_its_log_was_put_back() {
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let pair = blocking(Pair::start);
    let database = pair.primary.database();
    let mut folder = Folder::make(&Options::with(vec![child.clone()]));
    let (log, keys) = (database.log_url.clone(), database.keys_url.clone());
    let log = LogPostgres { address: log, password_file: None, replica: 1, require_standby: true };
    let keys = KeysPostgres { address: keys, password_file: None, require_standby: true };
    (folder.config.log.database, folder.config.log.postgres) = (None, Some(log));
    (folder.config.keys.database, folder.config.keys.postgres) = (None, Some(keys));
    compose::init(&folder.config).await.unwrap();
    let serving = compose::listen(&folder.config).await.unwrap();
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    desk(&folder, &serving, &DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
    let desk = desk(&folder, &serving, &partner).await;
    let question = child.question(v1::Purpose::Treatment, WORKER);
    assert!(is_released(&desk.release(question.clone()).await.unwrap()));

    pair.standby.freeze();
    let refused = desk.release(question.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    becomes(&serving, Condition::LogFailing, true).await;
    assert!(!serving.gateway.conditions.ready());
    pair.standby.thaw();
    becomes(&serving, Condition::LogFailing, false).await;
    assert!(is_released(&desk.release(question.clone()).await.unwrap()));

    let mut intruder = database.log_intruder().await;
    intruder.execute("CREATE TABLE kept AS SELECT * FROM log_head ORDER BY size DESC LIMIT 1").await.unwrap();
    assert!(is_released(&desk.release(question.clone()).await.unwrap()));
    intruder.execute(PUT_BACK).await.unwrap();
    let refused = desk.release(question.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.message().contains("does not answer"), "{refused}");
    becomes(&serving, Condition::LogFailing, true).await;
    let held = serving.gateway.conditions.watch().borrow().clone();
    assert!(held[&Condition::LogFailing].contains("CORRUPT"), "{held:?}");
    serving.stop().await.unwrap();
}
