//! What FSC calls an error: metadata `fsc-error-code` beside our own status, and `www-authenticate` where a token is at fault.
//!
//! Source: FSC core, "Inway, error response"; FSC logging, "Inway, error response". Our status, reason and text stay as
//! they are: an Outway reads the code, a client of ours the reason.

use crate::token::fault::TokenError;
use tonic::Status;
use tonic::metadata::MetadataValue;

/// An error of an Inway by the name FSC gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FscCode {
    /// 401: no token.
    AccessTokenMissing,
    /// 401: a token that does not hold here.
    AccessTokenInvalid,
    /// 401: a token past its end.
    AccessTokenExpired,
    /// 403: a token of another group.
    WrongGroupId,
    /// 404: a token for a service that is not offered here.
    ServiceNotFound,
    /// 502: the holder's database does not answer.
    ServiceUnreachable,
    /// 500: the transaction log record could not be written.
    TransactionLogWriteError,
    /// 400: `fsc-transaction-id` is malformed.
    InvalidLogRecordId,
    /// 400: `fsc-transaction-id` is absent.
    MissingLogRecordId,
}

impl FscCode {
    /// The code as it is sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessTokenMissing => "ERROR_CODE_ACCESS_TOKEN_MISSING",
            Self::AccessTokenInvalid => "ERROR_CODE_ACCESS_TOKEN_INVALID",
            Self::AccessTokenExpired => "ERROR_CODE_ACCESS_TOKEN_EXPIRED",
            Self::WrongGroupId => "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN",
            Self::ServiceNotFound => "ERROR_CODE_SERVICE_NOT_FOUND",
            Self::ServiceUnreachable => "ERROR_CODE_SERVICE_UNREACHABLE",
            Self::TransactionLogWriteError => "TRANSACTION_LOG_WRITE_ERROR",
            Self::InvalidLogRecordId => "INVALID_LOG_RECORD_ID",
            Self::MissingLogRecordId => "MISSING_LOG_RECORD_ID",
        }
    }

    /// The code of a token that is not accepted.
    #[must_use]
    pub const fn of_token(error: TokenError) -> Self {
        match error {
            TokenError::Missing => Self::AccessTokenMissing,
            TokenError::Expired => Self::AccessTokenExpired,
            TokenError::Group => Self::WrongGroupId,
            TokenError::Service => Self::ServiceNotFound,
            TokenError::Malformed
            | TokenError::Algorithm
            | TokenError::UnknownKey
            | TokenError::Signature
            | TokenError::NotYetValid
            | TokenError::Lifetime
            | TokenError::Issuer
            | TokenError::Audience
            | TokenError::Subject
            | TokenError::Binding
            | TokenError::Delegated
            | TokenError::CertificateExpired => Self::AccessTokenInvalid,
        }
    }

    const fn wants_a_token(self) -> bool {
        matches!(self, Self::AccessTokenMissing | Self::AccessTokenInvalid | Self::AccessTokenExpired)
    }

    /// A status with this code.
    #[must_use]
    pub fn on(self, mut status: Status) -> Status {
        status.metadata_mut().insert("fsc-error-code", MetadataValue::from_static(self.name()));
        if self.wants_a_token() {
            status.metadata_mut().insert("www-authenticate", MetadataValue::from_static("Bearer"));
        }
        status
    }
}
