//! Finds the records in a reply and where exactly each one lies in its bytes.

mod mending;

use std::collections::BTreeMap;
use std::sync::Arc;

use landing::exchange::{RecordSpan, sha256};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::interpolation::{Context, Record, fill, scalar};
use crate::manifest::Stream;
use crate::partitions::Partition;
use mending::mended;

/// A record of a reply: where it lies, and its content.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) span: RecordSpan,
    pub(crate) value: Value,
    /// SHA-256 of exactly the bytes of the record.
    pub(crate) raw_sha256: String,
    /// The fields of the list that it stood in.
    pub(crate) partition_fields: Arc<BTreeMap<String, String>>,
}

/// A reply that is not what the manifest expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// The records of a reply, in the order in which they stand there.
///
/// A single object is one record, null is none. Of a reply with broken text in it the spans are
/// those of its own bytes, the values those of its [`mended`] twin.
pub(crate) fn select(
    body: &[u8],
    stream: &Stream,
    partition: Option<&Partition>,
) -> Result<Vec<Found>, Unreadable> {
    let fields = partition.map(|partition| partition.fields.clone()).unwrap_or_default();
    let fields = Arc::new(fields);
    read(body, |text| {
        let root: &RawValue = serde_json::from_str(text).map_err(not_json)?;
        let mut found = Vec::new();
        for raw in records(root, stream)? {
            let value: Value = serde_json::from_str(raw.get()).map_err(not_json)?;
            let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
            let end = start + raw.get().len();
            let raw_sha256 = sha256(&body[start..end]);
            let span = RecordSpan {
                stream: stream.name.clone(),
                key: key_of(&raw_sha256, &value, stream, partition),
                parent_key: partition
                    .map(|partition| partition.parent_key.clone())
                    .filter(|key| !key.is_empty()),
                start,
                end,
                change: None,
            };
            let partition_fields = fields.clone();
            found.push(Found { span, value, raw_sha256, partition_fields });
        }
        Ok(found)
    })
}

/// The text or number at a dotted path of a reply; `None` for null and for nothing.
pub(crate) fn text_at(body: &[u8], path: &str) -> Option<String> {
    read(body, |text| {
        let mut place: &RawValue = serde_json::from_str(text).map_err(not_json)?;
        for name in path.split('.') {
            let object: Fields<'_> = serde_json::from_str(place.get()).map_err(not_json)?;
            let next = object.0.into_iter().rev().find(|(key, _)| key == name);
            place = next.map(|(_, value)| value).ok_or_else(|| missing(name))?;
        }
        serde_json::from_str(place.get()).map_err(not_json)
    })
    .ok()
    .and_then(|value| scalar(&value))
}

/// Reads a reply strictly, or else its mended twin; what is wrong is said of the reply itself.
fn read<T>(body: &[u8], reading: impl Fn(&str) -> Result<T, Unreadable>) -> Result<T, Unreadable> {
    let strict = match std::str::from_utf8(body) {
        Ok(text) => reading(text),
        Err(error) => Err(Unreadable(format!("not UTF-8 at byte {}", error.valid_up_to()))),
    };
    strict.or_else(|why| reading(&mended(body)).map_err(|_| why))
}

fn records<'a>(root: &'a RawValue, stream: &Stream) -> Result<Vec<&'a RawValue>, Unreadable> {
    let path = &stream.field_path;
    let is_list = root.get().trim_start().starts_with('[');
    let mut place = root;
    for name in path.iter().filter(|_| !is_list) {
        let object: Fields<'_> = serde_json::from_str(place.get()).map_err(not_json)?;
        let next = object.0.into_iter().rev().find(|(key, _)| key == name);
        place = match next {
            Some((_, value)) => value,
            None if stream.field_path_optional => return Ok(Vec::new()),
            None => return Err(missing(name)),
        };
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
fn key_of(
    raw_sha256: &str,
    value: &Value,
    stream: &Stream,
    partition: Option<&Partition>,
) -> String {
    let context = Context {
        record: Some(Record { value, sha256: raw_sha256 }),
        stream_partition: partition.map(|partition| &partition.fields),
        ..Context::default()
    };
    let filled = stream.key.iter().find_map(|template| fill(template, &context));
    filled.unwrap_or_else(|| format!("unkeyed:{raw_sha256}"))
}

fn missing(name: &str) -> Unreadable {
    Unreadable(format!("no {name:?}"))
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
    fn broken_text_inside_a_record_keeps_its_bytes_and_its_place() {
        for odd in [
            &b"caf\xe9"[..],
            b"a\0b\x01\tc",
            br"\ud83d and \udc00",
            b"\xff\\\" \xed\xa0\x80",
            b"\", \"n\": 1e999, \"m\": \"",
        ] {
            let record = [&br#"{"id":"k","text":""#[..], odd, br#""}"#].concat();
            let body = [&br#"{"data":[{"id":"j"}, "#[..], &record, b"]}"].concat();
            let found = select(&body, &stream(), None).expect("is complete");
            let keys: Vec<&str> = found.iter().map(|found| found.span.key.as_str()).collect();
            assert_eq!(keys, ["j", "k"]);
            let span = &found[1].span;
            assert_eq!(&body[span.start..span.end], record);
            assert_eq!(found[1].raw_sha256, sha256(&record));
            assert_eq!(text_at(&body, "data"), None);
        }
        assert_eq!(text_at(b"{\"next\":\"a\",\"x\":\"\xff\"}", "next").as_deref(), Some("a"));
    }

    #[test]
    fn broken_text_that_is_also_cut_off_is_unreadable() {
        for body in [&b"{\"data\":[{\"id\":\"\xff\"}"[..], b"{\"data\":\xff[]}", b"{\"data\":\0[]}"]
        {
            assert!(select(body, &stream(), None).is_err(), "{body:?}");
        }
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
