//! Builds the entries of the log: leaf, encrypted payload, what it relies on. One place, so that every kind says the same.

use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::{Admitted, Caller, Gathered};
use serde_json::{Value, json};
use sluis_core::fact::Facts;
use sluis_core::log::LeafKind;
use sluis_core::log::commitment;
use sluis_core::log::draft::{Concerns, Draft, RequestId, SealedPayload, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::payload::{Sealing, padded, seal};
use sluis_core::organisation::Purpose;
use sluis_core::ports::SubjectKey;
use sluis_core::release::{Obligation, PolicyDigest, Reason};
use sluis_core::subject::{Actor, SubjectId};

/// The coarse code in the leaf of a refusal or escalation: it never says why (A10).
pub const COARSE: &str = "NOT_PERMITTED";

/// Payloads of refusals are padded from here to the next step, so that unknown and known subjects look alike at rest.
const REFUSAL_BYTES_MIN: usize = 1025;

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

/// What only the payload says about a question.
pub struct Particulars<'a> {
    /// About whom.
    pub subject: &'a SubjectId,
    /// Who acted.
    pub actor: Option<&'a Actor>,
    /// The facts decided on.
    pub facts: Facts,
    /// The reasons found.
    pub reasons: &'a [Reason],
    /// The rule, if one applied.
    pub rule: Option<&'a str>,
    /// The salt of the body, for a release.
    pub body_salt: Option<&'a [u8; 32]>,
    /// What must happen afterwards, for a release.
    pub obligations: &'a [Obligation],
}

impl Gateway {
    /// A request id for one attempt.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        RequestId(self.new_uuid())
    }

    /// A leaf with the blinded tag of its subject and the commitment to its payload.
    #[must_use]
    pub fn tagged(&self, key: &SubjectKey, rid: RequestId, leaf: LeafDraft, payload: &[u8]) -> LeafDraft {
        leaf.with(Key::St, commitment::subject_tag(&key.tag, &self.origin, rid, 0))
            .with(Key::Pc, commitment::payload(payload))
    }

    /// Encrypts a payload under a key, for one attempt, with a nonce of its own (A12).
    ///
    /// # Errors
    /// [`Fault::Defect`] when the cipher refuses, which it does only for impossible lengths.
    pub fn sealed(&self, key: &SubjectKey, rid: RequestId, payload: &[u8]) -> Result<SealedPayload, Fault> {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let at = Sealing { key, origin: &self.origin, rid, item: 0 };
        seal(&at, nonce, payload).ok_or(Fault::Defect("a payload cannot be encrypted"))
    }

    /// The payload of a question. Of a refusal it is padded, so that all refusals have one length.
    #[must_use]
    pub fn particulars(&self, said: &Particulars<'_>) -> Vec<u8> {
        let mut object = question_json(said, &self.salt());
        if let Some(salt) = said.body_salt {
            let codes: Vec<_> = said.obligations.iter().map(|o| o.code()).collect();
            object.insert("body_salt".into(), Value::from(data_encoding::HEXLOWER.encode(salt)));
            object.insert("obligations".into(), Value::from(codes));
            return Value::from(object).to_string().into_bytes();
        }
        // The floor keeps a refusal with few facts as long as one with all of them.
        padded(format!("{:<REFUSAL_BYTES_MIN$}", Value::from(object).to_string()))
    }

    /// The draft of an entry about a gathered question, its payload sealed.
    ///
    /// # Errors
    /// As [`Gateway::sealed`].
    pub fn draft(&self, rid: RequestId, leaf: LeafDraft, payload: &[u8], gathered: &Gathered) -> Result<Draft, Fault> {
        let leaf = self.tagged(&gathered.key, rid, leaf, payload);
        Ok(Draft {
            payload: Some(self.sealed(&gathered.key, rid, payload)?),
            relies_on: gathered.relies_on.clone(),
            decided_on: Some(gathered.today),
            concerns: gathered.subject.map(|subject| Concerns { subject, item: 0 }).into_iter().collect(),
            ..self.bare_draft(rid, leaf)
        })
    }

    /// A draft that relies on nothing, changes nothing and has no payload.
    #[must_use]
    pub fn bare_draft(&self, rid: RequestId, leaf: LeafDraft) -> Draft {
        Draft {
            rid,
            origin: std::sync::Arc::clone(&self.origin),
            leaf,
            payload: None,
            transaction: None,
            relies_on: Vec::new(),
            decided_on: None,
            effects: Vec::new(),
            concerns: Vec::new(),
            page: None,
        }
    }
}

/// What the payload says about one question, with the salt of its commitment.
pub fn question_json(said: &Particulars<'_>, salt: &[u8; 32]) -> serde_json::Map<String, Value> {
    let facts: serde_json::Map<_, _> = said.facts.iter().map(|(f, v)| (f.code().to_owned(), Value::from(v))).collect();
    let reasons: Vec<_> = said.reasons.iter().map(|r| r.code()).collect();
    let object = json!({
        "v": "sluis-payload/1",
        "salt": data_encoding::HEXLOWER.encode(salt),
        "subject": { said.subject.kind(): said.subject.value() },
        "actor": said.actor.map(Actor::as_str),
        "facts": facts,
        "reasons": reasons,
        "rule": said.rule,
    });
    match object {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// A transaction for the draft of a question.
#[must_use]
pub fn transaction(caller: &Caller, id: uuid::Uuid, digest: [u8; 32]) -> Transaction {
    Transaction { oin: caller.oin.clone(), id, digest }
}
