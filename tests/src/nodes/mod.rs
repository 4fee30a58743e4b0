//! One log on two servers, written by several replicas: whatever dies, freezes or is cut off, what was answered `Recorded` is
//! never missing afterwards, nothing stands twice, and nothing counts that no standby has.
//!
//! `SLUIS_NODES_ROUNDS` sets how often what depends on a moment is repeated (kills 8 times, the rest twice). Each promise has
//! beside it what happens without it.

mod clock;
mod durable;
mod failover;
mod gateway;
mod keys;
mod load;
mod messages;
mod promoted;
mod restored;
mod snapshot;
mod standby;
mod together;
mod wire;

use crate::contract::TestClock;
use crate::contract::draft::{ORIGIN, index, refusal, uuid};
use crate::world::PATIENCE;
use crate::world::postgres::server::Server;
use crate::world::postgres::{Cluster, ROLE};
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{OpenError, Place, PostgresLog, PostgresLogReader};
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::draft::{Outcome, RequestId};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::{Clock, Ledger, Signer, StoreError};
use sluis_core::upkeep::LogArchive;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often what is waited for is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// Leaves read at a time.
const LEAVES_READ: u32 = 5_000;
/// The outcome of a write is not known.
const UNKNOWN: StoreError = StoreError::Unknown { store: "log database" };

/// What callers were told: the number of a request and the index of its entry.
type Told = BTreeMap<u64, u64>;

/// A failure of the log under a name.
const fn named(state: &'static str) -> StoreError {
    StoreError::Unavailable { store: "log database", state }
}

/// The log contradicts what this replica has seen.
const fn contradicts(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: "log database", table }
}

/// So many rounds, where `SLUIS_NODES_ROUNDS` sets no other number.
fn rounds(default: u64) -> u64 {
    std::env::var("SLUIS_NODES_ROUNDS").map_or(default, |rounds| rounds.parse().unwrap())
}

/// A log in a database of a cluster, and what its replicas share.
struct Site {
    /// The name of the database; it is the same on every server.
    database: String,
    folder: PathBuf,
    master: MasterKey,
    signer: Ed25519Signer,
    clock: Arc<TestClock>,
}

impl Site {
    /// Makes an empty log. The database stays taken as long as the cluster runs.
    async fn make(cluster: &Cluster) -> Self {
        static SITES: AtomicU32 = AtomicU32::new(0);
        let number = SITES.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("sluis-nodes-{}-{number}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let signer = Ed25519Signer::generate(&folder.join("log.key"), &OsEntropy).unwrap();
        let master = MasterKey::generate(&folder.join("master.key"), &OsEntropy).unwrap();
        let database = format!("nodes_{number}");
        cluster.server.sql("postgres", &format!("CREATE DATABASE {database} OWNER {ROLE}"));
        let site = Self { database, folder, master, signer, clock: Arc::new(TestClock::new()) };
        let place = site.place(cluster.server.port());
        PostgresLog::create(&place, ORIGIN, &site.master, site.clock.now(), 0).await.unwrap();
        site
    }

    fn place(&self, port: u16) -> Place {
        Place::parse(&format!("postgres://{ROLE}@127.0.0.1:{port}/{}", self.database), None).unwrap()
    }

    async fn try_open(&self, port: u16, replica: i16, standby: bool) -> Result<PostgresLog, OpenError> {
        let clock = Arc::<TestClock>::clone(&self.clock);
        PostgresLog::open(&self.place(port), replica, standby, &self.master, clock).await
    }

    /// A replica that reaches its server at this port.
    async fn open(&self, port: u16, replica: i16, standby: bool) -> PostgresLog {
        self.try_open(port, replica, standby).await.unwrap()
    }

    /// Returns when the replicas have removed what their last entries superseded: until they write again, what waits for a
    /// standby is a COMMIT of an entry.
    fn tidied(&self, server: &Server) {
        blocking(|| server.until(&self.database, "SELECT count(*) = 1 FROM log_head"));
    }

    /// Appends one request: recorded now, or found to stand. The receipt of what is recorded verifies.
    async fn append(&self, log: &PostgresLog, number: u64) -> Result<Outcome, StoreError> {
        let committed = log.append(vec![refusal(number)]).await?;
        let outcome = committed.outcomes()[0].clone();
        let receipt = committed.receipts(&sign(committed.head(), &self.signer)).remove(0);
        if matches!(outcome, Outcome::Recorded { .. }) {
            let vkey = verifier_key(&committed.head().origin, &self.signer.public_key());
            let verified = verify_text(&receipt.unwrap().text(), &vkey).unwrap();
            assert_eq!(verified.index, index(&outcome));
        }
        Ok(outcome)
    }

    /// Repeats a request until it is answered, as a caller does; gives the index of its entry.
    async fn insist(&self, log: &PostgresLog, number: u64) -> u64 {
        let mut last = None;
        let answered = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.append(log, number).await {
                    Ok(outcome) => break at(&outcome),
                    Err(error) => last = Some(error),
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        answered.await.unwrap_or_else(|_| panic!("request {number} is not answered: {last:?}"))
    }

    /// Reads the whole log at a server: no gap, no duplicate, its leaves give its head, and what callers were told stands
    /// where they were told. Gives the index of every request.
    async fn check(&self, port: u16, told: &Told) -> BTreeMap<String, u64> {
        let archive = PostgresLogReader::open(&self.place(port), &self.master).await.unwrap();
        let head = archive.head().await.unwrap();
        let (mut tree, mut found) = (Frontier::empty(), BTreeMap::new());
        while tree.size() < head.size() {
            let texts = archive.leaves(tree.size(), LEAVES_READ).await.unwrap();
            assert!(!texts.is_empty(), "{} of {} leaves", tree.size(), head.size());
            for text in texts.iter().take(usize::try_from(head.size() - tree.size()).unwrap()) {
                let leaf = Leaf::decode(text).unwrap();
                assert_eq!(leaf.index(), tree.size(), "a gap");
                assert_eq!(found.insert(leaf.rid().to_owned(), leaf.index()), None, "a duplicate");
                tree.push(leaf_hash(text.as_bytes()));
            }
        }
        assert_eq!(tree, head.frontier);
        for (number, index) in told {
            assert_eq!(found.get(&rid(*number)), Some(index), "request {number} was told {index}");
        }
        found
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// The request id of a number, as it stands in a leaf.
fn rid(number: u64) -> String {
    RequestId(uuid(number)).to_hex()
}

/// The index of an entry that stands.
fn at(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Duplicate { index, .. } => *index,
        other => index(other),
    }
}

/// Runs what blocks without holding up others.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
