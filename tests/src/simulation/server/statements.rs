//! The statements of the log by their names in `LOG_STATEMENTS`, and what those that write change. A statement that is not here
//! ends the test: whoever writes a new one says what the simulated server must answer.

use super::look;
use super::session::Statement;
use super::tables::{Change, Halt, Leaf, Refusal, Shard, Tables, position};
use super::wire::{self, Value, array, long, number};
use sluis_adapters::postgres::LOG_STATEMENTS;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Statements that are no constants: of transactions, and of opening a database.
const OTHERS: &[(&str, &str)] = &[
    ("BEGIN", "BEGIN"),
    ("SNAPSHOT", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    ("COMMIT", "COMMIT"),
    ("ROLLBACK", "ROLLBACK"),
    ("IS_THERE", "SELECT to_regclass('sluis_schema') IS NOT NULL"),
    ("KIND", "SELECT kind, version FROM sluis_schema WHERE one = 1"),
    ("SEALED", "SELECT sealed FROM sluis_schema WHERE one = 1"),
    ("INSERT_SCHEMA", "INSERT INTO sluis_schema (one, kind, version, sealed) VALUES (1, $1, $2, $3)"),
];

static NAMES: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| LOG_STATEMENTS.iter().chain(OTHERS).map(|(name, sql)| (*sql, *name)).collect());

/// The name of a statement.
pub fn name_of(sql: &str) -> &'static str {
    match NAMES.get(sql) {
        Some(name) => name,
        None if sql.contains("CREATE TABLE log_shard") => "SCHEMA",
        None if sql.starts_with("CREATE TABLE log_leaf_") => "CREATE_PARTITION",
        None if sql.starts_with("ALTER TABLE log_leaf ATTACH PARTITION log_leaf_") => "ATTACH_PARTITION",
        None => panic!("the simulated server does not know `{sql}`"),
    }
}

/// A statement that came as plain text. The number of a partition is part of its text.
pub fn plain(sql: &str) -> Statement {
    let name = name_of(sql);
    let partition = sql.split_once("log_leaf_").filter(|_| name.ends_with("_PARTITION"));
    let number = partition.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    Statement { name, values: number.map(long).into_iter().collect(), plain: true }
}

/// The types of its columns; see [`super::wire::columns`].
pub fn columns_of(name: &str) -> &'static str {
    match name {
        "HEAD" => "lbll",
        "LOCK" | "STANDS" | "FLUSHED" | "LEAVES" => "t",
        "SHARDS" => "ststl",
        "SHARD" => "to",
        "SHARD_AFTER" => "s",
        "BE_REPLICA" | "MERGING" | "ON_STANDBY" | "IS_THERE" => "o",
        "LOOK" => look::TYPES,
        "WRITE" => "v",
        "ENDED" => "sl",
        "HALTS" => "slttb",
        "LOW" | "LEFT" => "l",
        "STATE" => "llb",
        "STATES_AFTER" => "sbllb",
        "SMALL_SEGMENTS" => "llb",
        "LEAF_HASHES" | "SUBTREE_HASHES" | "SEALED" => "b",
        "ENTRY" | "TRANSACTION" => "ltbb",
        "KIND" => "ti",
        "SCHEMA"
        | "INSERT_SCHEMA"
        | "BEGIN"
        | "SNAPSHOT"
        | "COMMIT"
        | "ROLLBACK"
        | "INSERT_SHARD"
        | "CLOSE_SHARD"
        | "NEXT_SHARD"
        | "CREATE_PARTITION"
        | "ATTACH_PARTITION"
        | "INSERT_LEAVES"
        | "INSERT_HEAD"
        | "WRITE_STATES"
        | "INSERT_SEGMENT"
        | "DROP_SMALL_SEGMENTS"
        | "WRITE_LOW"
        | "DROP_LOW"
        | "PRUNE_HEADS"
        | "PRUNE_MARKS"
        | "INSERT_HALT"
        | "LIFT_HALT"
        | "WRITE_CHECKPOINT"
        | "THIN_CHECKPOINTS" => "",
        other => panic!("the simulated server does not answer {other}"),
    }
}

/// The names of its columns, where they are read by name.
pub fn names_of(name: &str) -> &'static [&'static str] {
    if name == "LOOK" { look::NAMES } else { &[] }
}

pub(super) fn bytes(value: &Value) -> Vec<u8> {
    value.clone().unwrap()
}

pub(super) fn text(value: &Value) -> String {
    String::from_utf8(bytes(value)).unwrap()
}

/// The changes of a statement that writes.
pub fn changes(name: &str, tables: &Tables, values: &[Value]) -> Vec<Change> {
    let n = |at: usize| number(&values[at]);
    match name {
        "SCHEMA" => vec![Change::Partition(1)],
        "INSERT_SCHEMA" => vec![Change::Schema(bytes(&values[2]))],
        "INSERT_SHARD" => vec![shard(n(0), &values[1], None)],
        "NEXT_SHARD" => vec![shard(n(0), &values[1], Some((n(2), text(&values[3]))))],
        "CLOSE_SHARD" => {
            let open = tables.shards.get(&n(0)).is_some_and(|shard| shard.open);
            open.then(|| Change::CloseShard(n(0))).into_iter().collect()
        }
        "CREATE_PARTITION" => vec![Change::Partition(n(0))],
        "WRITE" => batch(tables, values),
        "INSERT_LEAVES" => new_leaves(values),
        "INSERT_HEAD" => vec![Change::Head { log: n(0), size: n(1), frontier: bytes(&values[2]), last_time: n(3) }],
        "WRITE_STATES" => {
            let columns: Vec<Vec<Value>> = values[1..].iter().map(array).collect();
            let row = |at: usize| Change::State {
                place: (number(&columns[0][at]), bytes(&columns[1][at])),
                state: (number(&columns[2][at]), number(&columns[3][at]), bytes(&columns[4][at])),
            };
            (0..columns[0].len()).map(row).collect()
        }
        "INSERT_SEGMENT" => {
            vec![Change::Segment { log: n(0), level: n(1), first: n(2), last: n(3), sealed: bytes(&values[4]) }]
        }
        "DROP_SMALL_SEGMENTS" => vec![Change::DropSegments { log: n(0), upto: n(1) }],
        "WRITE_LOW" => mark(tables, n(0), n(1)).into_iter().collect(),
        "INSERT_HALT" | "LIFT_HALT" => halt(name, tables, values).into_iter().collect(),
        "DROP_LOW" => vec![Change::DropMark { replica: n(0), low: n(1) }],
        "PRUNE_HEADS" => vec![Change::PruneHeads(n(0))],
        "PRUNE_MARKS" => vec![Change::PruneMarks { replica: n(0) }],
        // Kept notes are read by nobody here; a partition is attached by the transaction that makes it.
        "WRITE_CHECKPOINT" | "THIN_CHECKPOINTS" | "ATTACH_PARTITION" => Vec::new(),
        other => panic!("the simulated server does not answer {other}"),
    }
}

fn shard(log: i64, origin: &Value, before: Option<(i64, String)>) -> Change {
    Change::Shard { log, shard: Shard { origin: text(origin), open: true, before } }
}

/// The changes of `log_write`, in its order: leaves, sub-trees, index, mark, head.
fn batch(tables: &Tables, values: &[Value]) -> Vec<Change> {
    let n = |at: usize| number(&values[at]);
    let mut made = new_leaves(values);
    made.extend(new_subtrees(n(0), &values[13..16]));
    if let Some(sealed) = values[18].clone() {
        made.push(Change::Segment { log: n(0), level: 0, first: n(16), last: n(17), sealed });
    }
    if values[19].is_some() {
        made.extend(mark(tables, n(1), n(19)));
    }
    made.push(Change::Head { log: n(0), size: n(20), frontier: bytes(&values[21]), last_time: n(22) });
    made
}

/// A halt that is new, or one that is there and is lifted.
fn halt(name: &str, tables: &Tables, values: &[Value]) -> Option<Change> {
    let place = (number(&values[1]), number(&values[0]));
    let (there, sealed) = (tables.halts.get(&place), bytes(&values[3]));
    let halt = match (name, there) {
        ("INSERT_HALT", None) => Halt { found: bytes(&values[2]), lifted: None, sealed },
        ("LIFT_HALT", Some(halt)) => Halt { found: halt.found.clone(), lifted: values[2].clone(), sealed },
        _ => return None,
    };
    Some(Change::Halt { place, halt })
}

/// A mark, unless it is there.
fn mark(tables: &Tables, replica: i64, low: i64) -> Option<Change> {
    (!tables.marks.contains(&(replica, low))).then_some(Change::Mark { replica, low })
}

fn new_subtrees(log: i64, values: &[Value]) -> Vec<Change> {
    let rows = array(&values[0]).into_iter().zip(array(&values[1])).zip(array(&values[2]));
    let row = |((level, number), hash): ((Value, Value), Value)| Change::Subtree {
        log,
        level: wire::number(&level),
        number: wire::number(&number),
        hash: hash.unwrap(),
    };
    rows.map(row).collect()
}

/// Leaves by the columns from the third to the thirteenth value.
fn new_leaves(values: &[Value]) -> Vec<Change> {
    let (log, replica) = (number(&values[0]), number(&values[1]));
    let columns: Vec<Vec<Value>> = values[2..13].iter().map(array).collect();
    let row = |at: usize| {
        let column = |number: usize| columns[number][at].clone();
        let transaction = column(6).zip(column(7)).zip(column(8)).map(|((oin, txn), digest)| (oin, txn, digest));
        Change::Leaf(Arc::new(Leaf {
            log,
            index: number(&column(0)),
            text: text(&column(1)),
            hash: bytes(&column(2)),
            kind: number(&column(3)),
            rid: bytes(&column(5)),
            replica,
            transaction,
            key_id: column(9),
            sealed: column(10),
        }))
    };
    (0..columns[0].len()).map(row).collect()
}

/// Whether a statement changes rows.
pub fn writes(name: &str) -> bool {
    const VERBS: &[&str] =
        &["INSERT_", "NEXT_", "CLOSE_", "CREATE_", "ATTACH_", "WRITE", "DROP_", "LIFT_", "PRUNE_", "THIN_", "SCHEMA"];
    VERBS.iter().any(|verb| name.starts_with(verb))
}

/// Checks changes one after the other against what a transaction sees, and shows them to it.
pub fn checked(view: &mut Tables, changes: &[Change], keys: bool) -> Result<(), Refusal> {
    for change in changes {
        if keys {
            view.check(change)?;
        }
        view.apply(change);
    }
    Ok(())
}

/// A mark as if everything had been handed over.
pub fn mark_early(made: &mut [Change], tables: &Tables) {
    let end = made.iter().find_map(|change| match change {
        Change::Head { log, size, .. } => Some(position((*log, *size))),
        _ => None,
    });
    let end = end.unwrap_or_else(|| position((tables.newest(), tables.size(tables.newest()))));
    for change in made {
        if let Change::Mark { low, .. } = change {
            *low = (*low).max(end);
        }
    }
}
