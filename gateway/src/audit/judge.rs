//! Judges one line: compare, gather, decide, fetch. What may be told is what the decision leaves open.

use super::{Audit, Line};
use crate::fault::Fault;
use crate::gateway::ActivePolicy;
use crate::gather::{Admitted, Gathered, Matter};
use crate::release::Serialize;
use sluis_core::claim::{Comparison, Finding};
use sluis_core::decide::decide;
use sluis_core::fact::Fact;
use sluis_core::field::FieldSet;
use sluis_core::organisation::Purpose;
use sluis_core::release::{Decision, Question, Reason};
use sluis_core::released::Sealed;
use sluis_core::subject::SubjectId;

/// One line as it was judged, before its page is recorded.
pub(super) struct Verdict {
    pub(super) finding: Finding,
    pub(super) differing: FieldSet,
    pub(super) sealed: Option<Sealed>,
    pub(super) reasons: Vec<Reason>,
    pub(super) rule: Option<String>,
    pub(super) gathered: Gathered,
}

impl Verdict {
    /// The fields that leave with the line.
    pub(super) fn fields(&self) -> FieldSet {
        self.sealed.as_ref().map_or(FieldSet::EMPTY, |sealed| sealed.extract.fields())
    }
}

impl Audit {
    /// Judges a line; what leaves with it is sealed under the salt of its item.
    pub(super) async fn judge(
        &self,
        admitted: &Admitted,
        active: &ActivePolicy,
        line: &Line,
        salt: [u8; 32],
        serialize: Serialize,
    ) -> Result<Verdict, Fault> {
        let gateway = &self.gateway;
        let subject = SubjectId::Bsn(line.bsn);
        let comparison = gateway.facts.claim(&subject, &line.claim).await?;
        let matter = Matter {
            subject: &subject,
            purpose: Purpose::InvoiceFormal,
            actor: self.actor.as_ref(),
            claim: Some(&comparison),
        };
        let gathered = gateway.gather(admitted, active, &matter).await?;
        let record_id = match &comparison {
            Comparison::Agrees { record_id } => Some(record_id.clone()),
            Comparison::Differs { .. } | Comparison::Absent => None,
        };
        let recipient = admitted.enrolment.recipient;
        let question = Question { recipient, purpose: Purpose::InvoiceFormal, subject, mask: None, record_id };
        match decide(&active.policy, question, gathered.facts) {
            Decision::Permit(permit) => {
                let rule = Some(permit.rule().to_owned());
                let sealed = Some(gateway.fetch(permit, &active.policy, salt, serialize).await?);
                let (finding, differing, reasons) = (Finding::Agrees, FieldSet::EMPTY, vec![Reason::Ok]);
                Ok(Verdict { finding, differing, sealed, reasons, rule, gathered })
            }
            Decision::Refuse(refusal) | Decision::Escalate(refusal) => {
                let (finding, differing) = told(&comparison, &refusal.reasons);
                let rule = refusal.rule.as_deref().map(str::to_owned);
                Ok(Verdict { finding, differing, sealed: None, reasons: refusal.reasons, rule, gathered })
            }
        }
    }
}

/// What may be told of a line that releases nothing: that it differs, only when nothing else stood in the way.
fn told(comparison: &Comparison, reasons: &[Reason]) -> (Finding, FieldSet) {
    match comparison {
        Comparison::Differs { fields, .. } if reasons == [Reason::Unmet(Fact::Declared)] => (Finding::Differs, *fields),
        _ => (Finding::NotConfirmed, FieldSet::EMPTY),
    }
}
