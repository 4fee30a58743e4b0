//! How much one organisation may ask, in calls, connections and tokens, and which organisations may ask more or less.
//!
//! The organisation is the OIN of the certificate. What is not written is the default, which is meant for production: one
//! organisation can take no more than half of a gateway's places, and a ninth of what a small machine answers in a second.

use crate::quota::Terms;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sluis_core::organisation::Oin;
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

/// How much one organisation may ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls in a second, in the long run.
    pub calls_per_second: Most,
    /// Calls that may come at once after a quiet time; then `calls_per_second` holds.
    pub calls_burst: NonZeroU32,
    /// Calls in progress, streams included.
    pub calls_at_once: Most,
    /// Open connections, to both listeners together.
    pub connections: Most,
    /// Requests to the token endpoint in a minute; so many may come at once.
    pub tokens_per_minute: Most,
    /// Seconds after which a stream on which the caller neither sends nor reads is ended.
    pub idle_seconds: NonZeroU16,
    /// Organisations for which other numbers were agreed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception: Vec<Exception>,
}

/// What was agreed with one organisation; what is absent is as for everyone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Which organisation.
    pub oin: Oin,
    /// Calls in a second.
    pub calls_per_second: Option<Most>,
    /// Calls at once after a quiet time.
    pub calls_burst: Option<NonZeroU32>,
    /// Calls in progress.
    pub calls_at_once: Option<Most>,
    /// Open connections.
    pub connections: Option<Most>,
    /// Requests to the token endpoint in a minute.
    pub tokens_per_minute: Option<Most>,
}

/// A number above 0, or `"none"` where nothing is limited, which production refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most(pub Option<NonZeroU32>);

impl Most {
    /// No limit.
    pub const NONE: Self = Self(None);
}

const fn number(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

const fn most(most: u32) -> Most {
    Most(Some(number(most)))
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_second: most(1000),
            calls_burst: number(2000),
            calls_at_once: most(256),
            connections: most(64),
            tokens_per_minute: most(300),
            idle_seconds: NonZeroU16::MIN.saturating_add(59),
            exception: Vec::new(),
        }
    }
}

impl Limits {
    /// No limit on how often an organisation calls: for a demonstration and for measuring, never for production.
    #[must_use]
    pub fn unmetered() -> Self {
        Self { calls_per_second: Most::NONE, tokens_per_minute: Most::NONE, ..Self::default() }
    }

    /// What holds for every organisation that is not named.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            calls_per_second: self.calls_per_second.0,
            calls_burst: self.calls_burst,
            calls_at_once: self.calls_at_once.0,
            connections: self.connections.0,
            tokens_per_minute: self.tokens_per_minute.0,
        }
    }

    /// What was agreed with the organisations that are named.
    pub fn exceptions(&self) -> impl Iterator<Item = (Oin, Terms)> {
        let own = |most: Option<Most>, all: Most| most.unwrap_or(all).0;
        self.exception.iter().map(move |e| {
            let terms = Terms {
                calls_per_second: own(e.calls_per_second, self.calls_per_second),
                calls_burst: e.calls_burst.unwrap_or(self.calls_burst),
                calls_at_once: own(e.calls_at_once, self.calls_at_once),
                connections: own(e.connections, self.connections),
                tokens_per_minute: own(e.tokens_per_minute, self.tokens_per_minute),
            };
            (e.oin.clone(), terms)
        })
    }

    /// What production refuses, each with its name: anything without a limit, and places for one organisation as many
    /// as there are for all.
    #[must_use]
    pub fn unsafe_settings(&self, calls_max: usize, connections_max: usize) -> Vec<String> {
        let everyone = ("limits".to_owned(), self.terms());
        let named = self.exceptions().map(|(oin, terms)| (format!("limits.exception of {oin}"), terms));
        let mut refused = Vec::new();
        for (of, terms) in std::iter::once(everyone).chain(named) {
            let rates = [("calls_per_second", terms.calls_per_second), ("tokens_per_minute", terms.tokens_per_minute)];
            let places = [
                ("calls_at_once", terms.calls_at_once, calls_max),
                ("connections", terms.connections, connections_max),
            ];
            let rates = rates.into_iter().filter(|(_, most)| most.is_none());
            refused.extend(rates.map(|(key, _)| format!("{of}, {key}: `none`, so one organisation could hold up all")));
            let fills = |most: Option<NonZeroU32>, all: usize| most.is_none_or(|m| m.get() as usize >= all);
            let places = places.into_iter().filter(|(_, most, all)| fills(*most, *all));
            refused.extend(places.map(|(key, _, all)| {
                format!("{of}, {key}: one organisation could take all {all} places; keep it below")
            }));
        }
        refused
    }
}

impl Serialize for Most {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(most) => serializer.serialize_u32(most.get()),
            None => serializer.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for Most {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = Most;
            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("a whole number above 0, or \"none\"")
            }
            fn visit_i64<E: de::Error>(self, found: i64) -> Result<Most, E> {
                let most = u32::try_from(found).ok().and_then(NonZeroU32::new);
                most.map(|most| Most(Some(most))).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(found), &self))
            }
            fn visit_u64<E: de::Error>(self, found: u64) -> Result<Most, E> {
                self.visit_i64(i64::try_from(found).unwrap_or(i64::MAX))
            }
            fn visit_str<E: de::Error>(self, found: &str) -> Result<Most, E> {
                if found == "none" { Ok(Most::NONE) } else { Err(E::invalid_value(de::Unexpected::Str(found), &self)) }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "[[exception]]\noin = \"00000099000000001000\"\ncalls_per_second = 5\n";

    #[test]
    fn an_exception_changes_what_it_names_and_nothing_else() {
        let limits: Limits = toml::from_str(&format!("connections = 7\n{OWN}")).unwrap();
        let (oin, terms) = limits.exceptions().next().unwrap();
        assert_eq!((oin.as_str(), terms.calls_per_second), ("00000099000000001000", NonZeroU32::new(5)));
        assert_eq!(Terms { calls_per_second: limits.terms().calls_per_second, ..terms }, limits.terms());
        assert_eq!(limits.terms().connections, NonZeroU32::new(7));
    }

    #[test]
    fn what_is_no_limit_is_refused_by_its_line() {
        for text in ["connections = 0", "connections = -1", "connections = \"many\"", "calls_burst = 0", "calls = 1"] {
            assert!(toml::from_str::<Limits>(text).unwrap_err().to_string().contains("line 1"), "{text}");
        }
        assert_eq!(toml::from_str::<Limits>("connections = \"none\"").unwrap().connections, Most::NONE);
    }

    #[test]
    fn production_refuses_what_is_not_limited_for_anyone() {
        assert_eq!(Limits::default().unsafe_settings(512, 1024), Vec::<String>::new());
        assert_eq!(Limits::unmetered().unsafe_settings(512, 1024).len(), 2);
        let one: Limits = toml::from_str(&OWN.replace("5", "\"none\"")).unwrap();
        assert!(one.unsafe_settings(512, 1024)[0].starts_with("limits.exception of 00000099000000001000"));
        assert!(Limits::default().unsafe_settings(256, 1024)[0].contains("calls_at_once"));
    }
}
