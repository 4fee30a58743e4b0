//! The column map: which column of the holder's database holds which field of the catalogue, and which facts.
//!
//! It is a TOML file of the holder, read strictly: an unknown key, an unknown field, a name that is none, a reference
//! to a table that is not declared, or a field that is mapped twice or not accounted for is a fault with its place.
//! The map holds names, codes and fixed texts only, never SQL. `docs/holder-source.md` explains every key.

use super::date::DateForm;
use super::facts::FactMap;
use super::identifier::Identifier;
use super::name::{Alias, Name};
use super::table::{Joined, Only, Valid};
use super::value::{Part, Value};
use serde::Deserialize;
use sluis_core::field::{Field, FieldSet};
use std::collections::BTreeMap;

/// The format this program reads.
const FORMAT: &str = "sluis-holder/2";

/// Why a column map is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapFault {
    /// The text does not read as a column map; the text names line and column.
    #[error("the column map does not read: {0}")]
    Text(String),
    /// Another format.
    #[error("the column map says format `{0}`; this program reads `{FORMAT}`")]
    Format(String),
    /// One field in two places.
    #[error("field `{}` is mapped twice: keep one", .0.code())]
    Twice(Field),
    /// Fields of the catalogue that are neither mapped nor listed in `not_kept`.
    #[error("not accounted for, so map them or add them to `not_kept`: {}", quoted(*.0))]
    Missing(FieldSet),
    /// A field that follows from the identifiers of the client.
    #[error("field `{}` follows from `[client]`: take it out of the fields", .0.code())]
    Identifier(Field),
    /// A section contradicts itself or another one.
    #[error("`[{section}]`: {text}")]
    Section {
        /// Which, as in the file.
        section: String,
        /// What is wrong and what to do.
        text: String,
    },
}

/// Codes as they can be pasted into a list.
fn quoted(fields: FieldSet) -> String {
    fields.iter().map(|field| format!("\"{}\"", field.code())).collect::<Vec<_>>().join(", ")
}

impl MapFault {
    pub(super) fn section(section: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Section { section: section.into(), text: text.into() }
    }
}

/// What holds for the whole map.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// Always `sluis-holder/2`.
    pub(super) format: String,
    /// How dates are kept where a column does not say it.
    #[serde(default)]
    pub(super) dates: DateForm,
    /// Fields of the catalogue that this holder does not keep, said in so many words.
    #[serde(default)]
    pub(super) not_kept: Vec<Field>,
}

/// The table with one row per client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTable {
    /// Its name.
    pub(super) table: Name,
    /// The key to which other tables refer.
    pub(super) key: Name,
    /// The number by which others know the client.
    pub(super) client_number: Identifier,
    /// The BSN, where the holder keeps it.
    pub(super) bsn: Option<Identifier>,
    /// Which rows count.
    #[serde(default)]
    pub(super) only: Only,
    /// The fields of the client.
    #[serde(default)]
    pub(super) fields: BTreeMap<Field, Value>,
}

/// The table that says whose parents they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkTable {
    /// Its name.
    pub(super) table: Name,
    /// Column with the client's key.
    pub(super) client: Name,
    /// Column with the parent's key.
    pub(super) parent: Name,
    /// Which rows count.
    #[serde(default)]
    pub(super) only: Only,
    /// The days between which a row holds.
    pub(super) valid: Option<Valid>,
}

/// The table with one row per parent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParentTable {
    /// Its name.
    pub(super) table: Name,
    /// Its key; parents come in this order.
    pub(super) key: Name,
    /// Column with the client's key, where there is no table in between.
    pub(super) client: Option<Name>,
    /// The table in between.
    pub(super) link: Option<LinkTable>,
    /// Which rows count.
    #[serde(default)]
    pub(super) only: Only,
    /// The days between which a row holds.
    pub(super) valid: Option<Valid>,
    /// The fields that are made of parents: one text per parent, joined.
    pub(super) fields: BTreeMap<Field, Value>,
}

/// What a claim line is compared with (the data of RJ 6a.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// AGB code of the provider, 8 digits.
    pub(super) provider_agb: Value,
    /// Number of the allocation.
    pub(super) allocation_number: Part,
    /// Product category, 2 digits.
    pub(super) product_category: Value,
    /// Product code.
    pub(super) product_code: Value,
    /// First day of the product period.
    pub(super) begin: Part,
    /// Last day of the product period.
    pub(super) end: Part,
    /// Volume in `unit`.
    pub(super) volume: Part,
    /// Unit (WJ756), 2 digits.
    pub(super) unit: Value,
    /// Tariff per unit; nothing when the unit is euros.
    pub(super) tariff: Part,
    /// Amount.
    pub(super) amount: Part,
}

impl Line {
    /// What is a code or a short text, with the field it is.
    pub(super) const fn coded(&self) -> [(Field, &Value); 4] {
        [
            (Field::ProviderAgb, &self.provider_agb),
            (Field::ProductCategory, &self.product_category),
            (Field::ProductCode, &self.product_code),
            (Field::Unit, &self.unit),
        ]
    }

    /// What is a number of its own form, with the field it is.
    pub(super) const fn counted(&self) -> [(Field, &Part); 4] {
        [
            (Field::AllocationNumber, &self.allocation_number),
            (Field::Volume, &self.volume),
            (Field::Tariff, &self.tariff),
            (Field::Amount, &self.amount),
        ]
    }

    /// What it reads, in the order in which cells are taken: as the fields of this type stand.
    pub(super) fn parts(&self) -> Vec<&Part> {
        let Self { provider_agb, allocation_number, product_category, product_code, begin, end, .. } = self;
        let Self { volume, unit, tariff, amount, .. } = self;
        let mut parts = provider_agb.parts();
        parts.push(allocation_number);
        parts.extend(product_category.parts());
        parts.extend(product_code.parts());
        parts.extend([begin, end, volume]);
        parts.extend(unit.parts());
        parts.extend([tariff, amount]);
        parts
    }
}

/// The table with one row per billing record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BillingTable {
    /// Its name.
    pub(super) table: Name,
    /// Its key.
    pub(super) key: Name,
    /// Column with the client's key.
    pub(super) client: Name,
    /// Which rows count.
    #[serde(default)]
    pub(super) only: Only,
    /// What a claim line is compared with.
    pub(super) line: Line,
    /// The fields that stand in this row.
    #[serde(default)]
    pub(super) fields: BTreeMap<Field, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    map: Head,
    client: ClientTable,
    #[serde(default)]
    facts: FactMap,
    parent: Option<ParentTable>,
    billing: Option<BillingTable>,
    #[serde(default)]
    tables: BTreeMap<Name, Joined>,
}

/// The closed map from the catalogue to the columns of one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderMap {
    pub(super) head: Head,
    pub(super) client: ClientTable,
    pub(super) facts: FactMap,
    pub(super) parent: Option<ParentTable>,
    pub(super) billing: Option<BillingTable>,
    /// Joined tables under their names in the map, each after those it hangs on.
    pub(super) tables: Vec<(Name, Joined)>,
}

impl HolderMap {
    /// Reads a column map, resolves every reference and accounts for every field of the catalogue.
    ///
    /// # Errors
    /// [`MapFault`] with the place or the field.
    pub fn parse(text: &str) -> Result<Self, MapFault> {
        let Written { map: head, client, facts, parent, billing, tables } =
            toml::from_str(text).map_err(|fault| MapFault::Text(fault.to_string().trim_end().to_owned()))?;
        if head.format != FORMAT {
            return Err(MapFault::Format(head.format));
        }
        let mut map = Self { head, client, facts, parent, billing, tables: Vec::new() };
        map.resolve(tables)?;
        map.account()?;
        Ok(map)
    }

    /// Every field of the catalogue is mapped once or not kept.
    fn account(&self) -> Result<(), MapFault> {
        let mut seen = FieldSet::EMPTY;
        for field in self.head.not_kept.iter().copied().chain(self.mapped()) {
            if seen.contains(field) {
                return Err(MapFault::Twice(field));
            }
            seen = seen.with(field);
        }
        let missing: FieldSet = Field::ALL.iter().copied().filter(|field| !seen.contains(*field)).collect();
        if missing.is_empty() { Ok(()) } else { Err(MapFault::Missing(missing)) }
    }

    fn mapped(&self) -> impl Iterator<Item = Field> {
        let parent = self.parent.iter().flat_map(|parent| parent.fields.keys());
        let billing = self.billing.iter().flat_map(|billing| billing.fields.keys());
        self.client.fields.keys().chain(parent).chain(billing).copied()
    }

    /// The fields this holder keeps.
    #[must_use]
    pub fn kept(&self) -> FieldSet {
        self.mapped().collect()
    }

    /// The tables with a section of their own, as they are in the database.
    pub(super) fn named_table(&self, at: Alias) -> Option<&Name> {
        match at {
            Alias::Client => Some(&self.client.table),
            Alias::Parent => self.parent.as_ref().map(|parent| &parent.table),
            Alias::Link => self.parent.as_ref().and_then(|parent| parent.link.as_ref()).map(|link| &link.table),
            Alias::Billing => self.billing.as_ref().map(|billing| &billing.table),
            Alias::Joined(n) => self.tables.get(n).map(|(_, joined)| &joined.table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::fixture::MAP;

    fn fault(from: &str, to: &str) -> String {
        let text = MAP.replacen(from, to, 1);
        assert_ne!(text, MAP, "the fixture does not hold `{from}`");
        HolderMap::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn the_demo_map_accounts_for_the_whole_catalogue() {
        let map = HolderMap::parse(MAP).unwrap();
        assert!(map.kept() == FieldSet::of(Field::ALL));
        assert!(map.kept().contains(Field::Bsn) && map.kept().contains(Field::ClientNumber));
    }

    #[test]
    fn faults_name_their_place() {
        assert!(fault("table = \"client\"", "table = \"client; drop table x\"").contains("line "));
        assert!(
            fault("postcode = \"postcode\"", "postcode = \"post\\\"code\"").contains("is not a table or column name")
        );
        assert!(fault("postcode = \"postcode\"", "postcodes = \"postcode\"").contains("unknown field `postcodes`"));
        assert!(fault("postcode = \"postcode\"", "postcode = { sql = [\"a\"] }").contains("unknown field `sql`"));
        assert!(fault("postcode = \"postcode\"", "").contains("to `not_kept`: \"postcode\""));
        assert!(fault("not_kept = [", "not_kept = [\"postcode\", ").contains("`postcode` is mapped twice"));
        assert!(fault("[parent.link]", "colour = \"red\"\n[parent.link]").contains("unknown field `colour`"));
        assert!(fault("sluis-holder/2", "sluis-holder/1").contains("`sluis-holder/1`"));
        assert!(
            fault("postcode = \"postcode\"", "postcode = \"adres.postcode\"").contains("declare it under `[tables]`")
        );
        assert!(fault("postcode = \"postcode\"", "postcode = \"billing.unit\"").contains("hangs on another section"));
        assert!(fault("[client.fields]", "[client.fields]\nbsn = \"bsn\"").contains("`bsn` follows from `[client]`"));
        assert!(fault("key = \"parent_id\"", "key = \"parent_id\"\nclient = \"x\"").contains("either `client` or"));
        assert!(fault("[facts]", "[facts]\nshoe_size = \"x\"").contains("unknown fact `shoe_size`"));
        let secret = "residence_secret = { column = \"residence_secret\", yes = \"1\", empty = false }";
        assert!(fault("residence_secret = \"residence_secret\"", secret).contains("nothing may not mean no"));
    }

    #[test]
    fn a_joined_table_hangs_on_a_table_of_the_map() {
        let with = |tables: &str| HolderMap::parse(&format!("{MAP}\n{tables}"));
        let fault = |tables: &str| with(tables).unwrap_err().to_string();
        let map = with(
            "[tables.b]\ntable = \"B\"\nmatch = { id = \"c.b\" }\n[tables.c]\ntable = \"C\"\nmatch = { id = \"client.c\" }",
        );
        let names: Vec<_> = map.unwrap().tables.iter().map(|(name, _)| name.as_str().to_owned()).collect();
        assert_eq!(names, ["c", "b"]);
        let circle =
            "[tables.b]\ntable = \"B\"\nmatch = { id = \"c.b\" }\n[tables.c]\ntable = \"C\"\nmatch = { id = \"b.c\" }";
        assert!(fault(circle).contains("does not hang on this one"));
        assert!(fault("[tables.b]\ntable = \"B\"\nmatch = { id = \"b\" }").contains("must name one table"));
        assert!(fault("[tables.b]\ntable = \"B\"\nmatch = {}").contains("needs a column"));
        assert!(fault("[tables.link]\ntable = \"B\"\nmatch = { id = \"client.c\" }").contains("choose another"));
        let both = "[tables.b]\ntable = \"B\"\nmatch = { id = \"client.b\" }\nlatest = \"x\"\nvalid = { from = \"y\" }";
        assert!(fault(both).contains("keep one of `valid` and `latest`"));
    }
}
