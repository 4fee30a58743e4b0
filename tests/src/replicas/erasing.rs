//! A hold that is written while keys are destroyed: on a server another command, or a gateway, may write at any moment.

use super::Site;
use crate::contract::postgres::LOOK;
use crate::world::PATIENCE;
use crate::world::people::Client;
use sluis::compose::retention::{Destroying, retain};
use sluis::compose::subject::{Erasure, erase};
use sluis::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresKeys, PostgresLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::Wrapping;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Concerns, Draft, Outcome};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::shard::request_id;
use sluis_core::ports::{Clock, KeyStore, Ledger};
use sluis_core::subject::{SubjectId, dutch_date};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::sync::Arc;

/// A year whose term is over.
const LONG_AGO: i16 = 2009;

fn who() -> SubjectId {
    SubjectId::client_number("K-1").unwrap()
}

async fn count(session: &mut PgConnection, table: &'static str, condition: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE {condition}"));
    sqlx::query_scalar(sql).fetch_one(session).await.unwrap()
}

/// Runs a command that destroys keys, and places the client under hold after the command has read who is, before it announces
/// anything: when it makes the key of the day. Gives what the command said.
async fn held_meanwhile(command: impl AsyncFnOnce(Config) -> Result<(), String>) -> String {
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let master = MasterKey::read(&site.folder.config.keys.master_key).unwrap();
    let place = Place::parse(&site.database.keys_url, None).unwrap();
    let wrapping = Wrapping::new(master.clone(), site.folder.config.keys.wrapping());
    let keys = PostgresKeys::open(&place, false, &wrapping, Arc::new(OsEntropy)).await.unwrap();
    for year in [LONG_AGO, dutch_date(SystemClock.now()).year()] {
        keys.provision(&[vec![who()]], year).await.unwrap();
    }
    let whom = keys.find(&who()).await.unwrap().unwrap();
    drop(keys);
    // Opened before: a session that waits for a lock waits two seconds.
    let place = Place::parse(&site.database.log_url, None).unwrap();
    let log = PostgresLog::open(&place, 2, false, &master, Arc::new(SystemClock)).await.unwrap();
    let head = log.head().await.unwrap();
    let rid = request_id(&head.origin, head.end(), SystemClock.now());
    let holding = LeafDraft::new(LeafKind::Admin).with(Key::Rs, vec!["LEGAL_HOLD".to_owned()]);
    let mut holding = Draft::new(rid, head.origin.as_str().into(), holding);
    holding.concerns = vec![Concerns { subject: whom, item: 0 }];
    let (mut intruder, mut locking) = (site.database.keys_intruder().await, site.database.keys_intruder().await);
    let day = dutch_date(SystemClock.now());
    // Whoever makes the key of the day waits for the one that is being made, and finds that it was not.
    let first = format!(
        "BEGIN; INSERT INTO bucket_key (day, key_id, wrapped, kek_generation)
         SELECT '{day}', decode(repeat('00', 16), 'hex'), ''::bytea, kek_generation FROM subject_key LIMIT 1"
    );
    locking.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(first))).await.unwrap();
    let meanwhile = async {
        let waiting = async {
            let waits = "datname = current_database() AND wait_event_type = 'Lock'";
            while count(&mut intruder, "pg_stat_activity", waits).await == 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the command makes no key of the day");
        let held = log.append(vec![holding]).await.unwrap();
        assert!(matches!(held.outcomes(), [Outcome::Recorded { .. }]));
        locking.execute("ROLLBACK").await.unwrap();
    };
    let (said, ()) = tokio::join!(command(site.config(1)), meanwhile);
    let left = count(&mut intruder, "subject_key", &format!("year = {LONG_AGO}")).await;
    assert_eq!(left, 1, "a key went although its client is under hold: {said:?}");
    said.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_is_written_meanwhile_stops_an_erasure() {
    let said = held_meanwhile(async |config| {
        let (who, year) = (who(), LONG_AGO);
        let erasure =
            Erasure { subject: &who, year, reason: "LOGGED_WRONGLY", authorised_by: "the board", backup_days: 30 };
        erase(&config, &erasure).await.map(drop).map_err(|fault| fault.to_string())
    });
    let said = said.await;
    assert!(said.contains("was placed under legal hold while this ran"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_is_written_meanwhile_stops_the_end_of_a_term() {
    let said = held_meanwhile(async |config| {
        let destroying = Destroying { authorised_by: "the board", backup_days: 30 };
        retain(&config, 10, Some(destroying)).await.map(drop).map_err(|fault| fault.to_string())
    });
    let said = said.await;
    assert!(said.contains("was placed under legal hold while this ran"), "{said}");
}
