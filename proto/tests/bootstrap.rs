//! The generated code is checked in and current: this test regenerates it and fails when it differs.
//!
//! `SLUIS_BLESS=1 cargo test -p sluis-proto` writes the new code instead.

use prost::Message;
use std::path::Path;

const PROTOS: [&str; 7] = ["common", "release", "standing", "audit", "log", "enrolment", "disclosure"];

#[test]
fn generated_code_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempdir();
    let files: Vec<_> = PROTOS.iter().map(|p| format!("sluis/v1/{p}.proto")).collect();
    let descriptors = protox::compile(&files, [root]).expect("the protos compile");
    let mut bare = descriptors.clone();
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    std::fs::write(out.join("descriptor.bin"), bare.encode_to_vec()).expect("write descriptor");
    tonic_prost_build::configure().out_dir(&out).bytes(".").compile_fds(descriptors).expect("generate");
    for name in ["sluis.v1.rs", "descriptor.bin"] {
        let fresh = std::fs::read(out.join(name)).expect("read generated");
        let kept = root.join("src/gen").join(name);
        if std::env::var_os("SLUIS_BLESS").is_some() {
            std::fs::write(&kept, &fresh).expect("bless");
        }
        let current = std::fs::read(&kept).unwrap_or_default();
        assert!(current == fresh, "src/gen/{name} is stale: run `SLUIS_BLESS=1 cargo test -p sluis-proto`");
    }
}

fn tempdir() -> std::path::PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gen");
    std::fs::create_dir_all(&dir).expect("create temp dir");
    dir
}
