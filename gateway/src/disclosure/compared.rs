//! Compares a disclosure with what the gateway would answer now: for the reviewer, never a condition for recording.
//!
//! It is compared when it is recorded, since what held at another moment cannot be read back; the account says when it
//! happened, and late recording is flagged (docs/decisions/0017).

use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::{Caller, Matter, holder_facts};
use sluis_core::disclosure::{Compared, Comparison, Disclosure, compare};
use sluis_core::enrolment::Enrolment;
use sluis_core::fact::{Fact, Facts};
use sluis_core::field::{Field, FieldSet};
use sluis_core::organisation::Oin;
use sluis_core::ports::StoreError;
use sluis_core::release::Question;
use sluis_core::standing::Asked;
use sluis_core::subject::{Actor, SubjectId, dutch_date};

impl Gateway {
    pub(super) async fn compared(
        &self,
        caller: &Caller,
        subject: &SubjectId,
        disclosure: &Disclosure,
    ) -> Result<Compared, Fault> {
        match self.compared_now(caller, subject, disclosure).await {
            // A telephone call while the holder's database is down is what this exists for. A comparison decides nothing,
            // so whatever is wrong there keeps nothing from being recorded.
            Err(Fault::Store(
                StoreError::Unavailable { store: "holder database", .. }
                | StoreError::Corrupt { store: "holder database", .. },
            )) => Ok(Compared::not(Comparison::NotCompared, Facts::UNKNOWN)),
            other => other,
        }
    }

    async fn compared_now(
        &self,
        caller: &Caller,
        subject: &SubjectId,
        disclosure: &Disclosure,
    ) -> Result<Compared, Fault> {
        let (to, now) = (&disclosure.to, self.clock.now());
        let today = dutch_date(now);
        let actor = Actor::parse(&to.contact);
        let matter = Matter { subject, purpose: disclosure.purpose, actor: actor.as_ref(), claim: None };
        let unknown = || Compared::not(Comparison::UnknownClient, Facts::UNKNOWN.with_bool(Fact::Known, false));
        let Some(found) = self.keys.find(subject).await? else { return Ok(unknown()) };
        let Some((found, _, holder)) = self.known(found, &matter, today).await? else { return Ok(unknown()) };
        let standing = self.register.standing(found).await?.state;
        let facts = holder_facts(&holder, &standing, &matter, today);
        let enrolment = self.enrolment_of(disclosure).await?;
        let facts = match (&enrolment, &to.organisation) {
            (Some(enrolment), _) => {
                let municipality = holder.municipality_code.as_deref();
                let facts = enrolment.answer(facts, disclosure.purpose, municipality, today);
                enrolment.answer_own(facts, &holder)
            }
            // An organisation that is named and not admitted would have got nothing.
            (None, Some(_)) => facts.with_bool(Fact::EnrolledPurpose, false),
            // Nobody is named: admission is about calls of the gateway, so it is left out of the comparison.
            (None, None) => facts.with_bool(Fact::EnrolledPurpose, true),
        };
        // Where no organisation is named the holder's own system stands in: it is on nobody's caseload.
        let organisation: &Oin = to.organisation.as_ref().unwrap_or(&caller.oin);
        let asked = Asked { organisation, recipient: to.recipient, actor: actor.as_ref(), purpose: disclosure.purpose };
        let facts = disclosure.with_own_danger(standing.answer(facts, &asked, now));
        let question = Question {
            recipient: to.recipient,
            purpose: disclosure.purpose,
            subject: subject.clone(),
            mask: enrolment.filter(|e| e.bsn_ground.is_none()).map(|_| all_but_bsn()),
            record_id: None,
        };
        let active = self.active.load_full();
        Ok(compare(&active.policy, question, facts, disclosure))
    }

    /// The admitted role of the recipient that fits, the one for this purpose first.
    async fn enrolment_of(&self, disclosure: &Disclosure) -> Result<Option<Enrolment>, Fault> {
        let Some(oin) = &disclosure.to.organisation else { return Ok(None) };
        let fits = |e: &Enrolment| e.recipient == disclosure.to.recipient;
        let mut fitting: Vec<_> = self.register.enrolments(oin).await?.state.into_iter().filter(fits).collect();
        fitting.sort_by_key(|e| !e.purposes.contains(&disclosure.purpose));
        Ok(fitting.into_iter().next())
    }
}

fn all_but_bsn() -> FieldSet {
    FieldSet::of(Field::ALL).difference(FieldSet::of(&[Field::Bsn]))
}
