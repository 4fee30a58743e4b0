//! A repeated transaction id with the same content: a refused one stays refused; a released one is decided and fetched
//! again, and delivered again only when exactly the same bytes would leave.

use crate::entry::Asked;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Gathered;
use crate::recorder::Verdict;
use crate::release::{Answer, Ask, released};
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open_committed};
use sluis_core::log::receipt::Receipt;
use sluis_core::log::{LeafKind, commitment, proof};
use sluis_core::released::Sealed;

impl Gateway {
    /// The same request again, and it would be released now (ruling on repeated transactions).
    pub(crate) async fn repeated(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        gathered: &Gathered,
        sealed: Sealed,
        index: u64,
        kind: LeafKind,
    ) -> Result<Option<Answer>, Fault> {
        match kind {
            LeafKind::Deny => return self.refused_before(asked, index).await.map(Some),
            LeafKind::Escalate => {
                return Ok(Some(Answer::Escalated(self.receipt_of(index, LeafKind::Escalate).await?)));
            }
            LeafKind::Release => {}
            _ => return Err(Fault::TransactionReused),
        }
        if !self.is_same_body(index, &sealed.body).await? {
            return Err(Fault::OutcomeChanged);
        }
        let draft = self.release_draft(asked, ask, gathered, &sealed, Some(index))?;
        match self.recorder.record(draft).await? {
            Verdict::Released(receipt, delivery) => released(sealed, receipt, delivery).map(Some),
            Verdict::Stale => Ok(None),
            _ => Err(Fault::Defect("the ledger refused the entry of a repeated release")),
        }
    }

    /// Whether the entry at this position released exactly these bytes: its own salt over the new body gives its `bc`.
    async fn is_same_body(&self, index: u64, body: &[u8]) -> Result<bool, Fault> {
        let defect = Fault::Defect("an entry of the log cannot be read back");
        let entry = self.ledger.entry(index).await?.ok_or(defect.clone())?;
        let leaf = Leaf::decode(&entry.leaf).map_err(|_| defect.clone())?;
        let Some(payload) = entry.payload else { return Ok(false) };
        let Some(key) = self.keys.key_by_id(payload.key_id).await? else { return Ok(false) };
        let rid = uuid::Uuid::try_parse(leaf.rid()).map_err(|_| defect.clone())?;
        let rid = RequestId(rid);
        let shards = self.recorder.shards();
        let at = Sealing { key: &key, origin: shards.origin_at(index).ok_or(defect.clone())?, rid, item: 0 };
        let plain = open_committed(&at, &payload, &leaf).ok_or(defect.clone())?;
        let said: serde_json::Value = serde_json::from_slice(&plain).map_err(|_| defect.clone())?;
        let salt = said.get("body_salt").and_then(|s| s.as_str()).and_then(hex32).ok_or(defect)?;
        Ok(leaf.text(Key::Bc) == Some(commitment::body(&salt, body).as_str()))
    }

    /// The refusal that was given before.
    pub(crate) async fn refused_before(&self, asked: &Asked<'_>, index: u64) -> Result<Answer, Fault> {
        let receipt = self.receipt_of(index, LeafKind::Deny).await?;
        Ok(self.turned_away(asked, LeafKind::Deny, receipt))
    }

    /// The same of an entry that a search column calls so: where its leaf says another kind, the row is set aside (A27).
    pub(crate) async fn receipt_of(&self, index: u64, kind: LeafKind) -> Result<Receipt, Fault> {
        let receipt = self.receipt_at(index).await?;
        if receipt.kind() == kind {
            return Ok(receipt);
        }
        Err(Fault::Defect("a search column of the log says another kind than its entry"))
    }

    /// The receipt of an entry that is already in the log, under the newest checkpoint of its shard: of a closed one that over
    /// all of it.
    pub(crate) async fn receipt_at(&self, index: u64) -> Result<Receipt, Fault> {
        // In this order: a shard that ends in between is then known with its last checkpoint, whatever the newest is of.
        let newest = self.recorder.checkpoint();
        let shards = self.recorder.shards();
        let checkpoint = shards.last_checkpoint_at(index).unwrap_or(&newest);
        let receipt = proof::receipt_for(self.ledger.as_ref(), index, checkpoint).await?;
        receipt.ok_or(Fault::Defect("an entry of the log has no receipt"))
    }
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
