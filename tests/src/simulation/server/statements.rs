//! What each statement of the log does here, by its name in `LOG_STATEMENTS`. A statement that is not here ends the test:
//! whoever writes a new one says what the simulated server must answer.

use super::look;
use super::tables::{Change, Halt, Leaf, Refusal, State, Tables};
use super::wire::{self, Row, Value, array, long, number, short, truth};
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
        "LOOK" => look::TYPES,
        "WRITE" => "v",
        "ENDED" => "sl",
        "HALTS" => "slttb",
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
        "HALTS" => tables.halts.iter().map(of_halt).collect(),
        "LOW" => vec![vec![tables.low(number(&values[0])).and_then(long)]],
        "STATE" => {
            let row = tables.states.get(&(number(&values[0]), bytes(&values[1])));
            row.map(of_state).into_iter().collect()
        }
        "STATES_AFTER" => {
            let (after, count) = ((number(&values[0]), bytes(&values[1])), number(&values[2]) as usize);
            let rows = tables.states.iter().filter(|(place, _)| **place > after).take(count);
            rows.map(|(place, state)| [of_place(place), of_state(state), vec![truth(true)]].concat()).collect()
        }
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

fn of_halt(((time, replica), halt): (&(i64, i64), &Halt)) -> Row {
    let (found, sealed) = (Some(halt.found.clone()), Some(halt.sealed.clone()));
    vec![short(*replica), long(*time), found, halt.lifted.clone(), sealed]
}

fn of_place(place: &(i64, Vec<u8>)) -> Row {
    vec![short(place.0), Some(place.1.clone())]
}

fn of_state((version, index, sealed): &State) -> Row {
    vec![long(*version), long(*index), Some(sealed.clone())]
}

/// Rows of state at these kinds and keys: kind, key, version, leaf, sealed bytes.
pub fn states(tables: &Tables, kinds: &Value, keys: &Value) -> Vec<Row> {
    let places = array(kinds).into_iter().zip(array(keys));
    let places = places.map(|(kind, key)| (number(&kind), key.unwrap()));
    places.filter_map(|place| Some([of_place(&place), of_state(tables.states.get(&place)?)].concat())).collect()
}

/// The leaf of a transaction of an organisation.
fn of_transaction<'t>(tables: &'t Tables, oin: &Value, txn: &Value) -> Option<&'t Arc<Leaf>> {
    let wanted = (bytes(oin), bytes(txn));
    let same =
        |leaf: &&Arc<Leaf>| leaf.transaction.as_ref().is_some_and(|(oin, txn, _)| (oin, txn) == (&wanted.0, &wanted.1));
    tables.leaves.values().find(same)
}

/// Leaves of these transactions: organisation, transaction, index, digest, kind.
pub fn seen(tables: &Tables, oins: &Value, txns: &Value) -> Vec<Row> {
    let row = |leaf: &Arc<Leaf>| {
        let (oin, txn, digest) = leaf.transaction.clone().unwrap();
        vec![Some(oin), Some(txn), long(leaf.index), Some(digest), short(leaf.kind)]
    };
    let wanted = array(oins).into_iter().zip(array(txns));
    wanted.filter_map(|(oin, txn)| of_transaction(tables, &oin, &txn).map(row)).collect()
}

fn leaves(name: &str, tables: &Tables, values: &[Value]) -> Vec<Row> {
    let one = |index: &Value| tables.leaves.get(&number(index));
    let text = |leaf: &Arc<Leaf>| vec![Some(leaf.text.clone().into_bytes())];
    let whole = |leaf: &Arc<Leaf>| {
        vec![long(leaf.index), Some(leaf.text.clone().into_bytes()), leaf.key_id.clone(), leaf.sealed.clone()]
    };
    match name {
        "STANDS" => one(&values[1]).map(text).into_iter().collect(),
        "ENTRY" => one(&values[1]).map(whole).into_iter().collect(),
        "TRANSACTION" => of_transaction(tables, &values[0], &values[1]).map(whole).into_iter().collect(),
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
        "WRITE" => batch(tables, values),
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
        "INSERT_SEGMENT" => {
            vec![Change::Segment { level: n(1), first: n(2), last: n(3), sealed: bytes(&values[4]) }]
        }
        "DROP_SMALL_SEGMENTS" => vec![Change::DropSegments { upto: n(1) }],
        "WRITE_LOW" => mark(tables, n(0), n(1)).into_iter().collect(),
        "INSERT_HALT" | "LIFT_HALT" => halt(name, tables, values).into_iter().collect(),
        "DROP_LOW" => vec![Change::DropMark { replica: n(0), low: n(1) }],
        "PRUNE_HEADS" => vec![Change::PruneHeads],
        "PRUNE_MARKS" => vec![Change::PruneMarks { replica: n(0) }],
        // Kept notes are read by nobody here.
        "WRITE_CHECKPOINT" | "THIN_CHECKPOINTS" => Vec::new(),
        other => panic!("the simulated server does not answer {other}"),
    }
}

/// The changes of `log_write`, in its order: leaves, sub-trees, index, mark, head.
fn batch(tables: &Tables, values: &[Value]) -> Vec<Change> {
    let n = |at: usize| number(&values[at]);
    let mut made = new_leaves(values);
    made.extend(new_subtrees(&values[13..16]));
    if let Some(sealed) = values[18].clone() {
        made.push(Change::Segment { level: 0, first: n(16), last: n(17), sealed });
    }
    if values[19].is_some() {
        made.extend(mark(tables, n(1), n(19)));
    }
    made.push(Change::Head { size: n(20), frontier: bytes(&values[21]), last_time: n(22) });
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

fn new_subtrees(values: &[Value]) -> Vec<Change> {
    let rows = array(&values[0]).into_iter().zip(array(&values[1])).zip(array(&values[2]));
    let row = |((level, number), hash): ((Value, Value), Value)| Change::Subtree {
        level: wire::number(&level),
        number: wire::number(&number),
        hash: hash.unwrap(),
    };
    rows.map(row).collect()
}

/// Leaves by the columns from the third to the thirteenth value.
fn new_leaves(values: &[Value]) -> Vec<Change> {
    let replica = number(&values[1]);
    let columns: Vec<Vec<Value>> = values[2..13].iter().map(array).collect();
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
    ["INSERT_", "WRITE", "DROP_", "LIFT_", "PRUNE_", "THIN_", "SCHEMA"].iter().any(|verb| name.starts_with(verb))
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
