//! Manual disclosures: records what was told outside the gateway, and its review by another person (B22, T27).
//!
//! Promises: what happened is recorded whatever the rules, the policy or the register say, and whether or not the client is
//! known; its leaf says no more than the leaf of a release; who told what about whom stands in the payload alone (A20); and
//! it stays open until somebody else has looked at it.

mod compared;
mod open;
mod review;

pub use open::{Account, OpenDisclosure, follow};
pub use review::Review;

use crate::entry;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::{Admitted, Caller};
use crate::recorder::Verdict;
use serde_json::json;
use sluis_core::disclosure::{Compared, Comparison, Disclosure};
use sluis_core::field::{Field, FieldSet};
use sluis_core::log::LeafKind;
use sluis_core::log::Millis;
use sluis_core::log::draft::{Concerns, Draft};
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use sluis_core::log::payload::padded;
use sluis_core::log::receipt::Receipt;
use sluis_core::ports::SubjectKey;
use sluis_core::release::Obligation;
use sluis_core::subject::{SubjectId, SubjectRef, dutch_date};
use sluis_core::working_day;

/// The only reason in the leaf: how it compares with the rules stands in the payload (A10).
const DISCLOSED: &str = "DISCLOSED";
/// What a manual disclosure obliges to, whatever its rule adds.
const REVIEW: Obligation = Obligation::ReviewOneWorkingDay;

/// A disclosure as the surface parsed it.
pub struct Recording {
    /// About whom.
    pub subject: SubjectId,
    /// The account of the professional.
    pub disclosure: Disclosure,
    /// The transaction id, the client's or ours.
    pub transaction_id: uuid::Uuid,
    /// The bytes of the request as received.
    pub request: Vec<u8>,
}

/// A disclosure that stands in the log.
pub struct Recorded {
    /// Proof of the entry.
    pub receipt: Receipt,
    /// How it compares with the rules.
    pub comparison: Comparison,
    /// What was told and no rule gives.
    pub beyond: FieldSet,
    /// Whether it was recorded late.
    pub late: bool,
    /// When its review is overdue.
    pub review_by: Millis,
}

impl Gateway {
    /// Records one disclosure that already happened.
    ///
    /// It relies on no version but that of the caller's enrolment: nothing that holds for the client can undo what was told.
    ///
    /// # Errors
    /// [`Fault`]: nothing was recorded.
    pub async fn record_manual(&self, caller: &Caller, recording: &Recording) -> Result<Recorded, Fault> {
        let admitted = self.admit_holder(caller).await?;
        let digest = self.request_digest(recording.transaction_id, &recording.request).await?;
        let compared = self.compared(caller, &recording.subject, &recording.disclosure).await?;
        let verdict = loop {
            let mut draft = self.manual_draft(caller, recording, &compared).await?;
            draft.transaction = Some(entry::transaction(caller, recording.transaction_id, digest));
            draft.relies_on.clone_from(&admitted.relies_on);
            if let Some(verdict) = self.record_made(draft).await? {
                break verdict;
            }
        };
        Ok(match verdict {
            Verdict::Recorded(receipt) => {
                let time = leaf_of(&receipt)?.time();
                let late = recording.disclosure.is_late(time);
                let (comparison, beyond) = (compared.comparison, compared.beyond);
                Recorded { receipt, comparison, beyond, late, review_by: working_day::end_of_next(time) }
            }
            // The same account under the same transaction id: told again what was told the first time.
            Verdict::Duplicate { index, kind: LeafKind::Manual } => self.recorded_before(index).await?,
            Verdict::Duplicate { .. } | Verdict::Conflict => return Err(Fault::TransactionReused),
            Verdict::Stale => return Err(Fault::TryAgain),
            _ => return Err(Fault::Defect("the ledger refused a manual disclosure")),
        })
    }

    /// Admits the holder's own systems only.
    async fn admit_holder(&self, caller: &Caller) -> Result<Admitted, Fault> {
        let admitted = self.admit(caller, None).await?;
        if admitted.enrolment.records_standing { Ok(admitted) } else { Err(Fault::MayNotRecord) }
    }

    async fn recorded_before(&self, index: u64) -> Result<Recorded, Fault> {
        let found = self.manual_at(index).await?.ok_or(Fault::DisclosureUnknown)?;
        let receipt = self.receipt_at(index).await?;
        let Account { comparison, beyond, late, .. } = found.account;
        Ok(Recorded { receipt, comparison, beyond, late, review_by: found.review_by })
    }

    async fn manual_draft(&self, caller: &Caller, recording: &Recording, compared: &Compared) -> Result<Draft, Fault> {
        let Recording { subject: identifier, disclosure, .. } = recording;
        let (subject, key) = self.subject_or_bucket(identifier).await?;
        let ticket = self.ticket();
        let beyond: Vec<Field> = compared.beyond.iter().collect();
        let facts: serde_json::Map<_, _> =
            compared.facts.iter().map(|(fact, value)| (fact.code().to_owned(), value.into())).collect();
        let payload = json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.salt()),
            "subject": { identifier.kind(): identifier.value() },
            "recorded_by": caller.oin,
            "x5": &*caller.thumbprint,
            "disclosure": disclosure,
            "late": disclosure.is_late(self.clock.now()),
            "comparison": compared.comparison,
            "beyond": beyond,
            "reasons": compared.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
            "facts": facts,
            "fsc": caller.connection,
        });
        let payload = padded(payload.to_string());
        let leaf = self.tagged(&key, &ticket, self.manual_leaf(disclosure), &payload);
        Ok(Draft {
            payload: Some(self.sealed(&key, &ticket, &payload)?),
            concerns: subject.map(|subject| Concerns { subject, item: 0 }).into_iter().collect(),
            ..Self::bare_draft(&ticket, leaf)
        })
    }

    /// What a release would say in clear: to which type and organisation, for what, which fields, which rule there is.
    fn manual_leaf(&self, disclosure: &Disclosure) -> LeafDraft {
        let active = self.active.load();
        let to = &disclosure.to;
        let leaf = LeafDraft::new(LeafKind::Manual)
            .with(Key::Rt, to.recipient.code())
            .with(Key::Pu, disclosure.purpose.code())
            .with(Key::Rs, vec![DISCLOSED.to_owned()])
            .with(Key::Po, active.policy.digest().to_hex())
            .with(Key::Ca, active.policy.catalogue())
            .with(Key::Fs, FieldSet::of(&disclosure.fields).to_hex());
        let leaf = match &to.organisation {
            Some(oin) => leaf.with(Key::Rp, oin.as_str()),
            None => leaf,
        };
        let mut obligations = vec![REVIEW];
        // Which rule there is for the pair follows from the policy: it tells nothing of the client.
        let leaf = match active.policy.rule_for(to.recipient, disclosure.purpose) {
            Some(rule) => {
                obligations.extend(rule.obligations().iter().filter(|o| **o != REVIEW));
                leaf.with(Key::Ba, &*rule.basis_line()).with(Key::Ru, rule.id())
            }
            None => leaf,
        };
        leaf.with(Key::Ob, obligations.iter().map(|o| o.code().to_owned()).collect::<Vec<_>>())
    }

    /// The subject and its key of this year; the key of the day for somebody the register does not know or has erased.
    async fn subject_or_bucket(&self, identifier: &SubjectId) -> Result<(Option<SubjectRef>, SubjectKey), Fault> {
        let today = dutch_date(self.clock.now());
        if let Some(subject) = self.keys.find(identifier).await?
            && let Some(key) = self.keys.subject_key(subject, today.year()).await?
        {
            return Ok((Some(subject), key));
        }
        Ok((None, self.keys.bucket_key(today).await?))
    }
}

fn leaf_of(receipt: &Receipt) -> Result<Leaf, Fault> {
    Leaf::decode(receipt.leaf()).map_err(|_| Fault::Defect("a receipt has no leaf"))
}
