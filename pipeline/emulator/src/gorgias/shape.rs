//! Owns the check of a request body against a table of fields: unknown names, missing names, wrong
//! kinds, lengths and words, collected per field as the vendor's `error.data` does.
//! It must not know any endpoint, nor look at stored records.

use serde_json::{Map, Value};

use super::instant::Instant;
use super::vocabulary;

/// Groups of fields that a body may have.
pub(super) type Shape = &'static [&'static [Field]];

/// Longest e-mail address the schema allows, in characters.
const EMAIL_CHARS_MAX: usize = 320;
/// More problems than this are not listed; one request should not make a book.
const PROBLEMS_MAX: usize = 50;

/// What a value must be.
pub(super) enum Kind {
    /// Text of so many characters.
    Text(usize, usize),
    /// An e-mail address.
    Email,
    /// A whole number between two bounds.
    Int(i64, i64),
    /// Any number.
    Number,
    /// True or false.
    Bool,
    /// ISO 8601 date and time.
    Time,
    /// A word of a closed list.
    OneOf(&'static [&'static str]),
    /// ISO 639-1 code.
    Language,
    /// Name of the time zone database.
    Zone,
    /// Two capital letters.
    Country,
    /// An object of known fields.
    Object(Shape),
    /// So many values of one kind.
    List(&'static Kind, usize, usize),
    /// An object of any fields.
    Map,
    /// Any JSON value.
    Any,
}

/// Whether a field may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Always required.
    Required,
    /// Required by older schemas only: enforced in strict mode.
    Strict,
    /// May be left out.
    Optional,
}

/// One field of a body.
pub(super) struct Field {
    name: &'static str,
    kind: Kind,
    need: Need,
    nullable: bool,
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Required, nullable: false }
}

/// A field that must be there in strict mode.
pub(super) const fn should(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Strict, nullable: false }
}

/// A field that may be there.
pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Optional, nullable: false }
}

/// A field that may be there and may be null.
pub(super) const fn or_null(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Optional, nullable: true }
}

/// Problems by field path, in the order they were found.
#[derive(Default)]
pub(super) struct Problems(Map<String, Value>);

impl Problems {
    /// Notes one problem of one field.
    pub(super) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        if self.0.len() >= PROBLEMS_MAX {
            return;
        }
        let entry = self.0.entry(path.into()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry {
            list.push(Value::String(text.into()));
        }
    }

    /// Was nothing found?
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object for `error.data`.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Checks a whole body.
pub(super) fn check(shape: Shape, body: &Value, strict: bool) -> Problems {
    let mut problems = Problems::default();
    match body {
        Value::Object(fields) => check_object(shape, fields, "", strict, &mut problems),
        _ => problems.add("body", "Not a valid JSON object."),
    }
    problems
}

/// Checks one value that is not an object of its own, such as a bare array body.
pub(super) fn check_kind(kind: &Kind, body: &Value, strict: bool) -> Problems {
    let mut problems = Problems::default();
    check_value(kind, body, "body", strict, &mut problems);
    problems
}

fn check_object(
    shape: Shape,
    fields: &Map<String, Value>,
    path: &str,
    strict: bool,
    problems: &mut Problems,
) {
    let known = || shape.iter().flat_map(|group| group.iter());
    for name in fields.keys() {
        if !known().any(|field| field.name == name) {
            problems.add(join(path, name), "Unknown field.");
        }
    }
    for field in known() {
        match fields.get(field.name) {
            None => {
                let missing = field.need == Need::Required || strict && field.need == Need::Strict;
                if missing {
                    problems.add(join(path, field.name), "Missing data for required field.");
                }
            }
            Some(Value::Null) if field.nullable => {}
            Some(Value::Null) => problems.add(join(path, field.name), "Field may not be null."),
            Some(value) => {
                check_value(&field.kind, value, &join(path, field.name), strict, problems);
            }
        }
    }
}

fn check_value(kind: &Kind, value: &Value, path: &str, strict: bool, problems: &mut Problems) {
    match kind {
        Kind::Object(shape) => match value {
            Value::Object(fields) => check_object(shape, fields, path, strict, problems),
            _ => problems.add(path, "Not a valid object."),
        },
        Kind::List(of, min, max) => match value {
            Value::Array(items) => {
                if items.len() < *min || items.len() > *max {
                    problems.add(path, format!("Length must be between {min} and {max}."));
                }
                for (position, item) in items.iter().enumerate().take(*max) {
                    check_value(of, item, &format!("{path}.{position}"), strict, problems);
                }
            }
            _ => problems.add(path, "Not a valid list."),
        },
        _ => {
            if let Some(problem) = scalar_problem(kind, value) {
                problems.add(path, problem);
            }
        }
    }
}

fn scalar_problem(kind: &Kind, value: &Value) -> Option<String> {
    let text = value.as_str();
    let fail = |sound: bool, problem: &str| (!sound).then(|| problem.to_owned());
    match kind {
        Kind::Text(min, max) => match text.map(|text| text.chars().count()) {
            None => Some("Not a valid string.".to_owned()),
            Some(length) if length < *min || length > *max => {
                Some(format!("Length must be between {min} and {max}."))
            }
            Some(_) => None,
        },
        Kind::Email => fail(text.is_some_and(is_email), "Not a valid email address."),
        Kind::Int(min, max) => match value.as_i64() {
            None => Some("Not a valid integer.".to_owned()),
            Some(number) if number < *min => Some(format!("Must be at least {min}.")),
            Some(number) if number > *max => Some(format!("Must be at most {max}.")),
            Some(_) => None,
        },
        Kind::Number => fail(value.is_number(), "Not a valid number."),
        Kind::Bool => fail(value.is_boolean(), "Not a valid boolean."),
        Kind::Time => fail(text.and_then(Instant::parse).is_some(), "Not a valid datetime."),
        Kind::OneOf(list) => fail(
            text.is_some_and(|word| vocabulary::known(list, word).is_some()),
            &format!("Must be one of: {}.", list.join(", ")),
        ),
        Kind::Language => {
            fail(text.is_some_and(vocabulary::is_language), "Not an ISO 639-1 language.")
        }
        Kind::Zone => fail(text.is_some_and(vocabulary::is_zone), "Not a valid timezone."),
        Kind::Country => fail(
            text.is_some_and(|code| {
                code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase())
            }),
            "Not an ISO 3166-1 alpha-2 country.",
        ),
        Kind::Map => fail(value.is_object(), "Not a valid object."),
        Kind::Any | Kind::Object(_) | Kind::List(..) => None,
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let clean = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    clean && !local.is_empty() && !domain.is_empty() && text.chars().count() <= EMAIL_CHARS_MAX
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Field, Kind, check, may, must, or_null, should};

    const INNER: &[Field] = &[must("id", Kind::Int(1, i64::MAX))];
    const OUTER: &[Field] = &[
        must("name", Kind::Text(1, 3)),
        should("via", Kind::OneOf(&["api"])),
        or_null("subject", Kind::Text(0, 998)),
        may("user", Kind::Object(&[INNER])),
        may("items", Kind::List(&Kind::Object(&[INNER]), 1, 2)),
    ];

    #[test]
    fn a_sound_body_has_no_problem() {
        let body = json!({"name": "äöü", "via": "api", "subject": null, "user": {"id": 1}});
        assert!(check(&[OUTER], &body, true).is_empty());
    }

    #[test]
    fn every_problem_is_listed_under_its_own_path() {
        let body = json!({"name": "long", "extra": 1, "user": {"id": "1"}, "items": [{}, {}, {}]});
        let found = check(&[OUTER], &body, true).into_map();
        let paths: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(paths, ["extra", "name", "via", "user.id", "items", "items.0.id", "items.1.id"]);
        assert!(!check(&[OUTER], &body, false).into_map().contains_key("via"));
    }
}
