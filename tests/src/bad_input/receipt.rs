//! Receipts that are not there: an id that nobody used and one that another organisation used look alike.

use super::{Bench, due};
use crate::world::desk::{Desk, said, transaction};
use crate::world::index_of;
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::THE_HAGUE;
use sluis_proto::v1;
use sluis_proto::v1::log_service_client::LogServiceClient;
use tonic::{Code, Status};

async fn read(desk: &Desk, id: &str) -> Result<v1::Receipt, Status> {
    let message = v1::ReadReceiptRequest { transaction_id: id.to_owned() };
    let request = with_metadata(message, &desk.token, transaction()).unwrap();
    let reply = LogServiceClient::new(desk.channel.clone()).read_receipt(request).await?;
    Ok(reply.into_inner().receipt.unwrap())
}

#[tokio::test]
async fn a_receipt_of_another_organisation_looks_like_one_that_is_not_there() {
    let (bench, used, unused) = (Bench::open().await, transaction(), transaction());
    let answered = bench.desk.release_under(bench.good(), used).await.unwrap();
    assert_eq!(read(&bench.desk, &used.to_string()).await.unwrap().index, index_of(&answered));
    let other = bench.world.desk(&THE_HAGUE).await;
    let anothers = read(&other, &used.to_string()).await.unwrap_err();
    let nobodys = read(&other, &unused.to_string()).await.unwrap_err();
    assert_eq!(said(&anothers), due(Code::NotFound, "RECEIPT_UNKNOWN", ""));
    assert_eq!((anothers.message(), anothers.details()), (nobodys.message(), nobodys.details()));
    assert!(anothers.message().starts_with("no such receipt for this caller"), "{}", anothers.message());
}

#[tokio::test]
async fn what_is_no_transaction_id_is_said_to_be_none() {
    let bench = Bench::open().await;
    for id in ["", "42", "not-an-id"] {
        let error = bench.error(id, 0, read(&bench.desk, id)).await;
        assert_eq!(error, due(Code::InvalidArgument, "QUESTION_MALFORMED", "transaction_id"), "{id}");
    }
}
