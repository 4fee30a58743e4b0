//! Records and reviews disclosures made outside the gateway, for the holder's own systems.

use super::connection::{CallError, Connection};
use sluis_proto::v1;

impl Connection {
    /// Records a disclosure that already happened. Repeat it under the same transaction id.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn record_manual(
        &self,
        message: v1::RecordManualRequest,
        transaction: uuid::Uuid,
    ) -> Result<v1::RecordManualResponse, CallError> {
        let request = self.request(message, transaction).await?;
        Ok(self.disclosures().record_manual(request).await?.into_inner())
    }

    /// Records the review of a disclosure.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn review_manual(&self, message: v1::ReviewManualRequest) -> Result<v1::Receipt, CallError> {
        let request = self.request(message, self.transaction()).await?;
        let reply = self.disclosures().review_manual(request).await?.into_inner();
        reply.receipt.ok_or(CallError::Reply("no receipt"))
    }

    /// What waits for a review, oldest first.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn open_manual(&self) -> Result<Vec<v1::OpenManual>, CallError> {
        let request = self.request(v1::ListOpenManualRequest {}, self.transaction()).await?;
        Ok(self.disclosures().list_open_manual(request).await?.into_inner().open)
    }
}
