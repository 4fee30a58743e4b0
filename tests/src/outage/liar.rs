//! A dossier source that lies: an extract must be under exactly the permit that the decision gave.
//!
//! An extract refuses values outside its permit, but a source could have a second permit made, from facts that it invents:
//! for more fields, or about somebody else. Both are real reads of the real database here.

use super::{Code, Ward};
use crate::world::people::Client;
use crate::world::ports::Fetch;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::field::{Field, FieldSet};
use sluis_core::policy::{Policy, Sources, load};
use sluis_core::release::{Decision, Extract, ExtractRefused, Permit, Question};
use sluis_core::subject::SubjectId;

fn kracht() -> Policy {
    let sources = Sources {
        catalog: include_str!("../../../gateway/policy/catalog.toml"),
        ceiling: include_str!("../../../gateway/policy/ceiling.toml"),
        policy: include_str!("../../../gateway/policy/kracht.toml"),
    };
    load(&sources).unwrap()
}

/// A permit for this question on facts that nobody found.
fn invented(question: Question) -> Permit {
    let facts = [Fact::Known, Fact::EnrolledPurpose, Fact::ActiveCase, Fact::SecrecySigned];
    let facts = facts.into_iter().fold(Facts::UNKNOWN, |all, fact| all.with_bool(fact, true));
    let nothing = [Fact::Objection, Fact::WithheldGoodCare, Fact::ResidenceSecret, Fact::Restriction];
    let facts = nothing.into_iter().fold(facts, |all, fact| all.with_bool(fact, false));
    match decide(&kracht(), question, facts.with(Fact::Relation, "direct_care")) {
        Decision::Permit(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn everything(permit: &Permit) -> Permit {
    invented(Question { mask: None, ..permit.question().clone() })
}

fn somebody_else(permit: &Permit) -> Permit {
    let subject = SubjectId::client_number(&Client::new(2, 8).number).unwrap();
    invented(Question { subject, ..permit.question().clone() })
}

#[tokio::test]
async fn a_source_that_answers_more_fields_than_were_permitted_releases_nothing() {
    let mut ward = Ward::open().await;
    ward.question.fields = vec![sluis_proto::v1::Field::Name as i32];
    ward.releases().await;
    ward.broken.dossier.set(Some(Fetch::Swaps(everything)));
    ward.fails(Code::Internal, "INTERNAL").await;
}

#[tokio::test]
async fn a_source_that_answers_about_somebody_else_releases_nothing() {
    let ward = Ward::open().await;
    ward.broken.dossier.set(Some(Fetch::Swaps(somebody_else)));
    ward.fails(Code::Internal, "INTERNAL").await;
}

#[test]
fn an_extract_refuses_a_field_outside_its_permit() {
    let question = Question {
        recipient: sluis_core::organisation::RecipientType::CarePartner,
        purpose: sluis_core::organisation::Purpose::Treatment,
        subject: SubjectId::client_number("KR-1").unwrap(),
        mask: Some(FieldSet::of(&[Field::Name])),
        record_id: None,
    };
    let value = |field| (field, "x".to_owned());
    let refused = Extract::new(invented(question.clone()), vec![value(Field::Name), value(Field::Plan)]).unwrap_err();
    assert_eq!(refused, ExtractRefused::NotPermitted(Field::Plan));
    assert!(Extract::new(invented(question), vec![value(Field::Name)]).is_ok());
}
