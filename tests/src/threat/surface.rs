//! What an operator and a compromised replica can reach.

use super::{Place, client, desk, partner};
use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Messages that carry what stands in a dossier.
const DOSSIER: [&str; 3] = ["Extract", "Released", "FieldValue"];
/// The only methods that may answer with them.
const MAY: [&str; 2] = ["Release", "AuditInvoice"];
/// Where in the gateway the dossier's source is named: conduct of releases and audits, and where it is assembled.
const SOURCE_MAY: [&str; 4] = ["release.rs", "gateway.rs", "fault.rs", "operation/watched.rs"];

/// Every message that can be reached from this one.
fn reached(from: &str, all: &BTreeMap<String, DescriptorProto>, seen: &mut BTreeSet<String>) {
    if !seen.insert(from.to_owned()) {
        return;
    }
    for field in all.get(from).into_iter().flat_map(|message| &message.field) {
        if field.r#type() == Type::Message {
            reached(field.type_name(), all, seen);
        }
    }
}

#[test]
fn t29_no_method_but_release_and_audit_answers_with_a_dossier() {
    let set = FileDescriptorSet::decode(sluis_proto::DESCRIPTORS).unwrap();
    let named = |file: &prost_types::FileDescriptorProto| {
        let package = file.package().to_owned();
        file.message_type.clone().into_iter().map(move |m| (format!(".{package}.{}", m.name()), m)).collect::<Vec<_>>()
    };
    let all: BTreeMap<_, _> = set.file.iter().flat_map(named).collect();
    let methods: Vec<_> = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method).collect();
    assert!(methods.len() > 8 && all.len() > 20);
    let mut answering = BTreeSet::new();
    for method in methods {
        let mut seen = BTreeSet::new();
        reached(method.output_type(), &all, &mut seen);
        let carries = |name: &&str| seen.contains(&format!(".sluis.v1.{name}"));
        let findings = seen.iter().any(|name| name.ends_with(".LineFinding"));
        if findings || DOSSIER.iter().any(carries) {
            answering.insert(method.name().to_owned());
        }
    }
    assert_eq!(answering, MAY.map(str::to_owned).into());
}

/// No command reads a dossier by itself: `ask` and `audit` are the recipient's side and go over the wire.
#[test]
fn t29_no_command_and_no_page_reads_the_source() {
    fn walk(dir: &Path, root: &Path, naming: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.ends_with("demo") {
                // Makes up its own people and uses the wire only, which a rule of the house sees to.
                continue;
            }
            if entry.is_dir() {
                walk(&entry, root, naming);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                if ["DossierSource", "gateway.dossier", "self.dossier", "DossierError"]
                    .iter()
                    .any(|words| text.contains(words))
                {
                    naming.insert(entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src");
    let mut naming = BTreeSet::new();
    walk(&root, &root, &mut naming);
    let beyond: Vec<_> = naming.iter().filter(|file| !SOURCE_MAY.contains(&file.as_str())).collect();
    assert!(naming.contains("release.rs") && beyond.is_empty(), "the source is named in {beyond:?}");
}

/// The replica's own handle on the holder's database cannot write, whatever code runs in the replica.
#[tokio::test]
async fn t30_a_replica_holds_the_source_open_for_reading_only() {
    let place = Place::new("t30");
    let gateway = place.serve();
    let own = desk(&place, &partner(0)).await;
    client(&place, &own).await;
    let holder = std::fs::canonicalize(place.config_read().holder.database).unwrap();
    let process = Path::new("/proc").join(gateway.id().to_string());
    let mut handles = 0;
    for entry in std::fs::read_dir(process.join("fd")).unwrap().map(|entry| entry.unwrap()) {
        if std::fs::read_link(entry.path()).is_ok_and(|file| file == holder) {
            let info = std::fs::read_to_string(process.join("fdinfo").join(entry.file_name())).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim().to_owned();
            assert_eq!(u32::from_str_radix(&flags, 8).unwrap() & 3, 0, "opened for writing: {info}");
            handles += 1;
        }
    }
    assert!(handles > 0, "the holder's database is not open");
}
