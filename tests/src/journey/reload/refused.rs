//! What cannot be used changes nothing: the one before stays, the file and the reason are named, and it heals by itself.

use super::super::load::partner;
use super::scene::{Scene, asker, authority, bystander, certificate, now};
use sluis::demo::organisations::HOLDER_OIN;
use std::time::Duration;

/// Writes in place, as careless hands do; the gateway sees it at some moment.
fn scribble(scene: &Scene, name: &str, text: &str) {
    std::fs::write(scene.place.file(name), text).unwrap();
}

/// A file is spoiled: the reason is said, calls go on; then it is put back.
fn spoiled(scene: &Scene, name: &str, text: &str, words: &[&str]) {
    let good = std::fs::read_to_string(scene.place.file(name)).unwrap();
    let before = scene.gateway.heard().len();
    scribble(scene, name, text);
    let mut words = words.to_vec();
    words.extend(["condition raised", "RELOAD_REFUSED", name, "stays in force"]);
    scene.hears_after(before, &words);
    scene.ask(&scene.connect(&bystander())).unwrap_or_else(|error| panic!("{name}: a call failed: {error}"));
    let before = scene.gateway.heard().len();
    scribble(scene, name, &good);
    scene.hears_after(before, &["condition cleared", "RELOAD_REFUSED"]);
}

#[test]
fn certificates_and_keys_that_cannot_be_used_change_nothing() {
    let scene = Scene::set("bad-certificates");
    let certificate_now = std::fs::read_to_string(scene.place.file("certs/gateway.pem")).unwrap();
    let other = certificate(&scene.authority, "gateway", HOLDER_OIN);
    let half = &certificate_now[..certificate_now.len() / 2];
    spoiled(&scene, "certs/gateway.pem", half, &["certificate and key", "CERTIFICATE"]);
    spoiled(&scene, "certs/gateway.pem", "", &["no usable certificate"]);
    spoiled(&scene, "certs/gateway.pem", &other.cert_pem, &["belong together", "gateway.key"]);
    spoiled(&scene, "certs/gateway.key", &other.key_pem, &["belong together", "gateway.pem"]);
    spoiled(&scene, "callers.pem", &scene.authority.cert_pem()[..200], &["no usable authority certificate"]);
    spoiled(&scene, "token.key", "no key", &["token key", "PRIVATE KEY"]);
}

#[test]
fn lists_that_cannot_be_used_change_nothing() {
    let scene = Scene::set("bad-lists");
    let (ours, day) = (&scene.authority, Duration::from_secs(24 * 3600));
    scene.put("crl.pem", &scene.list(2000, &[&asker()]));
    scene.hears(&["taken over", "crl.pem"]);
    let of = |serials: &[&[u8]], number, from, until| ours.revocation_list_at(serials, number, from, until).unwrap();
    let good = of(&[], 2001, now(), now() + day);
    spoiled(&scene, "crl.pem", &good[..good.len() / 2], &["no usable revocation list"]);
    spoiled(&scene, "crl.pem", &of(&[], 2001, now() - day, now() - day / 2), &["it ended at", "fetch the present one"]);
    spoiled(&scene, "crl.pem", &of(&[], 1999, now(), now() + day), &["it is number 1999", "older than number 2000"]);
    for other in [authority("another authority"), authority("journey authority")] {
        let list = other.revocation_list_at(&[], 2001, now(), now() + day).unwrap();
        spoiled(&scene, "crl.pem", &list, &["no authority in", "callers.pem", "signed the list"]);
    }
    // Through all of this the revoked one stayed out.
    let profile = scene.place.profile(&partner());
    let late = scene.runtime.block_on(sluis::token::client::fetch_token(&profile, 0));
    assert!(late.is_err(), "a revoked certificate got a token");
}

#[test]
fn rules_that_cannot_be_used_change_nothing() {
    let scene = Scene::set("bad-rules");
    let policy = std::fs::read_to_string(scene.place.file("policy/kracht.toml")).unwrap();
    let above = policy.replace("\"danger_nature\", \"persons_at_risk\"]", "\"danger_nature\", \"bsn\"]");
    spoiled(&scene, "policy/kracht.toml", &above, &["above the ceiling"]);
    spoiled(&scene, "policy/kracht.toml", &policy[..policy.len() / 2], &["policy", "cannot be used"]);
    // The same number with another content is no newer policy.
    let changed = policy.replace("KR-VR-017", "KR-VR-018");
    spoiled(&scene, "policy/kracht.toml", &changed, &["older than the one in force", "raise its `version`"]);
    let enrolments = std::fs::read_to_string(scene.place.file("organisations.toml")).unwrap();
    let misspelt = enrolments.replace("suspended = false", "suspendde = false");
    spoiled(&scene, "organisations.toml", &misspelt, &["unknown field `suspendde`"]);
}

#[test]
fn a_file_that_goes_away_is_named_and_tried_again_when_asked() {
    let scene = Scene::set("gone");
    let (file, beside) = (scene.place.file("certs/gateway.key"), scene.place.file("certs/beside"));
    std::fs::rename(&file, &beside).unwrap();
    scene.gateway.signal("HUP");
    scene.hears(&["RELOAD_REFUSED", "cannot read private key", "gateway.key", "check the path"]);
    std::fs::rename(&beside, &file).unwrap();
    scene.gateway.signal("HUP");
    scene.hears(&["condition cleared", "RELOAD_REFUSED"]);
    scene.ask(&scene.connect(&bystander())).unwrap();
}
