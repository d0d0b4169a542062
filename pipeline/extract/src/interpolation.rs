//! `{{ config.key }}`: the only expression that a manifest knows.
//!
//! Names and the texts that stand for them; what they mean is not known here.

use std::collections::BTreeMap;

use kernel::{Fault, Result};
use serde_json::Value;

/// What templates may refer to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context<'a> {
    pub(crate) config: Option<&'a BTreeMap<String, String>>,
    pub(crate) stream_partition: Option<&'a BTreeMap<String, String>>,
    pub(crate) next_page_token: Option<&'a str>,
    pub(crate) stream_interval: Interval<'a>,
    pub(crate) record: Option<Record<'a>>,
}

/// The bounds of a window of time, as the API writes them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Interval<'a> {
    pub(crate) start_time: Option<&'a str>,
    pub(crate) end_time: Option<&'a str>,
}

/// A record that templates may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) value: &'a Value,
    /// SHA-256 of its text, which tells records apart that have no id.
    pub(crate) sha256: &'a str,
}

/// One thing that a template refers to; a bare name is a scope without a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    pub(crate) scope: &'a str,
    pub(crate) field: &'a str,
}

/// Everything that a template refers to; `None` when its braces do not close.
pub(crate) fn references(template: &str) -> Option<Vec<Reference<'_>>> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, remaining) = after.split_once("}}")?;
        let (scope, field) = name.trim().split_once('.').unwrap_or((name.trim(), ""));
        found.push(Reference { scope, field });
        rest = remaining;
    }
    (!rest.contains("}}")).then_some(found)
}

/// Fills a template in; `None` when something it refers to does not exist or is empty.
pub(crate) fn fill(template: &str, context: &Context<'_>) -> Option<String> {
    fill_with(template, context, |text| text.to_owned())
}

/// Fills a path in; what is filled in is escaped, so that it stays within its segment.
pub(crate) fn fill_path(template: &str, context: &Context<'_>) -> Result<String> {
    fill_with(template, context, escape_segment).ok_or_else(|| {
        Fault::config(format!("the manifest's path {template} refers to something unknown"))
            .hint("known are config.*, stream_partition.*, stream_interval.*, next_page_token")
    })
}

/// Fills in every text of a JSON value. What refers to something that does not exist is left out,
/// and so is what holds nothing else.
pub(crate) fn fill_json(template: &Value, context: &Context<'_>) -> Option<Value> {
    match template {
        Value::String(text) => fill(text, context).map(Value::String),
        Value::Array(list) => {
            let filled: Vec<Value> =
                list.iter().filter_map(|value| fill_json(value, context)).collect();
            (list.is_empty() || !filled.is_empty()).then_some(Value::Array(filled))
        }
        Value::Object(fields) => {
            let filled: serde_json::Map<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), fill_json(value, context)?)))
                .collect();
            (fields.is_empty() || !filled.is_empty()).then_some(Value::Object(filled))
        }
        other => Some(other.clone()),
    }
}

/// Every text of a JSON value.
pub(crate) fn texts_of(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

/// Fills in a setting of the manifest that must exist.
pub(crate) fn fill_setting(template: &str, config: &BTreeMap<String, String>) -> Result<String> {
    let context = Context { config: Some(config), ..Context::default() };
    fill(template, &context).ok_or_else(|| {
        Fault::config(format!("{template} refers to a setting that is missing"))
            .hint("give base_url, or the setting that the text between the braces names")
    })
}

fn fill_with(
    template: &str,
    context: &Context<'_>,
    escape: impl Fn(&str) -> String,
) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, remaining) = after.split_once("}}")?;
        filled.push_str(before);
        filled.push_str(&escape(&resolve(name.trim(), context)?));
        rest = remaining;
    }
    filled.push_str(rest);
    Some(filled)
}

fn resolve(name: &str, context: &Context<'_>) -> Option<String> {
    match name {
        "next_page_token" => return context.next_page_token.map(str::to_owned),
        "record_sha256" => return context.record.map(|record| record.sha256.to_owned()),
        _ => {}
    }
    let (scope, field) = name.split_once('.')?;
    let found = match scope {
        "config" => context.config?.get(field)?.clone(),
        "stream_partition" => context.stream_partition?.get(field)?.clone(),
        "stream_interval" => match field {
            "start_time" => context.stream_interval.start_time?.to_owned(),
            "end_time" => context.stream_interval.end_time?.to_owned(),
            _ => return None,
        },
        "record" => scalar(at_path(context.record?.value, field)?)?,
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

/// The value at a dotted path.
pub(crate) fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Text, numbers and booleans as text; nothing else.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn escape_segment(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(
            |byte| {
                if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_path_segment() {
        let config = BTreeMap::from([("id".to_owned(), "a/b ü@x".to_owned())]);
        let context = Context { config: Some(&config), ..Context::default() };
        let path = fill_path("/website/{{ config.id }}/list", &context).expect("is known");
        assert_eq!(path, "/website/a%2Fb%20%C3%BC%40x/list");
    }

    #[test]
    fn what_a_template_refers_to_can_be_listed() {
        let found = references("/a/{{ config.id }}/{{next_page_token}}").expect("closes");
        let names: Vec<_> = found.iter().map(|found| (found.scope, found.field)).collect();
        assert_eq!(names, [("config", "id"), ("next_page_token", "")]);
        assert_eq!(references("/a/{{ config.id"), None);
        assert_eq!(references("/a/config.id }}"), None);
    }

    #[test]
    fn what_cannot_be_filled_in_is_left_out_of_a_body_with_all_that_holds_nothing_else() {
        let template = serde_json::json!({
            "and": [{ "at": { "gte": "{{ stream_interval.start_time }}" } },
                    { "at": { "lt": "{{ stream_interval.end_time }}" } }],
            "not": [], "n": 1,
        });
        let stream_interval = Interval { start_time: None, end_time: Some("9") };
        let context = Context { stream_interval, ..Context::default() };
        let filled = fill_json(&template, &context).expect("something is left");
        let expected = serde_json::json!({ "and": [{ "at": { "lt": "9" } }], "not": [], "n": 1 });
        assert_eq!(filled, expected);
        let nothing = fill_json(&template["and"], &Context::default());
        assert_eq!(nothing, None);
    }

    #[test]
    fn a_template_with_something_missing_is_not_filled() {
        let record = serde_json::json!({"a": {"b": 7, "c": null}});
        let record = Record { value: &record, sha256: "ab" };
        let context = Context { record: Some(record), ..Context::default() };
        assert_eq!(fill("{{ record_sha256 }}", &context).as_deref(), Some("ab"));
        assert_eq!(fill("{{ record.a.b }}", &context).as_deref(), Some("7"));
        assert_eq!(fill("{{ record.a.c }}", &context), None);
        assert_eq!(fill("{{ record.z }}", &context), None);
    }
}
