//! A gateway that was killed is judged by another one of the same log; one that is frozen is not.

use super::{Site, WORKER, is_released};
use crate::journey::program::{Running, program};
use crate::world::desk::Desk;
use crate::world::people::Client;
use crate::world::{PATIENCE, index_of};
use sluis::client::standing::on_wire;
use sluis::compose::Listening;
use sluis::demo::organisations::{DOSSIER_SYSTEM, partners};
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_proto::v1;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// A gateway as a process of its own.
struct Process {
    running: Running,
    grpc: SocketAddr,
    token: SocketAddr,
}

impl Site {
    async fn process(&self, replica: i16) -> Process {
        let file = self.folder.dir.join(format!("replica-{replica}.toml"));
        std::fs::write(&file, toml::to_string(&self.config(replica)).unwrap()).unwrap();
        let started = tokio::task::spawn_blocking(move || {
            let mut running = Running::start(Command::new(program()).args(["serve", "--config"]).arg(file));
            let lines = running.wait_for("ready").unwrap_or_else(|| panic!("{}", running.heard()));
            (running, lines)
        });
        let (running, lines) = started.await.unwrap();
        let said = |word: &str| lines.iter().find_map(|line| line.strip_prefix(word)).unwrap().trim().to_owned();
        let token = said("token").replace("https://", "").replace("/token", "");
        Process { grpc: said("ready").parse().unwrap(), token: token.parse().unwrap(), running }
    }

    async fn at(&self, process: &Process) -> Desk {
        let partner = partners().next().unwrap();
        Desk::open(self.folder.profile(partner.slug, partner.oin, process.grpc, process.token)).await
    }
}

/// The entries that OUTCOME leaves call unknown.
async fn unknown(at: &Listening) -> Vec<u64> {
    let leaves = at.gateway.ledger.leaves_of(LeafKind::Outcome, 0, 100).await.unwrap();
    let leaves = leaves.iter().map(|(_, text)| Leaf::decode(text).unwrap());
    let unknown = leaves.filter(|leaf| leaf.list(Key::Rs).unwrap() == ["UNKNOWN"]);
    let refs = unknown.flat_map(|leaf| leaf.list(Key::Refs).unwrap().to_vec());
    refs.map(|reference| reference.rsplit_once(':').unwrap().1.parse().unwrap()).collect()
}

/// Waits until an entry is called unknown.
async fn is_called_unknown(at: &Listening, index: u64) {
    let judged = async {
        while !unknown(at).await.contains(&index) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, judged).await.expect("nobody judges the gateway that was killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_gateway_left_is_unknown_and_a_frozen_one_is_not_judged() {
    let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
    let site = Site::make(vec![child.clone()]).await;
    let judge = site.listen(1).await;
    let (kind, on) = on_wire(&child.caseload(partner.oin, WORKER));
    site.desk(&judge, &DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
    let question = child.question(v1::Purpose::Treatment, WORKER);
    let (frozen, killed) = (site.process(2).await, site.process(3).await);
    let (at_frozen, at_killed) = (site.at(&frozen).await, site.at(&killed).await);
    let kept = at_frozen.release(question.clone()).await.unwrap();
    let lost = at_killed.release(question.clone()).await.unwrap();
    assert!(is_released(&kept) && is_released(&lost));

    frozen.running.signal("STOP");
    killed.running.kill();
    is_called_unknown(&judge, index_of(&lost)).await;
    // It was looked at as often, and holds its number.
    assert!(!unknown(&judge).await.contains(&index_of(&kept)), "a frozen gateway was judged");
    frozen.running.signal("CONT");
    let goes_on = site.at(&frozen).await.release(question.clone()).await.unwrap();
    assert!(is_released(&goes_on));

    // It comes back under its number, and says nothing twice.
    let again = site.process(3).await;
    assert!(is_released(&site.at(&again).await.release(question).await.unwrap()));
    assert_eq!(unknown(&judge).await, [index_of(&lost)]);
    for process in [frozen, again] {
        process.running.signal("TERM");
        assert_eq!(process.running.end().status, Some(0));
    }
    assert_eq!(unknown(&judge).await, [index_of(&lost)], "a gateway that ended well left something");
    judge.stop().await.unwrap();
}
