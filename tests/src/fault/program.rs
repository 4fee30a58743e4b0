//! One program: callers who ask, change, repeat and give up, while appends fail; and what must hold afterwards.

use super::CHILDREN;
use super::ledger::{Dice, Faulty};
use crate::conduct::{self, HOLDER, House, PORTAL, authority, caller, child, consent, parents_question, recording};
use sluis::fault::Fault;
use sluis::gateway::Gateway;
use sluis::recorder::LogState;
use sluis::release::{Answer, Ask};
use sluis::standing::Recording;
use sluis_core::log::receipt::{Receipt, verify_text};
use sluis_core::ports::StoreError;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a caller repeats what got no answer.
const REPEATS: u32 = 2;

/// A program by its seed.
pub struct Program {
    seed: u64,
}

/// What one caller does.
#[derive(Clone)]
enum Act {
    Ask(Ask),
    Record(Recording),
}

/// What is left of a program when its gateway is gone.
pub struct Ended {
    pub halted: bool,
    receipts: Vec<Receipt>,
    unanswered: Vec<Act>,
}

impl Program {
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Runs on a gateway whose ledger fails, to its end.
    pub async fn run(self, house: &House, mut gateway: Gateway) -> (Ended, Gateway) {
        let faulty = Faulty::new(self.seed);
        house.decorate(&mut gateway, Arc::clone(&faulty)).await;
        let gateway = Arc::new(gateway);
        sluis::sweeper::follow(&gateway);
        let mut dice = Dice::new(self.seed);
        let callers = 2 + dice.roll(6);
        let mut tasks = Vec::new();
        for _ in 0..callers {
            let acts: Vec<Act> = (0..1 + dice.roll(4)).map(|_| act(&mut dice, &gateway)).collect();
            // The same caller twice at once, now and then: a client that lost its patience.
            for _ in 0..1 + dice.roll(4) / 3 {
                tasks.push(tokio::spawn(live(Arc::clone(&gateway), acts.clone(), dice.roll(4) == 0)));
            }
        }
        let mut ended = Ended { halted: false, receipts: Vec::new(), unanswered: Vec::new() };
        for task in tasks {
            let (receipts, unanswered) = task.await.unwrap();
            ended.receipts.extend(receipts);
            ended.unanswered.extend(unanswered);
        }
        ended.halted = faulty.unknown.load(Ordering::SeqCst);
        if ended.halted {
            stays_halted(&gateway).await;
            assert_eq!(faulty.after.load(Ordering::SeqCst), 0, "it appended after an outcome that is not known");
        }
        (ended, house.reopen(alone(gateway).await).await)
    }
}

/// The gateway as a value, when its sweeper has let go of it.
async fn alone(mut gateway: Arc<Gateway>) -> Gateway {
    loop {
        match Arc::try_unwrap(gateway) {
            Ok(gateway) => return gateway,
            Err(shared) => gateway = shared,
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// After an unknown outcome nothing is recorded and nothing is released, whatever the ledger would do.
async fn stays_halted(gateway: &Gateway) {
    let asked = conduct::ask(gateway, PORTAL, &parents_question(gateway, child(0))).await;
    assert!(matches!(asked, Err(Fault::Store(StoreError::Unknown { .. }))), "{asked:?}");
    assert_eq!(*gateway.recorder.state().borrow(), LogState::Halted);
}

fn act(dice: &mut Dice, gateway: &Gateway) -> Act {
    let about = child(u32::try_from(dice.roll(u64::from(CHILDREN))).unwrap());
    match dice.roll(8) {
        0 => Act::Record(recording(gateway, about, authority())),
        1 | 2 => Act::Record(recording(gateway, about, consent(true))),
        3 => Act::Record(recording(gateway, about, consent(false))),
        _ => Act::Ask(parents_question(gateway, about)),
    }
}

/// Lives through the acts; an impatient caller hangs up in the middle of each.
async fn live(gateway: Arc<Gateway>, acts: Vec<Act>, impatient: bool) -> (Vec<Receipt>, Vec<Act>) {
    let (mut receipts, mut unanswered) = (Vec::new(), Vec::new());
    for act in acts {
        let patience = std::time::Duration::from_millis(if impatient { 2 } else { 10_000 });
        match tokio::time::timeout(patience, insist(&gateway, &act)).await {
            Ok(Some(receipt)) => receipts.push(receipt),
            Ok(None) | Err(_) => unanswered.push(act),
        }
    }
    (receipts, unanswered)
}

/// Does it, and repeats it under the same transaction id while the store says that it failed.
async fn insist(gateway: &Gateway, act: &Act) -> Option<Receipt> {
    for _ in 0..=REPEATS {
        match attempt(gateway, act).await {
            Ok(receipt) => return Some(receipt),
            Err(Fault::Store(_) | Fault::TryAgain) => {}
            // The first attempt was recorded, and since then the youth decided otherwise.
            Err(Fault::OutcomeChanged) => return None,
            Err(other) => panic!("{other:?}"),
        }
    }
    None
}

async fn attempt(gateway: &Gateway, act: &Act) -> Result<Receipt, Fault> {
    match act {
        Act::Record(recording) => gateway.record_standing(&caller(HOLDER), recording).await,
        Act::Ask(ask) => Ok(match conduct::ask(gateway, PORTAL, ask).await? {
            Answer::Released(released, delivery) => {
                delivery.handed_over();
                released.into_parts().2
            }
            Answer::Refused(refused) => refused.receipt,
            Answer::Escalated(receipt) => receipt,
        }),
    }
}

impl Ended {
    /// Holds what the callers have against the store that a new gateway opened, and lets them repeat what got no
    /// answer. Gives the number of receipts.
    pub async fn check(&self, gateway: &Gateway) -> u64 {
        let mut receipts = 0;
        for receipt in &self.receipts {
            in_store(gateway, receipt).await;
            receipts += 1;
        }
        for act in &self.unanswered {
            match attempt(gateway, act).await {
                Ok(receipt) => in_store(gateway, &receipt).await,
                Err(Fault::OutcomeChanged) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        receipts
    }
}

async fn in_store(gateway: &Gateway, receipt: &Receipt) {
    let verified = verify_text(&receipt.text(), &gateway.verifier_key()).unwrap();
    let entry = gateway.ledger.entry(verified.index).await.unwrap();
    assert_eq!(entry.map(|e| e.leaf), Some(verified.leaf_text), "a receipt for an entry that is not in the store");
}
