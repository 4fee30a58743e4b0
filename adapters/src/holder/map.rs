//! The column map: which column of the holder's database holds which field of the catalogue.
//!
//! It is a TOML file of the holder, read strictly: an unknown key, an unknown field, a name that is not a plain
//! identifier or a field that is mapped twice or not accounted for is a fault with its place. The map holds names
//! only, never SQL.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use sluis_core::field::{Field, FieldSet};
use std::collections::BTreeMap;

/// Why a column map is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapFault {
    /// The text does not read as a column map; the text names line and column.
    #[error("the column map does not read: {0}")]
    Text(String),
    /// One field in two places.
    #[error("field `{}` is mapped twice: keep one", .0.code())]
    Twice(Field),
    /// A field of the catalogue that is neither mapped nor listed in `not_kept`.
    #[error("field `{}` is not accounted for: map it, or list it in `not_kept`", .0.code())]
    Missing(Field),
}

/// A table or column name: a small letter or underscore, then up to 62 small letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(String);

impl Name {
    /// The name as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in double quotes; its alphabet has no quote to escape.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if first && rest && text.len() <= 63 {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is not a table or column name: use a-z, 0-9 and _, at most 63, not a digit first"))
        }
    }
}

/// How the text of a field is made of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// One column as it stands.
    Column(Name),
    /// The columns that have a value, joined by a space.
    Join(Vec<Name>),
    /// First and last day, as `first/last`; no value unless both are there.
    Span(Name, Name),
}

impl Shape {
    /// The columns it reads, in order.
    pub(super) fn columns(&self) -> Vec<&Name> {
        match self {
            Self::Column(name) => vec![name],
            Self::Join(names) => names.iter().collect(),
            Self::Span(first, last) => vec![first, last],
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Shape;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a column name, { join = [\"a\", \"b\"] } or { span = [\"first\", \"last\"] }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Shape, E> {
                Name::try_from(text.to_owned()).map(Shape::Column).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                let key: Option<String> = map.next_key()?;
                let shape = match key.as_deref() {
                    Some("join") => Shape::Join(map.next_value()?),
                    Some("span") => {
                        let (first, last) = map.next_value()?;
                        Shape::Span(first, last)
                    }
                    _ => return Err(A::Error::custom("write `join` or `span`")),
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom("one of `join` and `span`, and nothing else"));
                }
                match shape {
                    Shape::Join(names) if names.is_empty() => Err(A::Error::custom("`join` needs a column")),
                    shape => Ok(shape),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The table with one row per client.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTable {
    /// Its name.
    pub(super) table: Name,
    /// The holder's client number, text, unique.
    pub(super) client_number: Name,
    /// The BSN as nine digits of text, or NULL.
    pub(super) bsn: Name,
    /// Date of birth, `YYYY-MM-DD` with `00` for what is unknown.
    pub(super) birth_date: Name,
    /// CBS code of the responsible municipality, or NULL.
    pub(super) municipality_code: Name,
    /// 1 while care is running, 0 otherwise.
    pub(super) active_case: Name,
    /// 1 when the residence must stay secret, 0 otherwise; NULL counts as 1.
    pub(super) residence_secret: Name,
    /// The law that pays for the care: `jeugdwet`, `zvw` or `other`; absent when the holder does not keep it.
    #[serde(default)]
    pub(super) financing: Option<Name>,
    /// UZOVI code of the health insurer.
    #[serde(default)]
    pub(super) insurer: Option<Name>,
    /// 1 when the privacy statement towards the insurer was signed, 0 otherwise; NULL is not known.
    #[serde(default)]
    pub(super) privacy_statement: Option<Name>,
    /// AGB code or OIN of the GP.
    #[serde(default)]
    pub(super) gp: Option<Name>,
    /// AGB code or OIN of whoever referred.
    #[serde(default)]
    pub(super) referrer: Option<Name>,
    /// The fields that stand in this row.
    pub(super) fields: BTreeMap<Field, Shape>,
}

impl ClientTable {
    /// The columns of facts that a holder need not keep, in the order in which facts are read.
    pub(super) const fn optional_facts(&self) -> [Option<&Name>; 5] {
        [
            self.financing.as_ref(),
            self.insurer.as_ref(),
            self.privacy_statement.as_ref(),
            self.gp.as_ref(),
            self.referrer.as_ref(),
        ]
    }
}

/// The table that links clients and parents.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkTable {
    /// Its name.
    pub(super) table: Name,
    /// The client number of the child.
    pub(super) client_number: Name,
    /// The key of the parent.
    pub(super) parent: Name,
}

/// What one parent contributes to a field: columns of the parent, then columns of the link.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParentShape {
    /// Columns of the parent table.
    #[serde(default)]
    pub(super) columns: Vec<Name>,
    /// Columns of the link table.
    #[serde(default)]
    pub(super) link: Vec<Name>,
}

/// The table with one row per parent.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParentTable {
    /// Its name.
    pub(super) table: Name,
    /// Its key; parents come in this order.
    pub(super) id: Name,
    /// Whose parents they are.
    pub(super) link: LinkTable,
    /// The fields that are made of parents.
    pub(super) fields: BTreeMap<Field, ParentShape>,
}

/// The table with one row per billing record (the data of RJ 6a.1). Amounts in eurocents.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BillingTable {
    /// Its name.
    pub(super) table: Name,
    /// Its key.
    pub(super) record_id: Name,
    /// The client it bills.
    pub(super) client_number: Name,
    /// AGB code of the provider, 8 digits of text.
    pub(super) provider_agb: Name,
    /// Number of the allocation.
    pub(super) allocation_number: Name,
    /// Product category, 2 digits of text.
    pub(super) product_category: Name,
    /// Product code, text.
    pub(super) product_code: Name,
    /// First day of the product period.
    pub(super) begin: Name,
    /// Last day of the product period.
    pub(super) end: Name,
    /// Volume in `unit`.
    pub(super) volume: Name,
    /// Unit (WJ756), 2 digits of text.
    pub(super) unit: Name,
    /// Tariff per unit, or NULL when the unit is euros.
    pub(super) tariff: Name,
    /// Amount.
    pub(super) amount: Name,
    /// The fields that stand in this row.
    pub(super) fields: BTreeMap<Field, Shape>,
}

/// The closed map from the catalogue to the columns of one holder.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderMap {
    /// Fields of the catalogue that this holder does not keep, said in so many words.
    not_kept: Vec<Field>,
    pub(super) client: ClientTable,
    pub(super) parent: ParentTable,
    pub(super) billing: BillingTable,
}

impl HolderMap {
    /// Reads a column map and accounts for every field of the catalogue.
    ///
    /// # Errors
    /// [`MapFault`] with the place or the field.
    pub fn parse(text: &str) -> Result<Self, MapFault> {
        let map: Self =
            toml::from_str(text).map_err(|fault| MapFault::Text(fault.to_string().trim_end().to_owned()))?;
        let mut seen = FieldSet::EMPTY;
        for field in map.not_kept.iter().copied().chain(map.mapped()) {
            if seen.contains(field) {
                return Err(MapFault::Twice(field));
            }
            seen = seen.with(field);
        }
        match Field::ALL.iter().find(|field| !seen.contains(**field)) {
            Some(field) => Err(MapFault::Missing(*field)),
            None => Ok(map),
        }
    }

    fn mapped(&self) -> impl Iterator<Item = Field> {
        let client = self.client.fields.keys();
        client.chain(self.parent.fields.keys()).chain(self.billing.fields.keys()).copied()
    }

    /// The fields this holder keeps.
    #[must_use]
    pub fn kept(&self) -> FieldSet {
        self.mapped().collect()
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
        assert!(map.kept().contains(Field::Name) && map.kept() == FieldSet::of(Field::ALL));
    }

    #[test]
    fn faults_name_their_place() {
        assert!(fault("table = \"client\"", "table = \"client; drop table x\"").contains("line "));
        assert!(fault("postcode = \"postcode\"", "postcode = \"Postcode\"").contains("`Postcode` is not"));
        assert!(fault("postcode = \"postcode\"", "postcodes = \"postcode\"").contains("unknown field `postcodes`"));
        assert!(fault("postcode = \"postcode\"", "postcode = { sql = [\"a\"] }").contains("`join` or `span`"));
        assert!(fault("postcode = \"postcode\"", "").contains("`postcode` is not accounted for"));
        assert!(fault("not_kept = [", "not_kept = [\"postcode\"").contains("`postcode` is mapped twice"));
        assert!(fault("[parent.link]", "colour = \"red\"\n[parent.link]").contains("unknown field `colour`"));
        assert!(fault("table = \"client\"", "table = \"1client\"").contains("not a digit first"));
    }
}
