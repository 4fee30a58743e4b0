//! StandingService: the holder's own systems record and withdraw what holds.

use super::release_service::caller_of;
use super::{convert, reply, status};
use crate::gateway::Gateway;
use crate::standing::Recording;
use prost::Message;
use sluis_proto::v1;
use sluis_proto::v1::standing_service_server::StandingService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// StandingService over a gateway.
pub struct Standings(pub Arc<Gateway>);

impl Standings {
    async fn change<T: Message>(
        &self,
        request: Request<T>,
        parts: fn(&T) -> (Option<&v1::Subject>, Option<&v1::Standing>),
        on: bool,
    ) -> Result<v1::Receipt, Status> {
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let (subject, standing) = parts(&message);
        let now = self.0.clock.now();
        let subject = convert::subject(subject, self.0.test_numbers).map_err(|e| status::invalid(&e))?;
        let change = convert::change(standing, on, now).map_err(|e| status::invalid(&e))?;
        let mut bytes = vec![u8::from(on)];
        bytes.extend(message.encode_to_vec());
        let recording = Recording { subject, change, transaction_id, request: bytes };
        let receipt = self.0.record_standing(&caller, &recording).await.map_err(|e| status::fault(&e))?;
        Ok(reply::receipt(&receipt, transaction_id))
    }
}

#[tonic::async_trait]
impl StandingService for Standings {
    async fn record_standing(
        &self,
        request: Request<v1::RecordStandingRequest>,
    ) -> Result<Response<v1::RecordStandingResponse>, Status> {
        let receipt = self.change(request, |m| (m.subject.as_ref(), m.standing.as_ref()), true).await?;
        Ok(Response::new(v1::RecordStandingResponse { receipt: Some(receipt) }))
    }

    async fn withdraw_standing(
        &self,
        request: Request<v1::WithdrawStandingRequest>,
    ) -> Result<Response<v1::WithdrawStandingResponse>, Status> {
        let receipt = self.change(request, |m| (m.subject.as_ref(), m.standing.as_ref()), false).await?;
        Ok(Response::new(v1::WithdrawStandingResponse { receipt: Some(receipt) }))
    }
}
