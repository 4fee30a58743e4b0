//! Calls in progress, open connections, and streams on which nothing moves.

use super::{partner, released, world};
use crate::world::PATIENCE;
use crate::world::desk::{Desk, said, transaction};
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::{ROTTERDAM, THE_HAGUE};
use sluis::transport::connector::connect;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message;
use sluis_proto::v1::invoice_audit_service_client::InvoiceAuditServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// An audit that is open as long as the sender lives.
struct Open {
    _lines: mpsc::Sender<v1::AuditInvoiceRequest>,
    replies: Streaming<v1::AuditInvoiceResponse>,
}

async fn open(desk: &Desk) -> Result<Open, Status> {
    let (lines, sent) = mpsc::channel(1);
    let provider_agb = "12345678".to_owned();
    let opening =
        v1::AuditOpening { declaration_number: "D1".to_owned(), provider_agb, actor: "controller".to_owned() };
    let message = Some(Message::Opening(opening));
    lines.send(v1::AuditInvoiceRequest { message }).await.unwrap();
    let request = with_metadata(ReceiverStream::new(sent), &desk.token, transaction()).unwrap();
    let mut client = InvoiceAuditServiceClient::new(desk.channel.clone());
    let mut replies = client.audit_invoice(request).await?.into_inner();
    replies.message().await?.unwrap();
    Ok(Open { _lines: lines, replies })
}

#[tokio::test]
async fn a_stream_keeps_its_place_until_it_ends() {
    let (world, child) = world("calls_at_once = 2").await;
    let (desk, other) = (world.desk(&THE_HAGUE).await, world.desk(&ROTTERDAM).await);
    let streams = [open(&desk).await.unwrap(), open(&desk).await.unwrap()];
    let error = open(&desk).await.map(drop).unwrap_err();
    assert_eq!(said(&error), (Code::ResourceExhausted, "CALLS_AT_ONCE_EXCEEDED".to_owned(), String::new()));
    released(&world.desk(&partner(0)).await, &child).await;
    assert!(open(&other).await.is_ok());
    drop(streams);
    let again = async { while open(&desk).await.is_err() {} };
    tokio::time::timeout(PATIENCE, again).await.expect("the places do not come back");
}

#[tokio::test]
async fn an_organisation_has_so_many_connections() {
    let (world, child) = world("connections = 3").await;
    let (desk, other) = (world.desk(&partner(0)).await, world.desk(&partner(1)).await);
    // The connection for the token may still be closing: what counts is that no more than three stay.
    let mut more = Vec::new();
    for _ in 0..6 {
        let channel = connect(&desk.profile).await.unwrap();
        more.push(Desk { channel, ..desk.clone() });
    }
    let mut open = 0;
    for desk in &more {
        // A connection for which there is no place ends; the channel then tries a new one, which ends too.
        open += u32::from(desk.release(super::question(&child)).await.is_ok());
    }
    assert!((1..=2).contains(&open), "{open} more are open");
    released(&desk, &child).await;
    released(&other, &child).await;
    drop(more);
    let again = async {
        loop {
            let channel = connect(&desk.profile).await.unwrap();
            if (Desk { channel, ..desk.clone() }).release(super::question(&child)).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the places do not come back");
}

#[tokio::test]
async fn a_stream_that_sends_nothing_is_ended() {
    let (world, _) = world("idle_seconds = 1").await;
    let desk = world.desk(&THE_HAGUE).await;
    let mut audit = open(&desk).await.unwrap();
    let end = tokio::time::timeout(PATIENCE, audit.replies.message()).await.expect("it stays open");
    let error = end.unwrap_err();
    assert_eq!(said(&error), (Code::ResourceExhausted, "LIMIT_REACHED".to_owned(), String::new()));
    assert!(error.message().contains("nothing arrived for 1 seconds"), "{error}");
}
