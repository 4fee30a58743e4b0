//! The metrics page of the real binary: Prometheus can read it, it counts what happened, and it names nobody.

use super::load::{World, connect, dossier, partner, transaction};
use super::place::Place;
use super::watchtower::{Watchtower, serve_at};
use sluis::demo::organisations::THE_HAGUE;
use sluis::transport::install_cryptography;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use tokio::runtime::Runtime;

/// Reads a page as Prometheus does: every family with its type, and every sample.
fn parsed(page: &str) -> Vec<String> {
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("metrics_page.py");
    let mut command = Command::new(&python);
    let command = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}\n{page}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every value of the holder's database that tells a person, of those who are asked about, and who asks.
fn personal(place: &Place, clients: &[String]) -> BTreeSet<String> {
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let mut values = BTreeSet::from(["fs-journey".to_owned()]);
    for client in clients {
        let mut statement = holder.prepare("SELECT * FROM client WHERE client_number = ?1").unwrap();
        let columns = statement.column_names().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let row = statement.query_row([client], |row| {
            (0..columns.len()).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect::<Result<Vec<_>, _>>()
        });
        for (column, value) in columns.iter().zip(row.unwrap()) {
            let rusqlite::types::Value::Text(text) = value else { continue };
            let telling = ["client_number", "bsn", "phone", "email", "street", "birth_date", "last_name"];
            if telling.contains(&column.as_str()) && text.len() > 5 {
                values.insert(text);
            }
        }
    }
    assert!(values.len() > 4 * clients.len(), "{values:?}");
    values
}

#[test]
fn the_page_counts_what_happened_and_names_nobody() {
    install_cryptography();
    let (place, runtime) = (Place::new("metrics"), Runtime::new().unwrap());
    let tower = Watchtower::build(&place, &[]);
    let gateway = serve_at(&place, "info,sluis=trace,sluis_core=trace,sluis_adapters=trace");
    let (world, _) = runtime.block_on(World::lay(&place, &gateway));
    let clients: Vec<String> = world.clients().cloned().collect();
    runtime.block_on(async {
        let partner = connect(&place, &partner()).await;
        for client in clients.iter().take(3) {
            partner.ask(&dossier(client), transaction()).await.unwrap();
        }
        let stranger = connect(&place, &THE_HAGUE).await;
        stranger.ask(&dossier(&clients[0]), transaction()).await.unwrap();
    });
    let released =
        tower.number("sluis_calls_total{service=\"sluis.v1.ReleaseService\",method=\"Release\",code=\"OK\"}");
    assert!(released >= 4.0 + clients.len() as f64, "{released}");
    assert!(tower.number("sluis_log_size") > tower.number("sluis_append_seconds_count"));
    assert!(tower.number("sluis_tokens_total{result=\"ok\"}") >= released);
    assert!(tower.number("sluis_connections_accepted_total") >= 4.0);
    assert!(tower.number("sluis_token_requests_total{status=\"200\"}") >= 3.0);
    assert_eq!(tower.number("sluis_ready"), 1.0);

    let page = tower.metrics();
    let lines = parsed(&page);
    assert!(lines.iter().any(|l| l.starts_with("family sluis_call_seconds histogram")), "{lines:#?}");
    let families = lines.iter().filter_map(|line| line.strip_prefix("family ")?.split(' ').next());
    let explained =
        crate::operator_guide::rows("Metrics").into_iter().flat_map(|(names, _)| names).collect::<BTreeSet<_>>();
    let shown = families.map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(explained, shown, "docs/operator-guide.md, Metrics");
    // Who asked what moves when the hour or the day is over, and neither is (A23).
    for silent in ["sluis_decisions_total{", "sluis_organisation_calls_total{", "sluis_entries_total{"] {
        assert!(!page.contains(silent), "{silent} shows the minute of a question");
    }
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.err.contains("sluis::call"), "no line per call: {}", said.err);
    for value in personal(&place, &clients) {
        assert!(!page.contains(&value), "`{value}` is on the metrics page");
        assert!(!said.err.contains(&value), "`{value}` is in the log lines");
    }
}

/// What a line about a call may say (docs/decisions/0016): nothing that tells who asked about whom for what.
const SAID_OF_A_CALL: &[&str] = &[
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "method",
    "code",
    "micros",
    "outcome",
    "entry",
    "transaction_id",
];

#[test]
fn log_lines_are_json_and_say_no_more_than_they_may() {
    install_cryptography();
    let (place, runtime) = (Place::new("json-lines"), Runtime::new().unwrap());
    Watchtower::build(&place, &[("log", "\"json\"")]);
    let gateway = place.serve();
    let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0), "{said:#?}");
    let mut calls = 0;
    for line in said.err.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        if line["target"] == "sluis::call" {
            calls += 1;
            let keys = line.as_object().unwrap().keys();
            let more: Vec<_> = keys.filter(|key| !SAID_OF_A_CALL.contains(&key.as_str())).collect();
            assert!(more.is_empty(), "a line about a call says {more:?} too");
        }
    }
    assert!(calls >= kept.len(), "{calls} lines for {} replies", kept.len());
    let released = said.err.lines().filter(|line| line.contains("\"outcome\":\"released\"")).count();
    assert_eq!(released, world.clients().count(), "each release has its line");
}
