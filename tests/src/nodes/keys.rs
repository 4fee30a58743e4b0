//! The keys' own standby: no replica uses what no standby has, whoever made it and whether or not its row can be read (A21).
//!
//! A key that a failover takes away would leave payloads that nothing opens; a pseudonym that comes back as another one has
//! no restriction.

use super::blocking;
use super::failover::{CANCEL, WAITS};
use crate::world::PATIENCE;
use crate::world::postgres::pair::{Pair, wait_for};
use crate::world::postgres::server::Server;
use crate::world::postgres::{Cluster, ROLE};
use jiff::civil::{Date, date};
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresKeys};
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::{Arc, LazyLock};

const YEAR: i16 = 2026;
const DAY: Date = date(2026, 11, 21);
const DATABASE: &str = "keys_of_nodes";
const NO_STANDBY: StoreError = StoreError::Unavailable { store: "key database", state: "NO_STANDBY" };

/// The secret of the only generation, in a folder that both replicas read.
fn wrapping() -> &'static Wrapping {
    static WRAPPING: LazyLock<Wrapping> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("sluis-nodes-keys-{}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&folder);
        Wrapping::generate(MasterKey::from_bytes([7; 32]), folder, &OsEntropy).unwrap()
    });
    &WRAPPING
}

fn place(server: &Server) -> Place {
    Place::parse(&server.url(ROLE, DATABASE), None).unwrap()
}

/// A replica at a server; with `standby` it uses nothing that no standby has.
async fn replica(server: &Server, standby: bool) -> PostgresKeys {
    PostgresKeys::open(&place(server), standby, wrapping(), Arc::new(OsEntropy)).await.unwrap()
}

async fn make(cluster: &Cluster) {
    blocking(|| cluster.server.sql("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {ROLE}")));
    PostgresKeys::create(&place(&cluster.server), wrapping(), 0).await.unwrap();
}

fn child() -> Vec<SubjectId> {
    vec![SubjectId::client_number("C-1").unwrap()]
}

/// What a replica uses: pseudonym and key of the child, keys of the day.
type Used = (SubjectRef, [u8; 16], [u8; 16], [u8; 32]);

async fn used(keys: &PostgresKeys) -> Result<Used, StoreError> {
    let subject = keys.find(&child()[0]).await?.expect("the child is registered");
    let key = keys.subject_key(subject, YEAR).await?.expect("the child has a key").key_id;
    Ok((subject, key, keys.bucket_key(DAY).await?.key_id, *keys.transaction_key(DAY).await?))
}

/// A replica that asks no standby registers the child and makes the keys of a day while the standby is away, and somebody cancels
/// each of its waits: every row can be read, no standby has one, and this replica uses them.
async fn written_on_one_server_only(pair: &Pair, careless: PostgresKeys) -> Used {
    let primary = &pair.primary.server;
    blocking(|| pair.standby.stop());
    let made = tokio::spawn(async move {
        assert_eq!(careless.provision(&[child()], YEAR).await.unwrap(), 1);
        used(&careless).await.unwrap()
    });
    for table in ["subject_key", "bucket_key", "transaction_key"] {
        blocking(|| {
            primary.until("postgres", WAITS);
            primary.sql("postgres", CANCEL);
            primary.until(DATABASE, &format!("SELECT EXISTS (SELECT FROM {table})"));
        });
    }
    made.await.unwrap()
}

/// None of them by itself, by a replica that made none of them.
async fn nothing_is_used(keys: &PostgresKeys, subject: SubjectRef) {
    let child = child();
    let (found, key, bucket, transaction, answers) = tokio::join!(
        keys.find(&child[0]),
        keys.subject_key(subject, YEAR),
        keys.bucket_key(DAY),
        keys.transaction_key(DAY),
        // Whoever tries the store is told too.
        keys.answers(),
    );
    let (key, bucket, transaction) = (key.map(drop), bucket.map(drop), transaction.map(drop));
    for refused in [found.map(drop), key, bucket, transaction, answers] {
        assert_eq!(refused.unwrap_err(), NO_STANDBY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_replica_uses_a_key_that_no_standby_has() {
    let pair = blocking(Pair::start);
    let primary = &pair.primary.server;
    make(&pair.primary).await;
    let (careful, careless) = (replica(primary, true).await, replica(primary, false).await);
    let visible = written_on_one_server_only(&pair, careless).await;
    nothing_is_used(&careful, visible.0).await;

    blocking(|| pair.standby.start());
    let again = async {
        loop {
            match used(&careful).await {
                Ok(used) => return used,
                Err(refused) => assert_eq!(refused, NO_STANDBY),
            }
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await.expect("the standby has it, and it is not used");
    assert_eq!(again, visible, "what stands is what is used");
    careful.answers().await.unwrap();
}

/// The primary starts again, which shows what no standby has, and then dies: what the standby lacks was used by nobody who asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_failover_takes_away_was_used_by_nobody() {
    let pair = blocking(Pair::start);
    let primary = &pair.primary.server;
    make(&pair.primary).await;
    let (careful, careless) = (replica(primary, true).await, replica(primary, false).await);
    let lost = written_on_one_server_only(&pair, careless).await;
    blocking(|| {
        primary.kill();
        primary.start();
    });
    nothing_is_used(&careful, lost.0).await;

    let third = blocking(|| {
        primary.kill();
        pair.standby.start();
        pair.standby.promote();
        let third = Server::following(&pair.standby, "third");
        third.start();
        wait_for(&pair.standby, "third");
        third
    });
    let after = replica(&pair.standby, true).await;
    assert_eq!(after.find(&child()[0]).await.unwrap(), None, "the standby never had it");
    assert_eq!(after.provision(&[child()], YEAR).await.unwrap(), 1);
    let new = used(&after).await.unwrap();
    assert!(new.0 != lost.0 && new.1 != lost.1 && new.2 != lost.2 && new.3 != lost.3);
    drop(third);
}
