//! The review of a manual disclosure: an OBLIGATION_DONE leaf that refers to it, by another person than the one who told.

use super::REVIEW;
use super::open::Opened;
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
    /// Name of the shard that `index` counts in; empty where one shard only has a disclosure there.
    pub shard: String,
    /// Index of the leaf of the disclosure.
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
        let (position, opened) = self.reviewed_one(review).await?;
        if opened.disclosure.was_told_by(&review.reviewed_by) {
            return Err(Fault::ReviewerDisclosed);
        }
        // The same review under the same transaction id is answered as the first time, so it is looked for first.
        let repeated = self.ledger.transaction(&caller.oin, review.transaction_id).await?.is_some();
        if !repeated && self.reviewed().await?.contains(&position) {
            return Err(Fault::DisclosureReviewed);
        }
        let verdict = loop {
            let mut draft = self.review_draft(caller, review, position, &opened.subject).await?;
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

    /// The disclosure that a review is about. Without the name of a shard it must be the only one at its index: a review of
    /// another disclosure would be worse than none.
    async fn reviewed_one(&self, review: &Review) -> Result<(u64, Opened), Fault> {
        let shards = self.recorder.shards();
        let mut found = None;
        for name in shards.names().filter(|name| review.shard.is_empty() || *name == review.shard) {
            let Some(position) = shards.position_in(name, review.index) else { continue };
            let Some(opened) = self.manual_at(position).await? else { continue };
            if found.replace((position, opened)).is_some() {
                return Err(Fault::DisclosureUnknown);
            }
        }
        found.ok_or(Fault::DisclosureUnknown)
    }

    async fn review_draft(
        &self,
        caller: &Caller,
        review: &Review,
        position: u64,
        identifier: &SubjectId,
    ) -> Result<Draft, Fault> {
        let (subject, key) = self.subject_or_bucket(identifier).await?;
        let ticket = self.ticket();
        let leaf = LeafDraft::new(LeafKind::ObligationDone)
            .with(Key::Ref, self.recorder.shards().reference(position))
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
