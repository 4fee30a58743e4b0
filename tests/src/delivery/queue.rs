//! What waits in the queue when the gateway stops does not leave, nor what is in the hands of the store then: it is looked at again
//! before it is appended, and before it is given (A27).

use super::{about, ready, swept};
use crate::conduct::decorate::Append;
use crate::conduct::{self, House, PORTAL, child, consent, parents_question, record};
use crate::world::PATIENCE;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Committed;
use sluis_core::ports::{Ledger, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// A ledger whose next append waits when told to.
#[derive(Clone, Default)]
struct Gate(Arc<Door>);

#[derive(Default)]
struct Door {
    shut: AtomicBool,
    reached: Notify,
    open: Notify,
}

#[async_trait::async_trait]
impl Append for Gate {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        if self.0.shut.swap(false, Ordering::SeqCst) {
            self.0.reached.notify_one();
            self.0.open.notified().await;
        }
        inner.append(drafts).await
    }
}

#[tokio::test]
async fn nothing_leaves_that_waits_or_is_being_written_when_the_gateway_stops() {
    let (house, gate) = (House::build(1).await, Gate::default());
    drop(ready(&house).await);
    let gateway = house.start_with(gate.clone()).await;
    let size = gateway.ledger.head().await.unwrap().size();
    gate.0.shut.store(true, Ordering::SeqCst);
    let question = parents_question(&gateway, child(0));
    let late = async {
        gate.0.reached.notified().await;
        // The first is in the hands of the store. The second waits behind it.
        let asked = conduct::ask(&gateway, PORTAL, &question);
        let stop = async {
            tokio::time::timeout(PATIENCE, async {
                while gateway.recorder.waiting() == 0 {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .unwrap();
            gateway.recorder.stop_answers("LOG_TAMPERED");
            gate.0.open.notify_one();
        };
        tokio::join!(asked, stop).0
    };
    let asked = parents_question(&gateway, child(0));
    let (first, late) = tokio::join!(conduct::ask(&gateway, PORTAL, &asked), late);
    for answer in [first, late] {
        let refused = format!("{:?}", answer.expect_err("it left after the gateway was stopped"));
        assert!(refused.contains("LOG_TAMPERED"), "{refused}");
    }
    // Nothing was written for the second; of the first, which stands, the log says that it was not given.
    assert_eq!(swept(&gateway, 1).await, [about(&gateway, "ABORTED", &[size])]);
    assert_eq!(gateway.ledger.head().await.unwrap().size(), size + 2);
    record(&gateway, child(0), consent(false)).await;
    assert_eq!(gateway.ledger.head().await.unwrap().size(), size + 3, "a withdrawal still goes in");
}
