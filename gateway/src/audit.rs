//! Audits an invoice: claim lines against the billing record, a page of findings at a time, each page one entry.
//!
//! A page is judged, fetched, recorded and handed over like a release; it leaves at the next slot.

use crate::entry::{self, Particulars};
use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use crate::gather::{Admitted, Caller, Gathered, Matter};
use crate::recorder::Verdict;
use crate::release::{Serialize, asked};
use sluis_core::claim::{ClaimLine, Comparison, Finding};
use sluis_core::decide::decide;
use sluis_core::fact::Fact;
use sluis_core::field::FieldSet;
use sluis_core::log::draft::{Concerns, Draft, GuardKey, RequestId};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::page::{Item, PageBlob, item_salt};
use sluis_core::log::payload::{Sealing, seal};
use sluis_core::log::receipt::Receipt;
use sluis_core::log::{LeafKind, commitment};
use sluis_core::organisation::Purpose;
use sluis_core::release::{Decision, Question, Reason};
use sluis_core::subject::{Actor, Bsn, SubjectId};
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
    /// The bytes that leave; empty where the policy releases none.
    pub body: Vec<u8>,
    /// Salt of the item.
    pub salt: [u8; 32],
    /// The item's text under the page's root.
    pub item_text: String,
    /// Hashes from the item to the root.
    pub proof: Vec<[u8; 32]>,
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
}

/// One line before the page is recorded.
struct Verdicted {
    finding: Finding,
    differing: FieldSet,
    body: Vec<u8>,
    reasons: Vec<Reason>,
    rule: Option<String>,
    fields: FieldSet,
    gathered: Gathered,
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
        let admitted = gateway.admit(&caller, Some(Purpose::InvoiceFormal)).await?;
        if admitted.enrolment.bsn_ground.is_none() {
            return Err(Fault::BsnNotAllowed);
        }
        let (id, active) = (gateway.new_uuid(), gateway.active.load_full());
        let (rid, today) = (gateway.request_id(), sluis_core::subject::dutch_date(gateway.clock.now()));
        let key = gateway.keys.bucket_key(today).await?;
        let payload = serde_json::json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&gateway.salt()),
            "actor": actor.as_ref().map(Actor::as_str),
            "opening": opening,
        });
        let payload = payload.to_string().into_bytes();
        let leaf = asked(&caller, &admitted, Purpose::InvoiceFormal, transaction_id, &active)
            .leaf(LeafKind::AuditOpen)
            .with(Key::Bid, id.simple().to_string())
            .with(Key::Pc, commitment::payload(&payload));
        let relies_on = relies_on(&caller, &admitted, &active);
        let sealed = gateway.seal_page(&key, rid, &payload);
        let draft = Draft { payload: Some(sealed), ..bare_draft(rid, leaf, relies_on) };
        let receipt = recorded(gateway.recorder.record(draft).await?)?.ok_or(Fault::TryAgain)?;
        let audit = Self { gateway, caller, actor, id, transaction_id, pages: 0, totals: Totals::default() };
        Ok((audit, receipt))
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
        }
        Err(Fault::TryAgain)
    }

    async fn attempt(&self, number: u32, lines: &[Line], serialize: Serialize) -> Result<Option<Page>, Fault> {
        let gateway = &self.gateway;
        let admitted = gateway.admit(&self.caller, Some(Purpose::InvoiceFormal)).await?;
        let active = gateway.active.load_full();
        let mut verdicts = Vec::with_capacity(lines.len());
        for line in lines {
            verdicts.push(self.judge(&admitted, &active, line, serialize).await?);
        }
        let (rid, page_salt) = (gateway.request_id(), gateway.salt());
        let blob = self.items(rid, &page_salt, &verdicts);
        let draft = self.page_draft(rid, number, &admitted, &active, lines, &verdicts, &blob, &page_salt).await?;
        let Some(receipt) = recorded(gateway.recorder.record(draft).await?)? else { return Ok(None) };
        let judged = lines.iter().zip(verdicts).zip(0u32..);
        let lines = judged
            .map(|((line, verdict), item)| Judged {
                reference: line.claim.reference.clone(),
                finding: verdict.finding,
                differing: verdict.differing,
                body: verdict.body,
                salt: item_salt(&page_salt, item),
                item_text: blob.text(item).unwrap_or_default().to_owned(),
                proof: blob.item_proof(item),
            })
            .collect();
        Ok(Some(Page { number, lines, receipt }))
    }

    async fn judge(
        &self,
        admitted: &Admitted,
        active: &ActivePolicy,
        line: &Line,
        serialize: Serialize,
    ) -> Result<Verdicted, Fault> {
        let gateway = &self.gateway;
        let subject = SubjectId::Bsn(line.bsn);
        let comparison = gateway.facts.claim(&subject, &line.claim).await?;
        let matter = Matter {
            subject: &subject,
            purpose: Purpose::InvoiceFormal,
            actor: self.actor.as_ref(),
            claim: Some(&comparison),
        };
        let gathered = gateway.gather(&self.caller, admitted, &matter).await?;
        let record_id = match &comparison {
            Comparison::Agrees { record_id } => Some(record_id.clone()),
            Comparison::Differs { .. } | Comparison::Absent => None,
        };
        let recipient = admitted.enrolment.recipient;
        let question = Question { recipient, purpose: Purpose::InvoiceFormal, subject, mask: None, record_id };
        match decide(&active.policy, question, gathered.facts) {
            Decision::Permit(permit) => {
                let rule = Some(permit.rule().to_owned());
                let sealed = gateway.fetch(permit, &active.policy, serialize).await?;
                let fields = sealed.extract.fields();
                let (finding, reasons) = (Finding::Agrees, vec![Reason::Ok]);
                Ok(Verdicted { finding, differing: FieldSet::EMPTY, body: sealed.body, reasons, rule, fields, gathered })
            }
            Decision::Refuse(refusal) | Decision::Escalate(refusal) => {
                let (finding, differing) = told(&comparison, &refusal.reasons);
                let rule = refusal.rule.as_deref().map(str::to_owned);
                let (body, fields) = (Vec::new(), FieldSet::EMPTY);
                Ok(Verdicted { finding, differing, body, reasons: refusal.reasons, rule, fields, gathered })
            }
        }
    }

    fn items(&self, rid: RequestId, page_salt: &[u8; 32], verdicts: &[Verdicted]) -> PageBlob {
        let numbered = verdicts.iter().zip(0u32..);
        let items = numbered.map(|(verdict, item)| {
            let tag = commitment::subject_tag(&verdict.gathered.key.tag, &self.gateway.origin, rid, item);
            // The item commits to the body under its own salt: one line can be shown without the others.
            let bc = commitment::body(&item_salt(page_salt, item), &verdict.body);
            Item::new(item, &tag, verdict.finding.code(), verdict.fields, &bc)
        });
        PageBlob::new(items.collect())
    }

    #[expect(clippy::too_many_arguments, reason = "everything a page's entry says, gathered in one place")]
    async fn page_draft(
        &self,
        rid: RequestId,
        number: u32,
        admitted: &Admitted,
        active: &ActivePolicy,
        lines: &[Line],
        verdicts: &[Verdicted],
        blob: &PageBlob,
        page_salt: &[u8; 32],
    ) -> Result<Draft, Fault> {
        let gateway = &self.gateway;
        let payload = self.page_payload(lines, verdicts, page_salt);
        let key = gateway.keys.bucket_key(sluis_core::subject::dutch_date(gateway.clock.now())).await?;
        let bodies: Vec<&[u8]> = verdicts.iter().map(|v| v.body.as_slice()).collect();
        let withheld = verdicts.iter().filter(|v| v.fields.is_empty()).count();
        let union = verdicts.iter().fold(FieldSet::EMPTY, |all, v| all.union(v.fields));
        let leaf = asked(&self.caller, admitted, Purpose::InvoiceFormal, self.transaction_id, active)
            .leaf(LeafKind::Page)
            .with(Key::Bid, self.id())
            .with(Key::Pg, u64::from(number))
            .with(Key::Rv, 0)
            .with(Key::N, lines.len() as u64)
            .with(Key::Fs, union.to_hex())
            .with(Key::Sr, blob.sub_root())
            .with(Key::Bc, sluis_core::log::page::body_root(page_salt, &bodies))
            .with(Key::Pc, commitment::payload(&payload));
        tracing::debug!(withheld, "a page of findings is ready to be recorded");
        let mut relies_on = relies_on(&self.caller, admitted, active);
        relies_on.extend(verdicts.iter().flat_map(|v| v.gathered.relies_on.iter().skip(2).cloned()));
        let numbered = verdicts.iter().zip(0u32..);
        let concerns = numbered.filter_map(|(v, item)| v.gathered.subject.map(|subject| Concerns { subject, item }));
        Ok(Draft {
            payload: Some(gateway.seal_page(&key, rid, &payload)),
            decided_on: verdicts.first().map(|v| v.gathered.today),
            concerns: concerns.collect(),
            page: Some(blob.clone()),
            ..bare_draft(rid, leaf, relies_on)
        })
    }

    fn page_payload(&self, lines: &[Line], verdicts: &[Verdicted], page_salt: &[u8; 32]) -> Vec<u8> {
        let items: Vec<_> = lines.iter().zip(verdicts).zip(0u32..).map(|((line, verdict), item)| {
            let said = Particulars {
                subject: &SubjectId::Bsn(line.bsn),
                actor: self.actor.as_ref(),
                facts: verdict.gathered.facts,
                reasons: &verdict.reasons,
                rule: verdict.rule.as_deref(),
                body_salt: None,
                obligations: &[],
            };
            let mut object = entry::question_json(&said, &item_salt(page_salt, item));
            object.insert("line".into(), serde_json::Value::from(line.claim.reference.clone()));
            object.insert("differing".into(), serde_json::Value::from(verdict.differing.to_hex()));
            serde_json::Value::from(object)
        }).collect();
        let withheld = verdicts.iter().filter(|v| v.fields.is_empty()).count();
        let payload = serde_json::json!({
            "v": "sluis-page/1",
            "salt": data_encoding::HEXLOWER.encode(&self.gateway.salt()),
            "page_salt": data_encoding::HEXLOWER.encode(page_salt),
            "withheld": withheld,
            "items": items,
        });
        payload.to_string().into_bytes()
    }

    /// Closes the audit with its totals.
    ///
    /// # Errors
    /// [`Fault`]: the audit stays open in the log.
    pub async fn close(self) -> Result<(Totals, Receipt), Fault> {
        let totals = self.totals;
        let counts = [(Finding::Agrees, totals.agrees), (Finding::Differs, totals.differs), (Finding::NotConfirmed, totals.not_confirmed)];
        let leaf = LeafDraft::new(LeafKind::AuditClose)
            .with(Key::Rp, self.caller.oin.as_str())
            .with(Key::Bid, self.id())
            .with(Key::N, u64::from(totals.lines()))
            .with(Key::Rs, counts.iter().map(|(f, n)| format!("{}={n}", f.code())).collect::<Vec<_>>());
        let rid = self.gateway.request_id();
        let draft = bare_draft(rid, leaf, Vec::new());
        let receipt = recorded(self.gateway.recorder.record(draft).await?)?.ok_or(Fault::TryAgain)?;
        Ok((totals, receipt))
    }
}

impl Gateway {
    fn seal_page(
        &self,
        key: &sluis_core::ports::SubjectKey,
        rid: RequestId,
        payload: &[u8],
    ) -> sluis_core::log::draft::SealedPayload {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        seal(&Sealing { key, origin: &self.origin, rid, item: 0 }, nonce, payload)
    }
}

/// What may be told of a line that releases nothing: that it differs, only when nothing else stood in the way.
fn told(comparison: &Comparison, reasons: &[Reason]) -> (Finding, FieldSet) {
    match comparison {
        Comparison::Differs { fields, .. } if reasons == [Reason::Unmet(Fact::Declared)] => (Finding::Differs, *fields),
        _ => (Finding::NotConfirmed, FieldSet::EMPTY),
    }
}

fn relies_on(caller: &Caller, admitted: &Admitted, active: &ActivePolicy) -> Vec<(GuardKey, u64)> {
    vec![(GuardKey::Policy, active.version), (GuardKey::Organisation(caller.oin.clone()), admitted.version)]
}

fn bare_draft(rid: RequestId, leaf: LeafDraft, relies_on: Vec<(GuardKey, u64)>) -> Draft {
    Draft {
        rid,
        leaf,
        payload: None,
        transaction: None,
        relies_on,
        decided_on: None,
        effects: Vec::new(),
        concerns: Vec::new(),
        page: None,
    }
}

fn recorded(verdict: Verdict) -> Result<Option<Receipt>, Fault> {
    match verdict {
        Verdict::Recorded(receipt) => Ok(Some(receipt)),
        Verdict::Stale => Ok(None),
        _ => Err(Fault::Defect("the ledger refused an entry of an audit")),
    }
}
