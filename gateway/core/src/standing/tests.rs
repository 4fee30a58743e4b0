//! What changes of standing add up to: promises that a family depends on.

use super::{Asked, AuthorityState, Change, ChangeRefused, DANGER_CRITERIA, ObjectionKind, ReviewDecision, Standing};
use crate::fact::{Fact, Facts};
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::subject::Actor;

fn oin(last: char) -> Oin {
    Oin::parse(&format!("0000009900000000400{last}")).unwrap()
}

fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

fn facts(standing: &Standing, organisation: &Oin, person: &Actor) -> Facts {
    let asked = Asked {
        organisation,
        recipient: RecipientType::Parent,
        actor: Some(person),
        purpose: Purpose::ParentInformation,
    };
    standing.answer(Facts::UNKNOWN, &asked, 1)
}

fn review(organisation: &Oin, person: &Actor) -> Change {
    Change::Review {
        purpose: Purpose::ParentInformation,
        organisation: organisation.clone(),
        actor: Some(person.clone()),
        professional: actor("fs-1"),
        decision: ReviewDecision::Permitted,
        until: 10,
    }
}

#[test]
fn an_objection_after_a_review_puts_the_question_before_a_professional_again() {
    let (portal, parent) = (oin('1'), actor("p"));
    let mut standing = Standing::default();
    standing.apply(&review(&portal, &parent)).unwrap();
    assert_eq!(facts(&standing, &portal, &parent).value(Fact::ProfessionalReview), Some("permitted"));
    standing.apply(&Change::Objection { kind: ObjectionKind::ShareWithParents, made: true }).unwrap();
    assert_eq!(facts(&standing, &portal, &parent).value(Fact::ProfessionalReview), Some("none"));
}

#[test]
fn another_portal_inherits_neither_authority_nor_review() {
    let (portal, other, parent) = (oin('1'), oin('2'), actor("p"));
    let mut standing = Standing::default();
    let state = Some(AuthorityState::Verified);
    standing.apply(&Change::Authority { portal: portal.clone(), person: parent.clone(), state }).unwrap();
    standing.apply(&review(&portal, &parent)).unwrap();
    assert_eq!(facts(&standing, &portal, &parent).value(Fact::Authority), Some("verified"));
    assert_eq!(facts(&standing, &other, &parent).value(Fact::Authority), Some("unverified"));
    assert_eq!(facts(&standing, &other, &parent).value(Fact::ProfessionalReview), Some("none"));
}

#[test]
fn one_professional_in_two_spellings_is_not_two() {
    let mut standing = Standing::default();
    let criteria = DANGER_CRITERIA.map(str::to_owned).to_vec();
    standing.apply(&Change::Danger { professional: actor("w.jansen"), criteria, until: 10 }).unwrap();
    let second = standing.apply(&Change::DangerApproval { professional: actor("W.Jansen") });
    assert_eq!(second, Err(ChangeRefused::SamePerson));
}
