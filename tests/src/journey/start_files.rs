//! A gateway does not start on a configuration, policy or certificate that is not as it must be, and says why.

use super::place::Place;
use super::program::sluis;
use super::refusal::refused;
use std::net::TcpListener;

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let place = Place::new("unknown-key");
    place.change("gateway.toml", "mode = \"demo\"", "mode = \"demo\"\ncolour = \"red\"");
    refused(&place, &["gateway.toml", "line 2, column 1", "unknown field `colour`"]);

    let place = Place::new("unknown-key-enrolment");
    place.change("organisations.toml", "suspended = false", "suspendde = false");
    refused(&place, &["organisations.toml", "line ", "unknown field `suspendde`"]);
}

#[test]
fn a_missing_file_is_named() {
    let said = sluis(["serve", "--config", "no-such-folder/gateway.toml"]);
    assert_eq!(said.status, Some(2), "{said:#?}");
    assert!(said.err.contains("cannot read `no-such-folder/gateway.toml`"), "{}", said.err);
    for file in
        ["ca.pem", "certs/gateway.pem", "certs/gateway.key", "organisations.toml", "policy/kracht.toml", "token.key"]
    {
        let place = Place::new(&format!("missing-{}", file.replace('/', "-")));
        std::fs::remove_file(place.file(file)).unwrap();
        refused(&place, &[file]);
    }
}

#[test]
fn a_policy_is_refused_with_place_and_reason() {
    let place = Place::new("policy-unknown-key");
    place.change("policy/kracht.toml", "name = \"kracht\"", "name = \"kracht\"\ncolour = \"red\"");
    refused(&place, &["the policy cannot be used", "policy.colour: unknown key `colour`"]);

    let place = Place::new("policy-above-ceiling");
    place.change("policy/kracht.toml", "\"danger_nature\", \"persons_at_risk\"]", "\"danger_nature\", \"bsn\"]");
    refused(
        &place,
        &["the policy cannot be used", "rule[4].fields", "`bsn` is above the ceiling of POLICE/SERIOUS_DANGER"],
    );

    let place = Place::new("policy-twice");
    let text = std::fs::read_to_string(place.file("policy/kracht.toml")).unwrap();
    let second = text.split("# -- 2").nth(1).unwrap().split("# -- 3").next().unwrap().to_owned();
    let second = second.replace("id = \"partner-treatment\"", "id = \"partner-again\"");
    std::fs::write(place.file("policy/kracht.toml"), format!("{text}\n# -- 8{second}")).unwrap();
    refused(&place, &["the policy cannot be used", "rule[8]", "already for CARE_PARTNER/TREATMENT"]);
}

#[test]
fn production_names_every_setting_that_it_refuses() {
    let place = Place::new("production");
    place.change("gateway.toml", "mode = \"demo\"", "mode = \"production\"");
    let settings = [
        "log.anchor: SQLite needs its anchor on other storage",
        "policy.policy: the policy carries no signatures",
        "tls.revocation: no revocation list",
        "listen.transaction_id_required: must be true",
        "enrolment.file: persons sign for who is admitted",
        "organisation.oin: a test OIN",
    ];
    refused(&place, &settings);
    place.change("gateway.toml", "register = \"operators.toml\"", "");
    refused(&place, &["operators.register: no register of operators"]);
}

#[test]
fn a_demo_listens_on_loopback_only() {
    let place = Place::new("loopback");
    let grpc = place.config_read().listen.grpc;
    let (from, to) = (format!("grpc = \"{grpc}\""), format!("grpc = \"0.0.0.0:{}\"", grpc.port()));
    place.change("gateway.toml", &from, &to);
    refused(&place, &["listen on loopback only: use 127.0.0.1"]);
}

#[test]
fn a_port_in_use_is_named() {
    let place = Place::new("port-in-use");
    let token = place.config_read().listen.token.unwrap();
    let _other = TcpListener::bind(token).unwrap();
    refused(&place, &[&format!("cannot listen on {token}"), "is another gateway running?"]);
}
