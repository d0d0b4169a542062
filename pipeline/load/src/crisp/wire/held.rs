//! Which writes may leave: reads once more what is about to, trusts nothing that built it, and
//! knows every call of a replay. Anything else is held back.

mod pages;

use kernel::ledger::RecordKind;
use kernel::{Code, Fault, Instant, Result};
use serde_json::{Map, Value};

use super::super::reply;
use crate::guard::{self, MessageFields, check_message};

/// A message of an operator is delivered unless it is marked.
const ANSWER: MessageFields = MessageFields {
    sent: "timestamp",
    written: guard::Written::Millis,
    quiet: Some("stealth"),
    forbidden: &[],
};
/// A message of the visitor, or a note: nobody gets it.
const HEARD: MessageFields = MessageFields { quiet: None, ..ANSWER };
/// Integers that JavaScript reads exactly end here.
const FINGERPRINT_END: i64 = 1 << 53;

/// Lets only the writes of a replay pass, none of which may deliver anything.
pub(super) fn deliver_nothing(method: &str, path: &str, body: &[u8], now: Instant) -> Result<()> {
    let refused = |why: &str| {
        let message = format!("{method} {} was held back: {why}", family(path));
        Err(Fault::bug(message).coded(Code::HeldBack))
    };
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    if let ("POST", ["conversation"]) = (method, steps.as_slice()) {
        return if body.is_empty() { Ok(()) } else { refused("a new conversation has no fields") };
    }
    let Some(Value::Object(body)) = reply::json(body) else {
        return refused("its body is no JSON object");
    };
    let only = |names: &[&str]| match body.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => refused(&format!("a replay sets no {name}")),
    };
    match (method, steps.as_slice()) {
        ("POST", ["conversation", session, "message"]) if is_id(session) => message(&body, now),
        ("PATCH", ["conversation", session, "meta"]) if is_id(session) => only(&[
            "nickname", "email", "phone", "address", "subject", "ip", "origin", "avatar",
            "segments", "data", "device",
        ]),
        ("PUT", ["conversation", session, "participants"]) if is_id(session) => {
            only(&["participants"])
        }
        ("PATCH", ["conversation", session, "read"]) if is_id(session) => only(&["from", "origin"]),
        ("PATCH", ["conversation", session, "state"]) if is_id(session) => only(&["state"]),
        ("PATCH", ["conversation", session, "block"]) if is_id(session) => only(&["blocked"]),
        ("PATCH", ["conversation", session, "routing"]) if is_id(session) => {
            match body.get("silent") {
                Some(Value::Bool(true)) => only(&["assigned", "silent"]),
                _ => refused("somebody would be told about it"),
            }
        }
        ("POST", ["people", "profile"]) => only(&["email", "person", "company", "segments"]),
        ("PATCH", ["people", "data", person]) if is_id(person) => only(&["data"]),
        (_, ["helpdesk", rest @ ..]) => match pages::fields(method, rest) {
            Some(names) => only(names),
            None => refused("a replay has no such call"),
        },
        _ => refused("a replay has no such call"),
    }
}

/// A message, as it is about to leave.
fn message(body: &Map<String, Value>, now: Instant) -> Result<()> {
    let refused = |why: &str| {
        let message = format!("a message that is about to leave {why}; it was held back");
        Err(Fault::bug(message).coded(Code::HeldBack))
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let fields = match (text("from"), text("type")) {
        ("user", "text" | "file") | ("operator", "note") => HEARD,
        ("operator", "text" | "file") => ANSWER,
        _ => return refused("is of a kind that a replay does not send"),
    };
    let fingerprint = body.get("fingerprint").and_then(Value::as_i64).unwrap_or_default();
    if !(1..FINGERPRINT_END).contains(&fingerprint) {
        return refused("has no fingerprint of ours");
    }
    check_message(&Value::Object(body.clone()), fields, now)
}

/// Where a record is removed.
pub(super) fn removal(kind: RecordKind, id: &str) -> Result<String> {
    let list = match kind {
        RecordKind::Ticket => "conversation",
        RecordKind::Customer => "people/profile",
        _ => return Err(Fault::bug(format!("a rollback removes no {}", kind.word()))),
    };
    Ok(format!("/{list}/{}", one(id)?))
}

/// Where a message is removed.
pub(super) fn message_removal(session: &str, fingerprint: &str) -> Result<String> {
    Ok(format!("/conversation/{}/message/{}", one(session)?, one(fingerprint)?))
}

fn one(id: &str) -> Result<&str> {
    match is_id(id) {
        true => Ok(id),
        false => Err(Fault::bug(format!("{id:?} is no id of this target"))),
    }
}

/// Holds back what would let everybody read an article.
pub(super) fn publish_nothing(path: &str, body: &[u8]) -> Result<()> {
    match path.starts_with("/helpdesk/") && pages::is_public(path, body) {
        false => Ok(()),
        true => {
            let message = format!("{} was held back: articles are to be drafts", family(path));
            Err(Fault::bug(message).coded(Code::HeldBack))
        }
    }
}

/// Whether one section or one article of the help center is removed there.
pub(super) fn page_removal(path: &str) -> Result<()> {
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    match steps.as_slice() {
        ["helpdesk", rest @ ..] if pages::is_removable(rest) => Ok(()),
        _ => Err(Fault::bug(format!("a rollback removes nothing at {}", family(path)))),
    }
}

/// An id of the vendor's: nothing that could be another path.
fn is_id(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_letter)
}

/// A path as it may be shown: without the query and without whatever names a person.
pub(in crate::crisp) fn family(path: &str) -> String {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let steps = path.split('/').map(|step| {
        let is_word = step.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_word { step } else { "…" }
    });
    steps.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAST: i64 = 1_709_287_200_000;

    fn check(method: &str, path: &str, body: &Value) -> Result<()> {
        let now = Instant::parse("2026-01-01T00:00:00Z").expect("a moment");
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        deliver_nothing(method, path, bytes.as_bytes(), now)
    }

    fn said(change: impl FnOnce(&mut Value)) -> Value {
        let mut body = json!({"type": "text", "from": "operator", "stealth": true,
                              "origin": "chat", "content": "x", "timestamp": PAST,
                              "fingerprint": 7});
        change(&mut body);
        body
    }

    const MESSAGE: &str = "/conversation/session_1-a/message";

    #[test]
    fn what_was_said_long_ago_may_leave_when_it_is_marked_or_reaches_nobody() {
        check("POST", MESSAGE, &said(|_| {})).expect("a marked answer");
        check("POST", MESSAGE, &said(|body| body["type"] = json!("file"))).expect("a file");
        let note = said(|body| {
            body["type"] = json!("note");
            body.as_object_mut().expect("an object").remove("stealth");
        });
        check("POST", MESSAGE, &note).expect("a note");
        let user = said(|body| {
            body["from"] = json!("user");
            body.as_object_mut().expect("an object").remove("stealth");
        });
        check("POST", MESSAGE, &user).expect("a message of the visitor");
    }

    #[test]
    fn an_answer_without_the_mark_or_not_said_yet_is_held_back() {
        let changes: [fn(&mut Value); 11] = [
            |body| body["stealth"] = json!(false),
            |body| body["stealth"] = Value::Null,
            |body| body["stealth"] = json!("true"),
            |body| body["timestamp"] = json!(4_000_000_000_000_i64),
            |body| body["timestamp"] = json!("2024-03-01T10:00:00Z"),
            |body| body["timestamp"] = Value::Null,
            |body| body["fingerprint"] = json!(0),
            |body| body["fingerprint"] = json!(1_i64 << 53),
            |body| body["from"] = json!("bot"),
            |body| body["type"] = json!("picker"),
            |body| (body["from"], body["type"]) = (json!("user"), json!("note")),
        ];
        for change in changes {
            let body = said(change);
            let fault = check("POST", MESSAGE, &body).expect_err("is held back");
            assert_eq!(fault.code(), Code::HeldBack, "{body}");
        }
    }

    #[test]
    fn the_other_calls_of_a_replay_may_leave() {
        let below = |part: &str| format!("/conversation/session_1/{part}");
        check("POST", "/conversation", &Value::Null).expect("an empty conversation");
        check("PATCH", &below("meta"), &json!({"email": "a@b.example"})).expect("its meta");
        check("PUT", &below("participants"), &json!({"participants": []})).expect("others");
        check("PATCH", &below("read"), &json!({"from": "user", "origin": "chat"})).expect("read");
        check("PATCH", &below("state"), &json!({"state": "resolved"})).expect("a state");
        check("PATCH", &below("block"), &json!({"blocked": true})).expect("blocked");
        let routing = json!({"assigned": {"user_id": "x"}, "silent": true});
        check("PATCH", &below("routing"), &routing).expect("an assignee");
        check("POST", "/people/profile", &json!({"email": "a@b.example"})).expect("a profile");
        check("PATCH", "/people/data/1-a", &json!({"data": {}})).expect("its data");
    }

    #[test]
    fn calls_that_a_replay_does_not_make_are_held_back() {
        let empty = json!({});
        let marked = said(|_| {});
        for (method, path, body) in [
            ("POST", "/conversation", &empty),
            ("POST", "/conversation/session_1/initiate", &empty),
            ("POST", "/conversation/session_1/transcript", &empty),
            ("POST", "/conversation/session_1/feedback", &empty),
            ("PATCH", "/conversation/session_1/compose", &empty),
            ("PATCH", "/conversation/session_1/message/7", &marked),
            ("POST", "/conversation/session_1/x/message", &marked),
            ("POST", "/conversation/a?b/message", &marked),
            ("POST", "/conversation//message", &marked),
            ("PATCH", "/conversation/session_1/routing", &json!({"assigned": null})),
            ("PATCH", "/conversation/session_1/meta", &json!({"created_at": 1})),
            ("PATCH", "/batch/resolve", &json!({"sessions": []})),
            ("PUT", "/people/profile/1", &empty),
            ("PUT", "/people/data/1", &json!({"data": {}})),
            ("POST", "/people/import/profiles", &empty),
            ("DELETE", "/conversation/session_1", &empty),
            ("PATCH", "/conversation/session_1/state", &json!([])),
        ] {
            assert!(check(method, path, body).is_err(), "{method} {path}");
        }
    }

    #[test]
    fn only_one_record_is_removed_by_a_call() {
        let path = |kind, id| removal(kind, id).ok();
        assert_eq!(
            path(RecordKind::Ticket, "session_1-a").as_deref(),
            Some("/conversation/session_1-a")
        );
        assert_eq!(path(RecordKind::Customer, "1-a").as_deref(), Some("/people/profile/1-a"));
        for id in ["", "1/", "1?x=1", "../x", "ada@shop.example", "1,2"] {
            assert_eq!(path(RecordKind::Customer, id), None, "{id}");
        }
        assert_eq!(path(RecordKind::Message, "7"), None);
        assert_eq!(path(RecordKind::Agent, "7"), None);
    }

    #[test]
    fn what_is_shown_of_a_path_names_nobody() {
        let shown = family("/people/profile/ada%40shop.example?x=ada");
        assert_eq!(shown, "/people/profile/…");
        assert_eq!(family("/conversation/session_1/meta"), "/conversation/…/meta");
    }
}
