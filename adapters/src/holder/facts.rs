//! The `[facts]` of a column map: what the holder answers about a client without any field leaving.

use super::domain::of_facts;
use super::flag::Flag;
use super::name::Reference;
use super::value::{Part, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use sluis_core::holder_fact::{HeldFact, HeldKind};
use std::collections::BTreeMap;

/// How a held fact is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// A yes or no.
    Flag(Flag),
    /// A text.
    Text(Value),
}

/// Where the facts stand. What is not mapped is unknown, and an unknown secret counts as secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FactMap {
    /// Date of birth.
    pub(super) birth_date: Option<Part>,
    /// CBS code of the responsible municipality.
    pub(super) municipality_code: Option<Value>,
    /// Whether care is running.
    pub(super) active_case: Option<Flag>,
    /// Whether the residence is secret: so, unless every one of these says no.
    pub(super) residence_secret: Vec<Flag>,
    /// What else is kept.
    pub(super) held: BTreeMap<HeldFact, Held>,
}

impl FactMap {
    /// The columns it reads, in the order in which cells are taken: as the fields of this type stand.
    pub(super) fn references(&self) -> Vec<&Reference> {
        let mut all: Vec<&Reference> = self.birth_date.iter().map(|part| &part.column).collect();
        all.extend(self.municipality_code.iter().flat_map(Value::parts).map(|part| &part.column));
        all.extend(self.active_case.iter().chain(&self.residence_secret).flat_map(Flag::references));
        for held in self.held.values() {
            match held {
                Held::Flag(flag) => all.extend(flag.references()),
                Held::Text(value) => all.extend(value.parts().into_iter().map(|part| &part.column)),
            }
        }
        all
    }

    /// The same, to be resolved.
    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        let mut all: Vec<&mut Reference> = self.birth_date.iter_mut().map(|part| &mut part.column).collect();
        all.extend(self.municipality_code.iter_mut().flat_map(Value::parts_mut).map(|part| &mut part.column));
        all.extend(self.active_case.iter_mut().chain(&mut self.residence_secret).flat_map(Flag::references_mut));
        for held in self.held.values_mut() {
            match held {
                Held::Flag(flag) => all.extend(flag.references_mut()),
                Held::Text(value) => all.extend(value.parts_mut().into_iter().map(|part| &mut part.column)),
            }
        }
        all
    }
}

impl FactMap {
    /// The first column of a joined table by which a row that is not there would be an answer. Not asked of a secret:
    /// there nothing never means no, and unknown is secret.
    pub(super) fn answers_without_row(&self) -> Option<&Reference> {
        let of_flags = self.active_case.iter().filter_map(Flag::answers_without_row);
        let of_parts = self.birth_date.iter().filter_map(Part::answers_without_row);
        let of_values = self.municipality_code.iter().filter_map(Value::answers_without_row);
        let of_held = self.held.values().filter_map(|held| match held {
            Held::Flag(flag) => flag.answers_without_row(),
            Held::Text(value) => value.answers_without_row(),
        });
        of_flags.chain(of_parts).chain(of_values).chain(of_held).next()
    }
}

impl<'de> Deserialize<'de> for FactMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = FactMap;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("facts, each with the column that holds it")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FactMap, A::Error> {
                let mut facts = FactMap::default();
                while let Some(name) = map.next_key::<String>()? {
                    match (name.as_str(), HeldFact::from_code(&name)) {
                        ("birth_date", _) => facts.birth_date = Some(map.next_value()?),
                        ("municipality_code", _) => facts.municipality_code = Some(map.next_value::<Single>()?.0),
                        ("active_case", _) => facts.active_case = Some(map.next_value()?),
                        ("residence_secret", _) => facts.residence_secret = map.next_value::<Secrets>()?.0,
                        (_, Some(fact)) => {
                            let held = match fact.kind() {
                                HeldKind::Flag => Held::Flag(map.next_value()?),
                                HeldKind::Text => Held::Text(map.next_value::<Single>()?.0),
                            };
                            facts.held.insert(fact, held);
                        }
                        (_, None) => return Err(A::Error::custom(format!("unknown fact `{name}`: {}", known()))),
                    }
                }
                Ok(facts)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The names of all facts, for people.
fn known() -> String {
    let all: Vec<&str> = of_facts().into_iter().map(|(name, _)| name).collect();
    format!("facts are {}", all.join(", "))
}

/// A text of one column, or a fixed one.
#[derive(serde::Deserialize)]
#[serde(try_from = "Value")]
struct Single(Value);

impl TryFrom<Value> for Single {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match &value {
            Value::Fixed(_) => Ok(Self(value)),
            Value::Join(parts) if parts.len() == 1 => Ok(Self(value)),
            _ => Err("a fact is one column, or `fixed`"),
        }
    }
}

/// One column that may say that the residence is secret, or several.
struct Secrets(Vec<Flag>);

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<Flag>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a column that says yes or no, or a list of such columns")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<Flag>, E> {
                Flag::deserialize(serde::de::value::StrDeserializer::new(text)).map(|flag| vec![flag])
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Flag>, A::Error> {
                Flag::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|flag| vec![flag])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Flag>, A::Error> {
                let mut flags = Vec::new();
                while let Some(flag) = list.next_element()? {
                    flags.push(flag);
                }
                Ok(flags)
            }
        }
        let flags = deserializer.deserialize_any(Reader)?;
        if flags.iter().any(Flag::is_no_by_absence) {
            return Err(D::Error::custom(
                "for `residence_secret` nothing may not mean no: a row that is missing would open an address; name \
                 the codes of `no`",
            ));
        }
        Ok(Self(flags))
    }
}
