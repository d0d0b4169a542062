//! Messages that are sent: what they must carry, whom they would reach, and how they are stored.
//!
//! It must not know how a call came in.

use serde_json::{Map, Value, json};

use super::super::change;
use super::super::options::{Plan, Repeated};
use super::super::raw;
use super::super::reply::Reply;
use super::super::store::{Store, Stream};
use super::check::{self, only, refused};
use super::{Clerk, Done};

/// What a message may carry.
const FIELDS: [&str; 14] = [
    "type",
    "from",
    "origin",
    "content",
    "timestamp",
    "stealth",
    "fingerprint",
    "user",
    "original",
    "mentions",
    "references",
    "properties",
    "translated",
    "automated",
];
/// Types that may be sent.
const TYPES: [&str; 9] =
    ["text", "note", "file", "animation", "audio", "picker", "field", "carousel", "event"];

impl Clerk<'_> {
    /// Takes a message; it is stored a little later.
    pub(super) fn message(
        &mut self,
        session: &str,
        body: &Map<String, Value>,
    ) -> Result<Done, Reply> {
        let position = self.position(session)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, from) = (text("type"), text("from"));
        self.check_message(position, kind, from, body)?;
        let fingerprint = match body.get("fingerprint") {
            Some(given) => check::fingerprint(given)?,
            None => self.now_ms * 100 + i64::try_from(self.limits.ids % 100).unwrap_or_default(),
        };
        let is_there = self.has(position, fingerprint);
        if is_there && self.quirks.repeated == Repeated::Refused {
            let message = "The fingerprint is there already.";
            return Err(Reply::error(409, "message_exists", "message", message));
        }
        let is_quiet = body.get("stealth") == Some(&Value::Bool(true));
        if from == "operator" && kind != "note" && !is_quiet && self.is_reachable(position) {
            self.counters.outbox += 1;
        }
        self.counters.untimed += u64::from(!body.contains_key("timestamp"));
        let data = json!({ "fingerprint": fingerprint }).to_string();
        let reply = Reply::written(202, "dispatched", &data);
        if is_there && self.quirks.repeated == Repeated::Ignored {
            return Ok(reply.into());
        }
        let later = Some(self.record(session, fingerprint, body));
        Ok(Done { reply, later })
    }

    fn check_message(
        &self,
        position: u32,
        kind: &str,
        from: &str,
        body: &Map<String, Value>,
    ) -> Result<(), Reply> {
        only(body, &FIELDS)?;
        if !TYPES.contains(&kind) {
            return Err(refused("type should be one of the message types"));
        }
        let is_theirs = matches!(kind, "note" | "event");
        if !(from == "operator" || (from == "user" && !is_theirs)) {
            return Err(refused("from should be user or operator"));
        }
        let origin = body.get("origin").and_then(Value::as_str).unwrap_or_default();
        if origin.is_empty() {
            return Err(refused("origin should be string"));
        }
        if body.get("timestamp").is_some_and(|time| !time.is_i64()) {
            return Err(refused("timestamp should be integer"));
        }
        content(kind, body.get("content").unwrap_or(&Value::Null), self.quirks.text_letters_max)?;
        if kind == "note" && self.quirks.plan == Some(Plan::Free) {
            return Err(check::upgrade("notes"));
        }
        if self.store.conversation(position).messages.len() >= self.quirks.messages_max {
            return Err(refused("the conversation holds no more messages"));
        }
        Ok(())
    }

    /// The message as it is served, with its original in a place of its own.
    fn record(&mut self, session: &str, fingerprint: i64, body: &Map<String, Value>) -> String {
        let mut record = body.clone();
        record.remove("stealth");
        let original = record.remove("original");
        record.entry("timestamp").or_insert_with(|| json!(self.now_ms));
        record.entry("mentions").or_insert_with(|| json!([]));
        let is_user = record.get("from").is_some_and(|from| from == "user");
        let user = record.entry("user").or_insert_with(|| json!({}));
        if let (true, Some(user)) = (is_user, user.as_object_mut()) {
            user.entry("user_id").or_insert_with(|| json!(session));
        }
        for (name, value) in [
            ("session_id", json!(session)),
            ("website_id", json!(self.website_id)),
            ("fingerprint", json!(fingerprint)),
            ("preview", json!([])),
            ("read", json!("")),
            ("delivered", json!("")),
            ("stamped", json!(true)),
        ] {
            record.insert(name.to_owned(), value);
        }
        if let Some(Value::Object(mut original)) = original {
            let original_id = self.limits.uuid();
            original.insert("original_id".to_owned(), json!(original_id));
            original.insert("session_id".to_owned(), json!(session));
            original.insert("website_id".to_owned(), json!(self.website_id));
            original.entry("headers").or_insert_with(|| json!([]));
            let time = record.get("timestamp").cloned().unwrap_or_default();
            original.insert("timestamp".to_owned(), time);
            let text = Value::Object(original).to_string();
            if self.store.put(Stream::Originals, &text).is_ok() {
                record.insert("original".to_owned(), json!({ "original_id": original_id }));
            }
        }
        Value::Object(record).to_string()
    }

    /// Marks the messages of one side as read.
    pub(super) fn mark(
        &mut self,
        session: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        only(body, &["from", "origin", "fingerprints"])?;
        let position = self.position(session)?;
        let from = body.get("from").and_then(Value::as_str).unwrap_or_default();
        let waiting = match from {
            "user" => "operator",
            "operator" => "visitor",
            _ => return Err(refused("from should be user or operator")),
        };
        let origin = body.get("origin").and_then(Value::as_str).unwrap_or("chat");
        let texts: Vec<(i64, String)> = {
            let messages = self.store.conversation(position).messages.iter();
            messages.map(|one| (one.fingerprint, self.store.message_text(one))).collect()
        };
        for (fingerprint, text) in texts {
            if raw::field(&text, "from").and_then(raw::text_of).as_deref() == Some(from) {
                let text = raw::with_field(&text, "read", &json!(origin).to_string());
                self.store.rewrite_message(position, fingerprint, &text);
            }
        }
        self.unread(position, waiting, |_| 0)?;
        Ok(Reply::written(200, "updated", "{}"))
    }

    fn unread(
        &mut self,
        position: u32,
        side: &str,
        count: impl Fn(u64) -> u64,
    ) -> Result<(), Reply> {
        let text = self.store.conversation_text(self.store.conversation(position));
        let text = with_unread(&text, side, count);
        self.store.rewrite(position, &text).map_err(|why| refused(&why))
    }

    fn has(&self, position: u32, fingerprint: i64) -> bool {
        let mut messages = self.store.conversation(position).messages.iter();
        messages.any(|message| message.fingerprint == fingerprint)
    }

    fn is_reachable(&self, position: u32) -> bool {
        let text = self.store.conversation_text(self.store.conversation(position));
        let email = raw::path(&text, &["meta", "email"]).and_then(raw::text_of);
        email.is_some_and(|email| !email.is_empty())
    }
}

/// Stores a message that was taken; what it belongs to may be gone by now.
pub(crate) fn store(store: &mut Store, text: &str, reopens: bool, now_ms: i64) {
    let session = raw::field(text, "session_id").and_then(raw::text_of).unwrap_or_default();
    let Some(position) = store.position(&session) else { return };
    store.append(text).expect("a message that was taken can be stored");
    let is_user = raw::field(text, "from").and_then(raw::text_of).as_deref() == Some("user");
    let conversation = store.conversation_text(store.conversation(position));
    let side = if is_user { "operator" } else { "visitor" };
    let conversation = with_unread(&conversation, side, |count| count + 1);
    store.rewrite(position, &conversation).expect("the record stays readable");
    change::show_newest(store, position).expect("the record stays readable");
    let changed = match is_user && reopens {
        true => change::set_state(store, &session, "unresolved", now_ms),
        false => change::touch(store, position, None, now_ms),
    };
    changed.expect("the record stays readable");
}

fn with_unread(text: &str, side: &str, count: impl Fn(u64) -> u64) -> String {
    let unread = raw::field(text, "unread").unwrap_or("{}");
    let before = raw::field(unread, side).and_then(|number| number.parse().ok()).unwrap_or(0);
    raw::with_field(text, "unread", &raw::with_field(unread, side, &count(before).to_string()))
}

fn content(kind: &str, content: &Value, letters_max: Option<usize>) -> Result<(), Reply> {
    let has = |names: &[&str]| {
        names.iter().all(|name| content.get(name).is_some_and(|value| !value.is_null()))
    };
    let is_fine = match kind {
        "text" | "note" => content.as_str().is_some_and(|text| !text.is_empty()),
        "file" => has(&["name", "url", "type"]),
        "animation" => has(&["url", "type"]),
        "audio" => has(&["url", "type", "duration"]),
        "event" => has(&["namespace"]),
        _ => content.is_object(),
    };
    if !is_fine {
        return Err(refused("content should match the type"));
    }
    let letters = content.as_str().map_or(0, |text| text.chars().count());
    match letters_max {
        Some(most) if letters > most => Err(refused(&format!("content should be at most {most}"))),
        _ => Ok(()),
    }
}
