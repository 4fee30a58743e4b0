//! Reads and changes enrolments, for the holder's own persons.

use super::connection::{CallError, Connection};
use sluis_core::enrolment::Enrolment;
use sluis_core::enrolment::change::{Basis, Signature};
use sluis_core::organisation::Oin;
use sluis_proto::v1;

/// One organisation as it is enrolled now.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Which.
    pub oin: Oin,
    /// What the next change starts from.
    pub basis: Basis,
    /// Its enrolments.
    pub enrolments: Vec<Enrolment>,
    /// The entry that set them, and when.
    pub set: Option<(u64, u64)>,
    /// Whether persons signed for them.
    pub signed: bool,
    /// The entry of their first use, and when.
    pub first_used: Option<(u64, u64)>,
}

impl Connection {
    /// One organisation, also one that was never enrolled.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn organisation(&self, oin: &Oin) -> Result<Organisation, CallError> {
        let message = v1::ListEnrolmentsRequest { organisation_oin: oin.to_string(), after_oin: String::new() };
        let found = self.enrolment_page(message).await?.pop();
        found.ok_or(CallError::Reply("no organisation"))
    }

    /// Every organisation that has a row, in the order of their numbers.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn organisations(&self) -> Result<Vec<Organisation>, CallError> {
        let mut all: Vec<Organisation> = Vec::new();
        loop {
            let after_oin = all.last().map(|last| last.oin.to_string()).unwrap_or_default();
            let page = self.enrolment_page(v1::ListEnrolmentsRequest { after_oin, ..Default::default() }).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    async fn enrolment_page(&self, message: v1::ListEnrolmentsRequest) -> Result<Vec<Organisation>, CallError> {
        let request = self.request(message, self.transaction()).await?;
        let reply = self.enrolments().list_enrolments(request).await?.into_inner();
        reply.organisations.into_iter().map(read).collect()
    }

    /// Submits a change with its signatures. Gives the receipt and the version that it made.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn submit_change(
        &self,
        change: Vec<u8>,
        signatures: &[Signature],
    ) -> Result<(v1::Receipt, u64), CallError> {
        let signature =
            |s: &Signature| v1::ChangeSignature { key: s.key.clone().into(), signature: s.signature.clone().into() };
        let signatures = signatures.iter().map(signature).collect();
        let message = v1::SubmitChangeRequest { change: change.into(), signatures };
        let request = self.request(message, self.transaction()).await?;
        let reply = self.enrolments().submit_change(request).await?.into_inner();
        Ok((reply.receipt.ok_or(CallError::Reply("no receipt"))?, reply.version))
    }
}

fn read(found: v1::EnrolledOrganisation) -> Result<Organisation, CallError> {
    let oin = Oin::parse(&found.organisation_oin).map_err(|_| CallError::Reply("no OIN"))?;
    let enrolments = serde_json::from_slice(&found.enrolments).map_err(|_| CallError::Reply("no enrolments"))?;
    Ok(Organisation {
        oin,
        basis: Basis { version: found.version, grant: found.grant },
        enrolments,
        set: found.set_index.zip(found.set_at),
        signed: found.signed,
        first_used: found.first_used_index.zip(found.first_used_at),
    })
}
