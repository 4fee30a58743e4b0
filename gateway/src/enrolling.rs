//! Enrolling: changes of who is admitted, signed by persons, and what stands in the register now.
//!
//! Promise: whatever becomes wider was signed by two persons of the operators' register over exactly these bytes, from
//! exactly this state, and the entry that says so is durable before the answer. Nothing waits here: a document travels
//! between the two, so there is no pending state that a third could approve.

mod fault;
mod first_use;

pub use fault::EnrollingFault;
pub use first_use::FirstUses;

use crate::enrolment::grant_hash;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Caller;
use crate::recorder::Verdict;
use arc_swap::ArcSwap;
use data_encoding::{BASE64, HEXLOWER};
use sluis_core::enrolment::Enrolment;
use sluis_core::enrolment::change::{Accepted, Basis, ChangeFault, Moment, Signature, Signed};
use sluis_core::enrolment::operator::Operators;
use sluis_core::log::draft::{Draft, Effect, GuardKey};
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use sluis_core::log::receipt::Receipt;
use sluis_core::log::{LeafKind, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::StoredEntry;
use sluis_core::subject::dutch_date;

/// The action in the leaf of a signed change.
const CHANGED: &str = "CHANGED";
/// The action in the leaf of a first use.
pub(crate) const FIRST_USE: &str = "FIRST_USE";
/// Most organisations in one page.
const PAGE_MAX: u32 = 500;

/// Who may enrol, and for whom. By default nobody.
#[derive(Default)]
pub struct Enrolling {
    /// The organisation whose gateway this is: only its own certificates may read and change enrolments.
    pub holder: Option<Oin>,
    /// The persons; replaced as a whole.
    pub operators: ArcSwap<Operators>,
    /// What was used before.
    pub first_uses: FirstUses,
}

impl Enrolling {
    /// The grant under which the holder itself gets a token while it is not enrolled here: it opens nothing but the
    /// enrolments, since no enrolments have this hash.
    #[must_use]
    pub fn grant_of_holder(&self, oin: &Oin) -> Option<String> {
        if self.holder.as_ref() != Some(oin) {
            return None;
        }
        let content = [b"sluis-holder-grant/1\0", oin.as_str().as_bytes()].concat();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_512, &content);
        Some(format!("$1$3${}", data_encoding::BASE64URL_NOPAD.encode(hash.as_ref())))
    }

    /// Whether the holder itself calls, for itself.
    pub(crate) fn is_holder(&self, caller: &Caller) -> bool {
        self.holder.as_ref().is_some_and(|holder| *holder == caller.oin) && caller.connection.delegator.is_none()
    }
}

/// A change as the surface received it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The exact bytes of the document.
    pub change: Vec<u8>,
    /// Who signed.
    pub signatures: Vec<Signature>,
}

/// One organisation as it is enrolled now.
#[derive(Debug)]
pub struct Enrolled {
    /// Which.
    pub oin: Oin,
    /// Version and grant, which the next change starts from.
    pub basis: Basis,
    /// Its enrolments.
    pub enrolments: Vec<Enrolment>,
    /// The entry that set them, and when.
    pub set: Option<(u64, Millis)>,
    /// Whether persons signed for them.
    pub signed: bool,
    /// The entry of their first use, and when.
    pub first_used: Option<(u64, Millis)>,
}

impl Gateway {
    /// Lets the holder pass, calling for itself. It need not be enrolled here; where it is, with a certificate that one of
    /// its entries accepts.
    ///
    /// # Errors
    /// [`EnrollingFault::NotTheHolder`], [`Fault::OtherCertificate`], or a store that does not answer.
    pub(crate) async fn holder_only(&self, caller: &Caller) -> Result<(), Fault> {
        if !self.enrolling.is_holder(caller) {
            return Err(EnrollingFault::NotTheHolder.into());
        }
        let own = self.register.enrolments(&caller.oin).await?.state;
        let today = dutch_date(self.clock.now());
        let accepted = own.is_empty() || own.iter().any(|entry| entry.accepts(&caller.thumbprint, today));
        if accepted { Ok(()) } else { Err(Fault::OtherCertificate) }
    }

    /// Makes a signed change. Gives its receipt and the version that it made.
    ///
    /// # Errors
    /// [`EnrollingFault`] says what is wrong with it; a store that does not answer. Nothing was changed.
    pub async fn submit_change(&self, caller: &Caller, submission: &Submission) -> Result<(Receipt, u64), Fault> {
        self.holder_only(caller).await?;
        let operators = self.enrolling.operators.load_full();
        let verifier_key = self.verifier_key();
        let at = Moment { gateway: &verifier_key, now: self.clock.now() };
        let signed = Signed::open(&submission.change, &submission.signatures, &operators, at);
        let signed = signed.map_err(EnrollingFault::Change)?;
        let oin = signed.document.organisation.clone();
        let row = self.register.enrolments(&oin).await?;
        let basis = Basis { version: row.version, grant: grant_hash(&oin, &row.state) };
        let accepted = signed.against(&row.state, &basis).map_err(EnrollingFault::Change)?;
        // An insider who releases to himself would begin with a number that belongs to nobody (T34).
        if !self.test_numbers && oin.is_test() && accepted.widens() {
            let text = "a number for tests (prefix 00000099) is not admitted in production".to_owned();
            return Err(EnrollingFault::Change(ChangeFault::Content(text)).into());
        }
        let verdict = loop {
            let mut draft = self.change_draft(caller, submission, &accepted, &operators).await?;
            draft.relies_on = vec![(GuardKey::Organisation(oin.clone()), row.version)];
            let enrolments = accepted.signed.document.enrolments.clone();
            draft.effects = vec![Effect::Organisation { oin: oin.clone(), enrolments }];
            if let Some(verdict) = self.record_made(draft).await? {
                break verdict;
            }
        };
        match verdict {
            Verdict::Recorded(receipt) => {
                let (organisation, widens) = (oin.as_str(), accepted.widens());
                tracing::info!(organisation, widens, index = receipt.index(), "enrolments changed");
                Ok((receipt, row.version + 1))
            }
            // Another change was recorded between reading and appending: this one starts from what is no more.
            Verdict::Stale => {
                let now = self.register.enrolments(&oin).await?.version;
                Err(EnrollingFault::Change(ChangeFault::Stale { organisation: oin, from: row.version, now }).into())
            }
            _ => Err(Fault::Defect("the ledger refused a change of enrolments")),
        }
    }

    /// The entry of a change: its payload holds the exact document and signatures, and what the register is afterwards.
    async fn change_draft(
        &self,
        caller: &Caller,
        submission: &Submission,
        accepted: &Accepted,
        operators: &Operators,
    ) -> Result<Draft, Fault> {
        let document = &accepted.signed.document;
        let way = if accepted.widens() { "WIDER" } else { "NARROWER" };
        let leaf = LeafDraft::new(LeafKind::Recipient)
            .with(Key::Rp, document.organisation.as_str())
            .with(Key::Rs, vec![CHANGED.to_owned(), way.to_owned()])
            .with(Key::X5, &*caller.thumbprint);
        let signature = |s: &Signature| {
            let name = operators.find(&s.key).map(|operator| operator.name.clone());
            serde_json::json!({
                "operator": name,
                "key": BASE64.encode(&s.key),
                "signature": BASE64.encode(&s.signature),
            })
        };
        let said = serde_json::json!({
            "v": "sluis-payload/1",
            "salt": HEXLOWER.encode(&self.salt()),
            "enrolments": document.enrolments,
            "change": String::from_utf8_lossy(&submission.change),
            "signatures": submission.signatures.iter().map(signature).collect::<Vec<_>>(),
            "operators": operators.digest(),
        });
        self.own_draft(leaf, said.to_string().as_bytes()).await
    }

    /// The enrolments of one organisation, or of all after one, with where they were set.
    ///
    /// # Errors
    /// [`EnrollingFault::NotTheHolder`], [`Fault::OtherCertificate`]; a store that does not answer.
    pub async fn enrolled(
        &self,
        caller: &Caller,
        only: Option<Oin>,
        after: Option<&Oin>,
    ) -> Result<Vec<Enrolled>, Fault> {
        self.holder_only(caller).await?;
        let organisations = match only {
            Some(one) => vec![one],
            None => self.register.organisations(after, PAGE_MAX).await?,
        };
        let mut page = Vec::with_capacity(organisations.len());
        for oin in organisations {
            page.push(self.enrolled_one(oin).await?);
        }
        Ok(page)
    }

    async fn enrolled_one(&self, oin: Oin) -> Result<Enrolled, Fault> {
        let row = self.register.enrolments(&oin).await?;
        let basis = Basis { version: row.version, grant: grant_hash(&oin, &row.state) };
        let set = self.register.enrolled_by(&oin).await?.as_ref().map(Trace::read).transpose()?;
        let used = match &set {
            Some(set) if set.signed => self.register.recipient_entry_after(&oin, set.index).await?,
            _ => None,
        };
        let used = used.as_ref().map(Trace::read).transpose()?.map(|used| (used.index, used.time));
        Ok(Enrolled {
            oin,
            basis,
            enrolments: row.state,
            signed: set.as_ref().is_some_and(|set| set.signed),
            set: set.map(|set| (set.index, set.time)),
            first_used: used,
        })
    }

    /// Whether persons signed for the enrolments of an organisation as they are.
    ///
    /// # Errors
    /// A store that does not answer.
    pub(crate) async fn is_signed_for(&self, oin: &Oin) -> Result<bool, Fault> {
        let set = self.register.enrolled_by(oin).await?;
        Ok(set.as_ref().map(Trace::read).transpose()?.is_some_and(|set| set.signed))
    }
}

/// What a RECIPIENT entry says in clear.
struct Trace {
    index: u64,
    time: Millis,
    /// Whether it is a signed change.
    signed: bool,
}

impl Trace {
    fn read(entry: &StoredEntry) -> Result<Self, Fault> {
        let leaf = Leaf::decode(&entry.leaf).map_err(|_| Fault::Defect("an entry of the log cannot be read back"))?;
        let signed = leaf.list(Key::Rs).is_some_and(|actions| actions.first().is_some_and(|action| action == CHANGED));
        Ok(Self { index: entry.index, time: leaf.time(), signed })
    }
}
