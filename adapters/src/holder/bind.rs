//! What is bound to a statement: placeholders while it is built, values when it runs. Nothing of a request is text.

use super::date::{self, DateForm};
use super::dialect;
use super::table::Only;
use jiff::civil::Date;
use rusqlite::types::Value;

/// One bound value, by its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bind {
    /// The identifier or record that is looked for, as text.
    Key,
    /// A BSN without its leading zero, as text; the BSN itself when it has none.
    ShortKey,
    /// The identifier as a whole number; nothing when it is not one in its shortest form.
    NumberKey,
    /// A client number after which a page begins, as a whole number; before all when there is none.
    AfterNumber,
    /// Today, as eight digits.
    Today,
    /// A code of the map.
    Code(String),
    /// The first day of a claim line, in the holder's form.
    Begin(DateForm),
    /// How many rows at most.
    Count,
}

/// What a statement is run for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// The identifier or record.
    pub(super) key: &'a str,
    /// The day.
    pub(super) today: Date,
    /// First day of a claim line.
    pub(super) begin: Option<Date>,
    /// How many rows at most.
    pub(super) count: u32,
}

/// The bound values of a statement in the order of their placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Binds(Vec<Bind>);

impl Binds {
    /// The placeholder of a value; the same value has one placeholder.
    pub(super) fn placeholder(&mut self, bind: Bind) -> String {
        let at = self.0.iter().position(|known| *known == bind).unwrap_or_else(|| {
            self.0.push(bind);
            self.0.len() - 1
        });
        dialect::placeholder(at + 1)
    }

    /// The values for one run.
    pub(super) fn values(&self, given: &Given<'_>) -> Vec<Value> {
        self.0.iter().map(|bind| bind.value(given)).collect()
    }
}

impl Bind {
    fn value(&self, given: &Given<'_>) -> Value {
        match self {
            Self::Key => Value::Text(given.key.to_owned()),
            Self::ShortKey => Value::Text(given.key.strip_prefix('0').unwrap_or(given.key).to_owned()),
            Self::NumberKey => whole(given.key).map_or(Value::Null, Value::Integer),
            Self::AfterNumber => Value::Integer(whole(given.key).unwrap_or(i64::MIN)),
            Self::Today => Value::Text(date::digits(given.today)),
            Self::Code(code) => Value::Text(code.clone()),
            Self::Begin(form) => given.begin.and_then(|day| form.write(day)).map_or(Value::Null, Value::Text),
            Self::Count => Value::Integer(given.count.into()),
        }
    }
}

/// A BSN or a client number as a number; a client number with a leading zero is another one, and is none here.
fn whole(key: &str) -> Option<i64> {
    let number: i64 = key.parse().ok()?;
    let is_bsn = key.len() == 9;
    (is_bsn || number.to_string() == key).then_some(number)
}

/// Which rows of a table count, as a condition on one of its rows; nothing when all do.
pub(super) fn only(only: &Only, alias: &str, binds: &mut Binds) -> Vec<String> {
    let mut conditions = Vec::new();
    for (column, codes) in only {
        let text = dialect::text_of(&format!("{alias}.{}", column.quoted()));
        let codes: Vec<String> = codes.0.iter().map(|code| binds.placeholder(Bind::Code(code.clone()))).collect();
        conditions.push(format!("{text} IN ({})", codes.join(", ")));
    }
    conditions
}
