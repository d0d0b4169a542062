//! The only way out to Gorgias, which holds back every write that is not one of the few a replay
//! needs or that could make Gorgias send.

mod removal;

use bytes::Bytes;
use http::{Body, Client, Reply, Request};
use kernel::retry::Ending;
use kernel::{Code, Fault, Instant, Result};
use serde_json::Value;

use super::reply::Replies;
use super::{plain, reply};
use crate::guard::{self, MessageFields, check_message};
use crate::target::calls::{Calls, Vendor, Written};

/// Without `sent_datetime` Gorgias sends; the others set off actions, macros or an integration.
const MESSAGE: MessageFields = MessageFields {
    sent: "sent_datetime",
    written: guard::Written::Text,
    quiet: None,
    forbidden: &["actions", "macros", "integration_id", "rule_id"],
};

/// What a write sends.
#[derive(Debug, Clone)]
pub(super) enum Outgoing {
    Json(Bytes),
    File { name: String, content_type: String, bytes: Bytes },
}

/// A call that changes something.
#[derive(Debug, Clone)]
pub(super) struct Write<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub body: Outgoing,
}

pub(super) struct Wire {
    pub calls: Calls,
    origin: String,
}

impl Wire {
    pub fn new(client: Client, base_url: &str) -> Self {
        let origin = base_url.trim_end_matches('/');
        Self {
            calls: Calls::new(client, &Replies),
            origin: origin.strip_suffix("/api").unwrap_or(origin).to_owned(),
        }
    }

    /// Reads JSON; `None` when there is nothing at this address.
    pub async fn read(&self, phase: &'static str, path: &str) -> Result<Option<Value>> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let reply = self.ask(phase, path).await?;
            match reply.status {
                404 => return Ok(None),
                200..300 => match reply::json(&reply.body) {
                    Some(value) => return Ok(Some(value)),
                    None if self.calls.pause(attempt).await => {}
                    None => return Err(Replies.given_up(path, Ending::ServerTrouble, "no JSON")),
                },
                status => {
                    return Err(Fault::refused(format!(
                        "reading {} is refused (status {status})",
                        plain(path)
                    )));
                }
            }
        }
    }

    /// Asks until there is a reply other than "too fast" or trouble on the other side.
    ///
    /// # Errors
    /// When the reply says that no further call makes sense.
    pub async fn ask(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let reply = self.look(phase, path).await?;
        Replies.check_account(&reply)?;
        Ok(reply)
    }

    /// Asks likewise, and takes "you may not" for an answer.
    ///
    /// # Errors
    /// When the credentials are refused, or there is no usable reply.
    pub async fn look(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let request = Request::get(format!("{}{path}", self.origin));
        self.calls.ask(phase, path, &request).await
    }

    /// Makes a call that changes something, and makes it once: it is repeated only where it surely
    /// was not carried out, because there was no connection or Gorgias answered "too fast". At `now`
    /// every message in it must have been sent.
    pub async fn write(
        &self,
        phase: &'static str,
        write: Write<'_>,
        now: Instant,
    ) -> Result<Written> {
        let Write { method, path, body } = write;
        deliver_nothing(method, path, &body, now)?;
        let request = Request {
            method,
            url: format!("{}{path}", self.origin),
            headers: Vec::new(),
            body: body.into(),
        };
        self.calls.once(phase, path, &request, None).await
    }
}

impl From<Outgoing> for Body {
    fn from(outgoing: Outgoing) -> Self {
        match outgoing {
            Outgoing::Json(bytes) => Body::Json(bytes),
            Outgoing::File { name, content_type, bytes } => {
                Body::File { field: "file".to_owned(), name, content_type, bytes }
            }
        }
    }
}

/// Reads what is about to leave once more and lets only the writes of a replay pass, none of which
/// may deliver anything.
fn deliver_nothing(method: &str, path: &str, body: &Outgoing, now: Instant) -> Result<()> {
    let refused = |why: &str| {
        let message = format!("{method} {} was held back: {why}", plain(path));
        Err(Fault::bug(message).coded(Code::HeldBack))
    };
    let parsed = match body {
        Outgoing::File { .. } => {
            return match (method, path) {
                ("POST", "/api/upload?type=attachment") => Ok(()),
                _ => refused("a file goes to the upload address only"),
            };
        }
        Outgoing::Json(bytes) => reply::json(bytes),
    };
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    if let ("PUT", ["api", "customers", id, "custom-fields"]) = (method, steps.as_slice()) {
        return match parsed {
            Some(Value::Array(values)) if is_id(id) && values.iter().all(is_field_value) => Ok(()),
            _ => refused("it is no list of custom fields"),
        };
    }
    let Some(Value::Object(body)) = parsed else {
        return refused("its body is no JSON object");
    };
    let imported = body.get("imported") == Some(&Value::Bool(true));
    match (method, steps.as_slice()) {
        ("POST", ["api", "users" | "tags" | "custom-fields" | "customers"])
            if !body.contains_key("messages") =>
        {
            Ok(())
        }
        ("PUT", ["api", "tickets", id]) if is_id(id) && !body.contains_key("messages") => Ok(()),
        ("POST", ["api", "tickets"]) if imported => {
            let Some(Value::Array(messages)) = body.get("messages") else {
                return refused("it has no messages");
            };
            messages.iter().try_for_each(|message| check_message(message, MESSAGE, now))
        }
        ("POST", ["api", "tickets", id, "messages"]) if is_id(id) && imported => {
            check_message(&Value::Object(body), MESSAGE, now)
        }
        ("POST", ["api", "tickets", ..]) if !imported => refused("it is not marked as imported"),
        _ => refused("a replay has no such call"),
    }
}

/// A custom field's id and its value, and nothing else.
fn is_field_value(entry: &Value) -> bool {
    let object = entry.as_object();
    object.is_some_and(|entry| entry.keys().all(|name| matches!(name.as_str(), "id" | "value")))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use kernel::retry::Policy;
    use serde_json::json;

    use super::*;
    use crate::target::phase;

    const PAST: &str = "2024-05-01T10:00:00.000000+00:00";

    fn check(method: &str, path: &str, body: &Value) -> Result<()> {
        let now = Instant::parse("2026-01-01T00:00:00Z").expect("a moment");
        let bytes = Outgoing::Json(Bytes::from(body.to_string()));
        deliver_nothing(method, path, &bytes, now)
    }

    #[test]
    fn imported_messages_that_were_sent_long_ago_may_leave() {
        let ticket = json!({"imported": true, "messages": [{"sent_datetime": PAST}]});
        check("POST", "/api/tickets", &ticket).expect("a replayed ticket");
        let message = json!({"imported": true, "sent_datetime": PAST});
        check("POST", "/api/tickets/77/messages", &message).expect("a replayed message");
        check("PUT", "/api/tickets/77", &json!({"status": "closed"})).expect("a final state");
        check("POST", "/api/customers", &json!({"name": "x"})).expect("a customer");
        check("POST", "/api/custom-fields", &json!({"label": "x"})).expect("a custom field");
        let values = json!([{"id": 1, "value": "x"}]);
        check("PUT", "/api/customers/7/custom-fields", &values).expect("values");
    }

    #[test]
    fn one_message_without_a_sent_time_holds_its_whole_ticket_back() {
        for nested in [
            json!({}),
            json!({"sent_datetime": null}),
            json!({"sent_datetime": "2027-01-01T00:00:00+00:00"}),
            json!({"sent_datetime": PAST, "integration_id": 5}),
            json!({"sent_datetime": PAST, "actions": []}),
        ] {
            let sound = json!({"sent_datetime": PAST});
            let ticket = json!({"imported": true, "messages": [sound, nested]});
            assert!(check("POST", "/api/tickets", &ticket).is_err(), "{ticket}");
            let mut message = nested;
            message["imported"] = json!(true);
            let appended = check("POST", "/api/tickets/7/messages", &message);
            assert!(appended.is_err(), "{message}");
        }
    }

    #[test]
    fn calls_that_a_replay_does_not_make_are_held_back() {
        let message = json!({"imported": true, "sent_datetime": PAST});
        let plain = json!({"sent_datetime": PAST});
        let ticket = json!({"messages": [{"sent_datetime": PAST}]});
        for (method, path, body) in [
            ("POST", "/api/tickets", &ticket),
            ("POST", "/api/tickets/7/messages", &plain),
            ("PUT", "/api/tickets/7/messages/9", &message),
            ("POST", "/api/tickets/7/messages?action=force", &message),
            ("POST", "/api/tickets/x/messages", &message),
            ("PUT", "/api/tickets/7", &ticket),
            ("POST", "/api/customers", &ticket),
            ("POST", "/api/satisfaction-surveys", &json!({})),
            ("DELETE", "/api/tickets/7", &json!({})),
            ("POST", "/api/tickets", &json!({"imported": true})),
            ("POST", "/api/tags", &json!([])),
            ("PUT", "/api/customers/7/custom-fields", &ticket),
            ("PUT", "/api/customers/7/custom-fields", &json!([{"id": 1, "email": "x"}])),
            ("PUT", "/api/customers/x/custom-fields", &json!([{"id": 1, "value": "x"}])),
        ] {
            assert!(check(method, path, body).is_err(), "{method} {path}");
        }
    }

    /// A clock that stands still; calls that are held back need no other.
    struct Standing;

    impl kernel::Clock for Standing {
        fn now(&self) -> Instant {
            Instant::from_millis(0)
        }
    }

    #[tokio::test]
    async fn what_could_be_delivered_does_not_even_reach_the_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let client = Client::new(http::ClientOptions {
            headers: Vec::new(),
            timeout_ms: 1_000,
            pace: http::Pace::unlimited(),
            policy: Policy::default(),
            clock: std::sync::Arc::new(Standing),
        });
        let wire = Wire::new(client.expect("a client"), &origin);
        let now = Instant::parse("2026-01-01T00:00:00Z").expect("a moment");
        for message in [json!({}), json!({"sent_datetime": "2027-01-01T00:00:00+00:00"})] {
            let ticket = json!({"imported": true, "messages": [message]});
            let body = Outgoing::Json(Bytes::from(ticket.to_string()));
            let write = Write { method: "POST", path: "/api/tickets", body };
            let fault = wire.write(phase::TICKETS_CREATE, write, now).await.expect_err("held back");
            assert_eq!(fault.kind(), kernel::fault::Kind::Bug);
        }
        let knock = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(knock.is_err(), "somebody called");
        assert_eq!(wire.calls.counted(), BTreeMap::new());
    }
}
