//! The real binary at its end: it says so first, finishes what is in progress, and loses nothing.

use super::evidence::Export;
use super::load::{Came, World, connect, transaction};
use super::place::Place;
use super::program::Running;
use super::watchtower::Watchtower;
use sluis::demo::organisations::THE_HAGUE;
use sluis::transport::install_cryptography;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use sluis_proto::v1::audit_invoice_response::Message as Reply;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};
use tonic_types::StatusExt;

struct Stream {
    replies: Streaming<v1::AuditInvoiceResponse>,
    /// Held open: the client is not done.
    _lines: mpsc::Sender<v1::AuditInvoiceRequest>,
}

/// An audit that was opened and waits for lines.
async fn open_audit(place: &Place) -> Stream {
    let connection = connect(place, &THE_HAGUE).await;
    let (lines, stream) = mpsc::channel(4);
    let opening = v1::AuditOpening {
        declaration_number: "D1".to_owned(),
        provider_agb: "12345678".to_owned(),
        actor: "controller-1".to_owned(),
    };
    lines.send(v1::AuditInvoiceRequest { message: Some(Sent::Opening(opening)) }).await.unwrap();
    let request = connection.request(ReceiverStream::new(stream), transaction()).await.unwrap();
    let mut replies = connection.audits().audit_invoice(request).await.unwrap().into_inner();
    let opened = replies.message().await.unwrap().unwrap().message;
    assert!(matches!(opened, Some(Reply::Opened(_))), "{opened:?}");
    Stream { replies, _lines: lines }
}

fn outcomes(export: &Export) -> Vec<String> {
    let leaves = export.leaves.iter().map(|leaf| Leaf::decode(leaf).unwrap());
    let outcomes = leaves.filter(|leaf| leaf.kind() == LeafKind::Outcome);
    outcomes.flat_map(|leaf| leaf.list(Key::Rs).unwrap().to_vec()).collect()
}

#[test]
fn what_is_in_progress_finishes_and_the_next_start_finds_nothing_open() {
    ends_and_leaves_nothing_open("ending-load", "0");
}

#[test]
fn what_is_in_progress_in_two_lanes_finishes_too() {
    ends_and_leaves_nothing_open("ending-load-lanes", "2");
}

fn ends_and_leaves_nothing_open(name: &str, runtimes: &str) {
    install_cryptography();
    let (place, runtime) = (Place::new(name), Runtime::new().unwrap());
    let tower = Watchtower::build(&place, &[("stop_delay_s", "1"), ("runtimes", runtimes)]);
    let gateway = place.serve();
    let (world, mut kept) = runtime.block_on(World::lay(&place, &gateway));
    let before = kept.len();
    let came = runtime.block_on(async {
        let callers = world.begin(&place, 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway.signal("TERM");
        let seen = tokio::task::spawn_blocking(move || tower.until(503, "ENDING: ")).await.unwrap();
        assert_eq!(lanes_that_work(gateway.id()), runtimes.parse::<usize>().unwrap());
        assert!(seen.starts_with("not ready"), "{seen}");
        callers.join_all().await
    });
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    for came in came.into_iter().flatten() {
        match came {
            Came::Kept(one, _) => kept.push(one),
            Came::Broken(..) => {}
            Came::Wrong(text) => panic!("{text}"),
        }
    }
    assert!(kept.len() > before + 20, "hardly a call was made while it ended");
    let again = place.serve();
    let export = Export::take(&place, &place.file("export"), &world.vkey).unwrap();
    export.bears_out(&kept).unwrap();
    let unknown = outcomes(&export).into_iter().filter(|outcome| outcome == "UNKNOWN").count();
    assert_eq!(unknown, 0, "a release was left without an outcome by an orderly end");
    again.signal("TERM");
    assert_eq!(again.end().status, Some(0));
}

/// How many lanes of this process have spent time on a processor, and not only at their start.
fn lanes_that_work(process: u32) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let works = |thread: &PathBuf| {
        let read = |name| std::fs::read_to_string(thread.join(name)).unwrap_or_default();
        let nanoseconds = read("schedstat").split(' ').next().and_then(|n| n.parse::<u64>().ok());
        read("comm").starts_with("sluis-lane-") && nanoseconds > Some(5_000_000)
    };
    threads.map(|thread| thread.unwrap().path()).filter(works).count()
}

#[test]
fn a_stream_longer_than_the_bound_ends_with_unavailable_and_is_recorded() {
    stream_ends_and_is_recorded("ending-stream", "0");
}

#[test]
fn a_stream_in_a_lane_ends_with_unavailable_too() {
    stream_ends_and_is_recorded("ending-stream-lanes", "2");
}

fn stream_ends_and_is_recorded(name: &str, runtimes: &str) {
    install_cryptography();
    let (place, runtime) = (Place::new(name), Runtime::new().unwrap());
    Watchtower::build(&place, &[("stop_within_s", "1"), ("runtimes", runtimes)]);
    let gateway = place.serve();
    let vkey = runtime.block_on(async { connect(&place, &THE_HAGUE).await.verifier_key().await.unwrap() });
    let mut stream = runtime.block_on(open_audit(&place));
    gateway.signal("TERM");
    let status = runtime.block_on(stream.replies.message()).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "GATEWAY_ENDING");
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    let export = Export::take(&place, &place.file("export"), &vkey).unwrap();
    let closed = export.leaves.iter().any(|leaf| Leaf::decode(leaf).unwrap().kind() == LeafKind::AuditClose);
    assert!(closed, "the log does not say how far the audit came");
}

#[test]
fn a_second_signal_ends_at_once() {
    install_cryptography();
    let (place, runtime) = (Place::new("ending-twice"), Runtime::new().unwrap());
    Watchtower::build(&place, &[("stop_within_s", "3600")]);
    let mut gateway: Running = place.serve();
    let stream = runtime.block_on(open_audit(&place));
    gateway.signal("TERM");
    assert!(gateway.wait_for("ending: calls in progress finish first").is_some());
    gateway.signal("TERM");
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    drop(stream);
}
