//! EnrolmentService: the holder's own persons read and change who is admitted.

use super::release_service::caller_of;
use super::reply;
use super::status::{self, Invalid};
use crate::enrolling::{Enrolled, EnrollingFault, Submission};
use crate::gateway::Gateway;
use crate::shards::Shards;
use sluis_core::enrolment::change::{ChangeFault, Signature};
use sluis_core::log::shard::index_of;
use sluis_core::organisation::Oin;
use sluis_proto::v1;
use sluis_proto::v1::ErrorReason;
use sluis_proto::v1::enrolment_service_server::EnrolmentService;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// EnrolmentService over a gateway.
pub struct Enrolments(pub Arc<Gateway>);

/// Code and reason of a change that was not made.
pub(super) const fn reason(fault: &EnrollingFault) -> (Code, ErrorReason) {
    let EnrollingFault::Change(fault) = fault else {
        return (Code::PermissionDenied, ErrorReason::CallerNotHolder);
    };
    match fault {
        ChangeFault::NoOperators => (Code::FailedPrecondition, ErrorReason::OperatorsMissing),
        ChangeFault::Malformed(_) | ChangeFault::Content(_) | ChangeFault::Nothing => {
            (Code::InvalidArgument, ErrorReason::EnrolmentChangeMalformed)
        }
        ChangeFault::NotValidNow(..) => (Code::FailedPrecondition, ErrorReason::EnrolmentChangeExpired),
        ChangeFault::NotAnOperator => (Code::PermissionDenied, ErrorReason::EnrolmentOperator),
        ChangeFault::FalseSignature(_) => (Code::PermissionDenied, ErrorReason::EnrolmentSignature),
        ChangeFault::NotEnoughPersons { .. } => (Code::FailedPrecondition, ErrorReason::EnrolmentSecondPerson),
        ChangeFault::Stale { .. } => (Code::FailedPrecondition, ErrorReason::EnrolmentChangeStale),
    }
}

fn oin(text: &str, field: &str) -> Result<Option<Oin>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let malformed =
        |e: sluis_core::organisation::OinError| Invalid::new(field, ErrorReason::QuestionMalformed, e.to_string());
    Oin::parse(text).map(Some).map_err(malformed)
}

fn on_wire(shards: &Shards, enrolled: Enrolled) -> Result<v1::EnrolledOrganisation, Status> {
    let unwritable = |_| status::defect("enrolments cannot be written as JSON");
    let enrolments = serde_json::to_vec(&enrolled.enrolments).map_err(unwritable)?;
    Ok(v1::EnrolledOrganisation {
        organisation_oin: enrolled.oin.to_string(),
        version: enrolled.basis.version,
        grant: enrolled.basis.grant,
        enrolments: enrolments.into(),
        set_index: enrolled.set.map(|(at, _)| index_of(at)),
        set_at: enrolled.set.map(|(_, time)| time),
        signed: enrolled.signed,
        first_used_index: enrolled.first_used.map(|(at, _)| index_of(at)),
        first_used_at: enrolled.first_used.map(|(_, time)| time),
        set_shard: enrolled.set.and_then(|(at, _)| shards.name_at(at)).map(str::to_owned),
        first_used_shard: enrolled.first_used.and_then(|(at, _)| shards.name_at(at)).map(str::to_owned),
    })
}

#[tonic::async_trait]
impl EnrolmentService for Enrolments {
    async fn list_enrolments(
        &self,
        request: Request<v1::ListEnrolmentsRequest>,
    ) -> Result<Response<v1::ListEnrolmentsResponse>, Status> {
        let (caller, _) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let only = oin(&message.organisation_oin, "organisation_oin").map_err(|e| status::invalid(&e))?;
        let after = oin(&message.after_oin, "after_oin").map_err(|e| status::invalid(&e))?;
        let found = self.0.enrolled(&caller, only, after.as_ref()).await.map_err(|e| status::fault(&e))?;
        let shards = self.0.recorder.shards();
        let organisations = found.into_iter().map(|one| on_wire(&shards, one)).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListEnrolmentsResponse { organisations }))
    }

    async fn submit_change(
        &self,
        request: Request<v1::SubmitChangeRequest>,
    ) -> Result<Response<v1::SubmitChangeResponse>, Status> {
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let signature = |s: v1::ChangeSignature| Signature { key: s.key.into(), signature: s.signature.into() };
        let signatures = message.signatures.into_iter().map(signature).collect();
        let submission = Submission { change: message.change.into(), signatures };
        let (receipt, version) = self.0.submit_change(&caller, &submission).await.map_err(|e| status::fault(&e))?;
        let receipt = Some(reply::receipt(&receipt, transaction_id));
        Ok(Response::new(v1::SubmitChangeResponse { receipt, version }))
    }
}
