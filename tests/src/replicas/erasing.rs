//! A hold that is written while keys are destroyed: on a server another command, or a gateway, may write at any moment.

use super::Site;
use crate::world::people::Client;
use crate::world::postgres::Cluster;
use crate::world::wire::{Then, When, Wire};
use sluis::compose::retention::{Destroying, retain};
use sluis::compose::subject::{Erasure, erase, hold};
use sluis::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresKeys};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::{Clock, KeyStore};
use sluis_core::subject::{SubjectId, dutch_date};
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
    let keys = PostgresKeys::open(&place, false, &master, Arc::new(OsEntropy)).await.unwrap();
    for year in [LONG_AGO, dutch_date(SystemClock.now()).year()] {
        keys.provision(&[vec![who()]], year).await.unwrap();
    }
    drop(keys);
    let (mut intruder, port) = (site.database.keys_intruder().await, Cluster::shared().server.port());
    let (wire, mut config) = (Wire::to(port).await, site.config(1));
    let at = &mut config.keys.postgres.as_mut().unwrap().address;
    *at = at.replace(&format!(":{port}/"), &format!(":{}/", wire.port()));
    wire.trap(When::Answered, Then::Freeze);
    let meanwhile = async {
        wire.caught().await;
        while count(&mut intruder, "bucket_key", "true").await == 0 {
            wire.trap(When::Answered, Then::Freeze);
            wire.thaw();
            wire.caught().await;
        }
        hold(&site.config(2), &who(), false, "case 8").await.unwrap();
        wire.thaw();
    };
    let (said, ()) = tokio::join!(command(config), meanwhile);
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
