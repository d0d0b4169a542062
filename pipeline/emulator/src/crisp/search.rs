//! The search language of the lists: text, segment and the JSON array of conditions.
//!
//! It owns how a condition is compared with a record, and not which records are looked at.

use serde::Deserialize;
use serde_json::Value;

use super::desk::Query;
use super::reply::Reply;

/// A search that a record passes or not.
#[derive(Debug)]
pub(crate) enum Search {
    Text(String),
    Segment(String),
    Conditions { all: bool, conditions: Vec<Condition> },
}

/// One entry of the JSON array.
#[derive(Debug, Deserialize)]
pub(crate) struct Condition {
    criterion: String,
    operator: Operator,
    #[serde(default)]
    query: Vec<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operator {
    Eq,
    Neq,
    Gte,
    Lte,
    Gt,
    Lt,
}

impl Search {
    /// The search of a conversation list.
    pub(crate) fn of_conversations(query: &Query) -> Result<Option<Search>, Reply> {
        let Some(text) = query.get("search_query").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match query.get("search_type").unwrap_or("text") {
            "text" => Ok(Some(Search::Text(text.to_lowercase()))),
            "segment" => Ok(Some(Search::Segment(text.to_owned()))),
            "filter" => conditions(text, query).map(Some),
            _ => Err(Reply::invalid("search_type should be one of text, segment, filter")),
        }
    }

    /// The search of a people list.
    pub(crate) fn of_people(query: &Query) -> Result<Option<Search>, Reply> {
        if let Some(text) = query.get("search_filter").filter(|text| !text.is_empty()) {
            return conditions(text, query).map(Some);
        }
        let text = query.get("search_text").filter(|text| !text.is_empty());
        Ok(text.map(|text| Search::Text(text.to_lowercase())))
    }

    /// Whether a record passes; `segments` is the path of its segments.
    pub(crate) fn passes(&self, text: &str, segments: &str) -> bool {
        let Ok(record) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        match self {
            Search::Text(needle) => contains(&record, needle),
            Search::Segment(name) => {
                values(&record, segments).iter().any(|value| value.as_str() == Some(name))
            }
            Search::Conditions { all: true, conditions } => {
                conditions.iter().all(|condition| condition.passes(&record))
            }
            Search::Conditions { conditions, .. } => {
                conditions.iter().any(|condition| condition.passes(&record))
            }
        }
    }
}

impl Condition {
    fn passes(&self, record: &Value) -> bool {
        let found = values(record, &self.criterion);
        let any = |test: &dyn Fn(&Value, &Value) -> bool| {
            found.iter().any(|value| self.query.iter().any(|wanted| test(value, wanted)))
        };
        match self.operator {
            Operator::Eq => any(&is_equal),
            Operator::Neq => !any(&is_equal),
            Operator::Gte => any(&|value, wanted| number(value) >= number(wanted)),
            Operator::Lte => any(&|value, wanted| number(value) <= number(wanted)),
            Operator::Gt => any(&|value, wanted| number(value) > number(wanted)),
            Operator::Lt => any(&|value, wanted| number(value) < number(wanted)),
        }
    }
}

fn conditions(text: &str, query: &Query) -> Result<Search, Reply> {
    let conditions = serde_json::from_str(text)
        .map_err(|_| Reply::invalid("search filter should be an array of conditions"))?;
    let all = match query.get("search_operator") {
        None | Some("and") => true,
        Some("or") => false,
        Some(_) => return Err(Reply::invalid("search_operator should be one of and, or")),
    };
    Ok(Search::Conditions { all, conditions })
}

/// All values at a dotted path; an array gives each of its entries.
fn values<'a>(record: &'a Value, path: &str) -> Vec<&'a Value> {
    let found = path.split('.').try_fold(record, |value, name| value.get(name));
    match found {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

fn contains(value: &Value, needle: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(needle),
        Value::Array(entries) => entries.iter().any(|entry| contains(entry, needle)),
        Value::Object(fields) => fields.values().any(|entry| contains(entry, needle)),
        _ => false,
    }
}

fn is_equal(value: &Value, wanted: &Value) -> bool {
    value == wanted || plain(value) == plain(wanted)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_numbers_texts_and_lists() {
        let record =
            r#"{"state":"resolved","meta":{"segments":["vip","b2b"],"data":{"orders":3}}}"#;
        let check = |filter: &str, operator: &str| {
            let pairs = [("search_type", "filter"), ("search_query", filter)];
            let text = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .append_pair("search_operator", operator)
                .finish();
            let search = Search::of_conversations(&Query::of(Some(&text)));
            search.expect("a filter").expect("present").passes(record, "meta.segments")
        };
        let vip =
            r#"{"model":"session","criterion":"meta.segments","operator":"eq","query":["vip"]}"#;
        let many = r#"{"criterion":"meta.data.orders","operator":"gt","query":[3]}"#;
        assert!(check(&format!("[{vip}]"), "and"));
        assert!(!check(&format!("[{vip},{many}]"), "and"));
        assert!(check(&format!("[{vip},{many}]"), "or"));
    }
}
