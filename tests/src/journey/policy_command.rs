//! `sluis policy check`: every shipped policy is without violations, a broken one is refused with its place.

use super::program::{scratch, sluis};
use std::path::Path;

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("gateway/policy")
}

#[test]
fn every_shipped_policy_has_no_violations() {
    for name in ["kracht", "akj", "statutory"] {
        let file = shipped().join(format!("{name}.toml"));
        let said = sluis([Path::new("policy"), Path::new("check"), &file]);
        assert_eq!(said.status, Some(0), "{said:#?}");
        let last = said.out.lines().last().unwrap();
        assert!(last.ends_with(" 0 violations") && !last.starts_with("0 rules"), "{last}");
    }
}

#[test]
fn a_broken_policy_is_refused_with_its_place() {
    let dir = scratch().join(format!("policy-{}", std::process::id()));
    super::place::copy(&shipped(), &dir).unwrap();
    let file = dir.join("kracht.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|line| line.starts_with("restriction = ")).unwrap() + 1;
    std::fs::write(&file, text.replacen("restriction = ", "restrictoin = ", 1)).unwrap();
    let said = sluis([Path::new("policy"), Path::new("check"), &file]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""), "{said:#?}");
    assert!(said.err.contains(&format!("policy:{line}:1: rule[1].restrictoin: unknown key")), "{}", said.err);
    assert!(said.err.contains("faults, refused"), "{}", said.err);

    let said = sluis([Path::new("policy"), Path::new("check"), &dir.join("absent.toml")]);
    assert_eq!(said.status, Some(2), "{said:#?}");
    assert!(said.err.contains("cannot read `"), "{}", said.err);
    std::fs::remove_dir_all(dir).unwrap();
}
