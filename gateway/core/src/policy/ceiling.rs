//! The legal ceiling: what a recipient type may never have, and the most a pair of type and purpose may have.

use super::fault::Faults;
use super::read::{self, Item, Section};
use crate::field::{Field, FieldSet};
use crate::organisation::{Purpose, RecipientType};
use std::collections::BTreeMap;

/// The format of the text.
const FORMAT: &str = "sluis-ceiling/1";

/// The ceiling over every policy, signed by other people than the policy (ruling 2: per pair, not per type).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    pub(super) version: u64,
    pub(super) sealed: FieldSet,
    pub(super) never: BTreeMap<RecipientType, FieldSet>,
    pub(super) allow: BTreeMap<(RecipientType, Purpose), FieldSet>,
}

impl Ceiling {
    /// The version number of the ceiling.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What this type may never have, for whatever purpose, with what nobody may have.
    #[must_use]
    pub fn never(&self, recipient: RecipientType) -> FieldSet {
        self.never.get(&recipient).copied().unwrap_or_default().union(self.sealed)
    }

    /// The most this pair may have; nothing when the ceiling does not name the pair.
    #[must_use]
    pub fn allow(&self, recipient: RecipientType, purpose: Purpose) -> FieldSet {
        self.allow.get(&(recipient, purpose)).copied().unwrap_or_default()
    }
}

/// Reads the ceiling.
pub(super) fn read(source: &str, faults: &mut Faults<'_>) -> Option<Ceiling> {
    let table = read::parse(source, faults)?;
    let mut root = Section::root(&table);
    let version = root.required("ceiling", faults).and_then(|item| header(&item, faults));
    let never = root.required("never", faults).map(|item| never(&item, faults)).unwrap_or_default();
    let allow = root.required("allow", faults).map(|item| allow(&item, faults)).unwrap_or_default();
    root.finish(faults);
    let (sealed, never) = never;
    let ceiling = Ceiling { version: version.unwrap_or_default(), sealed, never, allow };
    for field in Field::ALL.iter().filter(|f| f.class() == crate::field::FieldClass::Sealed && !sealed.contains(**f)) {
        faults.add("never", format!("`{}` is sealed (B14): add it to never.\"*\"", field.code()));
    }
    for ((recipient, purpose), allowed) in &ceiling.allow {
        for field in allowed.intersection(ceiling.never(*recipient)).iter() {
            let path = format!("allow.\"{recipient}/{purpose}\"");
            faults.add(&path, format!("`{}` may never go to {recipient}: remove it here", field.code()));
        }
    }
    faults.is_empty().then_some(ceiling)
}

fn header(item: &Item<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    let mut section = item.section(faults)?;
    if section.text("format", faults).is_some_and(|f| f != FORMAT) {
        faults.add(&section.path("format"), format!("this program reads `{FORMAT}` only"));
    }
    let version = section.number("version", faults);
    section.finish(faults);
    version
}

fn never(item: &Item<'_>, faults: &mut Faults<'_>) -> (FieldSet, BTreeMap<RecipientType, FieldSet>) {
    let mut sealed = FieldSet::EMPTY;
    let mut never = BTreeMap::new();
    let Some(section) = item.section(faults) else { return (sealed, never) };
    for (key, item) in section.entries(faults) {
        let set = field_set(&item, faults);
        match RecipientType::from_code(key) {
            _ if key == "*" => sealed = set,
            Some(recipient) => {
                never.insert(recipient, set);
            }
            None => faults.add(&item.path, format!("unknown recipient type `{key}`: use a code of the list, or \"*\"")),
        }
    }
    (sealed, never)
}

fn allow(item: &Item<'_>, faults: &mut Faults<'_>) -> BTreeMap<(RecipientType, Purpose), FieldSet> {
    let mut allow = BTreeMap::new();
    let Some(section) = item.section(faults) else { return allow };
    for (key, item) in section.entries(faults) {
        let set = field_set(&item, faults);
        let pair = key.split_once('/').and_then(|(r, p)| RecipientType::from_code(r).zip(Purpose::from_code(p)));
        match pair {
            Some(pair) => {
                allow.insert(pair, set);
            }
            None => faults.add(&item.path, format!("`{key}` is no pair: write RECIPIENT_TYPE/PURPOSE in known codes")),
        }
    }
    allow
}

/// A list of field codes as a set; what is unknown or double is a fault.
pub(super) fn field_set(item: &Item<'_>, faults: &mut Faults<'_>) -> FieldSet {
    let mut set = FieldSet::EMPTY;
    for item in item.list(faults) {
        let Some(code) = item.text(faults) else { continue };
        match Field::from_code(code) {
            None => faults.add(&item.path, format!("unknown field `{code}`: use a code of the catalogue")),
            Some(field) if set.contains(field) => {
                faults.add(&item.path, format!("`{code}` stands here twice: keep one"))
            }
            Some(field) => set = set.with(field),
        }
    }
    set
}
