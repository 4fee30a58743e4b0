//! Explains: the same decision as a release, without data. The explanation is logged like a question.

use crate::entry;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::{Caller, Matter};
use crate::recorder::Verdict;
use crate::release::{Ask, Refused, asked};
use sluis_core::decide::decide;
use sluis_core::log::LeafKind;
use sluis_core::log::receipt::Receipt;
use sluis_core::release::{Decision, Permit, Question, Reason, Refusal};

/// How often an explanation is made again when standing changes under it.
const ATTEMPTS_MAX: u32 = 3;

/// What a release would answer now.
#[derive(Debug)]
pub enum Explanation {
    /// These fields would leave.
    WouldRelease(Box<Permit>, Receipt),
    /// Nothing would leave.
    WouldRefuse(Refused),
    /// A human would have to decide.
    WouldEscalate(Receipt),
}

impl Gateway {
    /// Explains what a question would be answered. Every call has its own entry, also under a repeated transaction id.
    ///
    /// # Errors
    /// [`Fault`]: nothing was explained.
    pub async fn explain(&self, caller: &Caller, ask: &Ask) -> Result<Explanation, Fault> {
        let admitted = self.admit(caller, Some(ask.purpose)).await?;
        self.check_ask(&admitted, ask)?;
        for _ in 0..ATTEMPTS_MAX {
            let active = self.active.load_full();
            let matter = Matter { subject: &ask.subject, purpose: ask.purpose, actor: ask.actor.as_ref(), claim: None };
            let gathered = self.gather(&admitted, &active, &matter).await?;
            let question = Question {
                recipient: admitted.enrolment.recipient,
                purpose: ask.purpose,
                subject: ask.subject.clone(),
                mask: admitted.lawful_mask(ask.mask),
                record_id: None,
            };
            let asked = asked(caller, &admitted, ask.purpose, ask.transaction_id, &active);
            let decision = decide(&active.policy, question, gathered.facts);
            let draft = self.refusal_draft(&asked, ask, &gathered, &as_logged(&decision, &asked), LeafKind::Explain)?;
            match self.recorder.record(draft).await? {
                Verdict::Recorded(receipt) => {
                    let natural_person = admitted.enrolment.recipient.is_natural_person();
                    return Ok(match decision {
                        Decision::Permit(permit) => Explanation::WouldRelease(Box::new(permit), receipt),
                        Decision::Refuse(_) => Explanation::WouldRefuse(Refused { receipt, natural_person }),
                        Decision::Escalate(_) => Explanation::WouldEscalate(receipt),
                    });
                }
                Verdict::Stale => self.settle().await,
                _ => return Err(Fault::Defect("the ledger refused the entry of an explanation")),
            }
        }
        Err(Fault::TryAgain)
    }
}

/// What the payload of an explanation says: the reasons of the decision, whichever way it went.
fn as_logged(decision: &Decision, asked: &entry::Asked<'_>) -> Refusal {
    match decision {
        Decision::Permit(permit) => Refusal {
            reasons: vec![Reason::Ok],
            facts: permit.facts(),
            rule: Some(permit.rule().into()),
            policy: asked.policy,
        },
        Decision::Refuse(refusal) | Decision::Escalate(refusal) => refusal.clone(),
    }
}
