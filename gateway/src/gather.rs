//! Gathers all that a decision may know, with the version of each state it relies on.

use crate::fault::Fault;
use crate::fsc::connection::ServiceConnection;
use crate::gateway::{ActivePolicy, Gateway};
use crate::token::verify::Signer;
use sluis_core::claim::Comparison;
use sluis_core::enrolment::Enrolment;
use sluis_core::fact::{Fact, Facts};
use sluis_core::field::{Field, FieldSet};
use sluis_core::holder_fact::HeldFact;
use sluis_core::log::Millis;
use sluis_core::log::draft::GuardKey;
use sluis_core::organisation::{Oin, Purpose};
use sluis_core::ports::{HolderFacts, SubjectKey};
use sluis_core::standing::{Asked, Standing};
use sluis_core::subject::{Actor, SubjectId, SubjectRef, dutch_date};
use std::sync::Arc;

/// A proven and admitted caller: what the door leaves for conduct.
#[derive(Debug, Clone)]
pub struct Caller {
    /// From the certificate.
    pub oin: Oin,
    /// `x5t#S256` of the certificate, as it stands in leaves.
    pub thumbprint: Arc<str>,
    /// The connection that the token stands for.
    pub connection: ServiceConnection,
    /// Last moment of the certificate: a stream that outlives it ends.
    pub certified_until: Millis,
    /// Who signed the token. A stream may outlive its token: that lives five minutes, and an audit
    /// of thousands of lines takes longer and cannot go on in another stream. It does not outlive the trust in the signer:
    /// whoever takes a key away, or puts another in its place, ends at the next page what the old one let in.
    pub signer: Signer,
}

/// Under what a caller was admitted, read once per call.
#[derive(Debug)]
pub struct Admitted {
    /// The enrolment under which this purpose is asked. Of a delegated call it is the delegator's, narrowed by the caller's.
    pub enrolment: Enrolment,
    /// The rows of organisations that this rests on, with their versions: the caller's, and the delegator's where there is one.
    pub relies_on: Vec<(GuardKey, u64)>,
}

impl Admitted {
    /// The mask without the BSN for a role without a ground to use it (UAVG 46, B7): it can only narrow.
    #[must_use]
    pub fn lawful_mask(&self, mask: Option<FieldSet>) -> Option<FieldSet> {
        if self.enrolment.bsn_ground.is_some() {
            return mask;
        }
        let all = || Field::ALL.iter().copied().collect();
        Some(mask.unwrap_or_else(all).difference(FieldSet::of(&[Field::Bsn])))
    }
}

/// Everything one decision may know.
pub struct Gathered {
    /// The facts.
    pub facts: Facts,
    /// The subject, when the register knows it.
    pub subject: Option<SubjectRef>,
    /// The key that seals what is logged about this question.
    pub key: SubjectKey,
    /// The versions relied on.
    pub relies_on: Vec<(GuardKey, u64)>,
    /// The Dutch date on which ages were computed.
    pub today: jiff::civil::Date,
}

/// The person and the matter asked about.
pub struct Matter<'a> {
    /// About whom.
    pub subject: &'a SubjectId,
    /// For what.
    pub purpose: Purpose,
    /// Who acts at the recipient.
    pub actor: Option<&'a Actor>,
    /// How a claim line compares with the billing record, where there is one.
    pub claim: Option<&'a Comparison>,
}

impl Gateway {
    /// Gathers facts about a matter, to be decided under `active`. An unknown subject gathers too: its leaf is sealed with the key of the day.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn gather(
        &self,
        admitted: &Admitted,
        active: &ActivePolicy,
        matter: &Matter<'_>,
    ) -> Result<Gathered, Fault> {
        let now = self.clock.now();
        let today = dutch_date(now);
        let mut relies_on = vec![(GuardKey::Policy, active.version)];
        relies_on.extend(admitted.relies_on.iter().cloned());
        let known = match self.keys.find(matter.subject).await? {
            Some(subject) => self.known(subject, matter, today).await?,
            None => None,
        };
        let Some((subject, key, holder)) = known else {
            let facts = Facts::UNKNOWN.with_bool(Fact::Known, false);
            let facts = admitted.enrolment.answer(facts, matter.purpose, None, today);
            let key = self.keys.bucket_key(today).await?;
            return Ok(Gathered { facts, subject: None, key, relies_on, today });
        };
        let standing = self.register.standing(subject).await?;
        relies_on.push((GuardKey::Subject(subject), standing.version));
        let facts = holder_facts(&holder, &standing.state, matter, today);
        let municipality = holder.municipality_code.as_deref();
        let facts = admitted.enrolment.answer(facts, matter.purpose, municipality, today);
        let facts = admitted.enrolment.answer_own(facts, &holder);
        let facts = self.standing_facts(facts, admitted, matter, &standing.state, now);
        Ok(Gathered { facts, subject: Some(subject), key, relies_on, today })
    }

    /// The subject as the holder has it, with its key of this year; `None` when it is unknown, erased or ambiguous.
    pub(crate) async fn known(
        &self,
        subject: SubjectRef,
        matter: &Matter<'_>,
        today: jiff::civil::Date,
    ) -> Result<Option<(SubjectRef, SubjectKey, HolderFacts)>, Fault> {
        // A subject whose key is gone was erased: to the world it is unknown.
        let Some(key) = self.keys.subject_key(subject, today.year()).await? else { return Ok(None) };
        let Some(holder) = self.facts.facts(matter.subject).await? else { return Ok(None) };
        // Every identifier of the row must lead to this subject (A15). Otherwise one child's dossier would be opened
        // under another child's standing; until somebody records the correction, nobody is known under it.
        for identifier in &holder.identifiers {
            if self.keys.find(identifier).await? != Some(subject) {
                tracing::warn!("a row of the holder carries identifiers of two subjects: record the correction");
                return Ok(None);
            }
        }
        Ok(Some((subject, key, holder)))
    }

    fn standing_facts(
        &self,
        facts: Facts,
        admitted: &Admitted,
        matter: &Matter<'_>,
        standing: &Standing,
        now: Millis,
    ) -> Facts {
        let asked = Asked {
            // Of a delegated call this is the delegator: it is its worker, its consent, its caseload.
            organisation: &admitted.enrolment.oin,
            recipient: admitted.enrolment.recipient,
            actor: matter.actor,
            purpose: matter.purpose,
        };
        standing.answer(facts, &asked, now)
    }
}

/// What the holder says, with what our register adds to it.
pub(crate) fn holder_facts(
    holder: &HolderFacts,
    standing: &Standing,
    matter: &Matter<'_>,
    today: jiff::civil::Date,
) -> Facts {
    let facts = Facts::UNKNOWN
        .with_bool(Fact::Known, true)
        .with_bool(Fact::ActiveCase, holder.active_case)
        .with_bool(Fact::ResidenceSecret, holder.residence_secret || standing.residence_secret())
        .with_bool(Fact::Declared, matches!(matter.claim, Some(Comparison::Agrees { .. })))
        // A word that the fact does not have leaves it unknown.
        .with(Fact::Financing, holder.held.text(HeldFact::FinancingLaw).unwrap_or_default());
    let facts = match holder.held.flag(HeldFact::PrivacyStatement) {
        Some(signed) => facts.with_bool(Fact::PrivacyStatement, signed),
        None => facts,
    };
    // Born after today, no birth date, or a day that leaves two brackets open: unknown, and unknown never permits.
    let ages = holder.birth_date.and_then(|birth| birth.ages_on(today));
    match ages.map(|(youngest, oldest)| (bracket(youngest), bracket(oldest))) {
        Some((one, other)) if one == other => facts.with(Fact::Age, one),
        _ => facts,
    }
}

const fn bracket(age: u8) -> &'static str {
    match age {
        0..=11 => "0-11",
        12..=15 => "12-15",
        16..=17 => "16-17",
        _ => "18+",
    }
}
