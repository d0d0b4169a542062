//! Headers of an e-mail that came as JSON.

use serde_json::{Map, Value};

/// The value of the header of this name, in whatever capitals it is written; the values of one that
/// comes more than once, or as a list, with a comma between them.
pub(crate) fn header(headers: &str, name: &str) -> Option<String> {
    let headers: Map<String, Value> = serde_json::from_str(headers).ok()?;
    let values = headers.iter().filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    let mut found = Vec::new();
    for (_, value) in values {
        match value {
            Value::Array(items) => found.extend(items.iter().filter_map(text_of)),
            value => found.extend(text_of(value)),
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// A header on one line; nothing for what is empty or no scalar.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_capitals_and_kinds() {
        let headers = r#"{"MESSAGE-ID":" <a@b> ","subject":"two\r\n lines","To":["x@y","z@y"],
            "Date":1700000000,"Cc":{"odd":true},"Bcc":""}"#;
        for (name, expected) in [
            ("message-id", Some("<a@b>")),
            ("Subject", Some("two lines")),
            ("to", Some("x@y, z@y")),
            ("date", Some("1700000000")),
            ("cc", None),
            ("bcc", None),
            ("from", None),
        ] {
            assert_eq!(header(headers, name).as_deref(), expected, "{name}");
        }
        for odd in ["", "[]", "null", "\"From: a\"", "{"] {
            assert_eq!(header(odd, "from"), None, "{odd}");
        }
    }
}
