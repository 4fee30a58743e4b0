//! The two ways to write things in a column map: a name alone or a table of keys, one thing or a list of them.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A text, or a table with keys.
pub(super) enum TextOr<T> {
    /// `"…"`.
    Text(String),
    /// `{ … }`.
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column name, or { column = \"…\" } with how it is read")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// One code or several; a number stands for its digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Codes(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Codes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a code, as text or number, or a list of codes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Codes, E> {
                Ok(Codes(vec![text.to_owned()]))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Codes, E> {
                Ok(Codes(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Codes, A::Error> {
                let mut codes = Vec::new();
                while let Some(Codes(one)) = list.next_element()? {
                    codes.extend(one);
                }
                if codes.is_empty() { Err(A::Error::custom("a list of codes needs a code")) } else { Ok(Codes(codes)) }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
