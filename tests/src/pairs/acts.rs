//! What callers and the gateway itself do: each act is one row of the enumeration, and can be repeated.

use super::ground::{Ground, clients};
use super::ports::Tripped;
use super::trip::Trip;
use crate::invariant::seen::{Event, Left, Seen};
use crate::world::people::Client;
use crate::world::tokens::signer;
use sluis::audit::{Audit, Line};
use sluis::compose::{Housekeeper, StartFault};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, THE_HAGUE, partners};
use sluis::enrolment::grant_hash;
use sluis::explain::Explanation;
use sluis::fault::Fault;
use sluis::fsc::connection::ServiceConnection;
use sluis::gateway::Gateway;
use sluis::gather::Caller;
use sluis::release::{Answer, Ask, Serialize};
use sluis::standing::Recording;
use sluis_core::claim::ClaimLine;
use sluis_core::log::proof::receipt_for;
use sluis_core::log::receipt::Receipt;
use sluis_core::organisation::{Oin, Purpose};
use sluis_core::standing::Change;
use sluis_core::subject::{Actor, Bsn, SubjectId};
use std::sync::{Arc, Mutex};

/// The worker who asks.
const WORKER: &str = "fs-0001";

/// One act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A question that is answered with a body.
    Release,
    /// The same question under the same transaction id.
    Repeat,
    /// A question that is refused.
    Refuse,
    /// An explanation.
    Explain,
    /// A worker is put on a case.
    Give,
    /// A worker is taken off it.
    Withdraw,
    /// An audit of an invoice: opening, one page, closing.
    Audit,
    /// New subjects get keys, old transaction ids go.
    KeepHouse,
    /// A transaction is looked up, and the first entry is proven under the newest checkpoint.
    Prove,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Release,
        Self::Repeat,
        Self::Refuse,
        Self::Explain,
        Self::Give,
        Self::Withdraw,
        Self::Audit,
        Self::KeepHouse,
        Self::Prove,
    ];
}

/// A gateway, who calls it, and what they saw so far.
pub struct Scene {
    pub trip: Arc<Trip>,
    pub gateway: Arc<Gateway>,
    pub seen: Arc<Mutex<Seen>>,
    /// Makes the bytes that leave.
    pub serialize: Serialize,
    housekeeper: Housekeeper,
    callers: [Caller; 3],
}

/// A caller as the door would leave it.
async fn caller(ground: &Ground, organisation: &Organisation) -> Caller {
    let oin = Oin::parse(organisation.oin).unwrap();
    let enrolments = ground.log().enrolments(&oin).await.unwrap().state;
    Caller {
        connection: ServiceConnection::own(grant_hash(&oin, &enrolments), "sluis"),
        oin,
        thumbprint: "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI".into(),
        certified_until: u64::MAX,
        signer: signer(),
    }
}

/// Who asks.
pub fn partner() -> Organisation {
    partners().next().unwrap()
}

/// Who is asked about in an act.
pub fn about(act: Act) -> Client {
    let number = match act {
        Act::Release | Act::Repeat | Act::Audit | Act::KeepHouse | Act::Prove => 0,
        Act::Refuse | Act::Explain => 1,
        Act::Give | Act::Withdraw => 2,
    };
    clients().swap_remove(number)
}

impl Scene {
    /// A gateway over these stores; what callers saw goes where the others put it.
    pub async fn open(ground: &Ground, seen: &Arc<Mutex<Seen>>) -> Self {
        let trip = Arc::new(Trip::idle());
        let gateway = ground.gateway(&trip).await;
        Self::over(ground, gateway, &trip, seen).await
    }

    /// The same over a gateway that was made otherwise.
    pub async fn over(ground: &Ground, gateway: Arc<Gateway>, trip: &Arc<Trip>, seen: &Arc<Mutex<Seen>>) -> Self {
        let trip = Arc::clone(trip);
        let housekeeper = Housekeeper {
            log: Tripped::around(ground.log(), &trip),
            keys: Tripped::around(&ground.keys, &trip),
            holder: Tripped::around(&ground.facts, &trip),
            clock: Arc::clone(&gateway.clock),
        };
        let callers =
            [caller(ground, &partner()).await, caller(ground, &DOSSIER_SYSTEM).await, caller(ground, &THE_HAGUE).await];
        let serialize = sluis::grpc::serialize_extract;
        Self { trip, gateway, seen: Arc::clone(seen), serialize, housekeeper, callers }
    }

    /// Puts the worker on the case of the one whose dossier is released.
    pub async fn prepare(&self) {
        self.record(&about(Act::Release), true, self.gateway.new_uuid()).await.unwrap();
    }

    /// Does an act under a transaction id.
    pub async fn perform(&self, act: Act, id: uuid::Uuid) -> Result<(), Fault> {
        match act {
            Act::Release => self.ask(act, id).await.map(|released| assert!(released, "not released")),
            Act::Repeat => {
                for _ in 0..2 {
                    assert!(self.ask(act, id).await?, "not released");
                }
                Ok(())
            }
            Act::Refuse => self.ask(act, id).await.map(|released| assert!(!released, "released")),
            Act::Explain => self.explain(id).await,
            Act::Give => self.record(&about(act), true, id).await,
            Act::Withdraw => self.record(&about(act), false, id).await,
            Act::Audit => self.audit(id).await,
            Act::KeepHouse => self.keep_house().await,
            Act::Prove => self.prove(id).await,
        }
    }

    pub fn saw(&self, event: Event) {
        self.seen.lock().unwrap().0.push(event);
    }

    fn question(act: Act, id: uuid::Uuid) -> Ask {
        let subject = SubjectId::client_number(&about(act).number).unwrap();
        let request = format!("{subject:?}").into_bytes();
        let actor = Actor::parse(WORKER);
        Ask { subject, purpose: Purpose::Treatment, mask: None, actor, transaction_id: id, request }
    }

    /// Asks, and takes what comes; tells whether something left.
    pub async fn ask(&self, act: Act, id: uuid::Uuid) -> Result<bool, Fault> {
        let question = Self::question(act, id);
        match self.gateway.release(&self.callers[0], &question, self.serialize).await? {
            Answer::Released(released, delivery) => {
                let (body, salt, receipt) = released.into_parts();
                self.saw(Event::Left(Left { about: about(act).number, body, salt, receipt: receipt.text() }));
                delivery.handed_over();
                Ok(true)
            }
            Answer::Refused(refused) => Ok(self.refused(&refused.receipt)),
            Answer::Escalated(receipt) => Ok(self.refused(&receipt)),
        }
    }

    fn refused(&self, receipt: &Receipt) -> bool {
        self.saw(Event::Receipt(receipt.text()));
        false
    }

    async fn explain(&self, id: uuid::Uuid) -> Result<(), Fault> {
        match self.gateway.explain(&self.callers[0], &Self::question(Act::Explain, id)).await? {
            Explanation::WouldRelease(_, receipt) | Explanation::WouldEscalate(receipt) => self.refused(&receipt),
            Explanation::WouldRefuse(refused) => self.refused(&refused.receipt),
        };
        Ok(())
    }

    async fn record(&self, client: &Client, on: bool, id: uuid::Uuid) -> Result<(), Fault> {
        let change =
            Change::Caseload { partner: Oin::parse(partner().oin).unwrap(), worker: Actor::parse(WORKER).unwrap(), on };
        let subject = SubjectId::client_number(&client.number).unwrap();
        let request = format!("{change:?}").into_bytes();
        let recording = Recording { subject, change, transaction_id: id, request };
        if on {
            self.saw(Event::Giving(client.number.clone()));
        }
        let receipt = self.gateway.record_standing(&self.callers[1], &recording).await?;
        self.saw(Event::Receipt(receipt.text()));
        if !on {
            self.saw(Event::Withdrawn(client.number.clone()));
        }
        Ok(())
    }

    async fn audit(&self, id: uuid::Uuid) -> Result<(), Fault> {
        let gateway = Arc::clone(&self.gateway);
        let opening = serde_json::json!({ "invoice": "2026-1" });
        let (mut audit, opened) = Audit::open(gateway, self.callers[2].clone(), None, id, &opening).await?;
        self.saw(Event::Receipt(opened.text()));
        let page = audit.page(&[line(&about(Act::Audit))], sluis::grpc::serialize_extract).await?;
        for judged in page.lines {
            let Some(item) = judged.released else { continue };
            assert!(!item.into_body().is_empty());
        }
        self.saw(Event::Page(page.receipt.text()));
        page.delivery.handed_over();
        let (_, closed) = audit.close().await?;
        self.saw(Event::Receipt(closed.text()));
        Ok(())
    }

    async fn prove(&self, id: uuid::Uuid) -> Result<(), Fault> {
        assert_eq!(self.gateway.ledger.transaction(&self.callers[0].oin, id).await?, None, "nobody asked under it");
        let receipt = receipt_for(self.gateway.ledger.as_ref(), 0, &self.gateway.recorder.checkpoint()).await?;
        self.saw(Event::Receipt(receipt.expect("the first entry is there").text()));
        Ok(())
    }

    async fn keep_house(&self) -> Result<(), Fault> {
        let done = async {
            self.housekeeper.provision().await?;
            self.housekeeper.forget().await
        };
        done.await.map_err(|fault| match fault {
            StartFault::Store(error) => Fault::Store(error),
            other => panic!("{other}"),
        })
    }
}

/// The billing record of a client as a line that agrees.
fn line(client: &Client) -> Line {
    let said = client.claim();
    let claim = ClaimLine {
        reference: said.reference,
        provider_agb: client.provider_agb(),
        allocation_number: said.allocation_number,
        product_category: said.product_category,
        product_code: said.product_code,
        begin: said.begin.parse().unwrap(),
        end: said.end.parse().unwrap(),
        volume: said.volume,
        unit: said.unit,
        tariff: said.tariff,
        amount: said.amount,
        credit: said.credit,
    };
    Line { bsn: Bsn::parse(&client.bsn).unwrap(), claim }
}
