//! Records what holds for a subject. Each change is an entry; when the call returns, the next release is decided under it.

use crate::entry;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Caller;
use crate::recorder::Verdict;
use serde_json::json;
use sluis_core::log::commitment;
use sluis_core::log::draft::{Concerns, Draft, Effect};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::payload::padded;
use sluis_core::log::receipt::Receipt;
use sluis_core::standing::Change;
use sluis_core::subject::{SubjectId, SubjectRef, dutch_date};

/// A change of standing, as the surface parsed it.
#[derive(Debug, Clone)]
pub struct Recording {
    /// For whom.
    pub subject: SubjectId,
    /// What changes.
    pub change: Change,
    /// The transaction id, the client's or ours.
    pub transaction_id: uuid::Uuid,
    /// The bytes of the request as received.
    pub request: Vec<u8>,
}

impl Gateway {
    /// Records one change of standing.
    ///
    /// A change carries no expected version of the standing: it is applied to whatever stands inside the lock (A16). It
    /// can be told to try again only when the enrolment of the caller itself changed meanwhile.
    ///
    /// # Errors
    /// [`Fault`]: nothing was recorded.
    pub async fn record_standing(&self, caller: &Caller, recording: &Recording) -> Result<Receipt, Fault> {
        let admitted = self.admit(caller, None).await?;
        if !admitted.enrolment.records_standing {
            return Err(Fault::MayNotRecord);
        }
        let subject = self.keys.find(&recording.subject).await?.ok_or(Fault::UnknownClient)?;
        let digest = self.request_digest(recording.transaction_id, &recording.request).await?;
        let verdict = loop {
            let mut draft = self.standing_draft(caller, recording, subject).await?;
            draft.transaction = Some(entry::transaction(caller, recording.transaction_id, digest));
            draft.relies_on.clone_from(&admitted.relies_on);
            if let Some(verdict) = self.record_made(draft).await? {
                break verdict;
            }
        };
        match verdict {
            Verdict::Recorded(receipt) => Ok(receipt),
            // The same change under the same transaction id: it was recorded the first time.
            Verdict::Duplicate { index, kind } if kind == recording.change.leaf_kind() => self.receipt_at(index).await,
            Verdict::Duplicate { .. } | Verdict::Conflict => Err(Fault::TransactionReused),
            Verdict::Refused(refused) => Err(Fault::ChangeRefused(refused)),
            // The enrolment of the caller changed under the call.
            Verdict::Stale => Err(Fault::TryAgain),
            Verdict::Released(..) | Verdict::PolicyTooOld | Verdict::Malformed => {
                Err(Fault::Defect("the ledger refused a change of standing"))
            }
        }
    }

    async fn standing_draft(
        &self,
        caller: &Caller,
        recording: &Recording,
        subject: SubjectRef,
    ) -> Result<Draft, Fault> {
        let year = dutch_date(self.clock.now()).year();
        let key = self.keys.subject_key(subject, year).await?.ok_or(Fault::UnknownClient)?;
        let ticket = self.ticket();
        let leaf = LeafDraft::new(recording.change.leaf_kind())
            .with(Key::Rp, caller.oin.as_str())
            .with(Key::X5, &*caller.thumbprint)
            .with(Key::Txn, recording.transaction_id.simple().to_string());
        let payload = json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.salt()),
            "subject": { recording.subject.kind(): recording.subject.value() },
            "standing": recording.change,
            "fsc": caller.connection,
        });
        let payload = padded(payload.to_string());
        let leaf = self.tagged(&key, &ticket, leaf, &payload);
        Ok(Draft {
            payload: Some(self.sealed(&key, &ticket, &payload)?),
            effects: vec![Effect::Standing { subject, change: recording.change.clone() }],
            concerns: vec![Concerns { subject, item: 0 }],
            ..Self::bare_draft(&ticket, leaf)
        })
    }

    /// A draft of an entry of the gateway itself with a payload, sealed with the key of the day.
    pub(crate) async fn own_draft(&self, leaf: LeafDraft, payload: &[u8]) -> Result<Draft, Fault> {
        let key = self.keys.bucket_key(dutch_date(self.clock.now())).await?;
        let ticket = self.ticket();
        let leaf = leaf.with(Key::Pc, commitment::payload(payload));
        Ok(Draft { payload: Some(self.sealed(&key, &ticket, payload)?), ..Self::bare_draft(&ticket, leaf) })
    }

    /// Appends an entry of the gateway itself, without a subject: policy, enrolment, epoch.
    ///
    /// # Errors
    /// A store that does not answer, a policy that is too old, or a defect.
    pub(crate) async fn record_own(
        &self,
        leaf: LeafDraft,
        payload: Option<&[u8]>,
        effects: &[Effect],
    ) -> Result<Receipt, Fault> {
        loop {
            let mut draft = match payload {
                Some(payload) => self.own_draft(leaf.clone(), payload).await?,
                None => Self::bare_draft(&self.ticket(), leaf.clone()),
            };
            draft.effects = effects.to_vec();
            match self.record_made(draft).await? {
                None => {}
                Some(Verdict::Recorded(receipt)) => return Ok(receipt),
                Some(Verdict::PolicyTooOld) => return Err(Fault::PolicyTooOld),
                Some(_) => return Err(Fault::Defect("the ledger refused an entry of the gateway itself")),
            }
        }
    }
}
