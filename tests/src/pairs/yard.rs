//! Where deeds are done: a log on either engine that is put back for each, and the configuration of whoever commands.

use super::deeds::Deed;
use super::ports::Tripped;
use super::trip::Trip;
use crate::conduct::configuration;
use crate::contract::draft::{ORIGIN, bare};
use crate::contract::shards::{NEXT, closing, next};
use crate::tamper::entries::under;
use crate::tamper::ground::Ground;
use crate::tamper::stage::{Of, Stage};
use crate::world::PATIENCE;
use sluis::compose::export_log;
use sluis::config::{Config, KeysPostgres, LogPostgres, Retention};
use sluis_adapters::anchor_file::AnchorFile;
use sluis_adapters::halt_flag::HaltFile;
use sluis_adapters::system::SystemClock;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::sign;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Head;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::ports::{Clock, Signer};
use sluis_core::subject::dutch_date;
use sluis_core::upkeep::{AnchorStore, HaltFlag, KeyUpkeep, LogUpkeep};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// When a halted log was halted, and why.
pub const HALT: (u64, &str) = (5, "`state` at 3: the row is gone");
/// Longer than the term of the yard, which is none.
const DAYS_AGO: u64 = 3 * 24 * 3600 * 1000;

/// Where the stores of an engine are, for a configuration.
pub struct At {
    pub folder: PathBuf,
    /// Of PostgreSQL: log and keys.
    pub urls: Option<[String; 2]>,
}

/// A log that is whole: 520 entries in one shard, or a first shard whose term is over and that nothing holds.
pub enum World<E> {
    One(Ground<E>),
    Aged(E),
}

/// A world with its configuration.
pub struct Yard<E> {
    pub world: World<E>,
    pub config: Config,
}

/// The stores as a deed has them: every call goes through a trip.
#[derive(Clone)]
pub struct Stores {
    pub log: Arc<dyn LogUpkeep>,
    pub keys: Arc<dyn KeyUpkeep>,
}

impl<E: Stage> Yard<E> {
    /// A world of 520 entries.
    pub async fn one(at: impl Fn(&E) -> At) -> Self {
        let ground = Ground::<E>::make().await;
        let config = configured(at(&ground.engine));
        Self { world: World::One(ground), config }
    }

    /// A world whose first shard may go.
    pub async fn aged(at: impl Fn(&E) -> At) -> Self {
        let engine = E::empty().await;
        let (log, keys) = (engine.log().await, engine.keys().await);
        engine.clock().set(SystemClock.now() - DAYS_AGO);
        let day = keys.bucket_key(dutch_date(engine.clock().now())).await.unwrap();
        let said = serde_json::json!({ "v": "sluis-payload/1" });
        let noted = |n| under(bare(n, LeafDraft::new(LeafKind::Admin).with(Key::Rs, "TEST")), &day, &said);
        let first = bare(0, LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN"));
        let all: Vec<Draft> = std::iter::once(first).chain((1..30).map(noted)).chain([closing()]).collect();
        log.append(all).await.unwrap();
        let next = next(&engine, &log).await;
        log.open_shard(next).await.unwrap();
        let config = configured(at(&engine));
        anchored(&config, &log.durable_head().await.unwrap(), engine.signer());
        drop((log, keys));
        engine.settle().await;
        engine.keep().await;
        let yard = Self { world: World::Aged(engine), config };
        let _earlier = std::fs::remove_dir_all(yard.export());
        export_log(&yard.config, &yard.export()).await.unwrap();
        yard
    }

    /// An export that has everything.
    pub fn export(&self) -> PathBuf {
        self.config.log.signing_key.with_file_name("export")
    }

    pub fn engine(&self) -> &E {
        match &self.world {
            World::One(ground) => &ground.engine,
            World::Aged(engine) => engine,
        }
    }

    /// The world of 520 entries.
    pub fn ground(&self) -> &Ground<E> {
        let World::One(ground) = &self.world else { panic!("a world without a ground") };
        ground
    }

    /// The flag of a halt.
    pub fn flag(&self) -> HaltFile {
        HaltFile::beside(self.config.log.anchor())
    }

    /// Everything as it was made, and what this deed needs besides.
    pub async fn fresh(&self, deed: Deed) {
        self.engine().settle().await;
        self.engine().put_back().await;
        let _absent = std::fs::remove_file(self.config.log.anchor());
        self.flag().lower().unwrap();
        self.engine().clock().set(SystemClock.now());
        self.prepare(deed).await;
        self.engine().settle().await;
    }

    async fn prepare(&self, deed: Deed) {
        match deed {
            Deed::Scrub | Deed::Erase | Deed::Retain | Deed::Prune | Deed::Halt => {}
            Deed::Turn => self.engine().clock().set(crate::contract::TestClock::new().now()),
            Deed::Lift => {
                self.engine().try_log().await.unwrap().halt(HALT.0, HALT.1).await.unwrap();
                self.flag().raise(HALT.0, HALT.1).unwrap();
            }
            Deed::Mend => {
                for sql in [
                    "UPDATE log_leaf SET t = t + 1 WHERE {i} = 20",
                    "UPDATE log_checkpoint SET note = 'x' WHERE size = 258",
                    "UPDATE subject_segment SET sealed = {turn sealed} WHERE first IN (3, 60)",
                ] {
                    self.engine().change(Of::Log, &E::dialect().spell(sql)).await;
                }
            }
            Deed::Late => {
                // Another process still remembers the key when it writes.
                let stores = self.open(&Arc::new(Trip::idle())).await;
                self.ground().erase_child(&stores.log, &stores.keys).await;
                assert!(self.ground().appends(&stores.log).await);
            }
        }
    }

    /// Opens the stores as the next process does.
    pub async fn open(&self, trip: &Arc<Trip>) -> Stores {
        self.engine().settle().await;
        let (log, keys) = (self.engine().try_log().await.unwrap(), self.engine().try_keys().await.unwrap());
        Stores { log: Tripped::around(&log, trip), keys: Tripped::around(&keys, trip) }
    }
}

/// What a command is configured with, in the folder where an engine keeps its keys.
pub fn configured(At { folder, urls }: At) -> Config {
    let mut config = configuration(&folder);
    config.organisation.domain = domain(&[ORIGIN, NEXT]).to_owned();
    config.log.year = 2026;
    config.log.retention = Some(Retention { years: 0, shorter_because: Some("a test".to_owned()) });
    if let Some([log, keys]) = urls {
        let log = LogPostgres { address: log, password_file: None, replica: 1, require_standby: false };
        (config.log.database, config.log.postgres) = (None, Some(log));
        let keys = KeysPostgres { address: keys, password_file: None, require_standby: false };
        (config.keys.database, config.keys.postgres) = (None, Some(keys));
    }
    config
}

/// Keeps the anchor, as a gateway does: without one nothing is exported.
pub fn anchored(config: &Config, head: &Head, signer: &dyn Signer) {
    AnchorFile::new(config.log.anchor()).keep(&sign(head, signer).note).unwrap();
}

/// The domain that all these origins have.
fn domain(origins: &[&'static str]) -> &'static str {
    let of = |origin: &&'static str| origin.strip_prefix("sluis-log.").unwrap().split('/').next().unwrap();
    let first = of(&origins[0]);
    assert!(origins.iter().all(|origin| of(origin) == first));
    first
}

/// Returns when this holds.
pub async fn becomes(holds: impl Fn() -> bool, what: &str) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("it does not come: {what}"));
}

/// Where the files of SQLite are.
pub fn at_files(folder: &Path) -> At {
    At { folder: folder.to_owned(), urls: None }
}
