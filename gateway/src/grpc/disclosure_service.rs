//! DisclosureService: the holder's own systems record what was told outside the gateway.

use super::convert::{criteria, fields, oin, purpose, recipient_type, required_actor, subject};
use super::release_service::caller_of;
use super::reply::{field_numbers, purpose_number, receipt, recipient_number};
use super::status::{self, Invalid};
use crate::disclosure::{OpenDisclosure, Recorded, Recording, Review};
use crate::gateway::Gateway;
use crate::shards::Shards;
use prost::Message;
use sluis_core::disclosure::{
    CLOCK_AHEAD_MS_MAX, Channel, Comparison, Conclusion, DisclosedTo, Disclosure, RECORD_AGE_MS_MAX,
};
use sluis_core::log::Millis;
use sluis_core::log::shard::index_of;
use sluis_proto::v1::disclosure_service_server::DisclosureService;
use sluis_proto::v1::{self, ErrorReason};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// DisclosureService over a gateway.
pub struct Disclosures(pub Arc<Gateway>);

#[tonic::async_trait]
impl DisclosureService for Disclosures {
    async fn record_manual(
        &self,
        request: Request<v1::RecordManualRequest>,
    ) -> Result<Response<v1::RecordManualResponse>, Status> {
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let invalid = |e: Invalid| status::invalid(&e);
        let recording = Recording {
            subject: subject(message.subject.as_ref(), self.0.test_numbers).map_err(invalid)?,
            disclosure: disclosure(&message, self.0.clock.now()).map_err(invalid)?,
            transaction_id,
            request: message.encode_to_vec(),
        };
        let recorded = self.0.record_manual(&caller, &recording).await.map_err(|e| status::fault(&e))?;
        let Recorded { receipt: proof, comparison, beyond, late, review_by } = recorded;
        Ok(Response::new(v1::RecordManualResponse {
            receipt: Some(receipt(&proof, transaction_id)),
            comparison: comparison_number(comparison),
            beyond: field_numbers(beyond),
            late,
            review_by,
        }))
    }

    async fn review_manual(
        &self,
        request: Request<v1::ReviewManualRequest>,
    ) -> Result<Response<v1::ReviewManualResponse>, Status> {
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let review = review(message, transaction_id).map_err(|e| status::invalid(&e))?;
        let proof = self.0.review_manual(&caller, &review).await.map_err(|e| status::fault(&e))?;
        Ok(Response::new(v1::ReviewManualResponse { receipt: Some(receipt(&proof, transaction_id)) }))
    }

    async fn list_open_manual(
        &self,
        request: Request<v1::ListOpenManualRequest>,
    ) -> Result<Response<v1::ListOpenManualResponse>, Status> {
        let (caller, _) = caller_of(&self.0, &request)?;
        let open = self.0.list_open_manual(&caller).await.map_err(|e| status::fault(&e))?;
        let now = self.0.clock.now();
        let shards = self.0.recorder.shards();
        Ok(Response::new(v1::ListOpenManualResponse { open: open.iter().map(|o| listed(&shards, o, now)).collect() }))
    }
}

fn malformed(field: &str, text: &str) -> Invalid {
    Invalid::new(field, ErrorReason::DisclosureMalformed, text)
}

fn disclosure(message: &v1::RecordManualRequest, now: Millis) -> Result<Disclosure, Invalid> {
    let disclosed_by = required_actor(&message.disclosed_by, "disclosed_by")?;
    let disclosure = Disclosure {
        happened_at: happened_at(message.happened_at, now)?,
        disclosed_by,
        to: disclosed_to(message.recipient.as_ref())?,
        purpose: purpose(message.purpose, "purpose")?,
        ground: words(&message.ground, "ground", 1, 500)?,
        fields: fields(&message.fields)?,
        description: words(&message.description, "description", 0, 4000)?,
        criteria: criteria(&message.criteria, "criteria")?,
        channel: channel(message.channel)?,
        reviewer: required_actor(&message.reviewer, "reviewer")?,
    };
    if disclosure.fields.is_empty() && disclosure.description.is_empty() {
        return Err(malformed("fields", "say what was told: fields of the catalogue, or `description` in words"));
    }
    if disclosure.was_told_by(&disclosure.reviewer) {
        return Err(malformed("reviewer", "name another person than the one who told it"));
    }
    Ok(disclosure)
}

fn happened_at(moment: Millis, now: Millis) -> Result<Millis, Invalid> {
    let field = "happened_at";
    if moment > now.saturating_add(CLOCK_AHEAD_MS_MAX) {
        return Err(malformed(field, "lies in the future: milliseconds since 1970, of when it was told"));
    }
    if moment.saturating_add(RECORD_AGE_MS_MAX) < now {
        return Err(malformed(field, "is more than five years ago: milliseconds, not seconds, since 1970"));
    }
    Ok(moment)
}

fn disclosed_to(to: Option<&v1::ManualRecipient>) -> Result<DisclosedTo, Invalid> {
    let to = to.ok_or_else(|| malformed("recipient", "say to whom it was told"))?;
    let organisation = match to.organisation_oin.as_str() {
        "" => None,
        text => Some(oin(text, "recipient.organisation_oin")?),
    };
    let told = DisclosedTo {
        recipient: recipient_type(to.recipient_type, "recipient.recipient_type")?,
        name: words(&to.name, "recipient.name", 0, 200)?,
        contact: words(&to.contact, "recipient.contact", 0, 200)?,
        organisation,
    };
    let nobody = told.organisation.is_none() && told.name.is_empty() && told.contact.is_empty();
    if nobody { Err(malformed("recipient", "name the organisation, the person or the contact")) } else { Ok(told) }
}

/// A text of so many characters, without control characters besides line ends.
fn words(text: &str, field: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let text = text.trim();
    let count = text.chars().count();
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(malformed(field, "holds control characters: send plain text"));
    }
    if count < least || count > most {
        return Err(malformed(field, &format!("write {least} to {most} characters")));
    }
    Ok(text.to_owned())
}

fn channel(value: i32) -> Result<Channel, Invalid> {
    let known = v1::ManualChannel::try_from(value).ok();
    let code = known.and_then(|c| Channel::from_code(c.as_str_name().trim_start_matches("MANUAL_CHANNEL_")));
    code.ok_or_else(|| malformed("channel", "say how: telephone, in person, paper or message"))
}

fn review(message: v1::ReviewManualRequest, transaction_id: uuid::Uuid) -> Result<Review, Invalid> {
    let request = message.encode_to_vec();
    let known = v1::ManualConclusion::try_from(message.conclusion).ok();
    let code = known.and_then(|c| Conclusion::from_code(c.as_str_name().trim_start_matches("MANUAL_CONCLUSION_")));
    let conclusion = code.ok_or_else(|| malformed("conclusion", "say what was found: right, too much or wrong"))?;
    let least = usize::from(conclusion != Conclusion::Right);
    Ok(Review {
        shard: message.shard,
        index: message.index,
        reviewed_by: required_actor(&message.reviewed_by, "reviewed_by")?,
        note: words(&message.note, "note", least, 2000)?,
        conclusion,
        transaction_id,
        request,
    })
}

fn comparison_number(comparison: Comparison) -> i32 {
    let name = format!("MANUAL_COMPARISON_{}", comparison.code());
    v1::ManualComparison::from_str_name(&name).map_or(0, |c| c as i32)
}

/// What cannot be read has no comparison and no moment: the numbers that say "not given".
fn listed(shards: &Shards, open: &OpenDisclosure, now: Millis) -> v1::OpenManual {
    let account = open.account.as_ref();
    v1::OpenManual {
        index: index_of(open.index),
        shard: shards.name_at(open.index).unwrap_or_default().to_owned(),
        recorded_at: open.recorded_at,
        happened_at: account.map_or(0, |a| a.happened_at),
        recipient_type: open.recipient.map_or(0, recipient_number),
        purpose: open.purpose.map_or(0, purpose_number),
        comparison: account.map_or(0, |a| comparison_number(a.comparison)),
        late: account.is_some_and(|a| a.late),
        review_by: open.review_by,
        overdue: open.is_overdue(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluis_core::organisation::RecipientType;

    #[test]
    fn every_code_has_its_number_on_the_wire() {
        for comparison in Comparison::ALL {
            assert_ne!(comparison_number(*comparison), 0, "{comparison}");
        }
        for recipient in RecipientType::ALL {
            assert_ne!(recipient_number(*recipient), 0, "{recipient}");
        }
        for (n, known) in Channel::ALL.iter().enumerate() {
            assert_eq!(channel(i32::try_from(n).unwrap() + 1).as_ref(), Ok(known));
        }
    }
}
