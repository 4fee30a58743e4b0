//! Over the wire: a release counts as handed over when HTTP/2 takes it, and not when it was only made.

use crate::world::desk::{Desk, transaction};
use crate::world::people::Client;
use crate::world::{Options, PATIENCE, World};
use hyper_util::rt::TokioIo;
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::partners;
use sluis::transport::trust::Protocol;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::Key;
use sluis_proto::v1;
use sluis_proto::v1::release_service_client::ReleaseServiceClient;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

const WORKER: &str = "fs-0001";

/// A channel whose streams give the gateway no room to send anything but headers.
async fn without_room(desk: &Desk) -> Channel {
    let tls = TlsConnector::from(desk.profile.tls(Protocol::Grpc).unwrap());
    let at = desk.profile.endpoint.clone();
    let connect = tower::service_fn(move |_: Uri| {
        let (tls, at) = (tls.clone(), at.clone());
        async move {
            let name = at.rsplit_once(':').unwrap().0.to_owned().try_into().unwrap();
            tls.connect(name, TcpStream::connect(at).await?).await.map(TokioIo::new)
        }
    });
    let endpoint = Endpoint::from_shared(format!("https://{}", desk.profile.endpoint)).unwrap();
    endpoint.initial_stream_window_size(0).connect_with_connector(connect).await.unwrap()
}

/// What the log says of each delivery that went wrong.
async fn outcomes(world: &World, from: u64) -> Vec<String> {
    let mut found = Vec::new();
    for index in from..world.size().await {
        let leaf = world.leaf(index).await;
        if leaf.kind() == LeafKind::Outcome {
            found.push(leaf.list(Key::Rs).unwrap().join(" "));
        }
    }
    found
}

#[tokio::test]
async fn a_release_that_its_caller_never_took_is_aborted() {
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let partner = partners().next().unwrap();
    world.standing(&child, &[child.caseload(partner.oin, WORKER)]).await;
    let desk = world.desk(&partner).await;
    let before = world.size().await;
    desk.release(child.question(v1::Purpose::Treatment, WORKER)).await.unwrap();
    let in_flight = world.listening.gateway.recorder.in_flight();
    let settled = async {
        while in_flight.open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("what was taken is not settled");

    let channel = without_room(&desk).await;
    let question = child.question(v1::Purpose::Treatment, WORKER);
    let request = with_metadata(question, &desk.token, transaction()).unwrap();
    let call = tokio::spawn(async move { ReleaseServiceClient::new(channel).release(request).await });
    let waited = async {
        while in_flight.open() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        call.abort();
        while outcomes(&world, before).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("no outcome was recorded");
    assert_eq!(outcomes(&world, before).await, ["ABORTED"], "and of what was taken nothing");
}
