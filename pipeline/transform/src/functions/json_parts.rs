//! `json_items`, `json_texts` and `json_entries`: the pieces of one JSON text, as lists.
//!
//! What is not JSON, or not of the kind that a function takes apart, has no pieces: an empty list.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder, StructBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json_reader::text_of;

/// The elements of an array, each as it stands.
pub(crate) fn items(texts: &StringArray) -> ArrayRef {
    lists(texts, |raw, list| {
        for item in elements(raw) {
            list.append_value(item.get());
        }
    })
}

/// The elements of an array that are text, numbers or booleans, as text.
pub(crate) fn texts(texts: &StringArray) -> ArrayRef {
    lists(texts, |raw, list| {
        for text in elements(raw).iter().filter_map(|item| text_of(item.get())) {
            list.append_value(text);
        }
    })
}

fn lists(texts: &StringArray, fill: impl Fn(&str, &mut StringBuilder)) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for raw in texts {
        if let Some(raw) = raw {
            fill(raw, lists.values());
        }
        lists.append(raw.is_some());
    }
    Arc::new(lists.finish())
}

fn elements(raw: &str) -> Vec<&RawValue> {
    serde_json::from_str(raw).unwrap_or_default()
}

/// The fields of an entry: its key, its value as text when it is a scalar, else as it stands, and
/// the JSON type of the value.
pub(crate) fn entry_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Utf8, true),
        Field::new("type", DataType::Utf8, true),
    ])
}

/// The entries of an object, in the order in which they stand.
pub(crate) fn entries(texts: &StringArray) -> ArrayRef {
    let pairs = StructBuilder::from_fields(entry_fields(), 0);
    let mut lists = ListBuilder::new(pairs);
    for raw in texts {
        for (key, value) in raw.map(members).unwrap_or_default() {
            let pair = lists.values();
            field(pair, 0).append_value(key);
            match value.get() {
                "null" => field(pair, 1).append_null(),
                value => match text_of(value) {
                    Some(text) => field(pair, 1).append_value(text),
                    None => field(pair, 1).append_value(value),
                },
            }
            field(pair, 2).append_value(type_of(value.get()));
            pair.append(true);
        }
        lists.append(raw.is_some());
    }
    Arc::new(lists.finish())
}

/// The JSON type of a value, which its first character tells.
fn type_of(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'n') | None => "null",
        Some(_) => "number",
    }
}

fn field(pair: &mut StructBuilder, place: usize) -> &mut StringBuilder {
    pair.field_builder(place).expect("all fields of an entry are text")
}

fn members(raw: &str) -> Vec<(String, &RawValue)> {
    let mut reader = serde_json::Deserializer::from_str(raw);
    reader.deserialize_map(Members).unwrap_or_default()
}

/// Keeps the order of the members and every one of them, which a map would not.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = map.next_entry()? {
            found.push(entry);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

    use super::*;

    fn check(part: fn(&StringArray) -> ArrayRef, raw: Option<&str>, expected: &str) {
        let found = part(&StringArray::from(vec![raw]));
        let options = FormatOptions::new().with_null("null");
        let shown = ArrayFormatter::try_new(&found, &options).expect("can be shown");
        assert_eq!(shown.value(0).to_string(), expected, "{raw:?}");
    }

    #[test]
    fn arrays_come_apart_and_nothing_else_does() {
        check(items, Some(r#"[{"a": 1},"x",null]"#), r#"[{"a": 1}, "x", null]"#);
        check(texts, Some(r#"["x",1.50,true,null,{"a":1}]"#), "[x, 1.50, true]");
        check(items, Some(r#"{"a":1}"#), "[]");
        check(texts, Some("no json"), "[]");
        check(items, None, "null");
    }

    #[test]
    fn entries_keep_their_order() {
        check(
            entries,
            Some(r#"{"b":1,"a":"x","c":[1],"d":null}"#),
            "[{key: b, value: 1, type: number}, {key: a, value: x, type: string}, \
             {key: c, value: [1], type: array}, {key: d, value: null, type: null}]",
        );
        check(entries, Some("[1]"), "[]");
    }
}
