//! What one gateway found stops it; what two found stops all, also those that found nothing, until an operator lifts it (A27).

use super::commands::says;
use super::{Site, WORKER, becomes, is_released};
use crate::contract::postgres::LOOK;
use crate::world::PATIENCE;
use crate::world::people::Client;
use sluis::client::standing::on_wire;
use sluis::compose::lift::{LiftFault, Lifted, lift};
use sluis::compose::{self, Listening, StartFault};
use sluis::condition::Condition;
use sluis::config::Config;
use sluis::demo::organisations::{DOSSIER_SYSTEM, partners};
use sluis_adapters::postgres::OpenError;
use sluis_core::log::scrub::Found;
use sluis_proto::v1;
use sqlx::Executor;
use tonic::Code;

/// What a gateway might find by a memory that failed.
const FOUND: Found = Found::open("log_leaf", 0, "the stored hash is not that of the leaf");

impl Site {
    /// The configuration of a replica on a machine of its own.
    fn apart(&self, replica: i16) -> Config {
        let mut config = self.config(replica);
        config.log.anchor = Some(self.folder.dir.join(format!("log-{replica}.anchor")));
        config
    }

    /// Serves; the server may need a moment to notice that the gateway before is gone.
    async fn serve_apart(&self, replica: i16) -> Listening {
        let served = async {
            loop {
                match compose::listen(&self.apart(replica)).await {
                    Err(StartFault::Server(OpenError::InUse { .. })) => tokio::time::sleep(LOOK).await,
                    served => break served.unwrap(),
                }
            }
        };
        tokio::time::timeout(PATIENCE, served).await.expect("the replica stays in use")
    }

    async fn lift(&self, replica: i16) -> Result<Lifted, LiftFault> {
        let lifted = async {
            loop {
                match lift(&self.apart(replica), "ROWS_RESTORED", "the board, 2026-31").await {
                    Err(LiftFault::Start(StartFault::Server(OpenError::InUse { .. }))) => {
                        tokio::time::sleep(LOOK).await
                    }
                    lifted => break lifted,
                }
            }
        };
        tokio::time::timeout(PATIENCE, lifted).await.expect("the replica stays in use")
    }

    /// Whether a question about this child is answered there.
    async fn answers(&self, at: &Listening, child: &Client) -> bool {
        let desk = self.desk(at, &partners().next().unwrap()).await;
        match desk.release(child.question(v1::Purpose::Treatment, WORKER)).await {
            Ok(reply) => {
                assert!(is_released(&reply));
                true
            }
            Err(status) => {
                // A row of state that does not open is met before the answer is recorded.
                assert!(matches!(status.code(), Code::Unavailable | Code::Internal), "{status:?}");
                false
            }
        }
    }
}

async fn site_with_a_child() -> (Site, Client) {
    let child = Client::new(1, 8);
    let site = Site::make(vec![child.clone()]).await;
    let first = site.serve_apart(1).await;
    let (kind, on) = on_wire(&child.caseload(partners().next().unwrap().oin, WORKER));
    site.desk(&first, &DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
    first.stop().await.unwrap();
    (site, child)
}

#[tokio::test]
async fn what_a_second_gateway_reads_too_stops_all_until_it_is_mended_and_lifted() {
    let (site, child) = site_with_a_child().await;
    let mut intruder = site.database.log_intruder().await;
    let change = "SET session_replication_role = replica; CREATE TABLE aside AS SELECT * FROM state WHERE kind = 3;
                  DELETE FROM state WHERE kind = 3";
    let (one, two) = (site.serve_apart(1).await, site.serve_apart(2).await);
    assert!(site.answers(&one, &child).await && site.answers(&two, &child).await);
    intruder.execute(change).await.unwrap();
    one.gateway.metrics.scrub.hurry();
    for gateway in [&one, &two] {
        becomes(gateway, Condition::LogTampered, true).await;
        assert!(!site.answers(gateway, &child).await);
    }
    one.stop().await.unwrap();
    two.stop().await.unwrap();

    says(&site.run(&["doctor"], &site.apart(1)), 1, &["halted, nothing is released", "`sluis log lift` ends it"]);
    // Nobody lifts it while it is so.
    let still = site.lift(1).await.err().unwrap();
    assert!(matches!(still, LiftFault::StillWrong(_)), "{still}");
    intruder.execute("INSERT INTO state SELECT * FROM aside").await.unwrap();
    let one = site.serve_apart(1).await;
    assert!(one.gateway.conditions.holds(Condition::LogTampered), "a start does not end it");
    assert!(!site.answers(&one, &child).await);
    one.stop().await.unwrap();
    let lifted = site.lift(1).await.unwrap();
    assert_eq!(lifted.found.len(), 3, "two rows and the flag: {:?}", lifted.found);
    // The second one's flag stands on its own machine; the row says that it was lifted.
    for replica in [1, 2] {
        let gateway = site.serve_apart(replica).await;
        assert!(site.answers(&gateway, &child).await, "replica {replica}");
        gateway.stop().await.unwrap();
    }
    let lift = ["log", "lift", "--reason", "ROWS_RESTORED", "--authorised-by", "the board, 2026-31"];
    says(&site.run(&lift, &site.apart(4)), 2, &["this log is not halted", "there is nothing to lift"]);
}

#[tokio::test]
async fn one_that_finds_what_nobody_else_reads_stops_alone_and_two_stop_a_third() {
    let (site, child) = site_with_a_child().await;
    let (one, two, three) = (site.serve_apart(1).await, site.serve_apart(2).await, site.serve_apart(3).await);
    one.brake.pull(&FOUND);
    assert!(!site.answers(&one, &child).await);
    becomes(&two, Condition::LogDoubted, true).await;
    becomes(&three, Condition::LogDoubted, true).await;
    assert!(site.answers(&two, &child).await && site.answers(&three, &child).await);
    assert!(two.gateway.conditions.ready());
    two.brake.pull(&FOUND);
    becomes(&three, Condition::LogTampered, true).await;
    assert!(!site.answers(&three, &child).await);
    for gateway in [one, two, three] {
        gateway.stop().await.unwrap();
    }
    let three = site.serve_apart(3).await;
    assert!(!site.answers(&three, &child).await, "a start does not end it");
    three.stop().await.unwrap();
}
