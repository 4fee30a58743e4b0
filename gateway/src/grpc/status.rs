//! The one place where an error becomes a status: exhaustive, coarse outside, with a reason from the proto.

use super::fsc_code::FscCode;
use crate::fault::Fault;
use crate::quota::OverLimit;
use crate::quota::refused::Refused;
use crate::token::fault::TokenError;
use sluis_core::ports::StoreError;
use sluis_proto::v1::ErrorReason;
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of our reasons in google.rpc.ErrorInfo.
const DOMAIN: &str = "sluis.v1";

/// A part of a message that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field by its path in the message or the name of the metadata.
    pub field: String,
    /// The reason.
    pub reason: ErrorReason,
    /// What is wrong and what to do; never repeats what was sent.
    pub text: String,
}

impl Invalid {
    /// A violation at a field.
    pub fn new(field: impl Into<String>, reason: ErrorReason, text: impl Into<String>) -> Self {
        Self { field: field.into(), reason, text: text.into() }
    }
}

/// The name of a reason as callers are told it.
pub(super) fn short(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

fn details(reason: ErrorReason) -> ErrorDetails {
    ErrorDetails::with_error_info(short(reason), DOMAIN, HashMap::new())
}

/// A malformed message.
#[must_use]
pub fn invalid(invalid: &Invalid) -> Status {
    let mut details = details(invalid.reason);
    details.add_bad_request_violation(&invalid.field, &invalid.text);
    let text = format!("`{}`: {}", invalid.field, invalid.text);
    let status = Status::with_error_details(Code::InvalidArgument, text, details);
    match invalid.reason {
        ErrorReason::TransactionIdMissing => FscCode::MissingLogRecordId.on(status),
        ErrorReason::TransactionIdMalformed => FscCode::InvalidLogRecordId.on(status),
        _ => status,
    }
}

/// A limit was reached.
#[must_use]
pub fn limit_reached(text: &str) -> Status {
    let mut details = details(ErrorReason::LimitReached);
    details.set_retry_info(Some(Duration::from_millis(200)));
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// The gateway ends: what was in progress is given up, and what was released of it is recorded as aborted.
#[must_use]
pub fn ending() -> Status {
    let mut details = details(ErrorReason::GatewayEnding);
    details.set_retry_info(Some(Duration::from_secs(1)));
    let text = "the gateway ends: connect again, to another replica where there is one, and repeat the call";
    Status::with_error_details(Code::Unavailable, text, details)
}

/// The call's deadline passed before there was an answer.
#[must_use]
pub fn late() -> Status {
    Status::deadline_exceeded("there was no answer in time: repeat the call under the same transaction id")
}

/// A stream was ended because nothing moved on it for this long.
#[must_use]
pub fn idle(what: &str, most: Duration) -> Status {
    limit_reached(&format!("{what} for {} seconds: open the audit again", most.as_secs()))
}

/// An organisation is over one of its limits: which, and when to try again.
#[must_use]
pub fn over_limit(over: &OverLimit) -> Status {
    let (reason, text) = match over.refused {
        Refused::RATE => (ErrorReason::RateExceeded, "your organisation calls more often than agreed"),
        Refused::CALLS_AT_ONCE => {
            (ErrorReason::CallsAtOnceExceeded, "your organisation has more calls in progress than agreed")
        }
        _ => (ErrorReason::LimitReached, "the gateway has no place left"),
    };
    let mut details = details(reason);
    details.set_retry_info(Some(over.retry_after));
    let text = format!("{text}: retry after {} ms", over.retry_after.as_millis().max(1));
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// What was wrong with a message that could not be read, in the words of the wire. `None` for a status that is our own.
///
/// tonic's codec says so without details, under codes that blame the server or invite to try again.
#[must_use]
pub fn unreadable(status: &Status) -> Option<Status> {
    // What we could not write is our own fault, and stays that.
    let ours = ["Error encoding", "Error compressing", "Error, encoded"];
    if !status.details().is_empty() || ours.iter().any(|words| status.message().starts_with(words)) {
        return None;
    }
    let (code, reason, text) = match status.code() {
        Code::Internal => (
            Code::InvalidArgument,
            ErrorReason::MessageMalformed,
            "what was sent is no message of this method: send one whole, uncompressed protobuf message in a gRPC frame",
        ),
        Code::OutOfRange => (
            Code::InvalidArgument,
            ErrorReason::MessageTooLarge,
            "the message is larger than this gateway accepts: send a smaller one",
        ),
        Code::Unimplemented if status.message().contains("compressed") => (
            Code::Unimplemented,
            ErrorReason::MessageMalformed,
            "compressed messages are not accepted: send it with encoding `identity`",
        ),
        _ => return None,
    };
    Some(Status::with_error_details(code, text, details(reason)))
}

/// A caller that is not proven, and the reason.
#[must_use]
pub fn token(error: &TokenError) -> (Status, ErrorReason) {
    let reason = match error {
        TokenError::Missing => ErrorReason::TokenMissing,
        TokenError::Malformed => ErrorReason::TokenMalformed,
        TokenError::Algorithm => ErrorReason::TokenAlgorithm,
        TokenError::UnknownKey => ErrorReason::TokenUnknownKey,
        TokenError::Signature => ErrorReason::TokenSignature,
        TokenError::Expired => ErrorReason::TokenExpired,
        TokenError::NotYetValid => ErrorReason::TokenNotYetValid,
        TokenError::Issuer => ErrorReason::TokenIssuer,
        TokenError::Audience => ErrorReason::TokenAudience,
        TokenError::Group => ErrorReason::TokenGroup,
        TokenError::Service => ErrorReason::TokenService,
        TokenError::Subject => ErrorReason::TokenSubject,
        TokenError::Binding => ErrorReason::TokenBinding,
        TokenError::Lifetime => ErrorReason::TokenLifetime,
        TokenError::Delegated => ErrorReason::TokenDelegated,
        TokenError::CertificateExpired => ErrorReason::CertificateExpired,
    };
    let status = Status::with_error_details(Code::Unauthenticated, error.to_string(), details(reason));
    (FscCode::of_token(*error).on(status), reason)
}

/// What stopped a question.
#[must_use]
pub fn fault(fault: &Fault) -> Status {
    let (code, reason) = match fault {
        Fault::NotEnrolled => (Code::PermissionDenied, ErrorReason::CallerNotEnrolled),
        Fault::OtherCertificate => (Code::PermissionDenied, ErrorReason::CertificateNotEnrolled),
        Fault::AmbiguousEnrolment => (Code::PermissionDenied, ErrorReason::EnrolmentAmbiguous),
        Fault::Enrolling(fault) => super::enrolment_service::reason(fault),
        Fault::SignerNotBelieved => (Code::Unauthenticated, ErrorReason::TokenUnknownKey),
        Fault::GrantNotCurrent => (Code::Unauthenticated, ErrorReason::TokenGrant),
        Fault::DelegationNotGranted => (Code::Unauthenticated, ErrorReason::DelegationNotGranted),
        Fault::DelegatorNotEnrolled => (Code::PermissionDenied, ErrorReason::DelegatorNotEnrolled),
        Fault::MayNotRecord => (Code::PermissionDenied, ErrorReason::CallerMayNotRecord),
        Fault::FieldNotPermitted(_) => return field_not_permitted(fault),
        Fault::BsnNotAllowed => (Code::PermissionDenied, ErrorReason::BsnNotAllowed),
        Fault::UnknownClient => {
            return invalid(&Invalid::new("subject", ErrorReason::SubjectMalformed, fault.to_string()));
        }
        Fault::ReceiptUnknown => (Code::NotFound, ErrorReason::ReceiptUnknown),
        Fault::DisclosureUnknown => (Code::NotFound, ErrorReason::DisclosureUnknown),
        Fault::DisclosureReviewed => (Code::FailedPrecondition, ErrorReason::DisclosureReviewed),
        Fault::ReviewerDisclosed => (Code::FailedPrecondition, ErrorReason::ReviewerDisclosed),
        Fault::TransactionReused => (Code::AlreadyExists, ErrorReason::TransactionIdReused),
        Fault::OutcomeChanged => (Code::FailedPrecondition, ErrorReason::OutcomeChanged),
        Fault::TryAgain => (Code::Aborted, ErrorReason::TryAgain),
        Fault::ChangeRefused(_) => (Code::FailedPrecondition, ErrorReason::ChangeRefused),
        Fault::Store(error) => return store(error),
        Fault::PolicyTooOld => return defect("a surface activated a policy"),
        Fault::Defect(text) => return defect(text),
    };
    let status = Status::with_error_details(code, fault.to_string(), details(reason));
    match fault {
        // What is wrong here is the grant in the token, or its signer: FSC knows that as an invalid token.
        Fault::SignerNotBelieved | Fault::GrantNotCurrent | Fault::DelegationNotGranted => {
            FscCode::AccessTokenInvalid.on(status)
        }
        _ => status,
    }
}

fn field_not_permitted(fault: &Fault) -> Status {
    invalid(&Invalid::new("fields", ErrorReason::FieldNotPermitted, fault.to_string()))
}

fn store(error: &StoreError) -> Status {
    let reason = match error {
        StoreError::Unavailable { store: "holder database", .. } => ErrorReason::SourceUnavailable,
        StoreError::Unavailable { store: "key database", .. } | StoreError::Secret { .. } => {
            ErrorReason::KeysUnavailable
        }
        StoreError::Unavailable { .. } | StoreError::ClockBehind { .. } | StoreError::Unknown { .. } => {
            ErrorReason::LogUnavailable
        }
        // A log that does not extend what was seen of it is an outage: another gateway, or this one after a person looked,
        // may answer.
        StoreError::Corrupt { store: "log database", table: "log_head" | "log_shard" } => ErrorReason::LogUnavailable,
        StoreError::Corrupt { .. } => return defect(&error.to_string()),
    };
    let mut details = details(reason);
    details.set_retry_info(Some(Duration::from_secs(1)));
    // Which store and in which state stands in our own log and in health, not in an answer to a stranger.
    tracing::warn!(%error, "a call ended because a store did not answer");
    let text = "a store of the gateway does not answer, so nothing is released: retry later";
    let status = Status::with_error_details(Code::Unavailable, text, details);
    match reason {
        ErrorReason::SourceUnavailable => FscCode::ServiceUnreachable.on(status),
        // Without keys no record can be sealed, so none is written either.
        _ => FscCode::TransactionLogWriteError.on(status),
    }
}

/// A defect: an incident id for the caller, the text for our own log.
#[must_use]
pub fn defect(text: &str) -> Status {
    let incident = data_encoding::HEXLOWER.encode(&rand_incident());
    tracing::error!(incident, text, "a defect ended a call; nothing was released");
    let mut details = details(ErrorReason::Internal);
    details.set_request_info(&incident, "");
    Status::with_error_details(Code::Internal, format!("internal error, incident {incident}"), details)
}

/// Eight bytes that name an incident; not a secret.
fn rand_incident() -> [u8; 8] {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("sluis-incident").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_names_no_store_and_no_state() {
        let status = fault(&Fault::Store(StoreError::Unavailable { store: "key database", state: "LOCKED" }));
        assert_eq!(status.code(), Code::Unavailable);
        assert!(!status.message().contains("key") && !status.message().contains("LOCKED"));
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("KEYS_UNAVAILABLE", DOMAIN));
    }

    #[test]
    fn an_outage_has_its_code_in_fsc() {
        let code = |store| {
            let status = fault(&Fault::Store(StoreError::Unavailable { store, state: "IO" }));
            status.metadata().get("fsc-error-code").unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(code("holder database"), "ERROR_CODE_SERVICE_UNREACHABLE");
        assert_eq!(code("key database"), "TRANSACTION_LOG_WRITE_ERROR");
        assert_eq!(code("transfer log"), "TRANSACTION_LOG_WRITE_ERROR");
        assert!(fault(&Fault::NotEnrolled).metadata().get("fsc-error-code").is_none());
    }

    #[test]
    fn a_violation_names_its_field() {
        let status = invalid(&Invalid::new("subject.bsn", ErrorReason::SubjectMalformed, "fails the 11-test"));
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "subject.bsn");
    }
}
