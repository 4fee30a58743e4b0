//! Builds the entries of the log: leaf, encrypted payload, what it relies on. One place, so that every kind says the same.

use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::{Admitted, Caller, Gathered};
use crate::payload::{Particulars, Salted};
use crate::recorder::Verdict;
use sluis_core::log::LeafKind;
use sluis_core::log::commitment;
use sluis_core::log::draft::{Concerns, Draft, RequestId, SealedPayload, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::payload::{Sealing, padded, seal};
use sluis_core::organisation::Purpose;
use sluis_core::ports::SubjectKey;
use sluis_core::release::PolicyDigest;
use std::sync::Arc;

/// The coarse code in the leaf of a refusal, escalation or explanation: it never says why. Together with the kind all
/// of them have one length (A10).
#[must_use]
pub const fn coarse(kind: LeafKind) -> &'static str {
    match kind {
        LeafKind::Escalate => "ESCALATED",
        LeafKind::Explain => "NOT_STATED",
        _ => "NOT_PERMITTED",
    }
}

/// Payloads of refusals are padded from here to the next step, so that unknown and known subjects look alike at rest.
const REFUSAL_BYTES_MIN: usize = 1025;
/// What fits into that step.
#[cfg(test)]
pub(crate) const REFUSAL_BYTES_MAX: usize = 2048;

/// What the entry of one question says in clear, besides its outcome.
pub struct Asked<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Under which enrolment.
    pub admitted: &'a Admitted,
    /// For what.
    pub purpose: Purpose,
    /// The policy decided under.
    pub policy: PolicyDigest,
    /// Number of the field catalogue.
    pub catalogue: u64,
    /// The client's transaction id.
    pub transaction_id: uuid::Uuid,
}

impl Asked<'_> {
    /// A leaf of this kind with the keys that every question has.
    #[must_use]
    pub fn leaf(&self, kind: LeafKind) -> LeafDraft {
        LeafDraft::new(kind)
            .with(Key::Rt, self.admitted.enrolment.recipient.code())
            .with(Key::Rp, self.caller.oin.as_str())
            .with(Key::Pu, self.purpose.code())
            .with(Key::Po, self.policy.to_hex())
            .with(Key::Ca, self.catalogue)
            .with(Key::X5, &*self.caller.thumbprint)
            .with(Key::Txn, self.transaction_id.simple().to_string())
    }
}

/// What one attempt at an entry is made under: tags, payload and draft must agree on both.
///
/// The origin is taken once: when its shard closes meanwhile, the entry is stale as a whole, and is made again.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Request id, new for every attempt (A12).
    pub rid: RequestId,
    /// The shard it is made for.
    pub origin: Arc<str>,
}

impl Gateway {
    /// A request id and the open shard, for one attempt.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        Ticket { rid: RequestId(self.new_uuid()), origin: self.origin() }
    }

    /// Records a change; `None` when its shard closed meanwhile and nothing was written: make it again, so that whoever calls
    /// never sees the turn of the year.
    ///
    /// # Errors
    /// As [`Recorder::record_change`](crate::recorder::Recorder::record_change).
    pub(crate) async fn record_made(&self, draft: Draft) -> Result<Option<Verdict>, Fault> {
        let origin = Arc::clone(&draft.origin);
        Ok(match self.recorder.record_change(draft).await? {
            Verdict::Stale if *origin != *self.origin() => None,
            verdict => Some(verdict),
        })
    }

    /// A leaf with the blinded tag of its subject and the commitment to its payload.
    #[must_use]
    pub fn tagged(&self, key: &SubjectKey, ticket: &Ticket, leaf: LeafDraft, payload: &[u8]) -> LeafDraft {
        leaf.with(Key::St, commitment::subject_tag(&key.tag, &ticket.origin, ticket.rid, 0))
            .with(Key::Pc, commitment::payload(payload))
    }

    /// Encrypts a payload under a key, for one attempt, with a nonce of its own (A12).
    ///
    /// # Errors
    /// [`Fault::Defect`] when the cipher refuses, which it does only for impossible lengths.
    pub fn sealed(&self, key: &SubjectKey, ticket: &Ticket, payload: &[u8]) -> Result<SealedPayload, Fault> {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let at = Sealing { key, origin: &ticket.origin, rid: ticket.rid, item: 0 };
        seal(&at, nonce, payload).ok_or(Fault::Defect("a payload cannot be encrypted"))
    }

    /// The payload of a question. Of a refusal it is padded, so that all refusals have one length.
    ///
    /// # Errors
    /// Never for what particulars hold; a failure to serialize is a defect.
    pub fn particulars(&self, said: &Particulars<'_>) -> Result<Vec<u8>, Fault> {
        let json = serde_json::to_string(&Salted(said, self.salt()));
        let json = json.map_err(|_| Fault::Defect("a payload cannot be written"))?;
        if said.body_salt.is_some() {
            return Ok(json.into_bytes());
        }
        // The floor keeps a refusal with few facts as long as one with all of them.
        Ok(padded(format!("{json:<REFUSAL_BYTES_MIN$}")))
    }

    /// The draft of an entry about a gathered question, its payload sealed.
    ///
    /// # Errors
    /// As [`Gateway::sealed`].
    pub fn draft(&self, ticket: &Ticket, leaf: LeafDraft, payload: &[u8], gathered: &Gathered) -> Result<Draft, Fault> {
        let leaf = self.tagged(&gathered.key, ticket, leaf, payload);
        Ok(Draft {
            payload: Some(self.sealed(&gathered.key, ticket, payload)?),
            relies_on: gathered.relies_on.clone(),
            decided_on: Some(gathered.today),
            concerns: gathered.subject.map(|subject| Concerns { subject, item: 0 }).into_iter().collect(),
            ..Self::bare_draft(ticket, leaf)
        })
    }

    /// A draft that relies on nothing, changes nothing and has no payload.
    #[must_use]
    pub fn bare_draft(ticket: &Ticket, leaf: LeafDraft) -> Draft {
        Draft::new(ticket.rid, Arc::clone(&ticket.origin), leaf)
    }
}

/// A transaction for the draft of a question.
#[must_use]
pub fn transaction(caller: &Caller, id: uuid::Uuid, digest: [u8; 32]) -> Transaction {
    Transaction { oin: caller.oin.clone(), id, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_that_release_nothing_have_one_length() {
        let length = |kind: LeafKind| kind.code().len() + coarse(kind).len();
        assert_eq!(length(LeafKind::Deny), length(LeafKind::Escalate));
        assert_eq!(length(LeafKind::Deny), length(LeafKind::Explain));
    }
}
