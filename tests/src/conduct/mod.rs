//! A gateway in process, without the wire: the real composition over real SQLite files in a folder that goes with it.
//!
//! Ports can be replaced by decorators between two restarts; production code knows nothing of them.

pub mod decorate;
mod ground;
pub mod read;

use crate::world::tokens::signer;
use decorate::{Append, Decorated};
pub use ground::configuration;
use ground::{organisations, people};
use sluis::compose::{Assembled, StartFault, assemble_at, init};
use sluis::config::Config;
use sluis::enrolment::{EnrolmentFile, grant_hash};
use sluis::fsc::connection::ServiceConnection;
use sluis::gateway::Gateway;
use sluis::gather::Caller;
use sluis::recorder::Recorder;
use sluis::release::{Answer, Ask};
use sluis::standing::Recording;
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{Limits, SqliteLog};
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::Enrolment;
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::ports::{Clock, Ledger};
use sluis_core::standing::{AuthorityState, Change};
use sluis_core::subject::{Actor, SubjectId};
use sluis_core::upkeep::LogUpkeep;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The holder, who also records standing.
pub const HOLDER: &str = "00000099000000001000";
/// The portal through which parents ask.
pub const PORTAL: &str = "00000099000000002000";
/// A care partner.
pub const PARTNER: &str = "00000099000000003000";
/// The parent of every child in the house.
pub const PARENT: &str = "parent-1";
/// The worker of the partner.
pub const WORKER: &str = "worker-1";

/// A folder with everything a gateway needs, and youths of 16 in the holder's database.
pub struct House {
    folder: PathBuf,
    pub config: Config,
    children: u32,
}

impl House {
    /// Makes the folder, its keys and its empty databases.
    pub async fn build(children: u32) -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("sluis-house-{}-{number}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let config = configuration(&folder);
        init(&config).await.unwrap();
        people(&config.holder.database, children);
        let file = EnrolmentFile { organisation: organisations() };
        std::fs::write(config.enrolment.file.as_ref().unwrap(), toml::to_string(&file).unwrap()).unwrap();
        Self { folder, config, children }
    }

    /// The children, by number.
    pub fn children(&self) -> impl Iterator<Item = SubjectId> + use<> {
        (0..self.children).map(child)
    }

    /// Makes the log anew, as if it had been made in another year.
    pub async fn reinitialise_for(&mut self, year: i16) {
        self.config.log.year = year;
        for name in ["log.db", "keys.db", "log.key", "master.key", "wrapping/1.key", "token.key"] {
            let _absent = std::fs::remove_file(self.folder.join(name));
        }
        init(&self.config).await.unwrap();
    }

    /// Starts the gateway. The process before it may still be closing its files.
    pub async fn start(&self) -> Arc<Gateway> {
        self.start_by(Arc::new(SystemClock)).await
    }

    /// Starts the gateway by another clock than that of the machine.
    pub async fn start_by(&self, clock: Arc<dyn Clock>) -> Arc<Gateway> {
        for _ in 0..500 {
            match assemble_at(&self.config, Arc::clone(&clock)).await {
                Ok(Assembled { gateway, .. }) => return gateway,
                Err(StartFault::Open(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(other) => panic!("{other}"),
            }
        }
        panic!("the gateway before this one does not let go of its files");
    }

    /// Starts the gateway with a decorated ledger.
    pub async fn start_with(&self, how: impl Append + 'static) -> Arc<Gateway> {
        let mut gateway = self.own().await;
        self.decorate(&mut gateway, how).await;
        let gateway = Arc::new(gateway);
        sluis::sweeper::follow(&gateway);
        gateway
    }

    /// Ends a gateway as a crash does and opens its log anew, without reading policy and people again.
    pub async fn reopen(&self, gateway: Gateway) -> Gateway {
        let Gateway { ledger, register, recorder, keys, facts, dossier, active, clock, entropy, .. } = gateway;
        drop((ledger, register, recorder));
        let log = Arc::new(self.open_log().await);
        let left = log.left_in_flight().await.unwrap();
        let (ledger, register): (Arc<dyn Ledger>, _) = (Arc::<SqliteLog>::clone(&log), log);
        let recorder = Recorder::start(Arc::clone(&ledger), Arc::new(self.signer()), Arc::clone(&clock)).await.unwrap();
        if let Some(first) = left.first() {
            recorder.in_flight().hold(*first);
        }
        let (test_numbers, slots, grants) = (gateway.test_numbers, gateway.slots, gateway.grants);
        let gateway = Gateway {
            ledger,
            register,
            keys,
            facts,
            dossier,
            recorder,
            active,
            clock,
            entropy,
            test_numbers,
            grants,
            slots,
            activating: tokio::sync::Mutex::default(),
            enrolling: sluis::enrolling::Enrolling::default(),
            conditions: Arc::default(),
            metrics: Arc::default(),
            ending: sluis::operation::ending::Ending::default(),
            quotas: Arc::default(),
        };
        sluis::sweeper::sweep(&gateway, &left).await.unwrap();
        gateway
    }

    /// Opens the log. The process before it may still be closing its files.
    pub async fn open_log(&self) -> SqliteLog {
        let master = MasterKey::read(&self.config.keys.master_key).unwrap();
        for _ in 0..500 {
            match SqliteLog::open(
                self.config.log.database.as_deref().unwrap(),
                &master,
                Arc::new(SystemClock),
                Limits::default(),
            ) {
                Ok(log) => return log,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!("the gateway before this one does not let go of its log");
    }

    /// Puts a decorator around the ledger; the recorder begins anew behind it.
    pub async fn decorate(&self, gateway: &mut Gateway, how: impl Append + 'static) {
        gateway.ledger = Arc::new(Decorated { inner: Arc::clone(&gateway.ledger), how });
        let (ledger, clock) = (Arc::clone(&gateway.ledger), Arc::clone(&gateway.clock));
        gateway.recorder = Recorder::start(ledger, Arc::new(self.signer()), clock).await.unwrap();
    }

    /// The signer of the log.
    pub fn signer(&self) -> Ed25519Signer {
        Ed25519Signer::read(&self.config.log.signing_key).unwrap()
    }

    /// Starts the gateway as a value whose ports can be replaced.
    pub async fn own(&self) -> Gateway {
        Arc::into_inner(self.start().await).expect("nobody else holds a gateway that nobody called")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// A child by number.
pub fn child(number: u32) -> SubjectId {
    SubjectId::client_number(&format!("KR-{}", 100_001 + number)).unwrap()
}

/// An organisation of the house as the door would leave it.
pub fn caller(oin: &str) -> Caller {
    let oin = Oin::parse(oin).unwrap();
    let enrolments: Vec<Enrolment> = organisations().into_iter().filter(|e| e.oin == oin).collect();
    let connection = ServiceConnection::own(grant_hash(&oin, &enrolments), "sluis");
    let thumbprint = "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI".into();
    Caller { oin, thumbprint, connection, certified_until: u64::MAX, signer: signer() }
}

/// A parent's question about a child.
pub fn parents_question(gateway: &Gateway, subject: SubjectId) -> Ask {
    question(gateway, subject, Purpose::ParentInformation, PARENT)
}

/// A worker's question about a child.
pub fn workers_question(gateway: &Gateway, subject: SubjectId) -> Ask {
    question(gateway, subject, Purpose::Treatment, WORKER)
}

fn question(gateway: &Gateway, subject: SubjectId, purpose: Purpose, actor: &str) -> Ask {
    let request = format!("{subject:?} {purpose}").into_bytes();
    Ask { subject, purpose, mask: None, actor: Actor::parse(actor), transaction_id: gateway.new_uuid(), request }
}

/// Asks, with the wire's own serialization.
pub async fn ask(gateway: &Gateway, oin: &str, ask: &Ask) -> Result<Answer, sluis::fault::Fault> {
    gateway.release(&caller(oin), ask, sluis::grpc::serialize_extract).await
}

/// A change of standing by the holder's system.
pub fn recording(gateway: &Gateway, subject: SubjectId, change: Change) -> Recording {
    let request = format!("{change:?}").into_bytes();
    Recording { subject, change, transaction_id: gateway.new_uuid(), request }
}

/// Records a change by the holder's system.
pub async fn record(gateway: &Gateway, subject: SubjectId, change: Change) -> sluis_core::log::receipt::Receipt {
    let recording = recording(gateway, subject, change);
    gateway.record_standing(&caller(HOLDER), &recording).await.unwrap()
}

/// The parent's authority, which nobody takes away.
pub fn authority() -> Change {
    Change::Authority {
        portal: Oin::parse(PORTAL).unwrap(),
        person: Actor::parse(PARENT).unwrap(),
        state: Some(AuthorityState::Verified),
    }
}

/// The youth's consent to informing a parent.
pub fn consent(given: bool) -> Change {
    let by = sluis_core::standing::ConsentBy::Youth;
    Change::Consent { purpose: Purpose::ParentInformation, recipient: RecipientType::Parent, by, given }
}

/// The worker on or off the case.
pub fn caseload(on: bool) -> Change {
    Change::Caseload { partner: Oin::parse(PARTNER).unwrap(), worker: Actor::parse(WORKER).unwrap(), on }
}
