//! LogService: checkpoints and proofs. Hashes only; an entry's text goes to the organisation it is about (A23).

use super::release_service::caller_of;
use super::reply;
use super::status::{self, Invalid};
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::gather::Caller;
use sluis_core::log::proof;
use sluis_core::ports::StoreError;
use sluis_proto::v1;
use sluis_proto::v1::log_service_server::LogService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// LogService over a gateway.
pub struct Logs(pub Arc<Gateway>);

impl Logs {
    /// Who calls, admitted now: a token outlives a suspension.
    async fn admitted<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let (caller, _) = caller_of(&self.0, request)?;
        self.0.admit_to_log(&caller).await.map_err(|fault| status::fault(&fault))?;
        Ok(caller)
    }
}

impl Logs {
    /// The position of the first entry of a shard, the newest when its name is empty, and the size of its newest checkpoint.
    fn shard(&self, name: &str) -> Result<(u64, u64), Status> {
        // The checkpoint first: when the year turns in between, it is that of the shard before, and smaller never proves more.
        let (newest, shards) = (self.0.recorder.checkpoint(), self.0.recorder.shards());
        let unknown = || beyond("shard", "no shard of this log has this name: take it from the origin of a checkpoint");
        let base = shards.position_in(name, 0).ok_or_else(unknown)?;
        let checkpoint = shards.last_checkpoint_at(base).unwrap_or(&newest);
        let of_it = checkpoint.note.split('\n').next() == shards.origin_at(base);
        Ok((base, if of_it { checkpoint.size } else { 0 }))
    }
}

fn beyond(field: &str, text: &str) -> Status {
    status::invalid(&Invalid::new(field, v1::ErrorReason::ProofOutOfRange, text))
}

fn store(error: StoreError) -> Status {
    status::fault(&Fault::Store(error))
}

/// The store lacks hashes below its own head.
fn unprovable() -> Status {
    status::defect("a proof below the head cannot be built")
}

fn on_wire(hashes: Vec<[u8; 32]>) -> Vec<bytes::Bytes> {
    hashes.into_iter().map(|h| h.to_vec().into()).collect()
}

#[tonic::async_trait]
impl LogService for Logs {
    async fn read_checkpoint(
        &self,
        request: Request<v1::ReadCheckpointRequest>,
    ) -> Result<Response<v1::ReadCheckpointResponse>, Status> {
        self.admitted(&request).await?;
        let note = self.0.recorder.checkpoint().note.clone();
        let verifier_key = self.0.verifier_key().to_string();
        Ok(Response::new(v1::ReadCheckpointResponse { note, verifier_key }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<v1::ProveInclusionRequest>,
    ) -> Result<Response<v1::ProveInclusionResponse>, Status> {
        self.admitted(&request).await?;
        let v1::ProveInclusionRequest { index, size, shard } = request.into_inner();
        let (base, newest) = self.shard(&shard)?;
        if size > newest {
            return Err(beyond("size", "larger than the newest checkpoint: read that first"));
        }
        if index >= size {
            return Err(beyond("index", "must be below `size`"));
        }
        let ledger = self.0.ledger.as_ref();
        let hashes = proof::inclusion(ledger, base + index, size).await.map_err(store)?.ok_or_else(unprovable)?;
        let leaf = ledger.leaf_hashes(base + index, base + index + 1).await.map_err(store)?;
        let leaf = leaf.first().ok_or_else(|| status::defect("an entry below the head has no hash"))?;
        let leaf_hash = leaf.to_vec().into();
        Ok(Response::new(v1::ProveInclusionResponse { leaf_hash, hashes: on_wire(hashes) }))
    }

    async fn prove_consistency(
        &self,
        request: Request<v1::ProveConsistencyRequest>,
    ) -> Result<Response<v1::ProveConsistencyResponse>, Status> {
        self.admitted(&request).await?;
        let v1::ProveConsistencyRequest { from, to, shard } = request.into_inner();
        let (base, newest) = self.shard(&shard)?;
        if to > newest {
            return Err(beyond("to", "larger than the newest checkpoint: read that first"));
        }
        if from == 0 || from > to {
            return Err(beyond("from", "at least 1 and at most `to`"));
        }
        let hashes = proof::consistency(self.0.ledger.as_ref(), base + from, base + to).await.map_err(store)?;
        let hashes = hashes.ok_or_else(unprovable)?;
        Ok(Response::new(v1::ProveConsistencyResponse { hashes: on_wire(hashes) }))
    }

    async fn read_receipt(
        &self,
        request: Request<v1::ReadReceiptRequest>,
    ) -> Result<Response<v1::ReadReceiptResponse>, Status> {
        let caller = self.admitted(&request).await?;
        let text = request.into_inner().transaction_id;
        let id = uuid::Uuid::try_parse(&text).map_err(|_| {
            let text = "must be the UUIDv7 that you sent as `fsc-transaction-id`";
            status::invalid(&Invalid::new("transaction_id", v1::ErrorReason::QuestionMalformed, text))
        })?;
        // Asked by organisation and id together: that another organisation used the id does not show, not in time either.
        let entry = self.0.ledger.transaction(&caller.oin, id).await.map_err(store)?;
        let entry = entry.ok_or_else(|| status::fault(&Fault::ReceiptUnknown))?;
        let receipt = self.0.receipt_at(entry.index).await.map_err(|e| status::fault(&e))?;
        Ok(Response::new(v1::ReadReceiptResponse { receipt: Some(reply::receipt(&receipt, id)) }))
    }
}
