//! Asks about one subject and reads the reply.

use super::connection::{CallError, Connection};
use prost::Message;
use sluis_proto::v1;

/// A question in the words of the wire.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// About whom.
    pub subject: v1::Subject,
    /// For what.
    pub purpose: v1::Purpose,
    /// Fields asked for; empty asks for all.
    pub fields: Vec<v1::Field>,
    /// Who acts.
    pub actor: String,
}

/// A client by BSN.
#[must_use]
pub fn by_bsn(bsn: &str) -> v1::Subject {
    v1::Subject { identifier: Some(v1::subject::Identifier::Bsn(bsn.to_owned())) }
}

/// A client by client number.
#[must_use]
pub fn by_client_number(number: &str) -> v1::Subject {
    v1::Subject { identifier: Some(v1::subject::Identifier::ClientNumber(number.to_owned())) }
}

/// A reply with its body opened.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Fields left.
    Released {
        /// What left.
        extract: v1::Extract,
        /// The exact bytes.
        body: Vec<u8>,
        /// Their salt.
        salt: Vec<u8>,
        /// The proof.
        receipt: v1::Receipt,
    },
    /// Nothing left.
    Refused {
        /// Where a person can turn to.
        routes: Vec<i32>,
        /// The proof.
        receipt: v1::Receipt,
    },
    /// A human must decide.
    Escalated {
        /// The proof.
        receipt: v1::Receipt,
    },
}

impl Reply {
    /// The proof of whatever was replied.
    #[must_use]
    pub const fn receipt(&self) -> &v1::Receipt {
        match self {
            Self::Released { receipt, .. } | Self::Refused { receipt, .. } | Self::Escalated { receipt } => receipt,
        }
    }
}

impl Connection {
    /// Asks, under a transaction id. The same id may be used again to repeat the call safely.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn ask(&self, question: &Question, transaction: uuid::Uuid) -> Result<Reply, CallError> {
        let message = v1::ReleaseRequest {
            subject: Some(question.subject.clone()),
            purpose: question.purpose as i32,
            fields: question.fields.iter().map(|f| *f as i32).collect(),
            actor: question.actor.clone(),
        };
        let request = self.request(message, transaction).await?;
        let response = self.releases().release(request).await?.into_inner();
        read(response)
    }

    /// Asks what would be answered.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn explain(&self, question: &Question) -> Result<v1::ExplainResponse, CallError> {
        let message = v1::ExplainRequest {
            subject: Some(question.subject.clone()),
            purpose: question.purpose as i32,
            fields: question.fields.iter().map(|f| *f as i32).collect(),
            actor: question.actor.clone(),
        };
        let request = self.request(message, self.transaction()).await?;
        Ok(self.releases().explain(request).await?.into_inner())
    }
}

/// Opens a response: the body is what the log committed to, and is read as it is.
///
/// # Errors
/// [`CallError::Reply`] when a part is missing.
pub fn read(response: v1::ReleaseResponse) -> Result<Reply, CallError> {
    use v1::release_response::Outcome;
    let no_receipt = CallError::Reply("no receipt");
    match response.outcome.ok_or(CallError::Reply("no outcome"))? {
        Outcome::Released(r) => Ok(Reply::Released {
            extract: v1::Extract::decode(r.body.clone()).map_err(|_| CallError::Reply("a body that is no extract"))?,
            body: r.body.to_vec(),
            salt: r.salt.to_vec(),
            receipt: r.receipt.ok_or(no_receipt)?,
        }),
        Outcome::Refused(r) => Ok(Reply::Refused { routes: r.routes, receipt: r.receipt.ok_or(no_receipt)? }),
        Outcome::Escalated(e) => Ok(Reply::Escalated { receipt: e.receipt.ok_or(no_receipt)? }),
    }
}
