//! Below the messages: too large, cut off, no protobuf, no such method.

use super::Bench;
use crate::world::desk::transaction;
use crate::world::raw::{self, Raw, frames};
use tonic::Code;

const RELEASE: &str = "/sluis.v1.ReleaseService/Release";

/// A call with these bytes, with or without a token.
async fn send(bench: &Bench, path: &str, bytes: Vec<u8>, token: bool) -> Raw {
    let mut headers = vec![("fsc-transaction-id", transaction().to_string())];
    if token {
        headers.push(("authorization", format!("Bearer {}", bench.desk.token)));
    }
    raw::call(&bench.desk.channel, path, &headers, bytes).await
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_the_connection_lives_on() {
    let bench = Bench::open().await;
    let good = frames(&[bench.good()]);
    let mut large = bench.good();
    large.actor = "a".repeat(70 * 1024);
    let mut promised = good.clone();
    promised[4] += 50;
    let mut compressed = good.clone();
    compressed[0] = 1;
    let before = bench.world.size().await;
    for (row, path, bytes, token, code) in [
        ("too large", RELEASE, frames(&[large]), true, Code::InvalidArgument),
        ("a length of four gigabytes", RELEASE, vec![0, 255, 255, 255, 255, 1], true, Code::InvalidArgument),
        ("cut off within the message", RELEASE, promised, true, Code::InvalidArgument),
        ("cut off within the length", RELEASE, good[..3].to_vec(), true, Code::InvalidArgument),
        ("no protobuf", RELEASE, vec![0, 0, 0, 0, 3, 0xff, 0xff, 0xff], true, Code::InvalidArgument),
        ("nothing", RELEASE, Vec::new(), true, Code::InvalidArgument),
        ("an unknown method", "/sluis.v1.ReleaseService/Everything", good.clone(), true, Code::Unimplemented),
        ("an unknown service", "/sluis.v1.DossierService/Read", good.clone(), true, Code::Unimplemented),
        ("an unknown package", "/other.v1.Service/Read", good.clone(), true, Code::Unimplemented),
        (
            "an unknown method, no token",
            "/sluis.v1.ReleaseService/Everything",
            good.clone(),
            false,
            Code::Unauthenticated,
        ),
        ("no token", RELEASE, good.clone(), false, Code::Unauthenticated),
    ] {
        let raw = send(&bench, path, bytes, token).await;
        assert_eq!(raw.value("grpc-status"), Some((code as i32).to_string().as_str()), "{row}: {}", raw.metadata);
        assert!(raw.body.is_empty(), "{row}");
        // What is no message says so by its reason; what is no method is for tonic to say.
        let reason =
            if row.contains("large") || row.contains("gigabytes") { "MESSAGE_TOO_LARGE" } else { "MESSAGE_MALFORMED" };
        assert!(code != Code::InvalidArgument || raw.reason() == Some(reason.to_owned()), "{row}: {}", raw.metadata);
    }
    assert!(send(&bench, RELEASE, compressed, true).await.body.is_empty(), "compressed");
    assert_eq!(bench.world.size().await, before);
    bench.serves(&bench.desk).await;
}
