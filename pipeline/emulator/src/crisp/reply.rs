//! Replies: the success and error envelopes, as status and text.
//!
//! It knows the envelope's form and the status codes, no route and no record.

use super::options::PastEnd;

/// A reply before headers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// A list of record texts.
    pub(crate) fn listed(status: u16, records: &[String]) -> Reply {
        let data = format!("[{}]", records.join(","));
        Reply { status, body: envelope("listed", &data) }
    }

    /// One record or object.
    pub(crate) fn resolved(data: &str) -> Reply {
        Reply { status: 200, body: envelope("resolved", data) }
    }

    /// What a write answers.
    pub(crate) fn written(status: u16, reason: &str, data: &str) -> Reply {
        Reply { status, body: envelope(reason, data) }
    }

    /// An error envelope.
    pub(crate) fn error(status: u16, reason: &str, namespace: &str, message: &str) -> Reply {
        let data = serde_json::json!({ "namespace": namespace, "message": message });
        let body = serde_json::json!({ "error": true, "reason": reason, "data": data });
        Reply { status, body: body.to_string() }
    }

    /// 400 for a query value.
    pub(crate) fn invalid(message: &str) -> Reply {
        Reply::error(400, "invalid_data", "validation", message)
    }

    /// 404 for an object that does not exist; one of three causes, told apart by reason.
    pub(crate) fn missing(kind: &str) -> Reply {
        let message = format!("The requested {kind} could not be found.");
        Reply::error(404, &format!("{kind}_not_found"), "website", &message)
    }

    /// 404 for a path that is no route; one of three causes.
    pub(crate) fn no_route() -> Reply {
        Reply::error(404, "not_found", "route", "The requested route does not exist.")
    }

    /// 404 for a workspace that has not installed the plugin; one of three causes.
    pub(crate) fn not_installed() -> Reply {
        let message = "The plugin is not installed on this website.";
        Reply::error(404, "subscription_not_found", "plugin", message)
    }

    /// What a list answers past its last page.
    pub(crate) fn past_end(past_end: PastEnd) -> Reply {
        match past_end {
            PastEnd::Empty => Reply::listed(200, &[]),
            PastEnd::NotFound => Reply::missing("page"),
        }
    }
}

fn envelope(reason: &str, data: &str) -> String {
    format!("{{\"error\":false,\"reason\":\"{reason}\",\"data\":{data}}}")
}
