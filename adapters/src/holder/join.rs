//! `FROM` to the end: which tables a statement reads, how they belong together, and which row of each is taken.
//!
//! A joined table never multiplies rows: its row is taken only when it is the one that can be meant. That is asked in
//! the statement itself, so rows of other times and other kinds never leave the database.

use super::bind::{Bind, Binds, only};
use super::date::DateForm;
use super::dialect::{is_day, is_no_day, same_key, sortable};
use super::identifier::{Identifier, Kept, Kind};
use super::map::HolderMap;
use super::name::{Alias, Name, qualified};
use super::table::{Joined, Latest, Valid};
use std::collections::BTreeSet;

/// The tables of one statement, gathered while its columns are.
pub(super) struct Tables<'m> {
    map: &'m HolderMap,
    needed: BTreeSet<Alias>,
    required: BTreeSet<Alias>,
}

impl<'m> Tables<'m> {
    /// The tables that a subject is found in.
    pub(super) fn new(map: &'m HolderMap) -> Self {
        Self { map, needed: BTreeSet::new(), required: BTreeSet::new() }
    }

    /// Reads from a table, and from those it hangs on.
    pub(super) fn need(&mut self, at: Alias) {
        add(self.map, at, &mut self.needed);
    }

    /// Reads from a table in which there must be a row.
    pub(super) fn require(&mut self, at: Alias) {
        add(self.map, at, &mut self.required);
        self.need(at);
    }

    /// The joins of the tables that hang on these sections, in order.
    pub(super) fn joins(&self, bases: &[Alias], binds: &mut Binds) -> String {
        let mut text = String::new();
        for (n, (_, joined)) in self.map.tables.iter().enumerate() {
            let at = Alias::Joined(n);
            if !self.needed.contains(&at) || !bases.contains(&joined.base) {
                continue;
            }
            let join = if self.required.contains(&at) { "JOIN" } else { "LEFT JOIN" };
            let conditions = taken(joined, &at.sql(), self.map.head.dates, binds);
            text.push_str(&format!(" {join} {} AS {} ON {conditions}", joined.table.quoted(), at.sql()));
        }
        text
    }
}

fn add(map: &HolderMap, at: Alias, set: &mut BTreeSet<Alias>) {
    set.insert(at);
    if let Alias::Joined(n) = at
        && let Some((_, joined)) = map.tables.get(n)
    {
        joined.on.values().for_each(|reference| add(map, reference.at, set));
    }
}

/// The conditions under which a row of a joined table is the one that is taken.
fn taken(joined: &Joined, alias: &str, map_dates: DateForm, binds: &mut Binds) -> String {
    let mut own = matched(joined, alias, binds);
    if let Some(valid) = &joined.valid {
        own.extend(holds(valid, alias, map_dates, binds));
        own.extend(certain(valid, alias, map_dates));
    }
    if let Some(latest) = &joined.latest {
        let mine = day_of(latest, alias, map_dates);
        own.push(is_day(&mine));
        own.push(format!("{mine} = {}", newest(joined, latest, map_dates, binds)));
    }
    own.push(format!("{} = 1", others(joined, map_dates, binds)));
    own.join(" AND ")
}

/// How many rows of a joined table could be the one that is meant: those that may hold today, or may be the newest.
pub(super) fn others(joined: &Joined, map_dates: DateForm, binds: &mut Binds) -> String {
    let mut others = matched(joined, "o", binds);
    if let Some(valid) = &joined.valid {
        others.extend(holds(valid, "o", map_dates, binds));
    }
    if let Some(latest) = &joined.latest {
        let (day, today) = (day_of(latest, "o", map_dates), binds.placeholder(Bind::Today));
        let newest = newest(joined, latest, map_dates, binds);
        others.push(format!("(NOT {} OR {day} = {newest})", is_day(&day)));
        others.push(format!("NOT ({} AND {day} > {today})", is_day(&day)));
    }
    format!("(SELECT COUNT(*) FROM {} AS o WHERE {})", joined.table.quoted(), others.join(" AND "))
}

/// The newest day among the rows that count and are not of the future.
fn newest(joined: &Joined, latest: &Latest, map_dates: DateForm, binds: &mut Binds) -> String {
    let mut conditions = matched(joined, "n", binds);
    let day = day_of(latest, "n", map_dates);
    conditions.push(is_day(&day));
    conditions.push(format!("{day} <= {}", binds.placeholder(Bind::Today)));
    format!("(SELECT MAX({day}) FROM {} AS n WHERE {})", joined.table.quoted(), conditions.join(" AND "))
}

fn matched(joined: &Joined, alias: &str, binds: &mut Binds) -> Vec<String> {
    let on = joined.on.iter().map(|(own, other)| same_key(&format!("{alias}.{}", own.quoted()), &other.sql()));
    on.chain(only(&joined.only, alias, binds)).collect()
}

fn day_of(latest: &Latest, alias: &str, map_dates: DateForm) -> String {
    sortable(&format!("{alias}.{}", latest.column.quoted()), latest.dates.unwrap_or(map_dates))
}

/// Conditions of a row that may hold today: not surely over, and not surely still to come.
pub(super) fn holds(valid: &Valid, alias: &str, map_dates: DateForm, binds: &mut Binds) -> Vec<String> {
    let today = binds.placeholder(Bind::Today);
    let bound = |column: &Name, over: &str| {
        let day = sortable(&format!("{alias}.{}", column.quoted()), valid.dates.unwrap_or(map_dates));
        format!("NOT ({} AND {day} {over} {today})", is_day(&day))
    };
    let from = valid.from.iter().map(|column| bound(column, ">"));
    let until = valid.until.iter().map(|column| bound(column, "<="));
    let through = valid.through.iter().map(|column| bound(column, "<"));
    from.chain(until).chain(through).collect()
}

/// Conditions of a row of which the days can be read, so that it surely holds if it may.
pub(super) fn certain(valid: &Valid, alias: &str, map_dates: DateForm) -> Vec<String> {
    let known = |column: &Name| {
        let day = sortable(&format!("{alias}.{}", column.quoted()), valid.dates.unwrap_or(map_dates));
        format!("({} OR {})", is_no_day(&day), is_day(&day))
    };
    valid.columns().map(known).collect()
}

/// The condition that finds a subject by an identifier.
pub(super) fn is_subject(identifier: &Identifier, binds: &mut Binds) -> String {
    let column = identifier.column.sql();
    match identifier.kept {
        Kept::Text => format!("{column} = {}", binds.placeholder(Bind::Key)),
        Kept::Number => format!("{column} = {}", binds.placeholder(Bind::NumberKey)),
        Kept::Digits => {
            let (long, short) = (binds.placeholder(Bind::Key), binds.placeholder(Bind::ShortKey));
            format!("{column} IN ({long}, {short})")
        }
    }
}

/// Where a kind of identifier is kept, when it is.
pub(super) const fn identifier(map: &HolderMap, by: Kind) -> Option<&Identifier> {
    match by {
        Kind::Bsn => map.client.bsn.as_ref(),
        Kind::ClientNumber => Some(&map.client.client_number),
    }
}

/// Joins the table of clients to a column with their key.
pub(super) fn client_by(map: &HolderMap, at: Alias, key: &Name) -> String {
    let client = &map.client;
    let same = same_key(&qualified(Alias::Client, &client.key), &qualified(at, key));
    format!("JOIN {} AS c ON {same}", client.table.quoted())
}
