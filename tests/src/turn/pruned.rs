//! The end of a term, as an operator and an auditor see it: what holds a shard is named, what goes is gone, and everybody who
//! verifies accepts what is left, and nothing else.

use super::chain::{copy, python};
use super::scrub::pass;
use super::{MovedClock, SystemClock, record};
use crate::conduct::{House, caseload, child};
use crate::journey::program::sluis;
use crate::world::PATIENCE;
use sluis::client::chain::{verify_all, verify_history};
use sluis::compose::pruning::{PruneFault, Removed, Removing, Status, prune, status};
use sluis::compose::retention::{Destroying, retain};
use sluis::compose::subject::hold;
use sluis::compose::{self, assemble_at};
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::finalise::Head;
use sluis_core::log::receipt::{Receipt, verify_text};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::{Clock, Signer};
use sluis_core::subject::{dutch_date, dutch_midnight};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub fn year() -> i16 {
    dutch_date(SystemClock.now()).year()
}

/// Sets a clock so long before (or after) the beginning of the year before last but four.
pub fn set(clock: &MovedClock, before: i64) {
    let turn = dutch_midnight(jiff::civil::date(year() - 6, 1, 1));
    let now = i64::try_from(SystemClock.now()).unwrap();
    clock.0.store(i64::try_from(turn).unwrap() - before - now, Ordering::SeqCst);
}

/// The policy of the house with this number, in force for long.
pub fn policy(house: &mut House, number: u32) {
    let text = include_str!("../../../gateway/policy/kracht.toml");
    let previous = format!("previous = \"sha256:{}\"\n", "0".repeat(64));
    let previous = if number == 1 { "" } else { &previous };
    let text = text.replacen("version = 1\n", &format!("version = {number}\n{previous}"), 1);
    let file = house.config.log.signing_key.with_file_name("kracht.toml");
    std::fs::write(&file, text.replace("valid_from = 2026-01-01", "valid_from = 2015-01-01")).unwrap();
    house.config.policy.policy = file;
}

/// Waits until the process before has let go of its files.
pub async fn let_go(house: &House) {
    let files = [&house.config.log.database, &house.config.keys.database];
    let free = async {
        while files.iter().any(|file| sluis_adapters::sqlite::in_use(file.as_deref().unwrap()).unwrap()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the gateway before does not let go of its files");
}

/// A log with a shard that was closed six years ago and one of the year after. Both children have their standing from the
/// first, and one of them from the second again. Gives a receipt of the first.
pub async fn aged() -> (House, Receipt) {
    let mut house = House::build(2).await;
    policy(&mut house, 1);
    house.reinitialise_for(year() - 7).await;
    let clock = Arc::new(MovedClock::default());
    set(&clock, 600_000);
    let gateway = house.start_by(Arc::clone(&clock) as _).await;
    let receipt = record(&gateway, child(0), caseload(true)).await;
    record(&gateway, child(1), caseload(true)).await;
    set(&clock, -60_000);
    record(&gateway, child(0), caseload(false)).await;
    assert_eq!(gateway.recorder.shards().names().count(), 2);
    drop(gateway);
    let_go(&house).await;
    (house, receipt)
}

/// Another policy and other enrolments, by this clock.
pub async fn new_rules(house: &mut House, clock: Arc<dyn Clock>) {
    policy(house, 2);
    // Nothing was written for years: no gateway turns the year by itself.
    assert_eq!(compose::turn_year(&house.config, year()).await.unwrap(), format!("{}-1", year()));
    let_go(house).await;
    let file = house.config.enrolment.file.clone().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("name = \"test ", "name = \"renewed ")).unwrap();
    drop(house.start_by(clock).await);
    let_go(house).await;
    std::fs::write(&file, text).unwrap();
}

/// The present: another policy, other enrolments, and the other child has a standing of this year too.
async fn renewed(house: &mut House) {
    new_rules(house, Arc::new(SystemClock)).await;
    let gateway = house.start().await;
    record(&gateway, child(1), caseload(false)).await;
    drop(gateway);
    let_go(house).await;
}

/// Destroys the keys of years that are over, except of whom is under legal hold.
async fn destroyed(house: &House) {
    let destroying = Destroying { authorised_by: "the board", backup_days: 30 };
    retain(&house.config, 5, Some(destroying)).await.unwrap();
}

async fn held(house: &House, export: Option<&Path>) -> Vec<Status> {
    status(&house.config, export).await.unwrap()
}

#[track_caller]
fn says(held: &[String], words: &[&str]) {
    assert_eq!(held.len(), words.len(), "{held:#?}");
    for words in words {
        assert!(held.iter().any(|held| held.contains(words)), "`{words}` is not in {held:#?}");
    }
}

pub async fn removed(house: &House, shard: &str, export: &Path) -> Result<Removed, PruneFault> {
    let removing = Removing { shard, export, authorised_by: "the board, decision 9", backup_days: 30 };
    prune(&house.config, &removing).await
}

pub async fn export(house: &House, name: &str) -> PathBuf {
    let dir = house.config.log.signing_key.with_file_name(name);
    compose::export_log(&house.config, &dir).await.unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_goes_when_its_term_is_over_and_nothing_holds_it() {
    let (mut house, receipt) = aged().await;
    let (first, second) = (format!("{}-1", year() - 7), format!("{}-1", year() - 6));
    let all = held(&house, None).await;
    assert_eq!(all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), [&first, &second]);
    let words = ["yearly keys", "1 policy is in force", "3 organisations", "1 clients have a standing", "no export"];
    says(&all[0].held, &words);
    says(&all[1].held, &["takes entries"]);
    let dir = export(&house, "early").await;
    let refused = removed(&house, &first, &dir).await.unwrap_err().to_string();
    assert!(refused.contains("yearly keys") && refused.contains(&first), "{refused}");

    renewed(&mut house).await;
    hold(&house.config, &child(0), false, "case 8").await.unwrap();
    destroyed(&house).await;
    says(&held(&house, Some(&dir)).await[0].held, &["1 yearly keys", "1 clients under legal hold"]);
    let refused = removed(&house, &first, &dir).await.unwrap_err().to_string();
    assert!(refused.contains("legal hold"), "{refused}");
    hold(&house.config, &child(0), true, "case 8").await.unwrap();
    destroyed(&house).await;
    says(&held(&house, None).await[0].held, &["no export"]);
    let all = held(&house, Some(&dir)).await;
    says(&all[0].held, &[]);
    says(&all[1].held, &["its term runs until", "goes first", "1 clients have a standing", "no export"]);

    let done = removed(&house, &first, &dir).await.unwrap();
    assert!(done.untidy.is_none() && done.entry.starts_with(&format!("{}-1:", year())), "{done:?}");
    let again = removed(&house, &first, &dir).await.unwrap_err();
    assert!(matches!(again, PruneFault::Gone(_)), "{again}");
    assert_eq!(held(&house, None).await[0].pruned_by, Some(done.entry));
    let rid = sluis_core::log::leaf::Leaf::decode(receipt.leaf()).unwrap().rid().to_owned();
    for file in ["log.db", "log.db-wal"].map(|name| house.config.log.signing_key.with_file_name(name)) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(rid.len()).any(|window| window == rid.as_bytes()), "{} has the entry", file.display());
    }

    // Start, scrubber, receipts, and both verifiers on a new export.
    let assembled = assemble_at(&house.config, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(pass(&assembled).await, []);
    record(&assembled.gateway, child(1), caseload(true)).await;
    drop(assembled);
    let_go(&house).await;
    let origin = format!("sluis-log.house.example/{}/{first}", crate::conduct::HOLDER);
    verify_text(&receipt.text(), &verifier_key(&origin, &house.signer().public_key())).unwrap();
    let mut frontier = Frontier::empty();
    (0..8).for_each(|n| frontier.push([n; 32]));
    let other = sign(&Head { origin, shard: 0, frontier, last_time: 0 }, &house.signer()).note;
    accepted(&export(&house, "late").await, &first, &second, &other);
}

/// `other` is a note of the first shard that our key signed and that is not of its entries.
fn accepted(dir: &Path, first: &str, second: &str, other: &str) {
    let verified = verify_history(dir, None, |_, _| {}).unwrap();
    assert_eq!((verified.gone.len(), verified.gone[0].name.as_str(), verified.shards.len()), (1, first, 2));
    let said = sluis(["log".as_ref(), "verify".as_ref(), dir.as_os_str()]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains(&format!("{first}  {}", verified.gone[0].size)), "{}", said.out);
    assert!(said.out.contains("removed at the end of its term"), "{}", said.out);
    let (holds, said) = python("log", dir);
    assert!(holds && said.contains(&format!("removed at the end of its term: {first}, ")), "{said}");

    // What was removed without an entry, or is not what the entry says, is found by both.
    let before = |name: &str| dir.join("before").join(name);
    let aside = dir.with_file_name("aside");
    for (shard, change, words) in [
        (first, "rm", "is missing"),
        (second, "tile", "no entry says that it was removed"),
        (first, "note", "signature"),
        (first, "other", "not what the entry of its removal says"),
    ] {
        copy(&before(shard), &aside);
        match change {
            "rm" => std::fs::remove_dir_all(before(shard)).unwrap(),
            "tile" => std::fs::remove_dir_all(before(shard).join("tile")).unwrap(),
            "note" => {
                let note = std::fs::read_to_string(before(shard).join("checkpoint")).unwrap();
                let (size, rest) = note.split_once('\n').map(|(_, rest)| rest.split_once('\n').unwrap()).unwrap();
                let origin = note.lines().next().unwrap();
                std::fs::write(before(shard).join("checkpoint"), format!("{origin}\n9{size}\n{rest}")).unwrap();
            }
            _ => std::fs::write(before(shard).join("checkpoint"), other).unwrap(),
        }
        let ours = verify_all(dir, None, |_, _| {}).unwrap_err().to_string();
        let (holds, theirs) = python("log", dir);
        assert!(!holds && ours.contains(words) && theirs.contains(words), "{change}: {ours} / {theirs}");
        let _absent = std::fs::remove_dir_all(before(shard));
        std::fs::rename(&aside, before(shard)).unwrap();
    }
    verify_all(dir, None, |_, _| {}).unwrap();
}
