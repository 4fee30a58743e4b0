//! One connection of a partner: channel, token kept fresh, metadata of every call.

use crate::token::client::{FetchError, TokenKeeper};
use crate::transport::connector::{ConnectError, connect};
use crate::transport::profile::Profile;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use std::sync::Arc;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// Why a call did not give a reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The gateway cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No token.
    #[error(transparent)]
    Token(#[from] FetchError),
    /// The gateway answered with an error.
    #[error("{reason}: {text}")]
    Refused {
        /// The reason of the proto, or the code where there is none.
        reason: String,
        /// What the gateway says.
        text: String,
        /// The gRPC code.
        code: tonic::Code,
    },
    /// What came back is not what the proto says.
    #[error("the gateway answered something else than the proto says: {0}")]
    Reply(&'static str),
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info();
        let reason = info.map_or_else(|| format!("{:?}", status.code()), |i| i.reason);
        Self::Refused { reason, text: status.message().to_owned(), code: status.code() }
    }
}

/// A partner's connection to a gateway.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    tokens: Arc<TokenKeeper>,
    transactions: Arc<dyn Fn() -> uuid::Uuid + Send + Sync>,
}

impl Connection {
    /// Connects with a profile. `transactions` makes UUIDv7 transaction ids.
    ///
    /// # Errors
    /// [`CallError::Connect`] names the step that failed.
    pub async fn open(
        profile: &Profile,
        clock: Arc<dyn Clock>,
        transactions: Arc<dyn Fn() -> uuid::Uuid + Send + Sync>,
    ) -> Result<Self, CallError> {
        let channel = connect(profile).await?;
        Ok(Self { channel, tokens: Arc::new(TokenKeeper::new(profile.clone(), clock)), transactions })
    }

    /// A new transaction id.
    #[must_use]
    pub fn transaction(&self) -> uuid::Uuid {
        (self.transactions)()
    }

    /// The token that is sent now; fetched or renewed when needed.
    ///
    /// # Errors
    /// [`CallError::Token`].
    pub async fn token(&self) -> Result<Arc<str>, CallError> {
        Ok(self.tokens.token().await?.access_token)
    }

    /// A request with token and transaction id.
    ///
    /// # Errors
    /// [`CallError::Token`].
    pub async fn request<T>(&self, message: T, transaction: uuid::Uuid) -> Result<Request<T>, CallError> {
        let token = self.token().await?;
        with_metadata(message, &token, transaction)
    }

    /// The verifier key that the gateway itself names. Compare it with the one given at enrolment.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn verifier_key(&self) -> Result<String, CallError> {
        let request = self.request(v1::ReadCheckpointRequest {}, self.transaction()).await?;
        Ok(self.logs().read_checkpoint(request).await?.into_inner().verifier_key)
    }

    /// Client of the release service.
    #[must_use]
    pub fn releases(&self) -> v1::release_service_client::ReleaseServiceClient<Channel> {
        v1::release_service_client::ReleaseServiceClient::new(self.channel.clone())
    }

    /// Client of the standing service.
    #[must_use]
    pub fn standings(&self) -> v1::standing_service_client::StandingServiceClient<Channel> {
        v1::standing_service_client::StandingServiceClient::new(self.channel.clone())
    }

    /// Client of the disclosure service.
    #[must_use]
    pub fn disclosures(&self) -> v1::disclosure_service_client::DisclosureServiceClient<Channel> {
        v1::disclosure_service_client::DisclosureServiceClient::new(self.channel.clone())
    }

    /// Client of the enrolment service.
    #[must_use]
    pub fn enrolments(&self) -> v1::enrolment_service_client::EnrolmentServiceClient<Channel> {
        v1::enrolment_service_client::EnrolmentServiceClient::new(self.channel.clone())
    }

    /// Client of the audit service.
    #[must_use]
    pub fn audits(&self) -> v1::invoice_audit_service_client::InvoiceAuditServiceClient<Channel> {
        v1::invoice_audit_service_client::InvoiceAuditServiceClient::new(self.channel.clone())
    }

    /// Client of the log service.
    #[must_use]
    pub fn logs(&self) -> v1::log_service_client::LogServiceClient<Channel> {
        v1::log_service_client::LogServiceClient::new(self.channel.clone())
    }
}

/// A request with this token and transaction id.
///
/// # Errors
/// [`CallError::Reply`] when the token cannot stand in metadata.
pub fn with_metadata<T>(message: T, token: &str, transaction: uuid::Uuid) -> Result<Request<T>, CallError> {
    let bad = |_| CallError::Reply("a token that cannot stand in metadata");
    let bearer: MetadataValue<_> = format!("Bearer {token}").parse().map_err(bad)?;
    let id: MetadataValue<_> = transaction.to_string().parse().map_err(bad)?;
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", bearer);
    request.metadata_mut().insert("fsc-transaction-id", id);
    Ok(request)
}
