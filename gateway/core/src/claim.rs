//! A claim line of an invoice against the holder's billing record: the finding, and nothing of the care file (B1).

use crate::field::{Field, FieldSet};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// One line (prestatie) of a JW323 declaration, as the municipality received it. Amounts in eurocents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLine {
    /// Reference the provider gave the line, 1 to 20 characters, unique in the declaration.
    pub reference: String,
    /// AGB code of the declarant, 8 digits.
    pub provider_agb: String,
    /// Number of the allocation (toewijzing).
    pub allocation_number: u32,
    /// Product category, 2 digits (JZ020).
    pub product_category: String,
    /// Product code, 1 to 5 characters.
    pub product_code: String,
    /// First day of the product period.
    pub begin: Date,
    /// Last day of the product period.
    pub end: Date,
    /// Delivered volume in `unit`.
    pub volume: u32,
    /// Unit (WJ756), 2 digits.
    pub unit: String,
    /// Tariff per unit in eurocents; absent when the unit is euros (83).
    pub tariff: Option<u32>,
    /// Amount in eurocents.
    pub amount: u32,
    /// Credit (true) or debit (false).
    pub credit: bool,
}

/// One entry of the holder's billing record (the data of RJ 6a.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingRecord {
    /// The holder's key of the record; opaque to everyone else.
    pub record_id: String,
    /// As in [`ClaimLine`].
    pub provider_agb: String,
    /// As in [`ClaimLine`].
    pub allocation_number: u32,
    /// As in [`ClaimLine`].
    pub product_category: String,
    /// As in [`ClaimLine`].
    pub product_code: String,
    /// As in [`ClaimLine`].
    pub begin: Date,
    /// As in [`ClaimLine`].
    pub end: Date,
    /// As in [`ClaimLine`].
    pub volume: u32,
    /// As in [`ClaimLine`].
    pub unit: String,
    /// As in [`ClaimLine`].
    pub tariff: Option<u32>,
    /// As in [`ClaimLine`].
    pub amount: u32,
}

/// What comparing a line with the billing record gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// A record agrees in every compared aspect.
    Agrees {
        /// Which record.
        record_id: String,
    },
    /// A record of the same allocation and period exists, and differs in these fields.
    Differs {
        /// Which record.
        record_id: String,
        /// In what.
        fields: FieldSet,
    },
    /// No record of this provider, allocation and period.
    Absent,
}

closed_list! {
    /// What the municipality is told of a line (bevinding). Unknown, hidden and other-municipality look alike.
    Finding {
        /// The billing record has the line exactly so.
        Agrees = "AGREES",
        /// The billing record has the service, with another code, unit, volume, tariff or amount.
        Differs = "DIFFERS",
        /// Nothing that may be told: to be handled by hand (handmatig).
        NotConfirmed = "NOT_CONFIRMED",
    }
}

/// Compares a line with the records of the subject it names. The closest record of the same provider,
/// allocation and period counts: least differences, then the first in `records`.
#[must_use]
pub fn compare(line: &ClaimLine, records: &[BillingRecord]) -> Comparison {
    let mut closest: Option<(&BillingRecord, FieldSet)> = None;
    for record in records.iter().filter(|r| is_same_service(line, r)) {
        let fields = differences(line, record);
        if closest.as_ref().is_none_or(|(_, found)| fields.len() < found.len()) {
            closest = Some((record, fields));
        }
    }
    match closest {
        None => Comparison::Absent,
        Some((record, fields)) if fields.is_empty() => Comparison::Agrees { record_id: record.record_id.clone() },
        Some((record, fields)) => Comparison::Differs { record_id: record.record_id.clone(), fields },
    }
}

fn is_same_service(line: &ClaimLine, record: &BillingRecord) -> bool {
    line.provider_agb == record.provider_agb
        && line.allocation_number == record.allocation_number
        && line.begin == record.begin
        && line.end == record.end
}

fn differences(line: &ClaimLine, record: &BillingRecord) -> FieldSet {
    let compared = [
        (Field::ProductCategory, line.product_category == record.product_category),
        (Field::ProductCode, line.product_code == record.product_code),
        (Field::Volume, line.volume == record.volume),
        (Field::Unit, line.unit == record.unit),
        (Field::Tariff, line.tariff == record.tariff),
        (Field::Amount, line.amount == record.amount),
    ];
    compared.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}
