//! The release: admit, gather, decide, fetch, record, hand over. The order of these steps is the promise.

use crate::entry::{self, Asked, coarse};
use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use crate::gather::{Admitted, Caller, Gathered, Matter};
use crate::in_flight::Delivery;
use crate::payload::Particulars;
use crate::recorder::Verdict;
use sluis_core::decide::decide;
use sluis_core::field::{Field, FieldSet};
use sluis_core::log::draft::{Draft, Transaction};
use sluis_core::log::leaf::Key;
use sluis_core::log::receipt::Receipt;
use sluis_core::log::{LeafKind, commitment};
use sluis_core::organisation::Purpose;
use sluis_core::policy::Policy;
use sluis_core::release::{Decision, Extract, Permit, Question, Reason, Refusal};
use sluis_core::released::{Released, Sealed};
use sluis_core::subject::{Actor, SubjectId};

/// How often a question is decided again when standing changes under it.
const ATTEMPTS_MAX: u32 = 3;

/// A question about one subject, as the surface parsed it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// About whom.
    pub subject: SubjectId,
    /// For what.
    pub purpose: Purpose,
    /// Fields asked for; `None` asks for all.
    pub mask: Option<FieldSet>,
    /// Who acts at the recipient.
    pub actor: Option<Actor>,
    /// The transaction id, the client's or ours.
    pub transaction_id: uuid::Uuid,
    /// The bytes of the request as received, for recognising a repeated one.
    pub request: Vec<u8>,
}

/// The answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// Fields leave, and the delivery is told when they did.
    Released(Box<Released>, Delivery),
    /// Nothing leaves.
    Refused(Refused),
    /// A human must decide.
    Escalated(Receipt),
}

/// A refusal as the recipient may know it.
#[derive(Debug)]
pub struct Refused {
    /// Proof that it was logged.
    pub receipt: Receipt,
    /// Whether the recipient is a natural person, who is told where to turn to (B23).
    pub natural_person: bool,
}

/// Makes the bytes that leave from an extract; the surface knows the wire format.
pub type Serialize = fn(&Extract, catalogue: u64) -> Vec<u8>;

impl Gateway {
    /// Answers a question about one subject.
    ///
    /// # Errors
    /// [`Fault`]: nothing was released.
    pub async fn release(&self, caller: &Caller, ask: &Ask, serialize: Serialize) -> Result<Answer, Fault> {
        let admitted = self.admit(caller, Some(ask.purpose)).await?;
        self.check_ask(&admitted, ask)?;
        let digest = self.request_digest(ask.transaction_id, &ask.request).await?;
        for _ in 0..ATTEMPTS_MAX {
            let transaction = entry::transaction(caller, ask.transaction_id, digest);
            if let Some(answer) = self.attempt(caller, &admitted, ask, transaction, serialize).await? {
                return Ok(answer);
            }
            self.settle().await;
        }
        Err(Fault::TryAgain)
    }

    /// What holds for the question whoever it is about: masks within the rule, a ground for the BSN.
    pub(crate) fn check_ask(&self, admitted: &Admitted, ask: &Ask) -> Result<(), Fault> {
        if matches!(ask.subject, SubjectId::Bsn(_)) && admitted.enrolment.bsn_ground.is_none() {
            return Err(Fault::BsnNotAllowed);
        }
        if ask.mask.is_some_and(|mask| mask.contains(Field::Bsn)) && admitted.enrolment.bsn_ground.is_none() {
            return Err(Fault::BsnNotAllowed);
        }
        let active = self.active.load();
        let reachable = active.policy.reachable(admitted.enrolment.recipient, ask.purpose);
        let beyond: Vec<Field> = match (ask.mask, reachable) {
            (Some(mask), Some(reachable)) => mask.difference(reachable).iter().collect(),
            _ => Vec::new(),
        };
        if beyond.is_empty() { Ok(()) } else { Err(Fault::FieldNotPermitted(beyond)) }
    }

    /// The digest that recognises a repeated request, under the key of the day of its transaction id (A13).
    pub(crate) async fn request_digest(&self, id: uuid::Uuid, request: &[u8]) -> Result<[u8; 32], Fault> {
        let made = id.get_timestamp().map_or(0, |t| t.to_unix().0.saturating_mul(1000));
        let key = self.keys.transaction_key(sluis_core::subject::dutch_date(made)).await?;
        Ok(commitment::request_digest(&key, request))
    }

    /// One attempt; `None` when standing changed under it, or the residence became secret.
    async fn attempt(
        &self,
        caller: &Caller,
        admitted: &Admitted,
        ask: &Ask,
        transaction: Transaction,
        serialize: Serialize,
    ) -> Result<Option<Answer>, Fault> {
        let active = self.active.load_full();
        let matter = Matter { subject: &ask.subject, purpose: ask.purpose, actor: ask.actor.as_ref(), claim: None };
        let gathered = self.gather(admitted, &active, &matter).await?;
        let question = Question {
            recipient: admitted.enrolment.recipient,
            purpose: ask.purpose,
            subject: ask.subject.clone(),
            mask: admitted.lawful_mask(ask.mask),
            record_id: None,
        };
        let asked = asked(caller, admitted, ask.purpose, ask.transaction_id, &active);
        match decide(&active.policy, question, gathered.facts) {
            Decision::Permit(permit) => match self.fetch(permit, &active.policy, self.salt(), serialize).await {
                Ok(sealed) => self.hand_over(&asked, ask, &gathered, sealed, transaction).await,
                Err(Fault::TryAgain) => Ok(None),
                Err(fault) => Err(fault),
            },
            Decision::Refuse(refusal) => {
                self.turn_away(&asked, ask, &gathered, &refusal, LeafKind::Deny, transaction).await
            }
            Decision::Escalate(refusal) => {
                self.turn_away(&asked, ask, &gathered, &refusal, LeafKind::Escalate, transaction).await
            }
        }
    }

    /// Fetches exactly what the permit names and makes the bytes that would leave, under a salt. An extract under any
    /// other permit than the one given, which a source could have made from facts of its own, is a defect.
    pub(crate) async fn fetch(
        &self,
        permit: Permit,
        policy: &Policy,
        salt: [u8; 32],
        serialize: Serialize,
    ) -> Result<Sealed, Fault> {
        let (given, fields) = (permit.question().clone(), permit.fields());
        let extract = self.dossier.fetch(permit).await?;
        let used = extract.permit();
        if *used.question() != given || used.fields() != fields {
            return Err(Fault::Defect("the source answered under another permit"));
        }
        let body = serialize(&extract, policy.catalogue());
        Ok(Sealed { extract, body, salt })
    }

    async fn hand_over(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        gathered: &Gathered,
        sealed: Sealed,
        transaction: Transaction,
    ) -> Result<Option<Answer>, Fault> {
        let mut draft = self.release_draft(asked, ask, gathered, &sealed, None)?;
        draft.transaction = Some(transaction);
        match self.recorder.record(draft).await? {
            Verdict::Released(receipt, delivery) => released(sealed, receipt, delivery).map(Some),
            Verdict::Stale => Ok(None),
            Verdict::Conflict => Err(Fault::TransactionReused),
            Verdict::Duplicate { index, kind } => self.repeated(asked, ask, gathered, sealed, index, kind).await,
            Verdict::Recorded(_) | Verdict::Refused(_) | Verdict::PolicyTooOld | Verdict::Malformed => {
                Err(Fault::Defect("the ledger refused the entry of a release"))
            }
        }
    }

    pub(crate) fn release_draft(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        gathered: &Gathered,
        sealed: &Sealed,
        repeats: Option<u64>,
    ) -> Result<Draft, Fault> {
        let permit = sealed.extract.permit();
        let ticket = self.ticket();
        let codes: Vec<String> = permit.obligations().iter().map(|o| o.code().to_owned()).collect();
        let leaf = asked
            .leaf(LeafKind::Release)
            .with(Key::Ba, permit.basis())
            .with(Key::Ru, permit.rule())
            .with(Key::Fs, sealed.extract.fields().to_hex())
            .with(Key::Ob, codes)
            .with(Key::Rs, vec![Reason::Ok.code()])
            .with(Key::Bc, commitment::body(&sealed.salt, &sealed.body));
        let leaf = match repeats {
            Some(position) => leaf.with(Key::Ref, self.recorder.shards().reference(position)),
            None => leaf,
        };
        let payload = self.particulars(&Particulars {
            subject: &ask.subject,
            actor: ask.actor.as_ref(),
            mask: asked.admitted.lawful_mask(ask.mask),
            facts: gathered.facts,
            reasons: &[Reason::Ok],
            rule: Some(permit.rule()),
            body_salt: Some(&sealed.salt),
            obligations: permit.obligations(),
            line: None,
            connection: Some(&asked.caller.connection),
        })?;
        self.draft(&ticket, leaf, &payload, gathered)
    }

    async fn turn_away(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        gathered: &Gathered,
        refusal: &Refusal,
        kind: LeafKind,
        transaction: Transaction,
    ) -> Result<Option<Answer>, Fault> {
        let mut draft = self.refusal_draft(asked, ask, gathered, refusal, kind)?;
        draft.transaction = Some(transaction);
        match self.recorder.record(draft).await? {
            Verdict::Recorded(receipt) => Ok(Some(self.turned_away(asked, kind, receipt))),
            Verdict::Stale => Ok(None),
            Verdict::Conflict => Err(Fault::TransactionReused),
            // What was refused stays refused; what was released and would now be refused has changed.
            Verdict::Duplicate { index, kind: LeafKind::Deny } => self.refused_before(asked, index).await.map(Some),
            Verdict::Duplicate { index, kind: LeafKind::Escalate } => {
                Ok(Some(Answer::Escalated(self.receipt_of(index, LeafKind::Escalate).await?)))
            }
            Verdict::Duplicate { kind: LeafKind::Release, .. } => Err(Fault::OutcomeChanged),
            Verdict::Duplicate { .. } => Err(Fault::TransactionReused),
            Verdict::Released(..) | Verdict::Refused(_) | Verdict::PolicyTooOld | Verdict::Malformed => {
                Err(Fault::Defect("the ledger refused the entry of a refusal"))
            }
        }
    }

    /// The draft of a refusal, an escalation or an explanation: one shape, one length, no detail in clear (A10).
    pub(crate) fn refusal_draft(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        gathered: &Gathered,
        refusal: &Refusal,
        kind: LeafKind,
    ) -> Result<Draft, Fault> {
        let ticket = self.ticket();
        let leaf = asked.leaf(kind).with(Key::Rs, vec![coarse(kind).to_owned()]);
        let payload = self.particulars(&Particulars {
            subject: &ask.subject,
            actor: ask.actor.as_ref(),
            mask: asked.admitted.lawful_mask(ask.mask),
            facts: gathered.facts,
            reasons: &refusal.reasons,
            rule: refusal.rule.as_deref(),
            body_salt: None,
            obligations: &[],
            line: None,
            connection: Some(&asked.caller.connection),
        })?;
        self.draft(&ticket, leaf, &payload, gathered)
    }

    pub(crate) fn turned_away(&self, asked: &Asked<'_>, kind: LeafKind, receipt: Receipt) -> Answer {
        if kind == LeafKind::Escalate {
            return Answer::Escalated(receipt);
        }
        Answer::Refused(Refused { receipt, natural_person: asked.admitted.enrolment.recipient.is_natural_person() })
    }
}

pub(crate) fn asked<'a>(
    caller: &'a Caller,
    admitted: &'a Admitted,
    purpose: Purpose,
    transaction_id: uuid::Uuid,
    active: &ActivePolicy,
) -> Asked<'a> {
    Asked {
        caller,
        admitted,
        purpose,
        policy: active.policy.digest(),
        catalogue: active.policy.catalogue(),
        transaction_id,
    }
}

pub(crate) fn released(sealed: Sealed, receipt: Receipt, delivery: Delivery) -> Result<Answer, Fault> {
    let released = Released::new(sealed, receipt).ok_or(Fault::Defect("a receipt does not commit to its body"))?;
    Ok(Answer::Released(Box::new(released), delivery))
}
