//! Owns one call as the stand-in sees it after the transport is stripped off, and the answer or
//! refusal it gets. It must not know HTTP libraries, nor what any endpoint does.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::instant::Instant;
use super::shape::{self, Problems, Shape};

/// One authenticated call.
pub(super) struct Ask {
    /// HTTP method in capitals.
    pub method: String,
    /// Path below `/api`, without a slash at either end.
    pub path: String,
    /// Decoded query pairs in order.
    pub query: Vec<(String, String)>,
    /// Parsed body; null when there is none.
    pub body: Value,
    /// The bytes the body was parsed from, as the journal keeps them.
    pub raw: Bytes,
    /// When it arrived.
    pub at: Instant,
}

/// A success.
pub(super) struct Reply {
    /// Documented status code.
    pub status: u16,
    /// JSON, or nothing at all.
    pub body: Option<Vec<u8>>,
    /// Something was written: the call belongs into the journal.
    pub wrote: bool,
    /// Where the caller is sent to instead.
    pub location: Option<String>,
}

/// An error answer in the vendor's shape.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Status code.
    pub status: u16,
    /// `error.msg`.
    pub msg: String,
    /// `error.data`, problems by field.
    pub data: Option<Box<Map<String, Value>>>,
    /// Where a merged record went.
    pub location: Option<String>,
}

/// What an endpoint gives back.
pub(super) type Outcome = Result<Reply, Refusal>;

impl Ask {
    /// The first value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated query parameter.
    pub(super) fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that is a positive id.
    pub(super) fn query_id(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        match text.parse::<u64>() {
            Ok(id) if id > 0 => Ok(Some(id)),
            _ => Err(Refusal::field(name, "Not a valid integer.")),
        }
    }

    /// Refuses query parameters that the endpoint does not know.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let mut problems = Problems::default();
        for (name, _) in &self.query {
            if !known.contains(&name.as_str()) {
                problems.add(name.clone(), "Unknown field.");
            }
        }
        Refusal::unless_empty(problems, "Invalid query parameters.")
    }

    /// Refuses a body that does not fit.
    pub(super) fn fits(&self, shape: Shape, strict: bool, msg: &str) -> Result<(), Refusal> {
        Refusal::unless_empty(shape::check(shape, &self.body, strict), msg)
    }
}

impl Reply {
    /// An answer to a read.
    pub(super) fn read(body: &impl Serialize) -> Outcome {
        Ok(Reply { status: 200, body: Some(to_bytes(body)), wrote: false, location: None })
    }

    /// An answer to a write, with a body.
    pub(super) fn wrote(status: u16, body: &impl Serialize) -> Outcome {
        Ok(Reply { status, body: Some(to_bytes(body)), wrote: true, location: None })
    }

    /// An answer to a write, without a body.
    pub(super) fn empty(status: u16) -> Outcome {
        Ok(Reply { status, body: None, wrote: true, location: None })
    }
}

impl Refusal {
    /// An error with a message only.
    pub(super) fn new(status: u16, msg: impl Into<String>) -> Refusal {
        Refusal { status, msg: msg.into(), data: None, location: None }
    }

    /// 404, the same for everything that is not there.
    pub(super) fn missing() -> Refusal {
        Refusal::new(404, "Resource not found.")
    }

    /// 405.
    pub(super) fn method() -> Refusal {
        Refusal::new(405, "Method not allowed.")
    }

    /// 409.
    pub(super) fn exists() -> Refusal {
        Refusal::new(409, "The resource already exists.")
    }

    /// 400 for one field.
    pub(super) fn field(path: &str, problem: &str) -> Refusal {
        let mut problems = Problems::default();
        problems.add(path, problem);
        Refusal {
            data: Some(Box::new(problems.into_map())),
            ..Refusal::new(400, "Invalid parameters.")
        }
    }

    /// 301: the record lives on under another id.
    pub(super) fn moved(location: String) -> Refusal {
        let msg = "The resource was merged into another one.";
        Refusal { location: Some(location), ..Refusal::new(301, msg) }
    }

    /// 400 with all problems, if there are any.
    pub(super) fn unless_empty(problems: Problems, msg: &str) -> Result<(), Refusal> {
        if problems.is_empty() {
            return Ok(());
        }
        Err(Refusal { data: Some(Box::new(problems.into_map())), ..Refusal::new(400, msg) })
    }

    /// The body of the error answer.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut error = json!({"msg": self.msg});
        if let Some(data) = &self.data {
            error["data"] = Value::Object((**data).clone());
        }
        to_bytes(&json!({"error": error}))
    }
}

/// JSON bytes of an answer.
pub(super) fn to_bytes(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("answers have text keys and no failing parts")
}

/// The text of a field, when it is there and not null.
pub(super) fn text_of<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// The id in a field.
pub(super) fn id_of(body: &Value, name: &str) -> Option<u64> {
    body.get(name).and_then(Value::as_u64)
}

/// The time in a field.
pub(super) fn time_of(body: &Value, name: &str) -> Option<Instant> {
    text_of(body, name).and_then(Instant::parse)
}

/// The flag in a field.
pub(super) fn flag_of(body: &Value, name: &str) -> Option<bool> {
    body.get(name).and_then(Value::as_bool)
}
