//! What waits for a review: found in the log itself, so that no restart and no table can lose one.
//!
//! A MANUAL leaf is open until an OBLIGATION_DONE leaf refers to it. Both are rare and found by an index of the engine, so
//! reading them all, every minute and at every start, stays cheap; nothing is kept in memory in between.

use crate::condition::Condition;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Caller;
use serde::Deserialize;
use sluis_core::disclosure::{Comparison, Disclosure};
use sluis_core::field::{Field, FieldSet};
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open_committed};
use sluis_core::log::{LeafKind, Millis};
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::ports::StoredEntry;
use sluis_core::subject::{Bsn, SubjectId};
use sluis_core::working_day;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often what is overdue is looked up.
const EVERY: Duration = Duration::from_secs(60);
/// Leaves read at a time.
const LEAVES_READ: u32 = 1000;
/// Most open disclosures in one answer; the oldest come first.
pub const OPEN_MAX: usize = 1000;

/// A disclosure that waits for its review, without client and persons: what its leaf says, and what its payload adds.
#[derive(Debug, Clone)]
pub struct OpenDisclosure {
    /// Position of its leaf.
    pub index: u64,
    /// When it was recorded.
    pub recorded_at: Millis,
    /// What the recipient is towards the holder; `None` for a code that this version does not know.
    pub recipient: Option<RecipientType>,
    /// For what; `None` for a code that this version does not know.
    pub purpose: Option<Purpose>,
    /// When its review is overdue.
    pub review_by: Millis,
    /// What its payload says; `None` when it is missing or does not open.
    pub account: Option<Account>,
}

/// What the payload of a disclosure says, without client and persons.
#[derive(Debug, Clone)]
pub struct Account {
    /// When it happened.
    pub happened_at: Millis,
    /// How it compared with the rules.
    pub comparison: Comparison,
    /// What was told and no rule gives.
    pub beyond: FieldSet,
    /// Whether it was recorded late.
    pub late: bool,
}

impl OpenDisclosure {
    fn of(position: u64, leaf: &Leaf, account: Option<Account>) -> Self {
        Self {
            index: position,
            recorded_at: leaf.time(),
            recipient: leaf.text(Key::Rt).and_then(RecipientType::from_code),
            purpose: leaf.text(Key::Pu).and_then(Purpose::from_code),
            review_by: working_day::end_of_next(leaf.time()),
            account,
        }
    }

    /// Whether it was recorded late, its review is overdue now (B22), or it cannot be read: nobody can review it, so
    /// somebody must look.
    #[must_use]
    pub fn is_overdue(&self, now: Millis) -> bool {
        self.account.as_ref().is_none_or(|account| account.late) || now > self.review_by
    }
}

/// A disclosure as its payload has it.
pub(super) struct Opened {
    pub(super) subject: SubjectId,
    pub(super) disclosure: Disclosure,
    pub(super) account: Account,
    pub(super) review_by: Millis,
}

#[derive(Deserialize)]
struct Payload {
    subject: std::collections::BTreeMap<String, String>,
    disclosure: Disclosure,
    comparison: Comparison,
    beyond: Vec<Field>,
}

impl Gateway {
    /// What waits for a review, oldest first, for the holder's own systems.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn list_open_manual(&self, caller: &Caller) -> Result<Vec<OpenDisclosure>, Fault> {
        self.admit_holder(caller).await?;
        self.open_manual().await
    }

    /// What waits for a review. A payload that is missing may have been erased or lost, which cannot be told apart: what
    /// cannot be read is listed, and takes nothing else of the list along.
    async fn open_manual(&self) -> Result<Vec<OpenDisclosure>, Fault> {
        let done = self.reviewed().await?;
        let (mut found, mut next) = (Vec::new(), 0);
        loop {
            let page = self.ledger.leaves_of(LeafKind::Manual, next, LEAVES_READ).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            next = last + 1;
            for (at, text) in &page {
                let leaf = decoded(text)?;
                if !done.contains(at) {
                    let opened = self.manual_at(*at).await.unwrap_or_else(|error| {
                        tracing::warn!(%error, "an entry that waits for a review cannot be read");
                        None
                    });
                    found.push(OpenDisclosure::of(*at, &leaf, opened.map(|opened| opened.account)));
                }
                if found.len() == OPEN_MAX {
                    return Ok(found);
                }
            }
        }
    }

    /// The positions that an OBLIGATION_DONE leaf refers to, in whichever shards.
    pub(super) async fn reviewed(&self) -> Result<BTreeSet<u64>, Fault> {
        let shards = self.recorder.shards();
        let (mut done, mut next) = (BTreeSet::new(), 0);
        loop {
            let page = self.ledger.leaves_of(LeafKind::ObligationDone, next, LEAVES_READ).await?;
            let Some((last, _)) = page.last() else { return Ok(done) };
            next = last + 1;
            for (_, text) in &page {
                done.extend(decoded(text)?.text(Key::Ref).and_then(|reference| shards.position(reference)));
            }
        }
    }

    /// The manual disclosure at a position; `None` when there is none, or its payload or key was erased.
    pub(super) async fn manual_at(&self, index: u64) -> Result<Option<Opened>, Fault> {
        let Some(entry) = self.ledger.entry(index).await? else { return Ok(None) };
        let leaf = decoded(&entry.leaf)?;
        if leaf.kind() != LeafKind::Manual {
            return Ok(None);
        }
        let Some(plain) = self.opened(&leaf, entry).await? else { return Ok(None) };
        let defect = || Fault::Defect("the payload of a manual disclosure cannot be read back");
        let payload: Payload = serde_json::from_slice(&plain).map_err(|_| defect())?;
        let subject = payload.subject.iter().next().and_then(|(kind, value)| match kind.as_str() {
            "bsn" => Bsn::parse(value).ok().map(SubjectId::Bsn),
            _ => SubjectId::client_number(value),
        });
        let Payload { disclosure, comparison, beyond, .. } = payload;
        let account = Account {
            happened_at: disclosure.happened_at,
            comparison,
            beyond: FieldSet::of(&beyond),
            late: disclosure.is_late(leaf.time()),
        };
        let review_by = working_day::end_of_next(leaf.time());
        Ok(Some(Opened { subject: subject.ok_or_else(defect)?, disclosure, account, review_by }))
    }

    pub(crate) async fn opened(&self, leaf: &Leaf, entry: StoredEntry) -> Result<Option<Vec<u8>>, Fault> {
        let Some(payload) = entry.payload else { return Ok(None) };
        let Some(key) = self.keys.key_by_id(payload.key_id).await? else { return Ok(None) };
        let defect = || Fault::Defect("an entry of the log cannot be read back");
        let rid = RequestId(uuid::Uuid::try_parse(leaf.rid()).map_err(|_| defect())?);
        let shards = self.recorder.shards();
        let origin = shards.origin_at(entry.index).ok_or_else(defect)?;
        let at = Sealing { key: &key, origin, rid, item: 0 };
        open_committed(&at, &payload, leaf).ok_or_else(defect).map(Some)
    }

    /// Raises or clears [`Condition::ReviewOverdue`] by what stands in the log now: every minute and not with a call, and
    /// without a number, so that neither the moment nor the text tells of one disclosure (docs/decisions/0016). When the log does not answer, what was
    /// said last stays.
    pub async fn check_reviews(&self) {
        let open = match self.open_manual().await {
            Ok(open) => open,
            Err(error) => return tracing::warn!(%error, "open reviews could not be looked up"),
        };
        let now = self.clock.now();
        if open.iter().any(|o| o.is_overdue(now)) {
            let text = "a manual disclosure is late, waits too long or cannot be read: `sluis manual open`";
            self.conditions.raise(Condition::ReviewOverdue, text);
        } else {
            self.conditions.clear(Condition::ReviewOverdue);
        }
    }
}

fn decoded(text: &str) -> Result<Leaf, Fault> {
    Leaf::decode(text).map_err(|_| Fault::Defect("an entry of the log cannot be read back"))
}

/// Looks up what is overdue at once and every minute, in the background, until the gateway is gone.
pub fn follow(gateway: &Arc<Gateway>) {
    tokio::spawn(run(Arc::downgrade(gateway)));
}

async fn run(gateway: Weak<Gateway>) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.check_reviews().await;
    }
}
