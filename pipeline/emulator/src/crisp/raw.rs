//! Records as text: finding, replacing, removing and adding a field with every other byte kept.
//!
//! A record is served as it was received, so key order, number spelling and escapes must survive.
//! This module knows JSON and nothing else.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of one object, in their order, with the text of each value.
pub(crate) struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The fields of an object; `None` when the text is not a JSON object.
    pub(crate) fn of(text: &'a str) -> Option<Fields<'a>> {
        serde_json::from_str(text).ok()
    }

    /// The text of a field's value.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Collect).map(Fields)
    }
}

/// The text of a field's value, at the top level.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    Fields::of(text)?.get(name)
}

/// The text of a value below several objects.
pub(crate) fn path<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    names.iter().try_fold(text, |inner, name| field(inner, name))
}

/// The record with the value of one top-level field replaced, or with the field added at the end.
pub(crate) fn with_field(text: &str, name: &str, value: &str) -> String {
    match value_span(text, name) {
        Some(span) => format!("{}{value}{}", &text[..span.start], &text[span.end..]),
        None => with_last(text, name, value),
    }
}

/// The record without one top-level field and without the comma that belongs to it.
pub(crate) fn without_field(text: &str, name: &str) -> String {
    let Some(span) = value_span(text, name) else {
        return text.to_owned();
    };
    let key = serde_json::to_string(name).expect("a text is always JSON");
    let Some(start) = text[..span.start].rfind(&key) else {
        return text.to_owned();
    };
    let after = text[span.end..].trim_start();
    if let Some(rest) = after.strip_prefix(',') {
        return format!("{}{}", &text[..start], rest.trim_start());
    }
    let before = text[..start].trim_end();
    format!("{}{}", before.strip_suffix(',').unwrap_or(before), &text[span.end..])
}

/// The record without the top-level fields whose names begin with `_`.
pub(crate) fn without_hidden(text: &str) -> String {
    let names = Fields::of(text).map_or(Vec::new(), |fields| {
        fields.0.into_iter().map(|(name, _)| name).filter(|name| name.starts_with('_')).collect()
    });
    names.iter().fold(text.to_owned(), |text, name| without_field(&text, name))
}

/// A text value of JSON as the text it means.
pub(crate) fn text_of(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// The record with a field added at the end, even where it has one of that name.
pub(crate) fn with_last(text: &str, name: &str, value: &str) -> String {
    let Some(body) = text.trim_end().strip_suffix('}') else {
        return text.to_owned();
    };
    let comma = if body.trim_end().ends_with('{') { "" } else { "," };
    let key = serde_json::to_string(name).expect("a text is always JSON");
    format!("{body}{comma}{key}:{value}}}")
}

fn value_span(text: &str, name: &str) -> Option<Range<usize>> {
    let value = field(text, name)?;
    // The value is a slice of the text, so the distance of the two addresses is its position.
    let start = value.as_ptr() as usize - text.as_ptr() as usize;
    Some(start..start + value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"a": 1.50, "b": "\u00e9", "c": {"a": [2]}}"#;

    #[test]
    fn a_replaced_field_leaves_every_other_byte() {
        assert_eq!(with_field(RECORD, "b", "7"), r#"{"a": 1.50, "b": 7, "c": {"a": [2]}}"#);
        assert_eq!(with_field("{}", "x", "[]"), r#"{"x":[]}"#);
    }

    #[test]
    fn a_removed_field_takes_its_comma_along() {
        assert_eq!(without_field(RECORD, "a"), r#"{"b": "\u00e9", "c": {"a": [2]}}"#);
        assert_eq!(without_field(RECORD, "c"), r#"{"a": 1.50, "b": "\u00e9"}"#);
        assert_eq!(without_field(RECORD, "none"), RECORD);
        assert_eq!(without_field(r#"{"a":1}"#, "a"), "{}");
    }

    #[test]
    fn hidden_fields_are_removed_and_others_stay() {
        let text = r#"{"_a":1, "b":{"_c":1.0}, "_d":"x"}"#;
        assert_eq!(without_hidden(text), r#"{"b":{"_c":1.0}}"#);
        assert_eq!(without_hidden(RECORD), RECORD);
    }

    #[test]
    fn a_path_goes_through_objects_only() {
        assert_eq!(path(RECORD, &["c", "a"]), Some("[2]"));
        assert_eq!(path(RECORD, &["a", "c"]), None);
    }
}
