//! Reading a TOML text strictly: every key must be asked for, every value has a place, every fault is kept.

use super::fault::Faults;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parses a text; faults of syntax are all reported and give `None`.
pub(super) fn parse<'s>(source: &'s str, faults: &mut Faults<'_>) -> Option<DeTable<'s>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        faults.add_at("", offset, format!("this is not TOML: {}; mend the syntax here", error.message().trim()));
    }
    errors.is_empty().then(|| table.into_inner())
}

/// One table being read. [`Section::finish`] reports every key that nobody asked for.
pub(super) struct Section<'t> {
    path: String,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

/// One value with its path.
pub(super) struct Item<'t> {
    /// Where it stands.
    pub(super) path: String,
    value: &'t DeValue<'t>,
}

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t DeTable<'t>) -> Self {
        Self { path: String::new(), table, known: Vec::new() }
    }

    /// The path of this table, or of a key in it.
    pub(super) fn path(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn item(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Item<'t>> {
        self.known.push(key);
        let value = self.table.get(key)?;
        Some(placed(self.path(key), value, faults))
    }

    /// The value of a key that must be there.
    pub(super) fn required(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Item<'t>> {
        let item = self.item(key, faults);
        if item.is_none() {
            faults.add(&self.path(key), format!("`{key}` is missing: add it"));
        }
        item
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<&'t str> {
        let item = self.required(key, faults)?;
        let text = item.text(faults)?;
        if text.trim().is_empty() {
            faults.add(&item.path, format!("`{key}` is empty: say what it is"));
            return None;
        }
        Some(text)
    }

    /// A whole number from 1 that must be there.
    pub(super) fn number(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<u64> {
        let item = self.required(key, faults)?;
        item.number(faults)
    }

    /// The items of a list; an absent key is an empty list.
    pub(super) fn list(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Vec<Item<'t>> {
        self.item(key, faults).map_or_else(Vec::new, |item| item.list(faults))
    }

    /// Every key with its value, for tables whose keys are codes.
    pub(super) fn entries(&self, faults: &mut Faults<'_>) -> Vec<(&'t str, Item<'t>)> {
        let entry = |(key, value): (&'t Spanned<_>, &'t Spanned<_>)| {
            let key: &'t std::borrow::Cow<'t, str> = key.get_ref();
            let path = if key.contains(['.', '/', '*']) { format!("\"{key}\"") } else { key.to_string() };
            (key.as_ref(), placed(self.path(&path), value, faults))
        };
        self.table.iter().map(entry).collect()
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, faults: &mut Faults<'_>) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let reason = format!("unknown key `{name}`: remove it, or use one of {}", self.known.join(", "));
                faults.add_at(&self.path(name), key.span().start, reason);
            }
        }
    }
}

impl<'t> Item<'t> {
    /// A text.
    pub(super) fn text(&self, faults: &mut Faults<'_>) -> Option<&'t str> {
        self.or_fault(self.value.as_str(), "a text in quotes", faults)
    }

    /// A whole number from 1.
    pub(super) fn number(&self, faults: &mut Faults<'_>) -> Option<u64> {
        let number = self.value.as_integer().and_then(|n| n.to_string().parse().ok()).filter(|n| *n > 0);
        self.or_fault(number, "a whole number from 1", faults)
    }

    /// A whole number from 0.
    pub(super) fn count(&self, faults: &mut Faults<'_>) -> Option<u64> {
        let number = self.value.as_integer().and_then(|n| n.to_string().parse().ok());
        self.or_fault(number, "a whole number from 0", faults)
    }

    /// A moment with its offset, `2026-01-01T00:00:00Z`.
    pub(super) fn moment(&self, faults: &mut Faults<'_>) -> Option<jiff::Timestamp> {
        let moment = self.value.as_datetime().and_then(|d| d.to_string().parse().ok());
        self.or_fault(moment, "a moment with its offset, 2026-01-01T00:00:00Z", faults)
    }

    /// A text, or true or false as a text: the value of a fact.
    pub(super) fn word(&self, faults: &mut Faults<'_>) -> Option<&'t str> {
        let word = self.value.as_bool().map(|b| if b { "true" } else { "false" });
        self.or_fault(word.or(self.value.as_str()), "true, false, or a text in quotes", faults)
    }

    /// One value or a list of values.
    pub(super) fn one_or_more(self, faults: &mut Faults<'_>) -> Vec<Self> {
        if self.value.is_array() { self.list(faults) } else { vec![self] }
    }

    /// The items of a list.
    pub(super) fn list(&self, faults: &mut Faults<'_>) -> Vec<Self> {
        let Some(array) = self.or_fault(self.value.as_array(), "a list", faults) else { return Vec::new() };
        let item = |(n, value)| placed(format!("{}[{}]", self.path, n + 1), value, faults);
        array.iter().enumerate().map(item).collect()
    }

    /// A table.
    pub(super) fn section(&self, faults: &mut Faults<'_>) -> Option<Section<'t>> {
        let table = self.or_fault(self.value.as_table(), "a table", faults)?;
        Some(Section { path: self.path.clone(), table, known: Vec::new() })
    }

    fn or_fault<T>(&self, value: Option<T>, wanted: &str, faults: &mut Faults<'_>) -> Option<T> {
        if value.is_none() {
            faults.add(&self.path, format!("this is {}: write {wanted}", self.value.type_str()));
        }
        value
    }
}

fn placed<'t>(path: String, value: &'t Spanned<DeValue<'t>>, faults: &mut Faults<'_>) -> Item<'t> {
    faults.place(&path, value.span().start);
    Item { path, value: value.get_ref() }
}
