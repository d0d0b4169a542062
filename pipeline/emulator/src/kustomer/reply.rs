//! Replies: status and JSON, and the two forms in which the vendor says that something is wrong.
//!
//! It knows no route and no record.

use serde_json::{Value, json};

/// A reply before headers.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    /// Whether the addresses of files in it are those of a list.
    pub(super) is_list: bool,
}

/// Which of the two forms an endpoint's errors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `code`, `message`, `meta`.
    Plain,
    /// `status`, `code`, `title`, `detail`, `source`, `meta`, as JSON:API has it.
    JsonApi,
}

impl Reply {
    pub(super) fn one(data: Value) -> Reply {
        Reply { status: 200, body: json!({ "data": data }), is_list: false }
    }

    pub(super) fn error(form: Form, status: u16, code: &str, message: &str) -> Reply {
        let error = match form {
            Form::Plain => json!({ "code": code, "message": message, "meta": {} }),
            Form::JsonApi => json!({
                "status": status.to_string(), "code": code, "title": title(status),
                "detail": message, "source": { "parameter": "body" }, "meta": {},
            }),
        };
        Reply { status, body: json!({ "errors": [error] }), is_list: false }
    }

    pub(super) fn bad(form: Form, message: &str) -> Reply {
        Reply::error(form, 400, "bad_request", message)
    }

    pub(super) fn missing(form: Form) -> Reply {
        Reply::error(form, 404, "not_found", "The resource could not be found.")
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    }
}
