//! Too much: floods of refused calls, bombs and giants.

use super::{Place, RELEASE, client, desk, partner, question, size};
use crate::world::desk::{Desk, said};
use crate::world::raw;
use sluis_proto::v1;
use tonic::Code;

/// A flood of calls that are refused grows the log by one entry, which says how many.
#[tokio::test]
async fn t25_a_flood_of_refused_calls_is_one_entry_with_the_exact_number() {
    const FLOOD: u64 = 2000;
    let place = Place::new("t25");
    let gateway = place.serve();
    let (own, other) = (desk(&place, &partner(0)).await, desk(&place, &partner(1)).await);
    let before = size(&own).await;
    let flooding: Vec<_> = (0..8)
        .map(|_| {
            let desk = Desk { token: own.token.clone(), ..other.clone() };
            tokio::spawn(async move {
                for _ in 0..FLOOD / 8 {
                    let error = desk.release(question("none", v1::Purpose::Treatment)).await.unwrap_err();
                    assert_eq!(said(&error).0, Code::Unauthenticated);
                }
            })
        })
        .collect();
    for task in flooding {
        task.await.unwrap();
    }
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
    let log = rusqlite::Connection::open(place.config_read().log.database.unwrap()).unwrap();
    let mut rows = log.prepare("SELECT leaf FROM log_leaf WHERE (row & 1099511627775) >= ?1 ORDER BY row").unwrap();
    let leaves: Vec<String> =
        rows.query_map([i64::try_from(before).unwrap()], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let counted: u64 = leaves
        .iter()
        .map(|leaf| {
            let leaf: serde_json::Value = serde_json::from_str(leaf).unwrap();
            assert_eq!(leaf["k"], "ADMIN", "{leaf}");
            leaf["n"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(counted, FLOOD);
    // One a minute: the flood takes some seconds, on a busy machine perhaps more.
    assert!(leaves.len() <= 3, "{leaves:#?}");
}

/// Compressed requests are refused before they are inflated; giants before they are read.
#[tokio::test]
async fn t28_bombs_and_giants_are_refused_and_the_connection_lives_on() {
    let place = Place::new("t28");
    let gateway = place.serve();
    let own = desk(&place, &partner(0)).await;
    let client = client(&place, &own).await;
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().to_owned();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = memory();
    // A block of deflate that says "the last byte again" 258 times per three bits: a thousand bytes for each that is sent.
    let bomb = vec![0xed; 60_000];
    for encoding in ["gzip", "deflate", "zstd", "snappy", "identity", "br"] {
        let mut framed = vec![1];
        framed.extend(u32::try_from(bomb.len()).unwrap().to_be_bytes());
        framed.extend(&bomb);
        let headers = [("authorization", format!("Bearer {}", own.token)), ("grpc-encoding", encoding.to_owned())];
        let raw = raw::call(&own.channel, RELEASE, &headers, framed).await;
        assert!(raw.body.is_empty(), "{encoding}");
        assert_eq!(raw.reason().as_deref(), Some("MESSAGE_MALFORMED"), "{encoding}: {}", raw.metadata);
    }
    for length in [64 * 1024 + 1, 1 << 30, u32::MAX] {
        let mut framed = vec![0];
        framed.extend(length.to_be_bytes());
        framed.extend(vec![b'x'; 64 * 1024]);
        let headers = [("authorization", format!("Bearer {}", own.token))];
        let raw = raw::call(&own.channel, RELEASE, &headers, framed).await;
        assert_eq!(raw.reason().as_deref(), Some("MESSAGE_TOO_LARGE"), "{length}: {}", raw.metadata);
    }
    assert!(memory() < before + 32 * 1024, "memory went from {before} to {} kB", memory());
    assert!(own.release(question(&client, v1::Purpose::Treatment)).await.is_ok());
}
