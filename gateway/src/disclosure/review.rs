//! The review of a manual disclosure: an OBLIGATION_DONE leaf that refers to it, by another person than the one who told.

use super::REVIEW;
use crate::entry;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Caller;
use crate::recorder::Verdict;
use serde_json::json;
use sluis_core::disclosure::Conclusion;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Concerns, Draft};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::payload::padded;
use sluis_core::log::receipt::Receipt;
use sluis_core::subject::{Actor, SubjectId};

/// A review as the surface parsed it.
pub struct Review {
    /// Position of the leaf of the disclosure.
    pub index: u64,
    /// Who reviewed.
    pub reviewed_by: Actor,
    /// What was found.
    pub conclusion: Conclusion,
    /// Why, and what is done about it.
    pub note: String,
    /// The transaction id, the client's or ours.
    pub transaction_id: uuid::Uuid,
    /// The bytes of the request as received.
    pub request: Vec<u8>,
}

impl Gateway {
    /// Records a review. Two reviews at one moment both stand; neither undoes the other.
    ///
    /// # Errors
    /// [`Fault`]: nothing was recorded.
    pub async fn review_manual(&self, caller: &Caller, review: &Review) -> Result<Receipt, Fault> {
        let admitted = self.admit_holder(caller).await?;
        let digest = self.request_digest(review.transaction_id, &review.request).await?;
        let opened = self.manual_at(review.index).await?.ok_or(Fault::DisclosureUnknown)?;
        if opened.disclosure.was_told_by(&review.reviewed_by) {
            return Err(Fault::ReviewerDisclosed);
        }
        // The same review under the same transaction id is answered as the first time, so it is looked for first.
        let repeated = self.ledger.transaction(&caller.oin, review.transaction_id).await?.is_some();
        if !repeated && self.reviewed().await?.contains(&review.index) {
            return Err(Fault::DisclosureReviewed);
        }
        let verdict = loop {
            let mut draft = self.review_draft(caller, review, &opened.subject).await?;
            draft.transaction = Some(entry::transaction(caller, review.transaction_id, digest));
            draft.relies_on.clone_from(&admitted.relies_on);
            if let Some(verdict) = self.record_made(draft).await? {
                break verdict;
            }
        };
        Ok(match verdict {
            Verdict::Recorded(receipt) => receipt,
            Verdict::Duplicate { index, kind: LeafKind::ObligationDone } => self.receipt_at(index).await?,
            Verdict::Duplicate { .. } | Verdict::Conflict => return Err(Fault::TransactionReused),
            Verdict::Stale => return Err(Fault::TryAgain),
            _ => return Err(Fault::Defect("the ledger refused the review of a manual disclosure")),
        })
    }

    async fn review_draft(&self, caller: &Caller, review: &Review, identifier: &SubjectId) -> Result<Draft, Fault> {
        let (subject, key) = self.subject_or_bucket(identifier).await?;
        let ticket = self.ticket();
        let leaf = LeafDraft::new(LeafKind::ObligationDone)
            .with(Key::Ref, self.recorder.shards().reference(review.index))
            .with(Key::Ob, vec![REVIEW.code().to_owned()])
            .with(Key::Rp, caller.oin.as_str())
            .with(Key::X5, &*caller.thumbprint);
        let payload = json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.salt()),
            "subject": { identifier.kind(): identifier.value() },
            "reviewed_by": review.reviewed_by,
            "conclusion": review.conclusion,
            "note": review.note,
            "fsc": caller.connection,
        });
        let payload = padded(payload.to_string());
        let leaf = self.tagged(&key, &ticket, leaf, &payload);
        Ok(Draft {
            payload: Some(self.sealed(&key, &ticket, &payload)?),
            concerns: subject.map(|subject| Concerns { subject, item: 0 }).into_iter().collect(),
            ..Self::bare_draft(&ticket, leaf)
        })
    }
}
