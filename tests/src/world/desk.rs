//! One organisation at the other end of the wire: a channel over mutual TLS, a token, and calls that hide nothing.

use super::raw::{self, Raw};
use sluis::client::connection::with_metadata;
use sluis::token::client::fetch_token;
use sluis::transport::connector::connect;
use sluis::transport::profile::Profile;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::{Clock, Entropy};
use sluis_proto::v1;
use sluis_proto::v1::disclosure_service_client::DisclosureServiceClient;
use sluis_proto::v1::log_service_client::LogServiceClient;
use sluis_proto::v1::release_service_client::ReleaseServiceClient;
use sluis_proto::v1::standing_service_client::StandingServiceClient;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;
use uuid::Uuid;

/// An organisation that is connected.
#[derive(Clone)]
pub struct Desk {
    /// As whom.
    pub profile: Profile,
    /// The connection.
    pub channel: Channel,
    /// The token that is sent.
    pub token: String,
}

/// A new transaction id.
pub fn transaction() -> Uuid {
    transaction_at(SystemClock.now())
}

/// A transaction id made at another moment, milliseconds since the epoch.
pub fn transaction_at(millis: u64) -> Uuid {
    let mut random = [0; 10];
    OsEntropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl Desk {
    /// Connects and fetches a token from the token endpoint.
    pub async fn open(profile: Profile) -> Self {
        let channel = connect(&profile).await.unwrap();
        let token = fetch_token(&profile, SystemClock.now()).await.unwrap().access_token.to_string();
        Self { profile, channel, token }
    }

    /// Connects with a token of one's own.
    pub async fn with_token(profile: Profile, token: String) -> Self {
        let channel = connect(&profile).await.unwrap();
        Self { profile, channel, token }
    }

    /// Asks under a new transaction id.
    pub async fn release(&self, question: v1::ReleaseRequest) -> Result<v1::ReleaseResponse, Status> {
        self.release_under(question, transaction()).await
    }

    /// Asks under this transaction id.
    pub async fn release_under(&self, question: v1::ReleaseRequest, id: Uuid) -> Result<v1::ReleaseResponse, Status> {
        let request = with_metadata(question, &self.token, id).unwrap();
        Ok(ReleaseServiceClient::new(self.channel.clone()).release(request).await?.into_inner())
    }

    /// Asks what would be answered.
    pub async fn explain(&self, question: v1::ReleaseRequest) -> Result<v1::ExplainResponse, Status> {
        let v1::ReleaseRequest { subject, purpose, fields, actor } = question;
        let question = v1::ExplainRequest { subject, purpose, fields, actor };
        let request = with_metadata(question, &self.token, transaction()).unwrap();
        Ok(ReleaseServiceClient::new(self.channel.clone()).explain(request).await?.into_inner())
    }

    /// Records (`on`) or withdraws standing.
    pub async fn record(
        &self,
        subject: v1::Subject,
        kind: v1::standing::Kind,
        on: bool,
    ) -> Result<Option<v1::Receipt>, Status> {
        let (subject, standing) = (Some(subject), Some(v1::Standing { kind: Some(kind) }));
        let mut client = StandingServiceClient::new(self.channel.clone());
        if on {
            let message = v1::RecordStandingRequest { subject, standing };
            let request = with_metadata(message, &self.token, transaction()).unwrap();
            return Ok(client.record_standing(request).await?.into_inner().receipt);
        }
        let message = v1::WithdrawStandingRequest { subject, standing };
        let request = with_metadata(message, &self.token, transaction()).unwrap();
        Ok(client.withdraw_standing(request).await?.into_inner().receipt)
    }

    /// Records a manual disclosure under this transaction id.
    pub async fn record_manual(
        &self,
        message: v1::RecordManualRequest,
        id: Uuid,
    ) -> Result<v1::RecordManualResponse, Status> {
        let request = with_metadata(message, &self.token, id).unwrap();
        Ok(DisclosureServiceClient::new(self.channel.clone()).record_manual(request).await?.into_inner())
    }

    /// Reviews a manual disclosure under this transaction id.
    pub async fn review_manual(&self, message: v1::ReviewManualRequest, id: Uuid) -> Result<v1::Receipt, Status> {
        let request = with_metadata(message, &self.token, id).unwrap();
        let reply = DisclosureServiceClient::new(self.channel.clone()).review_manual(request).await?.into_inner();
        Ok(reply.receipt.unwrap())
    }

    /// Lists what waits for a review.
    pub async fn open_manual(&self) -> Result<Vec<v1::OpenManual>, Status> {
        let request = with_metadata(v1::ListOpenManualRequest {}, &self.token, transaction()).unwrap();
        Ok(DisclosureServiceClient::new(self.channel.clone()).list_open_manual(request).await?.into_inner().open)
    }

    /// Reads the receipt of an earlier answer.
    pub async fn receipt(&self, of: Uuid) -> Result<v1::Receipt, Status> {
        let message = v1::ReadReceiptRequest { transaction_id: of.to_string() };
        let request = with_metadata(message, &self.token, transaction()).unwrap();
        let reply = LogServiceClient::new(self.channel.clone()).read_receipt(request).await?;
        Ok(reply.into_inner().receipt.unwrap())
    }

    /// Sends messages as they are and gives back every byte that comes.
    pub async fn raw<M: prost::Message>(&self, path: &str, messages: &[M]) -> Raw {
        let framed = raw::frames(messages);
        let headers =
            [("authorization", format!("Bearer {}", self.token)), ("fsc-transaction-id", transaction().to_string())];
        raw::call(&self.channel, path, &headers, framed).await
    }
}

/// What an error says: code, reason, violated field.
pub fn said(status: &Status) -> (tonic::Code, String, String) {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let violations = status.get_details_bad_request().map(|b| b.field_violations).unwrap_or_default();
    (status.code(), reason, violations.first().map(|v| v.field.clone()).unwrap_or_default())
}
