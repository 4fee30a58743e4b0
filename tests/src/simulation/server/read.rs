//! What the statements that only read answer, from what their snapshot shows.

use super::statements::bytes;
use super::tables::{Halt, Leaf, Shard, State, Tables, position};
use super::wire::{Row, Value, array, long, number, short, truth};
use std::sync::Arc;

/// The rows of a statement that only reads, from what its snapshot shows.
pub fn read(name: &str, tables: &Tables, clock: i64, values: &[Value]) -> Vec<Row> {
    match name {
        "IS_THERE" => vec![vec![truth(tables.schema.is_some())]],
        "KIND" => vec![vec![Some(b"log database".to_vec()), Some(1i32.to_be_bytes().to_vec())]],
        "SEALED" => vec![vec![tables.schema.clone()]],
        "SHARDS" | "SHARD" | "SHARD_AFTER" | "LOCK" => shards(name, tables, values),
        "HEAD" => {
            let row = tables.head(number(&values[0])).map(|(size, (frontier, last_time))| {
                vec![long(size), Some(frontier.clone()), long(*last_time), long(clock)]
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
            rows.map(|(place, state)| [of_place(place), of_state(state)].concat()).collect()
        }
        "SMALL_SEGMENTS" => {
            let log = number(&values[0]);
            let small = tables.segments.range((log, 0, i64::MIN)..=(log, 0, i64::MAX));
            let row = |((.., first), (last, sealed)): (&(i64, i64, i64), &(i64, Vec<u8>))| {
                vec![long(*first), long(*last), Some(sealed.clone())]
            };
            small.take(number(&values[1]) as usize).map(row).collect()
        }
        "SUBTREE_HASHES" => {
            let (log, level) = (number(&values[0]), number(&values[1]));
            let (from, to) = (number(&values[2]), number(&values[3]));
            tables
                .subtrees
                .range((log, level, from)..(log, level, to))
                .map(|(_, hash)| vec![Some(hash.clone())])
                .collect()
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

/// Leaves of these transactions: organisation, transaction, position, digest, kind. With a defect, the index for the position.
pub fn seen(tables: &Tables, oins: &Value, txns: &Value, bare: bool) -> Vec<Row> {
    let row = |leaf: &Arc<Leaf>| {
        let (oin, txn, digest) = leaf.transaction.clone().unwrap();
        let place = (if bare { 1 } else { leaf.log }, leaf.index);
        vec![Some(oin), Some(txn), long(position(place)), Some(digest), short(leaf.kind)]
    };
    let wanted = array(oins).into_iter().zip(array(txns));
    wanted.filter_map(|(oin, txn)| of_transaction(tables, &oin, &txn).map(row)).collect()
}

/// Rows of shards. An open one is locked by [`super::Server`], where the statement locks it.
fn shards(name: &str, tables: &Tables, values: &[Value]) -> Vec<Row> {
    let word = |word: &String| Some(word.clone().into_bytes());
    let one = || tables.shards.get(&number(&values[0])).into_iter();
    match name {
        "SHARDS" => {
            let note = |shard: &Shard| shard.before.as_ref().and_then(|(_, note)| word(note));
            // None of them was ever removed here.
            let row = |(log, shard): (&i64, &Shard)| {
                vec![short(*log), word(&shard.origin), short(if shard.open { 1 } else { 2 }), note(shard), None]
            };
            tables.shards.iter().map(row).collect()
        }
        "SHARD" => one().map(|shard| vec![word(&shard.origin), truth(shard.open)]).collect(),
        "LOCK" => one().filter(|shard| shard.open).map(|shard| vec![word(&shard.origin)]).collect(),
        _ => {
            let after = |shard: &Shard| shard.before.as_ref().is_some_and(|(log, _)| *log == number(&values[0]));
            tables.shards.iter().filter(|(_, shard)| after(shard)).map(|(log, _)| vec![short(*log)]).collect()
        }
    }
}

fn leaves(name: &str, tables: &Tables, values: &[Value]) -> Vec<Row> {
    let one = || tables.leaves.get(&(number(&values[0]), number(&values[1]))).into_iter();
    let text = |leaf: &Arc<Leaf>| vec![Some(leaf.text.clone().into_bytes())];
    let whole = |leaf: &Arc<Leaf>| {
        let at = position((leaf.log, leaf.index));
        vec![long(at), Some(leaf.text.clone().into_bytes()), leaf.key_id.clone(), leaf.sealed.clone()]
    };
    match name {
        "STANDS" => one().map(text).collect(),
        "ENTRY" => one().map(whole).collect(),
        "TRANSACTION" => of_transaction(tables, &values[0], &values[1]).map(whole).into_iter().collect(),
        "LEFT" => {
            let (from, replica) = ((number(&values[0]), number(&values[2])), number(&values[1]));
            let rows = tables.leaves.range(from..).filter(|(_, leaf)| leaf.replica == replica);
            rows.map(|(place, _)| vec![long(position(*place))]).collect()
        }
        "LEAVES" | "LEAF_HASHES" => {
            let rows = tables.leaves_of(number(&values[0]), number(&values[1]), number(&values[2]));
            rows.map(|leaf| if name == "LEAVES" { text(leaf) } else { vec![Some(leaf.hash.clone())] }).collect()
        }
        other => panic!("the simulated server does not answer {other}"),
    }
}
