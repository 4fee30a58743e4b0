//! The entry of a page: items under a sub-root, the payload of all lines, what the page relies on.

use super::judge::Verdict;
use super::{Audit, Line, relies_on};
use crate::entry::Ticket;
use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use crate::gather::Admitted;
use crate::payload::{Particulars, Salted};
use crate::release::asked;
use sluis_core::field::FieldSet;
use sluis_core::log::draft::{Concerns, Draft};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::page::{Item, PageBlob, body_hash, body_root, item_salt};
use sluis_core::log::{LeafKind, commitment};
use sluis_core::organisation::Purpose;
use sluis_core::subject::SubjectId;

/// What identifies one attempt at a page.
pub(super) struct Attempt<'a> {
    pub(super) ticket: Ticket,
    pub(super) number: u32,
    pub(super) salt: [u8; 32],
    pub(super) admitted: &'a Admitted,
    pub(super) active: &'a ActivePolicy,
}

impl Audit {
    /// The items of a page. Each commits to its body under its own salt: one line can be shown without the others.
    pub(super) fn items(&self, attempt: &Attempt<'_>, verdicts: &[Verdict]) -> Result<PageBlob, Fault> {
        let numbered = verdicts.iter().zip(0u32..);
        let items: Vec<Item> = numbered
            .map(|(verdict, number)| {
                let key = &verdict.gathered.key;
                let body = verdict.sealed.as_ref().map(|s| commitment::body(&s.salt, &s.body));
                Item {
                    number,
                    tag: commitment::subject_tag(&key.tag, &attempt.ticket.origin, attempt.ticket.rid, number),
                    outcome: verdict.finding.code().to_owned(),
                    body,
                }
            })
            .collect();
        PageBlob::new(&items).map_err(|_| Fault::Defect("the items of a page cannot be encoded"))
    }

    /// The draft of a page's entry.
    pub(super) async fn page_draft(
        &self,
        attempt: &Attempt<'_>,
        lines: &[Line],
        verdicts: &[Verdict],
        blob: &PageBlob,
    ) -> Result<Draft, Fault> {
        let gateway = &self.gateway;
        let payload = self.page_payload(lines, verdicts, &attempt.salt)?;
        // Pages are sealed with the key of the day: one blob for all subjects of a page (docs/data.md says what that costs).
        let key = gateway.keys.bucket_key(sluis_core::subject::dutch_date(gateway.clock.now())).await?;
        let numbered = verdicts.iter().zip(0u32..);
        let body = |v: &Verdict| v.sealed.as_ref().map_or(Vec::new(), |sealed| sealed.body.clone());
        let bodies: Vec<_> = numbered.map(|(v, n)| body_hash(&item_salt(&attempt.salt, n), &body(v))).collect();
        let union = verdicts.iter().fold(FieldSet::EMPTY, |all, v| all.union(v.fields()));
        let leaf = asked(&self.caller, attempt.admitted, Purpose::InvoiceFormal, self.transaction_id, attempt.active)
            .leaf(LeafKind::Page)
            .with(Key::Bid, self.id())
            .with(Key::Pg, u64::from(attempt.number))
            .with(Key::Rv, 0)
            .with(Key::N, lines.len() as u64)
            .with(Key::Fs, union.to_hex())
            .with(Key::Sr, blob.sub_root())
            .with(Key::Bc, body_root(&bodies))
            .with(Key::Pc, commitment::payload(&payload));
        let leaf = with_ground(leaf, verdicts);
        let mut relied: Vec<_> = relies_on(attempt.admitted, attempt.active);
        relied.extend(verdicts.iter().flat_map(|v| v.gathered.relies_on.iter().cloned()));
        relied.sort();
        relied.dedup();
        let numbered = verdicts.iter().zip(0u32..);
        let concerns = numbered.filter_map(|(v, item)| v.gathered.subject.map(|subject| Concerns { subject, item }));
        Ok(Draft {
            payload: Some(gateway.sealed(&key, &attempt.ticket, &payload)?),
            relies_on: relied,
            decided_on: verdicts.first().map(|v| v.gathered.today),
            concerns: concerns.collect(),
            page: Some(blob.clone()),
            ..Gateway::bare_draft(&attempt.ticket, leaf)
        })
    }

    fn page_payload(&self, lines: &[Line], verdicts: &[Verdict], page_salt: &[u8; 32]) -> Result<Vec<u8>, Fault> {
        let item = |((line, verdict), item): ((&Line, &Verdict), u32)| {
            let said = Particulars {
                subject: &SubjectId::Bsn(line.bsn),
                actor: self.actor.as_ref(),
                mask: None,
                facts: verdict.gathered.facts,
                reasons: &verdict.reasons,
                rule: verdict.rule.as_deref(),
                body_salt: None,
                obligations: &[],
                line: Some((&line.claim.reference, verdict.differing)),
                connection: None,
            };
            serde_json::to_value(Salted(&said, item_salt(page_salt, item)))
        };
        let items: Result<Vec<_>, _> = lines.iter().zip(verdicts).zip(0u32..).map(item).collect();
        let items = items.map_err(|_| Fault::Defect("the payload of a page cannot be written"))?;
        let withheld = verdicts.iter().filter(|v| v.sealed.is_none()).count();
        let payload = serde_json::json!({
            "v": "sluis-page/1",
            "salt": data_encoding::HEXLOWER.encode(&self.gateway.salt()),
            "page_salt": data_encoding::HEXLOWER.encode(page_salt),
            "withheld": withheld,
            "fsc": self.caller.connection,
            "items": items,
        });
        Ok(payload.to_string().into_bytes())
    }
}

/// Rule, basis and obligations of what leaves with a page: one rule holds for all its lines.
fn with_ground(leaf: LeafDraft, verdicts: &[Verdict]) -> LeafDraft {
    let Some(permit) = verdicts.iter().find_map(|v| v.sealed.as_ref()).map(|sealed| sealed.extract.permit()) else {
        return leaf;
    };
    let obligations: Vec<String> = permit.obligations().iter().map(|o| o.code().to_owned()).collect();
    leaf.with(Key::Ba, permit.basis()).with(Key::Ru, permit.rule()).with(Key::Ob, obligations)
}
