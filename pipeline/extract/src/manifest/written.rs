//! Values that may be written in two ways, for serde.
//!
//! It knows TOML's shapes and no word of the vocabulary.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A list of things, or one of them alone. Unlike an untagged enum it keeps the exact error.
pub(super) fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("one or a list of them")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
            Ok(vec![T::deserialize(number.into_deserializer())?])
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![T::deserialize(text.into_deserializer())?])
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// A table whose values are lists, or one thing each.
pub(super) fn one_or_many_each<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Each(#[serde(deserialize_with = "one_or_many")] Vec<String>);
    let table: BTreeMap<String, Each> = BTreeMap::deserialize(deserializer)?;
    Ok(table.into_iter().map(|(name, Each(values))| (name, values)).collect())
}

/// The names of a path: a list, or one text with dots in it. `$` alone is the whole reply.
pub(super) fn path_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a dotted path or a list of names")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            let names = text.strip_prefix('$').unwrap_or(text).trim_start_matches('.');
            if names.is_empty() {
                return Ok(Vec::new());
            }
            if names.contains(['[', '*', '?', '@']) || names.split('.').any(str::is_empty) {
                return Err(E::custom(format!("{text:?} is not a path of names and dots")));
            }
            Ok(names.split('.').map(str::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(Names)
}
