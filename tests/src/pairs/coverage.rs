//! No method of a port is left out: each goes wrong in every way in one of the enumerations, or is excused with its reason.

use super::trip::How;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where a method goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// While somebody is answered ([`super::acts`]).
    Acts,
    /// During what the gateway does by itself ([`super::deeds`]).
    Deeds,
    /// During what operators command ([`super::deeds`]).
    Commands,
    /// Nowhere here, and why that is borne.
    Excused(&'static str),
}

/// What went wrong in an enumeration, by the names of its calls.
#[derive(Default)]
pub struct Told(BTreeMap<&'static str, BTreeSet<How>>);

impl Told {
    /// This call went wrong this way.
    pub fn tripped(&mut self, name: &'static str, how: How) {
        self.0.entry(name).or_default().insert(how);
    }

    /// These too.
    pub fn and(&mut self, others: Self) {
        others.0.into_iter().for_each(|(name, ways)| self.0.entry(name).or_default().extend(ways));
    }

    /// Every method that must go wrong here did so in every way.
    pub fn covers(&self, by: By) {
        let whole = |name: &str| self.0.get(name).is_some_and(|ways| ways.len() == How::ALL.len());
        let must = METHODS.iter().flat_map(|(of, all)| all.iter().map(|(name, said)| (called(of, name), *said)));
        let missing: Vec<_> = must.filter(|(name, said)| *said == by && !whole(name)).map(|(name, _)| name).collect();
        assert!(missing.is_empty(), "these never went wrong in every way: {missing:?}");
    }
}

/// The name of a method among the calls: log and keys both have one that is called `tidy`.
fn called(of: &str, method: &'static str) -> &'static str {
    if (of, method) == ("LogUpkeep", "tidy") { "tidy_log" } else { method }
}

const ACTS: By = By::Acts;
const DEEDS: By = By::Deeds;
const COMMANDS: By = By::Commands;

const HALT: By = By::Excused("deed `Halt`, not yet seen to hold; a halt that cannot be written: `tamper::acting`");
const ONCE: By = By::Excused("asked of a removed shard only; a scrubber that cannot read says so: `tamper::reads`");
const ROTATION: By = By::Excused("a command of people, killed at every call: `journey::wrapping`");
const PURE: By = By::Excused("it does nothing that can fail");
const MADE: By = By::Excused("it is made of `leaves` and `shards`");
const PROBE: By = By::Excused("it comes by itself while the log fails, and is tried again until it succeeds: `closed`");
const START: By = By::Excused("at a start and when enrolments change: `pairs::start` cuts every message of a start");
const OTHERS: By =
    By::Excused("a look at others that fails says nothing about them, and the next begins anew: `replicas::ended`");
const WATCH: By = By::Excused("at a start, and by the watch, which says so: `closed` and `pairs::start`");
const READER: By = By::Excused("read by commands of people, who see the error; changes nothing");
const FILE: By = By::Excused("a file, no store: `pairs::start` for the anchor, `tamper::acting` for the flag");

/// Every method of every port, by its trait, and where it goes wrong.
const METHODS: &[(&str, &[(&str, By)])] = &[
    (
        "Ledger",
        &[
            ("append", ACTS),
            ("head", COMMANDS),
            ("durable_head", DEEDS),
            ("shards", DEEDS),
            ("open_shard", DEEDS),
            ("leaves", ACTS),
            ("leaves_of", COMMANDS),
            ("leaves_read", MADE),
            ("leaves_from", MADE),
            ("leaf_hashes", ACTS),
            ("subtree_hashes", DEEDS),
            ("transaction", ACTS),
            ("entry", ACTS),
            ("keep_checkpoint", ACTS),
            ("probe", PROBE),
            ("settles", PURE),
            ("delivered_below", PURE),
        ],
    ),
    (
        "Register",
        &[
            ("standing", ACTS),
            ("enrolments", ACTS),
            ("organisations", START),
            ("enrolled_by", START),
            ("recipient_entry_after", START),
            ("active_policy", WATCH),
        ],
    ),
    (
        "KeyStore",
        &[
            ("find", ACTS),
            ("provision", ACTS),
            ("subject_key", ACTS),
            ("bucket_key", ACTS),
            ("transaction_key", ACTS),
            ("key_by_id", ACTS),
            ("answers", WATCH),
            ("wraps", WATCH),
        ],
    ),
    ("FactSource", &[("facts", ACTS), ("claim", ACTS), ("subjects", ACTS)]),
    ("DossierSource", &[("fetch", ACTS)]),
    ("Signer", &[("public_key", PURE), ("sign", PURE)]),
    ("Clock", &[("now", PURE), ("tells_real_time", PURE), ("leaps", PURE)]),
    ("Entropy", &[("fill", PURE)]),
    ("LeftBehind", &[("entries", PURE), ("judged", OTHERS)]),
    (
        "LogUpkeep",
        &[
            ("left_in_flight", COMMANDS),
            ("ended_replicas", COMMANDS),
            ("hold_replica", OTHERS),
            ("erased_keys", DEEDS),
            ("erase", COMMANDS),
            ("tidy", COMMANDS),
            ("forget_transactions", ACTS),
            ("entries_of", COMMANDS),
            ("page", DEEDS),
        ],
    ),
    (
        "LogArchive",
        &[
            ("head", READER),
            ("shards", READER),
            ("durable", READER),
            ("leaves", READER),
            ("entries", READER),
            ("checkpoints", READER),
            ("halted", READER),
        ],
    ),
    ("KeyUpkeep", &[("destroy", COMMANDS), ("due", COMMANDS), ("tidy", COMMANDS), ("destroy_transaction_keys", ACTS)]),
    ("PayloadKeys", &[("wraps", READER), ("key_by_id", READER)]),
    ("AnchorStore", &[("read", FILE), ("keep", FILE), ("name", PURE)]),
    ("LogHalts", &[("replica", PURE), ("halts", HALT), ("halt", HALT), ("lift_halts", COMMANDS)]),
    ("HaltFlag", &[("read", FILE), ("raise", FILE), ("lower", FILE), ("name", PURE)]),
    (
        "LogMending",
        &[("mend_columns", DEEDS), ("mend_index", DEEDS), ("erase_late", DEEDS), ("drop_checkpoint", DEEDS)],
    ),
    ("KeyGenerations", &[("generations", READER)]),
    (
        "KeyRotation",
        &[
            ("alone", ROTATION),
            ("begin", ROTATION),
            ("rewrap", ROTATION),
            ("prove", ROTATION),
            ("end", ROTATION),
            ("destroyed", ROTATION),
        ],
    ),
    ("LogPruning", &[("is_alone", COMMANDS), ("prune", COMMANDS), ("compact", COMMANDS)]),
    (
        "LogRows",
        &[
            ("leaf_rows", DEEDS),
            ("any_leaf", ONCE),
            ("state_rows", DEEDS),
            ("segment_rows", DEEDS),
            ("checkpoint_rows", DEEDS),
        ],
    ),
];

/// The files that the ports are declared in.
const PORTS: [&str; 8] = [
    "ports.rs",
    "ports/ledger.rs",
    "upkeep.rs",
    "upkeep/halts.rs",
    "upkeep/mending.rs",
    "upkeep/pruning.rs",
    "upkeep/rotation.rs",
    "upkeep/rows.rs",
];

/// Every method of a trait in the source of the ports: trait and name.
fn declared() -> BTreeSet<(String, String)> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/core/src");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for file in PORTS {
        let (text, mut within) = (std::fs::read_to_string(core.join(file)).unwrap(), None);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("pub trait ") {
                within = Some(word(name));
            } else if line.starts_with('}') {
                within = None;
            }
            let method = line.strip_prefix("    async fn ").or_else(|| line.strip_prefix("    fn "));
            if let (Some(within), Some(method)) = (&within, method) {
                found.insert((within.clone(), word(method)));
            }
        }
    }
    found
}

/// A method that is new stands in the table, and what the table says is there.
#[test]
fn every_method_of_a_port_goes_wrong_somewhere_or_is_excused() {
    let listed =
        METHODS.iter().flat_map(|(of, all)| all.iter().map(|(name, _)| ((*of).to_owned(), (*name).to_owned())));
    let (listed, declared) = (listed.collect::<BTreeSet<_>>(), declared());
    assert!(declared.len() > 60, "the ports are somewhere else: {declared:?}");
    let missing: Vec<_> = declared.difference(&listed).collect();
    assert!(missing.is_empty(), "these never go wrong in a test: {missing:?}");
    let gone: Vec<_> = listed.difference(&declared).collect();
    assert!(gone.is_empty(), "these are no methods of a port: {gone:?}");
}

/// Every directory of the core that declares a port is read.
#[test]
fn no_port_is_declared_elsewhere() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/core/src");
    for folder in ["ports", "upkeep"] {
        for file in std::fs::read_dir(core.join(folder)).unwrap() {
            let name = format!("{folder}/{}", file.unwrap().file_name().to_string_lossy());
            assert!(PORTS.contains(&name.as_str()), "{name} is not read");
        }
    }
}
