//! Who issues tokens is one of two, and a start says what is wrong with it.

use super::ground::{Inway, consumer};
use crate::journey::program::sluis;
use crate::journey::refusal::refused;
use crate::world::manager::Manager;
use std::net::TcpListener;

#[test]
fn an_issuer_that_cannot_be_used_is_named() {
    let inway = Inway::new("fsc-start", |_| ());
    let place = &inway.place;
    let whole = std::fs::read_to_string(place.config()).unwrap();
    place.change("gateway.toml", "[token]", "[token]\nkey = \"token.key\"");
    refused(place, &["gateway.toml", "two issuers of tokens"]);
    std::fs::write(place.config(), whole.replace("[listen]", "[listen]\ntoken = \"127.0.0.1:1\"")).unwrap();
    refused(place, &["gateway.toml", "remove `listen.token`"]);
    std::fs::write(place.config(), whole.replace("manager.pem", "absent.pem")).unwrap();
    refused(place, &["cannot read signing certificate", "absent.pem"]);
    std::fs::write(place.config(), &whole).unwrap();
    std::fs::write(place.file("manager.pem"), Manager::new(consumer().oin).certificate).unwrap();
    refused(place, &["manager.pem", "`organisation.oin`"]);
}

#[test]
fn with_a_manager_nothing_listens_for_token_requests_and_no_key_is_made() {
    let inway = Inway::new("fsc-silent", |_| ());
    let place = &inway.place;
    for made in ["token.key", "log.key", "master.key", "log.db", "keys.db", "log.anchor", "wrapping/1.key"] {
        std::fs::remove_file(place.file(made)).unwrap();
    }
    let init = sluis(["init".as_ref(), "--config".as_ref(), place.config().as_os_str()]);
    assert_eq!(init.status, Some(0), "{init:#?}");
    assert!(place.file("log.key").exists() && !place.file("token.key").exists() && !init.out.contains("token.key"));
    let gateway = inway.serve();
    let old = place.profile(&consumer()).token_endpoint;
    let port = old.trim_start_matches("https://").trim_end_matches("/token").to_owned();
    assert!(TcpListener::bind(port).is_ok(), "somebody listens at {old}");
    gateway.signal("TERM");
    let said = gateway.end();
    assert_eq!(said.status, Some(0), "{said:#?}");
}
