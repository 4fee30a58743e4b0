//! A policy is replaced while calls run: each call is decided under one of the two, and none fails.

use super::super::evidence::Export;
use super::callers::Load;
use super::scene::{Scene, bystander};
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use std::collections::BTreeSet;

/// A policy text of number 1 under this number.
pub fn numbered(policy: &str, number: u32) -> String {
    let previous = format!("previous = \"sha256:{}\"", "0".repeat(64));
    let numbered = policy.replacen("version = 1\n", &format!("version = {number}\n{previous}\n"), 1);
    assert_ne!(numbered, policy, "the policy has another first line");
    numbered
}

#[test]
fn a_policy_is_replaced_under_running_calls_and_never_goes_back() {
    let scene = Scene::set("policy-replaced");
    let world = scene.world();
    let load = Load::begin(&scene, &world, 8);
    load.goes_on(40);
    let first = std::fs::read_to_string(scene.place.file("policy/kracht.toml")).unwrap();
    scene.put("policy/kracht.toml", &numbered(&first, 2));
    scene.hears(&["taken over", "policy number 2"]);
    load.goes_on(40);
    // The first one again: its number is below the highest seen.
    scene.put("policy/kracht.toml", &first);
    scene.hears(&["RELOAD_REFUSED", "older than the one in force"]);
    load.goes_on(40);
    scene.put("policy/kracht.toml", &numbered(&first, 3));
    scene.hears(&["taken over", "policy number 3"]);
    scene.hears(&["condition cleared", "RELOAD_REFUSED"]);
    load.goes_on(40);
    let answered = load.end(&scene);
    assert!(answered >= 160);

    let export = Export::take(&scene.place, &scene.place.file("export"), &world.vkey).unwrap();
    let leaves: Vec<Leaf> = export.leaves.iter().map(|leaf| Leaf::decode(leaf).unwrap()).collect();
    let policies: Vec<&str> =
        leaves.iter().filter(|l| l.kind() == LeafKind::Policy).filter_map(|l| l.text(Key::Po)).collect();
    assert_eq!(policies.len(), 3, "three policies became active: {policies:?}");
    let released = leaves.iter().filter(|l| l.kind() == LeafKind::Release).filter_map(|l| l.text(Key::Po));
    assert_eq!(released.collect::<BTreeSet<_>>(), policies.into_iter().collect::<BTreeSet<_>>());
    // Between two entries of policies every release names the first of the two.
    let mut active = None;
    for leaf in &leaves {
        match leaf.kind() {
            LeafKind::Policy => active = leaf.text(Key::Po),
            LeafKind::Release => assert_eq!(leaf.text(Key::Po), active, "entry {}", leaf.index()),
            _ => {}
        }
    }
}

/// Who is suspended in the file is out at the next call; the others notice nothing.
#[test]
fn an_organisation_that_is_suspended_in_the_file_is_out_at_its_next_call() {
    let scene = Scene::set("suspended");
    let world = scene.world();
    let load = Load::begin(&scene, &world, 2);
    let shut_out = scene.connect(&bystander());
    scene.ask(&shut_out).unwrap();
    let file = std::fs::read_to_string(scene.place.file("organisations.toml")).unwrap();
    let (before, after) = file.split_once(bystander().oin).unwrap();
    scene.put(
        "organisations.toml",
        &format!("{before}{}{}", bystander().oin, after.replacen("suspended = false", "suspended = true", 1)),
    );
    scene.hears(&["taken over", "organisations.toml", "1 organisations"]);
    scene.ask(&shut_out).expect_err("a call of a suspended organisation");
    load.goes_on(10);
    load.end(&scene);
}
