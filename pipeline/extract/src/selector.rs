//! Finds the records in a reply and where exactly each one lies in its bytes.

use std::collections::BTreeMap;

use landing::exchange::{RecordSpan, sha256};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::interpolation::{Context, fill, scalar};
use crate::manifest::Stream;

/// A record of a reply: where it lies, and its content.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) span: RecordSpan,
    pub(crate) value: Value,
}

/// A reply that is not what the manifest expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// The records of a reply, in the order in which they stand there.
///
/// A single object is one record, null is none.
pub(crate) fn select(
    body: &[u8],
    stream: &Stream,
    partition: Option<&Partition>,
) -> Result<Vec<Found>, Unreadable> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Unreadable(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let root: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    let mut found = Vec::new();
    for raw in records(root, &stream.field_path)? {
        let value: Value = serde_json::from_str(raw.get()).map_err(not_json)?;
        let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        let span = RecordSpan {
            stream: stream.name.clone(),
            key: key_of(raw.get(), &value, stream, partition),
            parent_key: partition.map(|partition| partition.parent_key.clone()),
            start,
            end: start + raw.get().len(),
        };
        found.push(Found { span, value });
    }
    Ok(found)
}

/// The text or number at a dotted path of a reply; `None` for null and for nothing.
pub(crate) fn text_at(body: &[u8], path: &str) -> Option<String> {
    let mut place: &RawValue = serde_json::from_slice(body).ok()?;
    for name in path.split('.') {
        let object: Fields<'_> = serde_json::from_str(place.get()).ok()?;
        place = object.0.into_iter().rev().find(|(key, _)| key == name)?.1;
    }
    scalar(&serde_json::from_str(place.get()).ok()?)
}

/// One question of a stream that asks once for each record of another.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) parent_key: String,
    pub(crate) fields: BTreeMap<String, String>,
}

fn records<'a>(root: &'a RawValue, path: &[String]) -> Result<Vec<&'a RawValue>, Unreadable> {
    let is_list = root.get().trim_start().starts_with('[');
    let mut place = root;
    for name in path.iter().filter(|_| !is_list) {
        let object: Fields<'_> = serde_json::from_str(place.get()).map_err(not_json)?;
        let next = object.0.into_iter().rev().find(|(key, _)| key == name);
        place = next.map(|(_, value)| value).ok_or_else(|| Unreadable(format!("no {name:?}")))?;
    }
    match place.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(place.get()).map_err(not_json),
        Some(b'{') => Ok(vec![place]),
        Some(b'n') => Ok(Vec::new()),
        _ => Err(Unreadable(format!("{} holds neither a list nor an object", path.join(".")))),
    }
}

/// The fields of an object in their order, values as they stand, doubled keys included.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Visitor).map(Fields)
    }
}

/// A record without a key is landed all the same, under the hash of its text.
fn key_of(raw: &str, value: &Value, stream: &Stream, partition: Option<&Partition>) -> String {
    let context = Context {
        record: Some(value),
        stream_partition: partition.map(|partition| &partition.fields),
        ..Context::default()
    };
    let filled = stream.key.iter().find_map(|template| fill(template, &context));
    filled.unwrap_or_else(|| format!("unkeyed:{}", sha256(raw.as_bytes())))
}

fn not_json(error: serde_json::Error) -> Unreadable {
    Unreadable(format!("not JSON at line {} column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        toml::from_str("name = \"s\"\npath = \"/\"\nkey = [\"{{ record.id }}\"]").expect("reads")
    }

    #[test]
    fn a_record_is_found_to_the_byte_with_its_spelling() {
        let body = br#"{ "error":false, "data" : [ {"id":1.50,"id":"\u0000x"} , {"b":2}] }"#;
        let found = select(body, &stream(), None).expect("is readable");
        let raw = |place: usize| {
            let span: &RecordSpan = &found[place].span;
            std::str::from_utf8(&body[span.start..span.end]).expect("is text")
        };
        assert_eq!(raw(0), r#"{"id":1.50,"id":"\u0000x"}"#);
        assert_eq!(raw(1), r#"{"b":2}"#);
        assert_eq!(found[0].span.key, "\0x");
        assert!(found[1].span.key.starts_with("unkeyed:"));
    }

    #[test]
    fn a_reply_that_is_cut_off_or_no_json_is_unreadable() {
        for body in [&br#"{"data":[{"id":1}"#[..], b"<html>", b"", b"\xff", br#"{"other":1}"#] {
            assert!(select(body, &stream(), None).is_err());
        }
    }

    #[test]
    fn a_bare_list_a_single_object_and_null_are_understood() {
        let count = |body: &[u8]| select(body, &stream(), None).expect("is readable").len();
        assert_eq!(count(br#"[{"id":1},{"id":2}]"#), 2);
        assert_eq!(count(br#"{"data":{"id":1}}"#), 1);
        assert_eq!(count(br#"{"data":null}"#), 0);
        assert_eq!(count(br#"{"data":[]}"#), 0);
    }
}
