//! The fields of the catalogue: what each means, and what its values are.

use super::{Domain, Shape};
use crate::code_list::{CATEGORY, END_REASON, GENDER, REFERRER, UNIT};
use sluis_core::field::Field;

/// A name, a telephone number, an address: what fits on a line or two.
const LINE: Shape = Shape::Text(250);
/// What somebody wrote about the care: as long as a plan can be.
const PAGES: Shape = Shape::Text(100_000);
/// A number of the register of allocations, and a volume.
const NUMBER: Shape = Shape::Whole(0, u32::MAX);

/// What a field is.
pub(in crate::holder) const fn of_field(field: Field) -> Domain {
    let (meaning, shape) = match field {
        Field::Name => ("the client's name", LINE),
        Field::Address => ("street and house number", LINE),
        Field::Postcode => ("postal code", Shape::Postcode),
        Field::HouseNumber => ("house number with its addition", Shape::Text(20)),
        Field::Place => ("place of residence", LINE),
        Field::Phone => ("telephone number", LINE),
        Field::Email => ("e-mail address", LINE),
        Field::Gender => ("gender (geslacht)", Shape::Code(&GENDER)),
        Field::BirthDate => ("date of birth", Shape::Date),
        Field::Bsn => ("BSN; follows from `[client]`", Shape::Bsn),
        Field::ClientNumber => ("what partners know the client by; follows from `[client]`", Shape::ClientNumber),
        Field::MunicipalityCode => ("CBS code of the responsible municipality (woonplaatsbeginsel)", Shape::Digits(4)),
        Field::Reimbursement => ("how the care is reimbursed (vergoeding)", LINE),
        Field::HelpQuestion => ("question for help (hulpvraag)", PAGES),
        Field::HealthSummary => ("bodily and mental health in short", PAGES),
        Field::Plan => ("care plan (hulpverleningsplan)", PAGES),
        Field::PlanSummary => ("the plan in short", PAGES),
        Field::CareStatus => ("how the care goes", PAGES),
        Field::Appointments => ("appointments", PAGES),
        Field::ParentsContact => ("how parents or carers are reached", PAGES),
        Field::ParentsAuthority => ("who has parental authority (gezag)", PAGES),
        Field::ParentsReports => ("reports of talks with parents", PAGES),
        Field::AvRecordings => ("reference of a recording, never the recording", LINE),
        Field::Whereabouts => ("where the client can be found", PAGES),
        Field::DangerNature => ("nature of the danger", PAGES),
        Field::PersonsAtRisk => ("persons in danger", PAGES),
        Field::ProviderAgb => ("AGB code of the provider", Shape::Digits(8)),
        Field::Period => ("period of the claim", Shape::Period),
        Field::AllocationNumber => ("number of the allocation (toewijzing)", NUMBER),
        Field::ProductCategory => ("product category", Shape::Code(&CATEGORY)),
        Field::ProductCode => ("product code", Shape::Text(5)),
        Field::Volume => ("volume in `unit`", NUMBER),
        Field::Unit => ("unit of the volume", Shape::Code(&UNIT)),
        Field::Tariff => ("tariff per unit", Shape::Cents),
        Field::Amount => ("amount", Shape::Cents),
        Field::StartDate => ("first day of the care", Shape::Date),
        Field::EndDate => ("last day of the care", Shape::Date),
        Field::ReferringDoctor => ("name and address of the doctor who referred", LINE),
        Field::DecisionNumber => ("number of the decision or order (beschikking)", LINE),
        Field::MeasureType => ("type of measure (maatregel)", LINE),
        Field::EndReason => ("why the care ended", Shape::Code(&END_REASON)),
        Field::SessionNotes => ("notes of sessions", PAGES),
        Field::YouthConfidential => ("what the youth confided", PAGES),
        Field::CareForm => ("form of care (hulpvorm)", LINE),
        Field::CrisisStart => ("whether or when the care started in crisis", LINE),
        Field::ReferrerType => ("who referred (verwijzer)", Shape::Code(&REFERRER)),
        Field::Outcome => ("mark of the outcome", Shape::Whole(1, 10)),
        Field::Informant => ("who gave the mark", LINE),
        Field::InsurerId => ("UZOVI code of the insurer", Shape::Digits(4)),
        Field::PerformanceCode => ("performance code (prestatiecode) under the Zvw", Shape::Text(20)),
        Field::DiagnosisGroup => ("main group of diagnosis under the Zvw", LINE),
        Field::WorkerContact => ("how the worker is reached", LINE),
        Field::RegisteredOn => ("day of registration (aanmelding)", Shape::Date),
    };
    Domain::of(meaning, shape)
}
