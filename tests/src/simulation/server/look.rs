//! `log_look`, the first question of an append: one row of what stands under the lock, with an array per column of the rows
//! that were found, or NULL where none was.

use super::super::defect::Defect;
use super::read::{seen, states};
use super::tables::{Shard, Tables};
use super::wire::{Row, Value, list, long, number, truth};

/// The types of its columns; see [`super::wire::columns`].
pub const TYPES: &str = "tlblloSBLLBTBLBS";

/// The columns of states begin here, those of transactions there.
const STATES: usize = 6;
const SEEN: usize = 11;

/// The names of its columns.
pub const NAMES: &[&str] = &[
    "origin",
    "size",
    "frontier",
    "last_t",
    "clock",
    "halted",
    "state_kinds",
    "state_keys",
    "versions",
    "leaf_indexes",
    "sealed",
    "seen_oins",
    "seen_txns",
    "seen_indexes",
    "seen_digests",
    "seen_kinds",
];

/// The row, from what stands there and from what a writer reads its guards from. With a defect, as if a step were forgotten.
pub fn look(tables: &Tables, guards: &Tables, clock: i64, values: &[Value], defect: Option<Defect>) -> Row {
    let log = number(&values[0]);
    let open = tables.shards.get(&log).filter(|shard| shard.open || defect == Some(Defect::ClosedTaken));
    let Some(Shard { origin, .. }) = open else { return vec![None; NAMES.len()] };
    let newest = tables.head(log);
    let last_time = newest.and_then(|(_, (_, last_time))| match defect {
        Some(Defect::TimeForgotten) => long(0),
        _ => long(*last_time),
    });
    let mut row = vec![
        Some(origin.clone().into_bytes()),
        newest.and_then(|(size, _)| long(size)),
        newest.map(|(_, (frontier, _))| frontier.clone()),
        last_time,
        long(clock),
        newest.and(truth(tables.halted(number(&values[1])))),
    ];
    let found = states(guards, &values[2], &values[3]);
    row.extend(columns(&TYPES[STATES..SEEN], &found));
    let found = match defect {
        Some(Defect::TransactionsUnseen) => Vec::new(),
        _ => seen(tables, &values[4], &values[5], defect == Some(Defect::IndexWithoutShard)),
    };
    row.extend(columns(&TYPES[SEEN..], &found));
    row
}

/// Rows turned into an array per column, as `array_agg` does.
fn columns(types: &str, rows: &[Row]) -> Vec<Value> {
    let column = |(at, letter): (usize, u8)| {
        let of = |row: &Row| row[at].clone();
        list(letter.to_ascii_lowercase(), &rows.iter().map(of).collect::<Vec<_>>())
    };
    types.bytes().enumerate().map(column).collect()
}
