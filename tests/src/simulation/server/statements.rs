//! What each statement of the log does here, by its name in `LOG_STATEMENTS`. A statement that is not here ends the test:
//! whoever writes a new one says what the simulated server must answer.

use super::tables::{Change, Leaf, Refusal, Tables};
use super::wire::{Row, Value, array, long, number, short, truth};
use sluis_adapters::postgres::LOG_STATEMENTS;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Statements that are no constants: of transactions, and of opening a database.
const OTHERS: &[(&str, &str)] = &[
    ("BEGIN", "BEGIN"),
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
        None => panic!("the simulated server does not know `{sql}`"),
    }
}

/// The types of its columns; see [`super::wire::columns`].
pub fn columns_of(name: &str) -> &'static str {
    match name {
        "HEAD" => "lbll",
        "LOCK" | "STANDS" | "FLUSHED" | "LEAVES" | "LEAVES_OF" => "t",
        "OPEN_SHARD" => "st",
        "BE_REPLICA" | "MERGING" | "ON_STANDBY" | "IS_THERE" => "o",
        "STATES" => "sbllb",
        "SEEN" => "tblbs",
        "LOW" | "LEFT" => "l",
        "STATE" => "llb",
        "STATES_AFTER" => "sbllbo",
        "SMALL_SEGMENTS" => "llb",
        "LEAF_HASHES" | "SUBTREE_HASHES" | "SEALED" => "b",
        "ENTRY" | "TRANSACTION" => "ltbb",
        "KIND" => "ti",
        "SCHEMA"
        | "INSERT_SCHEMA"
        | "BEGIN"
        | "COMMIT"
        | "ROLLBACK"
        | "INSERT_SHARD"
        | "INSERT_LEAVES"
        | "INSERT_HEAD"
        | "WRITE_STATES"
        | "INSERT_SUBTREES"
        | "INSERT_SEGMENT"
        | "DROP_SMALL_SEGMENTS"
        | "WRITE_LOW"
        | "DROP_LOW"
        | "PRUNE_HEADS"
        | "PRUNE_MARKS"
        | "WRITE_CHECKPOINT"
        | "THIN_CHECKPOINTS" => "",
        other => panic!("the simulated server does not answer {other}"),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.clone().unwrap()
}

fn text(value: &Value) -> String {
    String::from_utf8(bytes(value)).unwrap()
}

/// The rows of a statement that only reads, from what its snapshot shows.
pub fn read(name: &str, tables: &Tables, clock: i64, values: &[Value]) -> Vec<Row> {
    match name {
        "IS_THERE" => vec![vec![truth(tables.schema.is_some())]],
        "KIND" => vec![vec![Some(b"log database".to_vec()), Some(1i32.to_be_bytes().to_vec())]],
        "SEALED" => vec![vec![tables.schema.clone()]],
        "OPEN_SHARD" => tables.origin.iter().map(|origin| vec![short(1), Some(origin.clone().into_bytes())]).collect(),
        "LOCK" => tables.origin.iter().map(|origin| vec![Some(origin.clone().into_bytes())]).collect(),
        "HEAD" => {
            let newest = tables.heads.last_key_value();
            let row = newest.map(|(size, (frontier, last_time))| {
                vec![long(*size), Some(frontier.clone()), long(*last_time), long(clock)]
            });
            row.into_iter().collect()
        }
        "LOW" => vec![vec![tables.low(number(&values[0])).and_then(long)]],
        "STATE" | "STATES" | "STATES_AFTER" => states(name, tables, values),
        "SMALL_SEGMENTS" => {
            let small = tables.segments.range((0, i64::MIN)..=(0, i64::MAX));
            let row = |((_, first), (last, sealed)): (&(i64, i64), &(i64, Vec<u8>))| {
                vec![long(*first), long(*last), Some(sealed.clone())]
            };
            small.take(number(&values[1]) as usize).map(row).collect()
        }
        "SUBTREE_HASHES" => {
            let (level, from, to) = (number(&values[1]), number(&values[2]), number(&values[3]));
            tables.subtrees.range((level, from)..(level, to)).map(|(_, hash)| vec![Some(hash.clone())]).collect()
        }
        _ => leaves(name, tables, values),
    }
}

fn states(name: &str, tables: &Tables, values: &[Value]) -> Vec<Row> {
    let tail =
        |(version, index, sealed): &(i64, i64, Vec<u8>)| vec![long(*version), long(*index), Some(sealed.clone())];
    let at = |place: &(i64, Vec<u8>)| vec![short(place.0), Some(place.1.clone())];
    match name {
        "STATE" => tables.states.get(&(number(&values[0]), bytes(&values[1]))).map(tail).into_iter().collect(),
        "STATES" => {
            let places = array(&values[0]).into_iter().zip(array(&values[1]));
            let places = places.map(|(kind, key)| (number(&kind), key.unwrap()));
            places.filter_map(|place| Some([at(&place), tail(tables.states.get(&place)?)].concat())).collect()
        }
        _ => {
            let (after, count) = ((number(&values[0]), bytes(&values[1])), number(&values[2]) as usize);
            let rows = tables.states.iter().filter(|(place, _)| **place > after).take(count);
            rows.map(|(place, state)| [at(place), tail(state), vec![truth(true)]].concat()).collect()
        }
    }
}

fn leaves(name: &str, tables: &Tables, values: &[Value]) -> Vec<Row> {
    let one = |index: &Value| tables.leaves.get(&number(index));
    let text = |leaf: &Arc<Leaf>| vec![Some(leaf.text.clone().into_bytes())];
    let whole = |leaf: &Arc<Leaf>| {
        vec![long(leaf.index), Some(leaf.text.clone().into_bytes()), leaf.key_id.clone(), leaf.sealed.clone()]
    };
    let of = |oin: &Value, txn: &Value| {
        let wanted = (bytes(oin), bytes(txn));
        tables
            .leaves
            .values()
            .find(|leaf| leaf.transaction.as_ref().is_some_and(|(oin, txn, _)| (oin, txn) == (&wanted.0, &wanted.1)))
    };
    match name {
        "STANDS" => one(&values[1]).map(text).into_iter().collect(),
        "ENTRY" => one(&values[1]).map(whole).into_iter().collect(),
        "TRANSACTION" => of(&values[0], &values[1]).map(whole).into_iter().collect(),
        "SEEN" => {
            let wanted = array(&values[0]).into_iter().zip(array(&values[1]));
            let row = |leaf: &Arc<Leaf>| {
                let (oin, txn, digest) = leaf.transaction.clone().unwrap();
                vec![Some(oin), Some(txn), long(leaf.index), Some(digest), short(leaf.kind)]
            };
            wanted.filter_map(|(oin, txn)| of(&oin, &txn).map(row)).collect()
        }
        "LEFT" => {
            let (replica, from) = (number(&values[1]), number(&values[2]));
            let rows = tables.leaves.range(from..).filter(|(_, leaf)| leaf.replica == replica);
            rows.map(|(index, _)| vec![long(*index)]).collect()
        }
        "LEAVES" | "LEAF_HASHES" => {
            let rows = tables.leaves.range(number(&values[1])..number(&values[2]).max(number(&values[1])));
            rows.map(|(_, leaf)| if name == "LEAVES" { text(leaf) } else { vec![Some(leaf.hash.clone())] }).collect()
        }
        other => panic!("the simulated server does not answer {other}"),
    }
}

/// The changes of a statement that writes.
pub fn changes(name: &str, tables: &Tables, values: &[Value]) -> Vec<Change> {
    let n = |at: usize| number(&values[at]);
    match name {
        "SCHEMA" => Vec::new(),
        "INSERT_SCHEMA" => vec![Change::Schema(bytes(&values[2]))],
        "INSERT_SHARD" => vec![Change::Shard(text(&values[1]))],
        "INSERT_LEAVES" => new_leaves(values),
        "INSERT_HEAD" => vec![Change::Head { size: n(1), frontier: bytes(&values[2]), last_time: n(3) }],
        "WRITE_STATES" => {
            let columns: Vec<Vec<Value>> = values[1..].iter().map(array).collect();
            let row = |at: usize| Change::State {
                place: (number(&columns[0][at]), bytes(&columns[1][at])),
                state: (number(&columns[2][at]), number(&columns[3][at]), bytes(&columns[4][at])),
            };
            (0..columns[0].len()).map(row).collect()
        }
        "INSERT_SUBTREES" => {
            let rows = array(&values[1]).into_iter().zip(array(&values[2])).zip(array(&values[3]));
            let row = |((level, number), hash): ((Value, Value), Value)| Change::Subtree {
                level: super::wire::number(&level),
                number: super::wire::number(&number),
                hash: hash.unwrap(),
            };
            rows.map(row).collect()
        }
        "INSERT_SEGMENT" => {
            vec![Change::Segment { level: n(1), first: n(2), last: n(3), sealed: bytes(&values[4]) }]
        }
        "DROP_SMALL_SEGMENTS" => vec![Change::DropSegments { upto: n(1) }],
        "WRITE_LOW" if tables.marks.contains(&(n(0), n(1))) => Vec::new(),
        "WRITE_LOW" => vec![Change::Mark { replica: n(0), low: n(1) }],
        "DROP_LOW" => vec![Change::DropMark { replica: n(0), low: n(1) }],
        "PRUNE_HEADS" => vec![Change::PruneHeads],
        "PRUNE_MARKS" => vec![Change::PruneMarks { replica: n(0) }],
        // Kept notes are read by nobody here.
        "WRITE_CHECKPOINT" | "THIN_CHECKPOINTS" => Vec::new(),
        other => panic!("the simulated server does not answer {other}"),
    }
}

fn new_leaves(values: &[Value]) -> Vec<Change> {
    let replica = number(&values[1]);
    let columns: Vec<Vec<Value>> = values[2..].iter().map(array).collect();
    let row = |at: usize| {
        let column = |number: usize| columns[number][at].clone();
        let transaction = column(6).zip(column(7)).zip(column(8)).map(|((oin, txn), digest)| (oin, txn, digest));
        Change::Leaf(Arc::new(Leaf {
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
    ["INSERT_", "WRITE_", "DROP_", "PRUNE_", "THIN_", "SCHEMA"].iter().any(|verb| name.starts_with(verb))
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
