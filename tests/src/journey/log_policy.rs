//! `sluis log policy`: which policy was in force when; what names another one is found, whoever signed it.

use super::consistency::{ask, entries, export, python, rewritten};
use super::load::{World, partner};
use super::place::{Place, copy};
use super::program::{Said, sluis};
use super::reload::numbered;
use sluis::transport::install_cryptography;
use sluis_core::log::leaf::{Key, Leaf};
use tokio::runtime::Runtime;

fn policy(place: &Place, words: &[&str]) -> Said {
    let place_of = |word: &&str| match word.strip_prefix('/') {
        Some(file) => place.file(file).display().to_string(),
        None => (*word).to_owned(),
    };
    sluis(["log".to_owned(), "policy".to_owned()].into_iter().chain(words.iter().map(place_of)))
}

/// A gateway that refuses once under the policy of its folder.
fn serve_and_ask(place: &Place) {
    let gateway = place.serve();
    ask(place, &partner());
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));
}

#[test]
fn every_policy_is_shown_and_another_one_is_found() {
    let place = Place::new("log-policy");
    copy(&place.file("policy"), &place.file("first")).unwrap();
    serve_and_ask(&place);
    let text = std::fs::read_to_string(place.file("policy/kracht.toml")).unwrap();
    std::fs::write(place.file("policy/kracht.toml"), numbered(&text, 2)).unwrap();
    serve_and_ask(&place);
    export(&place, "export");

    let said = policy(&place, &["/export", "--policy", "/policy/kracht.toml"]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    for words in [": policy number 1", ": policy number 2", "1 answers", "the policy given is number 2"] {
        assert!(said.out.contains(words), "`{words}` is not in: {}", said.out);
    }
    assert!(said.out.trim_end().ends_with("2 answers: each names the policy in force"), "{}", said.out);
    let said = policy(&place, &["/export", "--policy", "/first/kracht.toml"]);
    assert!(said.status == Some(0) && said.out.contains("number 1, sha256"), "{said:#?}");
    let (status, text) = python(&["policy", &place.file("export").display().to_string()]);
    assert!(status == Some(0) && text.contains("policy number 2"), "{text}");

    // What the payloads say, decided again under the policy given: the answer under the other one needs that one.
    let again = |file: &str| policy(&place, &["/export", "--policy", file, "--config", "/gateway.toml"]);
    for said in [again("/policy/kracht.toml"), again("/first/kracht.toml")] {
        assert_eq!(said.status, Some(0), "{said:#?}");
        assert!(said.out.contains("1 answers NOT decided again: they name another policy"), "{}", said.out);
        assert!(said.out.trim_end().ends_with("1 answers decided again: each is what the entry says"), "{}", said.out);
    }

    another_file_is_refused(&place);
    a_tampered_export_is_refused(&place);
    an_answer_under_an_older_policy_is_found(&place);
}

#[test]
fn releases_are_decided_again_from_their_payloads() {
    install_cryptography();
    let (place, runtime) = (Place::new("log-policy-again"), Runtime::new().unwrap());
    let gateway = place.serve();
    let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
    assert!(kept.len() >= world.clients().count());
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));
    export(&place, "export");
    let said = policy(&place, &["/export", "--policy", "/policy/kracht.toml", "--config", "/gateway.toml"]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    let last = said.out.trim_end().lines().last().unwrap();
    let decided = last.strip_suffix(" answers decided again: each is what the entry says").expect(last);
    assert!(decided.parse::<usize>().unwrap() >= kept.len(), "{} releases: {last}", kept.len());
}

/// The same number with other words in it is another policy; what is no policy cannot be looked at.
fn another_file_is_refused(place: &Place) {
    copy(&place.file("first"), &place.file("wider")).unwrap();
    place.change("wider/kracht.toml", "privacy_statement = \"", "privacy_statement = \"other ");
    let said = policy(place, &["/export", "--policy", "/wider/kracht.toml"]);
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(said.out.contains("NOT THIS POLICY: ") && said.out.contains("  number 1 of entry "), "{}", said.out);
    for (words, says) in [
        (&["/export", "--policy", "/absent.toml"][..], "absent.toml"),
        (&["/absent"][..], "--vkey"),
        (&["/export", "--policy", "/gateway.toml", "--catalog", "/first/catalog.toml"][..], "cannot read"),
        (&["/export", "--catalog", "/first/catalog.toml"][..], "--policy"),
        (&["/export", "--config", "/gateway.toml"][..], "--policy"),
    ] {
        let said = policy(place, words);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{words:?}: {said:#?}");
        assert!(said.err.contains(says), "{words:?}: `{says}` is not in: {}", said.err);
    }
}

/// Without the log key, a change shows before any policy is looked at.
fn a_tampered_export_is_refused(place: &Place) {
    copy(&place.file("export"), &place.file("tampered")).unwrap();
    let bundles = crate::world::files(&place.file("tampered/tile/entries"), &[]);
    let (name, mut bytes) =
        bundles.into_iter().find(|(_, bytes)| bytes.windows(8).any(|w| w == b"\"POLICY\"")).unwrap();
    let at = bytes.windows(5).position(|w| w == b"\"po\":").unwrap() + 7;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(place.file("tampered/tile/entries").join(name), bytes).unwrap();
    let said = policy(place, &["/tampered"]);
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(said.out.starts_with("NOT VERIFIED: "), "{}", said.out);
}

/// With the log key, an export is sound in itself; the policies say that it is not.
fn an_answer_under_an_older_policy_is_found(place: &Place) {
    let leaves: Vec<Leaf> = entries(&place.file("export")).iter().map(|text| Leaf::decode(text).unwrap()).collect();
    let last = leaves.iter().rev().find_map(|leaf| leaf.text(Key::Po)).unwrap().to_owned();
    let first = leaves.iter().find_map(|leaf| leaf.text(Key::Po)).unwrap().to_owned();
    assert_ne!(first, last);
    let at = rewritten(place, "export", "rewritten", |leaf| leaf.replace(&first, &last));
    let other = place.file("rewritten").display().to_string();
    assert_eq!(sluis(["log", "verify", &other]).status, Some(0), "it must be sound in itself");
    let said = policy(place, &["/rewritten"]);
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(said.out.contains(&format!("OTHER POLICY: entry {at} names policy ")), "{}", said.out);
    assert!(said.out.trim_end().ends_with("1 findings: NOT UNDER THE POLICY IN FORCE"), "{}", said.out);
    let (status, text) = python(&["policy", &other]);
    assert!(status == Some(1) && text.contains(&format!("entry {at}: names another policy")), "{text}");
}
