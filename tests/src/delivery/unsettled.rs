//! A release of unknown outcome, on a ledger that settles it by itself: nobody got it, and the log says so.

use super::{about, outcomes, ready, released, swept};
use crate::conduct::decorate::Append;
use crate::conduct::{self, House, PORTAL, child, parents_question};
use sluis::gateway::Gateway;
use sluis::recorder::LogState;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Committed;
use sluis_core::ports::{Ledger, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WELL: u8 = 0;
/// The next append is written and its answer lost.
const WRITTEN: u8 = 1;
/// The next append is lost with its answer.
const LOST: u8 = 2;

/// One append of unknown outcome when told to, on a ledger that knows afterwards what became of it.
#[derive(Clone, Default)]
struct Settling(Arc<AtomicU8>);

#[async_trait::async_trait]
impl Append for Settling {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        let how = self.0.swap(WELL, Ordering::SeqCst);
        if how != LOST {
            let committed = inner.append(drafts).await;
            if how == WELL {
                return committed;
            }
        }
        Err(StoreError::Unknown { store: "log database" })
    }

    fn settles(&self) -> bool {
        true
    }
}

async fn begun() -> (House, Settling, Arc<Gateway>) {
    let (house, how) = (House::build(1).await, Settling::default());
    drop(ready(&house).await);
    let gateway = house.start_with(how.clone()).await;
    (house, how, gateway)
}

/// Asks while the next append goes wrong. Gives the size of the log before.
async fn ask_in_vain(gateway: &Gateway, how: &Settling, wrong: u8) -> u64 {
    let size = gateway.ledger.head().await.unwrap().size();
    how.0.store(wrong, Ordering::SeqCst);
    let asked = conduct::ask(gateway, PORTAL, &parents_question(gateway, child(0))).await;
    assert!(asked.is_err(), "nothing leaves of which it is not known whether it stands");
    assert_eq!(*gateway.recorder.state().borrow(), LogState::Failing("UNRESOLVED"));
    size
}

#[tokio::test]
async fn what_stands_after_all_is_aborted_and_the_process_goes_on() {
    let (house, how, gateway) = begun().await;
    let index = ask_in_vain(&gateway, &how, WRITTEN).await;
    released(&gateway).await.1.handed_over();
    let aborted = [about(&gateway, "ABORTED", &[index])];
    assert_eq!(swept(&gateway, 1).await, aborted);
    assert_eq!(*gateway.recorder.state().borrow(), LogState::Writing);
    drop(gateway);
    let gateway = house.start().await;
    assert_eq!(outcomes(&gateway).await, aborted);
}

#[tokio::test]
async fn what_does_not_stand_has_no_outcome() {
    let (house, how, gateway) = begun().await;
    ask_in_vain(&gateway, &how, LOST).await;
    let (index, open) = released(&gateway).await;
    released(&gateway).await.1.handed_over();
    assert_eq!(outcomes(&gateway).await, []);
    drop(gateway);
    drop(open);
    let gateway = house.start().await;
    let told = [about(&gateway, "UNKNOWN", &[index, index + 1])];
    assert_eq!(outcomes(&gateway).await, told, "the one that took its place is held by itself");
}

/// Nobody asks any more: the probe settles it.
#[tokio::test]
async fn it_is_settled_although_nobody_asks() {
    let (_house, how, gateway) = begun().await;
    let index = ask_in_vain(&gateway, &how, WRITTEN).await;
    assert_eq!(swept(&gateway, 1).await, [about(&gateway, "ABORTED", &[index])]);
}

/// The process dies before it is settled: the next one does not know that nothing left.
#[tokio::test]
async fn a_crash_before_it_is_settled_leaves_it_unknown() {
    let (house, how, gateway) = begun().await;
    let (before, open) = released(&gateway).await;
    open.handed_over();
    let index = ask_in_vain(&gateway, &how, WRITTEN).await;
    drop(gateway);
    let gateway = house.start().await;
    let told = outcomes(&gateway).await;
    assert_eq!(told, [about(&gateway, "UNKNOWN", &[index])], "{before} was handed over");
}
