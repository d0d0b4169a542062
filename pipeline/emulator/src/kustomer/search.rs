//! Searches: reads the criteria of a body and finds what fits, in the recent part or the archive.
//!
//! It knows names of criteria and operators, and nothing of HTTP.

use serde_json::{Map, Value};

use super::moment;
use super::reply::{Form, Reply};
use super::store::{Record, Store};

/// What can be searched for, and the shelf where it lies.
const CONTEXTS: &[(&str, &str)] = &[
    ("customer", "customers"),
    ("conversation", "conversations"),
    ("message", "messages"),
    ("note", "notes"),
    ("company", "companies"),
    ("kobject", "kobjects"),
];
/// Attributes that a search can compare, besides times, ids and custom ones.
const ATTRIBUTES: &[&str] = &[
    "assigned_teams",
    "assigned_users",
    "channel",
    "channels",
    "direction",
    "external_id",
    "last_activity_at",
    "name",
    "priority",
    "sent_at",
    "spam",
    "status",
    "tags",
];
/// Attributes that the archive can compare.
const ARCHIVED: &[&str] = &["created_at", "id", "updated_at"];
/// Keys of a search.
const KEYS: &[&str] = &["and", "or", "not", "queryContext", "sort", "timeZone"];

/// A search that was understood.
pub(super) struct Search {
    pub(super) context: String,
    shelf: &'static str,
    klass: Option<String>,
    criterion: Criterion,
    is_descending: bool,
}

enum Criterion {
    All(Vec<Criterion>),
    Any(Vec<Criterion>),
    None(Vec<Criterion>),
    Updated(Operator, i64),
    Field(Vec<String>, Operator, Value),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Contains,
    In,
    NotSet,
    Gte,
    Gt,
    Lte,
    Lt,
}

/// Which part of the records is searched.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) is_archive: bool,
    /// What was updated before this is archived.
    pub(super) before_ms: i64,
}

impl Search {
    /// Reads a body.
    pub(super) fn read(body: &[u8], is_archive: bool) -> Result<Search, Reply> {
        let body: Value = serde_json::from_slice(body).map_err(|_| bad("the body is not JSON"))?;
        let fields = body.as_object().ok_or_else(|| bad("the body is not an object"))?;
        if let Some(key) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(bad(&format!("unknown key {key}")));
        }
        let context = fields.get("queryContext").and_then(Value::as_str).unwrap_or("customer");
        let (base, klass) = match context.strip_prefix("kobject_") {
            Some(klass) => ("kobject", Some(klass.to_owned())),
            None => (context, None),
        };
        let shelf = CONTEXTS.iter().find(|(name, _)| *name == base);
        let shelf = shelf.ok_or_else(|| bad(&format!("unknown queryContext {context}")))?.1;
        let groups: Map<String, Value> = fields
            .iter()
            .filter(|(key, _)| matches!(key.as_str(), "and" | "or" | "not"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let reader = Reader { base, is_archive };
        let criterion = reader.object(&groups)?;
        let is_descending = reader.order(fields.get("sort"))?;
        Ok(Search { context: context.to_owned(), shelf, klass, criterion, is_descending })
    }

    /// The name of the shelf that is searched.
    pub(super) fn shelf(&self) -> &'static str {
        self.shelf
    }

    /// What fits, in order.
    pub(super) fn find<'a>(&self, store: &'a Store, part: Part) -> Vec<&'a Record> {
        let all = store.shelf(self.shelf).map(|shelf| shelf.all()).unwrap_or_default();
        let fits = |record: &&Record| {
            (record.updated_ms < part.before_ms) == part.is_archive
                && self.klass.as_ref().is_none_or(|klass| *klass == record.parent)
                && self.criterion.fits(record)
        };
        let mut found: Vec<&Record> = all.iter().filter(fits).collect();
        if self.is_descending {
            found.reverse();
        }
        found
    }
}

/// Reads criteria of one context.
struct Reader<'a> {
    base: &'a str,
    is_archive: bool,
}

impl Reader<'_> {
    fn object(&self, object: &Map<String, Value>) -> Result<Criterion, Reply> {
        let parts: Result<Vec<Criterion>, Reply> =
            object.iter().map(|(key, value)| self.part(key, value)).collect();
        Ok(Criterion::All(parts?))
    }

    fn part(&self, key: &str, value: &Value) -> Result<Criterion, Reply> {
        if matches!(key, "and" | "or" | "not") {
            let list = match value {
                Value::Array(list) => list.as_slice(),
                other => std::slice::from_ref(other),
            };
            let object = |value: &Value| match value.as_object() {
                Some(object) => self.object(object),
                None => Err(bad(&format!("{key} holds something else than criteria"))),
            };
            let parts = list.iter().map(object).collect::<Result<Vec<_>, _>>()?;
            return Ok(match key {
                "and" => Criterion::All(parts),
                "or" => Criterion::Any(parts),
                _ => Criterion::None(parts),
            });
        }
        let name = key
            .strip_prefix(self.base)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or_else(|| bad(&format!("unknown criterion {key}")))?;
        let tests = value.as_object().ok_or_else(|| bad(&format!("{key} has no operator")))?;
        let tests: Result<Vec<Criterion>, Reply> =
            tests.iter().map(|(word, operand)| self.test(name, word, operand)).collect();
        Ok(Criterion::All(tests?))
    }

    fn test(&self, name: &str, word: &str, operand: &Value) -> Result<Criterion, Reply> {
        let operator = match word {
            "equals" => Operator::Equals,
            "contains" => Operator::Contains,
            "in" => Operator::In,
            "not_set" => Operator::NotSet,
            "gte" => Operator::Gte,
            "gt" => Operator::Gt,
            "lte" => Operator::Lte,
            "lt" => Operator::Lt,
            _ => return Err(bad(&format!("unknown operator {word}"))),
        };
        if self.is_archive && !ARCHIVED.contains(&name) {
            return Err(bad(&format!("{name} cannot be searched in the archive")));
        }
        if name == "updated_at" {
            let at = operand.as_str().and_then(moment::parse);
            let at =
                at.ok_or_else(|| bad("updated_at is compared with something else than a time"))?;
            return Ok(Criterion::Updated(operator, at));
        }
        let path = match (name, name.strip_prefix("custom_")) {
            ("id", _) => vec!["id".to_owned()],
            (_, Some(custom)) => {
                let names = ["attributes", "custom", custom];
                names.map(str::to_owned).to_vec()
            }
            ("created_at", _) => vec!["attributes".to_owned(), "createdAt".to_owned()],
            (name, _) if ATTRIBUTES.contains(&name) => {
                vec!["attributes".to_owned(), camel(name)]
            }
            _ => return Err(bad(&format!("unknown criterion {}_{name}", self.base))),
        };
        Ok(Criterion::Field(path, operator, operand.clone()))
    }

    /// Whether the newest comes first.
    fn order(&self, sort: Option<&Value>) -> Result<bool, Reply> {
        let Some(sort) = sort else { return Ok(true) };
        let first = sort.as_array().and_then(|list| list.first()).unwrap_or(sort);
        let expected = format!("{}_updated_at", self.base);
        match first.get(&expected).and_then(Value::as_str) {
            Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            _ => Err(bad(&format!("sort is by {expected} only, asc or desc"))),
        }
    }
}

impl Criterion {
    fn fits(&self, record: &Record) -> bool {
        match self {
            Criterion::All(parts) => parts.iter().all(|part| part.fits(record)),
            Criterion::Any(parts) => parts.iter().any(|part| part.fits(record)),
            Criterion::None(parts) => !parts.iter().any(|part| part.fits(record)),
            Criterion::Updated(operator, at) => match operator {
                Operator::Gte => record.updated_ms >= *at,
                Operator::Gt => record.updated_ms > *at,
                Operator::Lte => record.updated_ms <= *at,
                Operator::Lt => record.updated_ms < *at,
                Operator::Equals => record.updated_ms == *at,
                _ => false,
            },
            Criterion::Field(path, operator, operand) => {
                let found = path.iter().try_fold(&record.value, |value, name| value.get(name));
                compare(found.unwrap_or(&Value::Null), *operator, operand)
            }
        }
    }
}

fn compare(found: &Value, operator: Operator, operand: &Value) -> bool {
    let has = |operand: &Value| match found {
        Value::Array(list) => list.contains(operand),
        other => other == operand,
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.to_lowercase(),
        other => other.to_string(),
    };
    let order = match (found.as_f64(), operand.as_f64()) {
        (Some(found), Some(operand)) => found.partial_cmp(&operand),
        _ => found.as_str().zip(operand.as_str()).map(|(found, operand)| found.cmp(operand)),
    };
    match operator {
        Operator::Equals => has(operand),
        Operator::In => operand.as_array().is_some_and(|list| list.iter().any(has)),
        Operator::Contains => has(operand) || text(found).contains(&text(operand)),
        Operator::NotSet => found.is_null(),
        Operator::Gte => order.is_some_and(|order| order.is_ge()),
        Operator::Gt => order.is_some_and(|order| order.is_gt()),
        Operator::Lte => order.is_some_and(|order| order.is_le()),
        Operator::Lt => order.is_some_and(|order| order.is_lt()),
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        format!("{all}{}{tail}", head.to_uppercase())
    })
}

fn bad(message: &str) -> Reply {
    Reply::bad(Form::JsonApi, message)
}
