//! Everything is replaced every tenth of a second under a steady load: no call fails.

use super::callers::Load;
use super::rules::numbered;
use super::scene::{PATIENCE, Scene, authority, bystander, certificate, keep};
use sluis::demo::organisations::HOLDER_OIN;
use sluis::operation::stopwatch::Stopwatch;
use sluis::token::keys::SigningKey;
use std::time::Duration;

/// How often everything is replaced at least.
const ROUNDS: u32 = 40;
/// How often each piece must have been taken over; what changes while one is proven is taken over together afterwards.
const TIMES: usize = 3;

#[test]
fn everything_is_replaced_again_and_again_under_load_and_no_call_fails() {
    let scene = Scene::set("everything");
    let world = scene.world();
    let policy = std::fs::read_to_string(scene.place.file("policy/kracht.toml")).unwrap();
    let enrolments = std::fs::read_to_string(scene.place.file("organisations.toml")).unwrap();
    let load = Load::begin(&scene, &world, 16);
    load.goes_on(16);
    let times = |piece: &str| scene.gateway.heard().matches(&format!("taken over piece=\"{piece}\"")).count();
    let pieces = ["certificate and key", "authorities and revocation lists", "token key", "policy", "enrolments"];
    let (mut round, begin) = (0, Stopwatch::start());
    while round < ROUNDS || pieces.iter().any(|piece| times(piece) < TIMES) {
        round += 1;
        assert!(begin.elapsed() < PATIENCE, "not everything was taken over:\n{}", scene.gateway.heard());
        keep(&scene.place, "gateway", &certificate(&scene.authority, "gateway", HOLDER_OIN));
        let joining = authority(&format!("authority {round}"));
        scene.put("callers.pem", &format!("{}{}", scene.authority.cert_pem(), joining.cert_pem()));
        scene.put("crl.pem", &scene.list(1000 + u64::from(round), &[]));
        scene.put("token.key", &SigningKey::generate().unwrap().to_pem());
        scene.put("policy/kracht.toml", &numbered(&policy, 1 + round));
        scene.put("organisations.toml", &enrolments.replace("demo/politie", &format!("demo/politie/{round}")));
        scene.gateway.signal("HUP");
        std::thread::sleep(Duration::from_millis(100));
    }
    let last = format!("policy number {}", 1 + round);
    scene.hears(&["taken over", &last]);
    load.goes_on(32);
    // Who comes now finds everything as it is now.
    scene.ask(&scene.connect(&bystander())).unwrap();
    let answered = load.end(&scene);
    println!("{answered} calls, none failed; taken over: {:?}", pieces.map(|piece| (piece, times(piece))));
    assert!(!scene.heard(&["connection cut"]), "{}", scene.gateway.heard());
}
