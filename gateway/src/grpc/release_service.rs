//! ReleaseService: one subject, one purpose.

use super::door::TransactionId;
use super::held::OnItsWay;
use super::observe::Said;
use super::status::{self, Invalid};
use super::{convert, reply};
use crate::gateway::Gateway;
use crate::gather::Caller;
use crate::release::{Answer, Ask};
use prost::Message;
use sluis_proto::v1;
use sluis_proto::v1::release_service_server::ReleaseService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Who calls, and under which transaction id: what the door left in the request.
pub fn caller_of<T>(gateway: &Gateway, request: &Request<T>) -> Result<(Caller, uuid::Uuid), Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.ok_or_else(|| status::defect("a call reached a service without passing the door"))?;
    let sent = request.extensions().get::<TransactionId>().and_then(|t| t.0);
    Ok((caller, sent.unwrap_or_else(|| gateway.new_uuid())))
}

/// ReleaseService over a gateway.
pub struct Releases(pub Arc<Gateway>);

impl Releases {
    fn ask(
        &self,
        subject: Option<&v1::Subject>,
        (purpose, fields, actor): (i32, &[i32], &str),
        transaction_id: uuid::Uuid,
        request: Vec<u8>,
    ) -> Result<Ask, Invalid> {
        Ok(Ask {
            subject: convert::subject(subject, self.0.test_numbers)?,
            purpose: convert::purpose(purpose, "purpose")?,
            mask: convert::mask(fields)?,
            actor: convert::actor(actor, "actor")?,
            transaction_id,
            request,
        })
    }
}

/// For the log line of the call: how it ended and where that stands, not who asked about whom. Refused and escalated are one
/// word there: whether a human is asked tells of the client.
fn told(answer: &Answer, transaction_id: uuid::Uuid) -> Said {
    let (outcome, entry) = match answer {
        Answer::Released(released, _) => ("released", released.receipt().index()),
        Answer::Refused(refused) => ("answered", refused.receipt.index()),
        Answer::Escalated(receipt) => ("answered", receipt.index()),
    };
    Said { outcome, entry, transaction_id }
}

#[tonic::async_trait]
impl ReleaseService for Releases {
    async fn release(&self, request: Request<v1::ReleaseRequest>) -> Result<Response<v1::ReleaseResponse>, Status> {
        let arrival = self.0.slots.arrival();
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let said = (message.purpose, message.fields.as_slice(), message.actor.as_str());
        let bytes = message.encode_to_vec();
        let ask = self.ask(message.subject.as_ref(), said, transaction_id, bytes).map_err(|e| status::invalid(&e))?;
        let answer = self.0.release(&caller, &ask, reply::serialize_extract).await.map_err(|e| status::fault(&e))?;
        if !matches!(answer, Answer::Released(..)) {
            self.0.slots.wait(arrival).await;
        }
        let said = told(&answer, transaction_id);
        let (message, delivery) = reply::answer(answer, transaction_id);
        let mut response = Response::new(message);
        response.extensions_mut().insert(said);
        if let Some(delivery) = delivery {
            response.extensions_mut().insert(OnItsWay::begin(delivery));
        }
        Ok(response)
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainResponse>, Status> {
        let arrival = self.0.slots.arrival();
        let (caller, transaction_id) = caller_of(&self.0, &request)?;
        let message = request.into_inner();
        let said = (message.purpose, message.fields.as_slice(), message.actor.as_str());
        let bytes = message.encode_to_vec();
        let ask = self.ask(message.subject.as_ref(), said, transaction_id, bytes).map_err(|e| status::invalid(&e))?;
        let explanation = self.0.explain(&caller, &ask).await.map_err(|e| status::fault(&e))?;
        self.0.slots.wait(arrival).await;
        Ok(Response::new(reply::explanation(explanation, transaction_id)))
    }
}
