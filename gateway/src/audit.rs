//! Audits an invoice: claim lines against the billing record, a page of findings at a time, each page one entry.
//!
//! A page is judged, fetched, recorded and handed over like a release; it leaves at the next slot.

mod judge;
mod page_entry;

use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use crate::gather::{Admitted, Caller};
use crate::in_flight::Delivery;
use crate::recorder::Verdict;
use crate::release::{Serialize, asked};
use page_entry::Attempt;
use sluis_core::claim::{ClaimLine, Finding};
use sluis_core::field::FieldSet;
use sluis_core::log::draft::{Draft, GuardKey};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::page::{PageBlob, item_salt};
use sluis_core::log::receipt::Receipt;
use sluis_core::log::{LeafKind, commitment};
use sluis_core::organisation::Purpose;
use sluis_core::released::{ItemProof, PageReceipt, ReleasedItem};
use sluis_core::subject::{Actor, Bsn};
use std::sync::Arc;

/// Most lines in one page.
pub const PAGE_LINES_MAX: usize = 500;
/// How often a page is judged again when standing changes under it.
const ATTEMPTS_MAX: u32 = 3;

/// A line as the surface parsed it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The client the line names.
    pub bsn: Bsn,
    /// The line.
    pub claim: ClaimLine,
}

/// An audit that is open.
pub struct Audit {
    gateway: Arc<Gateway>,
    caller: Caller,
    actor: Option<Actor>,
    id: uuid::Uuid,
    transaction_id: uuid::Uuid,
    pages: u32,
    /// What was found so far.
    pub totals: Totals,
}

/// Lines by finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Agreeing lines.
    pub agrees: u32,
    /// Differing lines.
    pub differs: u32,
    /// Lines that could not be confirmed.
    pub not_confirmed: u32,
}

impl Totals {
    /// All lines.
    #[must_use]
    pub const fn lines(&self) -> u32 {
        self.agrees + self.differs + self.not_confirmed
    }

    const fn count(&mut self, finding: Finding) {
        match finding {
            Finding::Agrees => self.agrees += 1,
            Finding::Differs => self.differs += 1,
            Finding::NotConfirmed => self.not_confirmed += 1,
        }
    }
}

/// One judged line, to be sent.
#[derive(Debug)]
pub struct Judged {
    /// Reference of the line.
    pub reference: String,
    /// The finding.
    pub finding: Finding,
    /// In what the billing record differs.
    pub differing: FieldSet,
    /// What leaves with the line, where the policy releases something.
    pub released: Option<ReleasedItem>,
    /// Salt of the item.
    pub salt: [u8; 32],
    /// The item under the page's root.
    pub item: ItemProof,
}

/// A page that is durable and may leave.
#[derive(Debug)]
pub struct Page {
    /// Number from 0.
    pub number: u32,
    /// The lines in the order they came.
    pub lines: Vec<Judged>,
    /// The page's entry.
    pub receipt: Receipt,
    /// To be told when the page was handed over.
    pub delivery: Delivery,
}

impl Audit {
    /// Opens an audit: an entry of its own.
    ///
    /// # Errors
    /// [`Fault`]: nothing was opened.
    pub async fn open(
        gateway: Arc<Gateway>,
        caller: Caller,
        actor: Option<Actor>,
        transaction_id: uuid::Uuid,
        opening: &serde_json::Value,
    ) -> Result<(Self, Receipt), Fault> {
        for _ in 0..ATTEMPTS_MAX {
            let id = gateway.new_uuid();
            let draft = gateway.opening_draft(&caller, actor.as_ref(), id, transaction_id, opening).await?;
            let receipt = match gateway.recorder.record(draft).await? {
                // An audit is not repeated: its lines are not known when it opens. A new one needs a new transaction id.
                Verdict::Duplicate { .. } | Verdict::Conflict => return Err(Fault::TransactionReused),
                verdict => recorded(verdict)?,
            };
            if let Some(receipt) = receipt {
                let totals = Totals::default();
                return Ok((Self { gateway, caller, actor, id, transaction_id, pages: 0, totals }, receipt));
            }
            gateway.settle().await;
        }
        Err(Fault::TryAgain)
    }

    /// The id of the audit, 32 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.simple().to_string()
    }

    /// Judges one page of lines, records it, and gives it back when it is durable.
    ///
    /// # Errors
    /// [`Fault`]: nothing of this page leaves.
    pub async fn page(&mut self, lines: &[Line], serialize: Serialize) -> Result<Page, Fault> {
        let number = self.pages;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(page) = self.attempt(number, lines, serialize).await? {
                self.pages += 1;
                page.lines.iter().for_each(|l| self.totals.count(l.finding));
                return Ok(page);
            }
            self.gateway.settle().await;
        }
        Err(Fault::TryAgain)
    }

    async fn attempt(&self, number: u32, lines: &[Line], serialize: Serialize) -> Result<Option<Page>, Fault> {
        let gateway = &self.gateway;
        let admitted = gateway.admit(&self.caller, Some(Purpose::InvoiceFormal)).await?;
        let active = gateway.active.load_full();
        let (ticket, salt) = (gateway.ticket(), gateway.salt());
        let mut verdicts = Vec::with_capacity(lines.len());
        for (line, item) in lines.iter().zip(0u32..) {
            verdicts.push(self.judge(&admitted, &active, line, item_salt(&salt, item), serialize).await?);
            // A page reads a thousand rows: others must be able to run in between.
            tokio::task::yield_now().await;
        }
        let attempt = Attempt { ticket, number, salt, admitted: &admitted, active: &active };
        let blob = self.items(&attempt, &verdicts)?;
        let draft = self.page_draft(&attempt, lines, &verdicts, &blob).await?;
        let (receipt, delivery) = match gateway.recorder.record(draft).await? {
            Verdict::Released(receipt, delivery) => (receipt, delivery),
            Verdict::Stale => return Ok(None),
            _ => return Err(Fault::Defect("the ledger refused a page of an audit")),
        };
        let page = PageReceipt::open(receipt).ok_or(Fault::Defect("a page has another receipt"))?;
        let numbered = lines.iter().zip(verdicts).zip(0u32..);
        let judged = numbered.map(|((line, verdict), item)| judged(&page, &blob, line, verdict, item, &salt));
        let lines = judged.collect::<Result<_, _>>()?;
        Ok(Some(Page { number, lines, receipt: page.into_receipt(), delivery }))
    }

    /// Closes the audit with its totals.
    ///
    /// # Errors
    /// [`Fault`]: the audit stays open in the log.
    pub async fn close(self) -> Result<(Totals, Receipt), Fault> {
        let totals = self.totals;
        let counts = [
            (Finding::Agrees, totals.agrees),
            (Finding::Differs, totals.differs),
            (Finding::NotConfirmed, totals.not_confirmed),
        ];
        let leaf = LeafDraft::new(LeafKind::AuditClose)
            .with(Key::Rp, self.caller.oin.as_str())
            .with(Key::Bid, self.id())
            .with(Key::N, u64::from(totals.lines()))
            .with(Key::Wh, u64::from(totals.lines() - totals.agrees))
            .with(Key::Rs, counts.iter().map(|(f, n)| format!("{}={n}", f.code())).collect::<Vec<_>>());
        let gateway = &self.gateway;
        let verdict = loop {
            let draft = Gateway::bare_draft(&gateway.ticket(), leaf.clone());
            if let Some(verdict) = gateway.record_made(draft).await? {
                break verdict;
            }
        };
        let receipt = recorded(verdict)?.ok_or(Fault::TryAgain)?;
        Ok((totals, receipt))
    }
}

impl Gateway {
    /// The entry that opens an audit, for a caller who is enrolled for it.
    async fn opening_draft(
        &self,
        caller: &Caller,
        actor: Option<&Actor>,
        id: uuid::Uuid,
        transaction_id: uuid::Uuid,
        opening: &serde_json::Value,
    ) -> Result<Draft, Fault> {
        let admitted = self.admit(caller, Some(Purpose::InvoiceFormal)).await?;
        if admitted.enrolment.bsn_ground.is_none() {
            return Err(Fault::BsnNotAllowed);
        }
        // An audit is about no one yet, so there is nobody to refuse: who is not enrolled for it gets an error.
        if !admitted.enrolment.names(Purpose::InvoiceFormal) {
            return Err(Fault::NotEnrolled);
        }
        let active = self.active.load_full();
        let (ticket, today) = (self.ticket(), sluis_core::subject::dutch_date(self.clock.now()));
        let key = self.keys.bucket_key(today).await?;
        let payload = serde_json::json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.salt()),
            "actor": actor.map(Actor::as_str),
            "opening": opening,
            "fsc": caller.connection,
        });
        let payload = payload.to_string().into_bytes();
        let leaf = asked(caller, &admitted, Purpose::InvoiceFormal, transaction_id, &active)
            .leaf(LeafKind::AuditOpen)
            .with(Key::Bid, id.simple().to_string())
            .with(Key::Pc, commitment::payload(&payload));
        let relies_on = relies_on(&admitted, &active);
        let digest = self.request_digest(transaction_id, opening.to_string().as_bytes()).await?;
        let transaction = Some(crate::entry::transaction(caller, transaction_id, digest));
        let payload = Some(self.sealed(&key, &ticket, &payload)?);
        Ok(Draft { payload, relies_on, transaction, ..Self::bare_draft(&ticket, leaf) })
    }
}

/// A judged line with its place under the page; a body leaves only when the page's entry commits to it.
fn judged(
    page: &PageReceipt,
    blob: &PageBlob,
    line: &Line,
    verdict: judge::Verdict,
    number: u32,
    salt: &[u8; 32],
) -> Result<Judged, Fault> {
    let defect = Fault::Defect("an item is not under its page");
    let text = blob.item(number).ok_or(defect.clone())?.to_owned();
    let position = blob.position(number).ok_or(defect.clone())?;
    let item = ItemProof { text, position, hashes: blob.item_proof(number).ok_or(defect.clone())? };
    let released = match verdict.sealed {
        None => None,
        Some(sealed) => Some(page.release(sealed, &item).ok_or(defect)?),
    };
    let (finding, differing) = (verdict.finding, verdict.differing);
    Ok(Judged {
        reference: line.claim.reference.clone(),
        finding,
        differing,
        released,
        salt: item_salt(salt, number),
        item,
    })
}

fn relies_on(admitted: &Admitted, active: &ActivePolicy) -> Vec<(GuardKey, u64)> {
    let mut relies_on = vec![(GuardKey::Policy, active.version)];
    relies_on.extend(admitted.relies_on.iter().cloned());
    relies_on
}

fn recorded(verdict: Verdict) -> Result<Option<Receipt>, Fault> {
    match verdict {
        Verdict::Recorded(receipt) => Ok(Some(receipt)),
        Verdict::Stale => Ok(None),
        _ => Err(Fault::Defect("the ledger refused an entry of an audit")),
    }
}
