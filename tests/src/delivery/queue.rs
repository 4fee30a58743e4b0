//! What waits in the queue when the gateway stops does not leave: it is looked at again before it is appended (A27).

use super::{ready, released};
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
async fn an_answer_that_waits_when_the_gateway_stops_is_not_appended() {
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
    let (first, late) = tokio::join!(released(&gateway), late);
    assert_eq!(first.0 & 0xffff, size);
    let refused = format!("{:?}", late.unwrap_err());
    assert!(refused.contains("LOG_TAMPERED"), "{refused}");
    assert_eq!(gateway.ledger.head().await.unwrap().size(), size + 1, "nothing was written for the second");
    record(&gateway, child(0), consent(false)).await;
    assert_eq!(gateway.ledger.head().await.unwrap().size(), size + 2, "a withdrawal still goes in");
}
