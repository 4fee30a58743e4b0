//! What the program says beside its answers: nothing about anybody, at any level, and no memory in files.

use crate::canary::betrayed;
use crate::canary::cases::cases;
use crate::journey::place::free_port;
use crate::journey::program::{Running, sluis};
use crate::world::Options;
use crate::world::desk::Desk;
use crate::world::folder::Folder;
use sluis::client::standing::on_wire;
use sluis::demo::organisations::DOSSIER_SYSTEM;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

/// Every column of the holder's database holds a value of its own; every rule is asked at the most talkative level, and then
/// with messages that make things go wrong. What was written to the streams is searched for every value.
#[tokio::test]
async fn t20_no_line_at_any_level_and_no_dump_names_anybody() {
    let cases = cases();
    let mut folder = Folder::make(&Options::with(cases.iter().map(|c| c.client.clone()).collect()));
    let at = || SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(free_port()).unwrap()));
    let (grpc, token) = (at(), at());
    (folder.config.listen.grpc, folder.config.listen.token) = (grpc, Some(token));
    let config = folder.dir.join("gateway.toml");
    std::fs::write(&config, toml::to_string(&folder.config).unwrap()).unwrap();
    let init = sluis([std::path::Path::new("init"), std::path::Path::new("--config"), &config]);
    assert_eq!(init.status, Some(0), "{init:#?}");
    let program = crate::journey::program::program();
    let mut command = Command::new(program);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").args(["serve", "--config"]).arg(&config);
    let mut gateway = Running::start(&mut command);
    gateway.wait_for("ready").unwrap();

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "core dumps are on");

    let system = Desk::open(folder.profile(DOSSIER_SYSTEM.slug, DOSSIER_SYSTEM.oin, grpc, token)).await;
    for case in &cases {
        for change in &case.standing {
            let (kind, on) = on_wire(change);
            system.record(case.client.by_number(), kind, on).await.unwrap();
        }
        let desk = Desk::open(folder.profile(case.who.slug, case.who.oin, grpc, token)).await;
        let raw = case.ask(&desk, None).await;
        assert!(!raw.body.is_empty(), "{}: {}", case.name, raw.metadata);
        case.explain(&desk).await;
        // What is wrong with a question must not be repeated either.
        let mut spoiled = case.client.question(sluis_proto::v1::Purpose::Treatment, "a b");
        spoiled.subject = Some(case.client.by_bsn());
        assert!(desk.release(spoiled).await.is_err());
    }
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0));
    assert!(said.err.len() > 100_000 || said.out.len() > 100_000, "hardly a line was written");
    for (stream, text) in [("standard output", &said.out), ("standard error", &said.err)] {
        assert_eq!(betrayed(text.as_bytes(), &cases), Vec::<String>::new(), "on {stream}");
    }
}
