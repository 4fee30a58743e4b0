//! Domain to wire: the only door out. A release is made of `Released` alone; refusals have one size.

use crate::explain::Explanation;
use crate::in_flight::Delivery;
use crate::release::{Answer, Refused};
use prost::Message;
use sluis_core::field::{Field, FieldSet};
use sluis_core::log::receipt::Receipt;
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::release::{Extract, Obligation, Withheld};
use sluis_core::released::Released;
use sluis_proto::v1;

/// Every refusal and escalation has this many bytes, or the next multiple.
const REFUSAL_BYTES: usize = 4096;

/// The number of a field on the wire: its bit plus one.
pub fn field_number(field: Field) -> i32 {
    i32::from(field as u8) + 1
}

/// The fields of a set on the wire.
pub fn field_numbers(fields: FieldSet) -> Vec<i32> {
    fields.iter().map(field_number).collect()
}

/// A type of recipient on the wire.
pub fn recipient_number(recipient: RecipientType) -> i32 {
    v1::RecipientType::from_str_name(&format!("RECIPIENT_TYPE_{}", recipient.code())).map_or(0, |r| r as i32)
}

/// A purpose on the wire.
pub fn purpose_number(purpose: Purpose) -> i32 {
    v1::Purpose::from_str_name(&format!("PURPOSE_{}", purpose.code())).map_or(0, |p| p as i32)
}

fn obligations(codes: &[Obligation]) -> Vec<String> {
    codes.iter().map(|o| o.code().to_owned()).collect()
}

/// What was taken out, as far as the recipient may know: a worker on the case may. To anyone else the list itself
/// would tell that a residence is secret.
fn withheld(fields: &[Withheld], recipient: RecipientType, rule: &str) -> Vec<v1::WithheldField> {
    let told: &[Withheld] = if recipient == RecipientType::CarePartner { fields } else { &[] };
    told.iter().map(|w| v1::WithheldField { field: field_number(w.field), rule: rule.to_owned() }).collect()
}

/// The exact bytes that leave for an extract: a serialized `sluis.v1.Extract`.
#[must_use]
pub fn serialize_extract(extract: &Extract, catalogue: u64) -> Vec<u8> {
    let permit = extract.permit();
    let value = |(field, value): &(Field, String)| v1::FieldValue { field: field_number(*field), value: value.clone() };
    v1::Extract {
        catalogue: u32::try_from(catalogue).unwrap_or(u32::MAX),
        purpose: purpose_number(permit.question().purpose),
        rule: permit.rule().to_owned(),
        basis: permit.basis().to_owned(),
        values: extract.values().iter().map(value).collect(),
        withheld: withheld(permit.withheld(), permit.question().recipient, permit.rule()),
        obligations: obligations(permit.obligations()),
    }
    .encode_to_vec()
}

/// A receipt on the wire.
pub fn receipt(receipt: &Receipt, transaction_id: uuid::Uuid) -> v1::Receipt {
    v1::Receipt {
        proof: receipt.text(),
        index: receipt.index(),
        transaction_id: transaction_id.to_string(),
        shard: receipt.shard().to_owned(),
    }
}

fn release(released: Released, transaction_id: uuid::Uuid) -> v1::Released {
    let (body, salt, proof) = released.into_parts();
    v1::Released { body: body.into(), salt: salt.to_vec().into(), receipt: Some(receipt(&proof, transaction_id)) }
}

fn refusal(refused: &Refused, transaction_id: uuid::Uuid) -> v1::Refused {
    let routes = if refused.natural_person {
        vec![
            v1::AppealRoute::Worker as i32,
            v1::AppealRoute::DataProtectionOfficer as i32,
            v1::AppealRoute::DataProtectionAuthority as i32,
            v1::AppealRoute::CivilCourt as i32,
        ]
    } else {
        Vec::new()
    };
    let mut message = v1::Refused {
        reason: v1::RefusalReason::NotPermitted as i32,
        receipt: Some(receipt(&refused.receipt, transaction_id)),
        routes,
        padding: bytes::Bytes::new(),
    };
    message.padding = padding(message.encoded_len());
    message
}

fn escalation(proof: &Receipt, transaction_id: uuid::Uuid) -> v1::Escalated {
    let mut message = v1::Escalated { receipt: Some(receipt(proof, transaction_id)), padding: bytes::Bytes::new() };
    message.padding = padding(message.encoded_len());
    message
}

/// Zeros that bring a message of `bare` bytes to the fixed size: one byte of tag, two of length, the rest.
fn padding(bare: usize) -> bytes::Bytes {
    const OVERHEAD: usize = 3;
    const SHORTEST: usize = 128; // from here the length takes two bytes
    let whole = (bare + OVERHEAD + SHORTEST).next_multiple_of(REFUSAL_BYTES);
    bytes::Bytes::from(vec![0; whole - bare - OVERHEAD])
}

/// The reply to a question, and the delivery of a release: to be told when HTTP/2 takes the reply.
pub fn answer(answer: Answer, transaction_id: uuid::Uuid) -> (v1::ReleaseResponse, Option<Delivery>) {
    use v1::release_response::Outcome;
    let (outcome, delivery) = match answer {
        Answer::Released(released, delivery) => (Outcome::Released(release(*released, transaction_id)), Some(delivery)),
        Answer::Refused(refused) => (Outcome::Refused(refusal(&refused, transaction_id)), None),
        Answer::Escalated(proof) => (Outcome::Escalated(escalation(&proof, transaction_id)), None),
    };
    (v1::ReleaseResponse { outcome: Some(outcome) }, delivery)
}

/// The reply to a request for an explanation.
pub fn explanation(explanation: Explanation, transaction_id: uuid::Uuid) -> v1::ExplainResponse {
    use v1::explain_response::Outcome;
    let outcome = match explanation {
        Explanation::WouldRelease(permit, proof) => Outcome::WouldRelease(v1::WouldRelease {
            rule: permit.rule().to_owned(),
            basis: permit.basis().to_owned(),
            fields: field_numbers(permit.fields()),
            withheld: withheld(permit.withheld(), permit.question().recipient, permit.rule()),
            obligations: obligations(permit.obligations()),
            receipt: Some(receipt(&proof, transaction_id)),
        }),
        Explanation::WouldRefuse(refused) => Outcome::WouldRefuse(refusal(&refused, transaction_id)),
        Explanation::WouldEscalate(proof) => Outcome::WouldEscalate(escalation(&proof, transaction_id)),
    };
    v1::ExplainResponse { outcome: Some(outcome) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_brings_every_refusal_to_one_size() {
        for proof_bytes in [10, 500, 1500, 3000] {
            let mut message = v1::Escalated {
                receipt: Some(v1::Receipt { proof: "x".repeat(proof_bytes), index: 7, ..v1::Receipt::default() }),
                padding: bytes::Bytes::new(),
            };
            message.padding = padding(message.encoded_len());
            assert_eq!(message.encoded_len(), REFUSAL_BYTES);
        }
    }

    #[test]
    fn every_purpose_and_field_has_its_number_on_the_wire() {
        for purpose in Purpose::ALL {
            assert_ne!(purpose_number(*purpose), 0, "{purpose}");
        }
        for field in Field::ALL {
            let wire = v1::Field::try_from(field_number(*field)).expect("a wire field");
            assert_eq!(wire.as_str_name(), format!("FIELD_{}", field.code().to_uppercase()));
        }
    }
}
