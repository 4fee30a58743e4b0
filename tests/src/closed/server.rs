//! Lines that happen to the server of log and keys, at a gateway that composition made.

use super::{By, LINES, Line};
use crate::pairs::ground::on_server;
use crate::replicas::{becomes_at, is_released};
use crate::world::desk::{Desk, said, transaction};
use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::postgres::{Cluster, Database};
use crate::world::{Options, PATIENCE};
use sluis::client::standing::on_wire;
use sluis::compose::{self, Listening};
use sluis::config::Mode;
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis_proto::v1;
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::time::Duration;
use tonic::Code;

const WORKER: &str = "fs-0001";

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    Killed,
    Frozen,
    Locked,
    ReadOnly,
    Unsafe,
    ClockApart,
}

impl Mishap {
    /// Whether proofs of what stands are still served: where the log can be read, they are (core-design 1.10).
    fn leaves_proofs(self) -> bool {
        !matches!(self, Self::Killed | Self::Frozen)
    }
}

/// The clock that the lock query returns, and one that is further off than two clocks may be.
const CLOCKS: [&str; 2] = ["clock_timestamp()", "(clock_timestamp() - interval ''4 s'')"];

/// A server of one's own, and a gateway on it.
struct Site {
    folder: Folder,
    listening: Listening,
    cluster: &'static Cluster,
    database: Database<'static>,
}

impl Site {
    async fn open(cluster: &'static Cluster, child: &Client) -> Self {
        let database = cluster.database();
        let mut folder = Folder::make(&Options::with(vec![child.clone()]));
        on_server(&mut folder, database.log_url.clone(), database.keys_url.clone());
        compose::init(&folder.config).await.unwrap();
        // As far as the server goes; the rest of a production is not looked at here.
        folder.config.mode = Mode::Production;
        let listening = compose::listen(&folder.config).await.unwrap();
        Self { folder, listening, cluster, database }
    }

    async fn desk(&self, organisation: &Organisation) -> Desk {
        let (grpc, token) = (self.listening.grpc, self.listening.token.unwrap());
        Desk::open(self.folder.profile(organisation.slug, organisation.oin, grpc, token)).await
    }

    /// Brings it about; gives what holds the lock.
    async fn befall(&self, mishap: Mishap) -> Option<PgConnection> {
        let server = &self.cluster.server;
        match mishap {
            Mishap::Killed => tokio::task::block_in_place(|| server.kill()),
            Mishap::Frozen => server.freeze(),
            Mishap::Locked => {
                let mut holder = self.database.log_intruder().await;
                holder.execute("BEGIN; SELECT FROM log_shard FOR UPDATE").await.unwrap();
                return Some(holder);
            }
            Mishap::ReadOnly => set(self.cluster, "default_transaction_read_only", "on"),
            Mishap::Unsafe => set(self.cluster, "full_page_writes", "off"),
            Mishap::ClockApart => self.change_clock(CLOCKS),
        }
        None
    }

    fn end(&self, mishap: Mishap) {
        let server = &self.cluster.server;
        match mishap {
            Mishap::Killed => tokio::task::block_in_place(|| server.start()),
            Mishap::Frozen => server.thaw(),
            Mishap::Locked => {}
            Mishap::ReadOnly => set(self.cluster, "default_transaction_read_only", "off"),
            Mishap::Unsafe => set(self.cluster, "full_page_writes", "on"),
            Mishap::ClockApart => self.change_clock([CLOCKS[1], CLOCKS[0]]),
        }
    }

    /// The machine of the server has another clock from now on, as far as the log looks.
    fn change_clock(&self, [from, to]: [&str; 2]) {
        let change = format!(
            "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('log_look'::regproc), '{from}', '{to}'); END $$;
             SELECT strpos(pg_get_functiondef('log_look'::regproc), '{to}') > 0"
        );
        let name = self.database.log_url.rsplit('/').next().unwrap();
        let changed = tokio::task::block_in_place(|| self.cluster.server.sql(name, &change));
        assert_eq!(changed.trim(), "t", "the lock query has another clock");
    }
}

/// Sets what a running server takes over.
fn set(cluster: &Cluster, name: &str, value: &str) {
    tokio::task::block_in_place(|| {
        let server = &cluster.server;
        server.sql("postgres", &format!("ALTER SYSTEM SET {name} = {value}"));
        server.sql("postgres", "SELECT pg_reload_conf()");
        server.until("postgres", &format!("SELECT current_setting('{name}') = '{value}'"));
    });
}

async fn walk(cluster: &'static Cluster, line: &Line, mishap: Mishap) {
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let site = Site::open(cluster, &child).await;
    let conditions = &site.listening.gateway.conditions;
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    site.desk(&DOSSIER_SYSTEM).await.record(child.by_number(), kind.clone(), on).await.unwrap();
    let desk = site.desk(&partner).await;
    let question = child.question(v1::Purpose::Treatment, WORKER);
    let ask = || desk.release(question.clone());
    let earlier = transaction();
    assert!(is_released(&desk.release_under(question.clone(), earlier).await.unwrap()), "{}", line.says);

    let shown = line.shows.unwrap();
    let holder = site.befall(mishap).await;
    if mishap == Mishap::Unsafe {
        // Looked at once a minute; until then every entry is as durable as the server says.
        becomes_at(conditions, shown, true).await;
    }
    let status = ask().await.unwrap_err();
    assert_eq!(
        (said(&status).0, said(&status).1.as_str()),
        (Code::Unavailable, line.reason),
        "{}: {status}",
        line.says
    );
    becomes_at(conditions, shown, true).await;
    assert!(!conditions.ready(), "{}: callers still come", line.says);
    assert!(line.is_told(conditions), "{}: {:?}", line.says, conditions.watch().borrow());
    if mishap.leaves_proofs() {
        desk.receipt(earlier).await.unwrap_or_else(|status| panic!("{}: no proof: {status}", line.says));
    }
    drop(holder);
    site.end(mishap);
    becomes_at(conditions, shown, false).await;
    let resumed = async {
        // What else the same fault named ends in its own time.
        while !conditions.ready() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, resumed).await.unwrap_or_else(|_| panic!("{}: it does not resume", line.says));
    assert!(is_released(&ask().await.unwrap()), "{}", line.says);
    site.listening.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_server_fails_closed_under_its_name_and_ends() {
    let cluster: &'static Cluster = Box::leak(Box::new(tokio::task::block_in_place(Cluster::start)));
    for line in LINES {
        let By::Server(mishap) = line.by else { continue };
        println!("{}", line.says);
        walk(cluster, line, mishap).await;
    }
}
