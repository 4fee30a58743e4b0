//! A policy against questions: between its entry in the log and the moment it is read, nobody is told to try again.

use crate::conduct::{self, House, PARTNER, caseload, record};
use sluis::gateway::Gateway;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{GuardState, Versioned};
use sluis_core::organisation::Oin;
use sluis_core::policy::{Policy, Sources};
use sluis_core::ports::{Register, StoreError, StoredEntry};
use sluis_core::standing::Standing;
use sluis_core::subject::SubjectRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const CALLERS: u32 = 8;

/// A register that takes its time over the active policy: long enough for many questions.
struct Slow(Arc<dyn Register>);

#[async_trait::async_trait]
impl Register for Slow {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        self.0.standing(subject).await
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        self.0.enrolments(oin).await
    }

    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        self.0.organisations(after, count).await
    }

    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        self.0.enrolled_by(oin).await
    }

    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.0.recipient_entry_after(oin, index).await
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.0.active_policy().await
    }
}

/// The policy of the house under another number.
fn numbered(house: &House, number: u32) -> Arc<Policy> {
    let [catalog, ceiling, policy] =
        [&house.config.policy.catalog, &house.config.policy.ceiling, &house.config.policy.policy]
            .map(|file| std::fs::read_to_string(file).unwrap());
    let previous = "0".repeat(64);
    let version = format!("version = {number}\nprevious = \"sha256:{previous}\"\n");
    let policy = policy.replacen("version = 1\n", &version, 1);
    Arc::new(sluis_core::policy::load(&Sources { catalog: &catalog, ceiling: &ceiling, policy: &policy }).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_question_fails_while_a_policy_becomes_active() {
    let house = House::build(CALLERS).await;
    let policy = numbered(&house, 2);
    let mut gateway = house.own().await;
    gateway.register = Arc::new(Slow(gateway.register));
    let gateway = Arc::new(gateway);
    // What nobody takes is recorded as aborted; else the gateway stops at so many.
    sluis::sweeper::follow(&gateway);
    for child in house.children() {
        record(&gateway, child, caseload(true)).await;
    }
    let (ended, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
    let callers = house.children().map(|child| {
        let (gateway, ended, answered) = (Arc::clone(&gateway), Arc::clone(&ended), Arc::clone(&answered));
        tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let question = conduct::workers_question(&gateway, child.clone());
                let answer = conduct::ask(&gateway, PARTNER, &question).await;
                answer.unwrap_or_else(|fault| panic!("a question failed: {fault}"));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    go_on(&answered).await;
    gateway.activate(Arc::clone(&policy)).await.unwrap();
    go_on(&answered).await;
    ended.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(number(&gateway), policy.number());
}

/// Waits until every caller was answered a few times more, or one of them failed.
async fn go_on(answered: &AtomicU32) {
    let from = answered.load(Ordering::Relaxed);
    let enough = async {
        while answered.load(Ordering::Relaxed) < from + 5 * CALLERS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Whoever failed is found when the callers are waited for.
    let _ = tokio::time::timeout(Duration::from_secs(30), enough).await;
}

fn number(gateway: &Gateway) -> u64 {
    gateway.active.load().policy.number()
}
