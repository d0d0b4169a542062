//! The bodies that Crisp is sent.
//!
//! A message of an operator that is no note cannot be built without the mark that keeps Crisp from
//! delivering it. Fields without a value are left out.

use bytes::Bytes;
use kernel::{Fault, Result};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{OUR_ID, fingerprint};
use crate::guard::{Quiet, SentTime};
use crate::plan;
use crate::target::{MessageDraft, TicketUpdate};

/// Texts of a conversation's meta that are taken over as the plan has them.
const META_TEXTS: [&str; 6] = ["nickname", "email", "phone", "avatar", "ip", "address"];
/// Where a conversation comes from when the plan does not say.
pub(super) const CHAT: &str = "chat";

/// What a conversation is told about itself. `bare` leaves out what the target may object to.
pub(super) fn meta(ticket: &plan::Ticket, tags: &[String], bare: bool) -> Value {
    let planned = ticket.meta.as_ref().and_then(Value::as_object);
    let planned = planned.filter(|_| !bare);
    let mut meta = Map::new();
    if let Some(subject) = &ticket.subject {
        meta.insert("subject".to_owned(), json!(subject));
    }
    for name in META_TEXTS {
        let text = planned.and_then(|fields| fields.get(name)?.as_str());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            meta.insert(name.to_owned(), json!(text));
        }
    }
    let bare_name = || ticket.meta.as_ref()?.get("nickname")?.as_str();
    if let Some(name) = bare_name().filter(|name| !name.is_empty()) {
        meta.insert("nickname".to_owned(), json!(name));
    }
    let device = planned.and_then(|fields| fields.get("device")).filter(|it| it.is_object());
    if let Some(device) = device {
        meta.insert("device".to_owned(), device.clone());
    }
    meta.insert("origin".to_owned(), json!(origin(&ticket.channel)));
    meta.insert("segments".to_owned(), json!(tags));
    meta.insert(
        "data".to_owned(),
        data(planned.and_then(|fields| fields.get("data")), &ticket.external_id),
    );
    Value::Object(meta)
}

/// Values of the plan, and our id.
fn data(planned: Option<&Value>, our_id: &str) -> Value {
    let mut data = planned.and_then(Value::as_object).cloned().unwrap_or_default();
    data.retain(|_, value| !value.is_null());
    data.insert(OUR_ID.to_owned(), json!(our_id));
    Value::Object(data)
}

/// Where messages come from, in the vendor's word.
fn origin(channel: &str) -> &str {
    match channel {
        "email" => "email",
        urn if urn.starts_with("urn:") => urn,
        _ => CHAT,
    }
}

/// What the plan wants to be set of a conversation that has `known` as its meta by now. Labels and
/// data that somebody added stay.
pub(super) fn changed_meta(update: &TicketUpdate<'_>, known: &Value) -> Option<Value> {
    let mut whole = meta(update.ticket, &update.tags, false);
    let mut changed = Map::new();
    if update.sets("subject") {
        let subject = update.ticket.subject.as_deref().unwrap_or_default();
        changed.insert("subject".to_owned(), json!(subject));
    }
    if update.sets("tags") {
        let mut segments: Vec<&str> =
            super::reply::texts(known.get("segments")).into_iter().collect();
        let new = update.tags.iter().map(String::as_str);
        let new: Vec<&str> = new.filter(|name| !segments.contains(name)).collect();
        segments.extend(new);
        changed.insert("segments".to_owned(), json!(segments));
    }
    if update.sets("meta") {
        let mut data = known.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        data.extend(whole["data"].as_object().cloned().unwrap_or_default());
        whole["data"] = Value::Object(data);
        for name in META_TEXTS.into_iter().chain(["device", "data"]) {
            if let Some(value) = whole.get(name) {
                changed.insert(name.to_owned(), value.clone());
            }
        }
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

/// Those who take part besides the visitor.
pub(super) fn participants(ticket: &plan::Ticket) -> Option<Value> {
    let list = ticket.meta.as_ref()?.get("participants")?;
    let is_some = list.as_array().is_some_and(|list| !list.is_empty());
    is_some.then(|| json!({ "participants": list }))
}

/// Whether the visitor is to be blocked.
pub(super) fn is_blocked(ticket: &plan::Ticket) -> bool {
    let said = ticket.meta.as_ref().and_then(|meta| meta.get("is_blocked")?.as_bool());
    ticket.spam || said.unwrap_or(false)
}

/// A profile. `lean` leaves out what the target may object to.
pub(super) fn profile(customer: &plan::Customer, lean: bool) -> Value {
    let email = customer.email.as_deref().unwrap_or_default();
    let planned = customer.meta.as_ref().filter(|_| !lean);
    let mut person = match planned.and_then(|meta| meta.get("person")?.as_object()) {
        Some(person) => person.clone(),
        None => Map::new(),
    };
    person.retain(|_, value| !value.is_null());
    let is_named = person.get("nickname").is_some_and(|name| name.as_str().is_some_and(is_some));
    if !is_named {
        let name = customer.name.as_deref().filter(|name| is_some(name)).unwrap_or(email);
        person.insert("nickname".to_owned(), json!(name));
    }
    let mut profile = json!({ "email": email, "person": person });
    for name in ["company", "segments"] {
        let value = planned.and_then(|meta| meta.get(name)).filter(|value| !value.is_null());
        if let Some(value) = value {
            profile[name] = value.clone();
        }
    }
    profile
}

fn is_some(text: &str) -> bool {
    !text.trim().is_empty()
}

/// A profile's own data; our id only on a profile that the run surely made.
pub(super) fn person_data(customer: &plan::Customer, is_ours: bool) -> Option<Value> {
    let planned = customer.meta.as_ref().and_then(|meta| meta.get("data"));
    let mut data = planned.and_then(Value::as_object).cloned().unwrap_or_default();
    data.retain(|_, value| !value.is_null());
    if is_ours {
        data.insert(OUR_ID.to_owned(), json!(customer.external_id));
    }
    (!data.is_empty()).then(|| json!({ "data": data }))
}

/// Who writes a message, and what follows from that.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Author {
    /// The visitor.
    User { from: &'static str },
    /// An operator towards the visitor: delivered unless it is marked.
    Operator { from: &'static str, stealth: Quiet },
    /// An operator among operators.
    Note { from: &'static str },
}

/// What a message says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    File { name: &'a str, url: &'a str, r#type: &'a str },
}

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    author: Author,
    origin: &'a str,
    content: Content<'a>,
    timestamp: Millis,
    fingerprint: i64,
    user: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<Original<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    mentions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automated: Option<bool>,
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
}

#[derive(Serialize)]
struct Original<'a> {
    r#type: &'static str,
    content: &'a str,
}

/// A sent time as Crisp writes it.
struct Millis(SentTime);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.moment().micros().div_euclid(1_000))
    }
}

/// A message of a conversation that is there.
pub(super) fn message(draft: &MessageDraft) -> Result<Bytes> {
    let message = &draft.message;
    let meta = |name: &str| message.meta.as_ref().and_then(|meta| meta.get(name));
    let (r#type, content) = match (&message.body_text, draft.attachments.as_slice()) {
        (Some(text), _) if message.public => ("text", Content::Text(text)),
        (Some(text), _) => ("note", Content::Text(text)),
        (None, [file]) if message.public => {
            let (name, url, kind) = (&file.name, &file.url, &file.content_type);
            ("file", Content::File { name, url, r#type: kind })
        }
        _ => {
            let what = "has neither a text nor one file";
            return Err(Fault::data(format!("message {} of the plan {what}", message.message_id)));
        }
    };
    let author = match (message.from_agent, message.public) {
        (false, true) => Author::User { from: "user" },
        (true, true) => Author::Operator { from: "operator", stealth: Quiet },
        (_, false) => Author::Note { from: "operator" },
    };
    let original = message.body_html.as_deref().filter(|_| r#type == "text");
    let body = Message {
        r#type,
        author,
        origin: meta("origin").and_then(Value::as_str).map_or(CHAT, origin),
        content,
        timestamp: Millis(draft.sent),
        fingerprint: fingerprint(&message.message_id),
        user: User {
            nickname: message.source_from.as_ref().and_then(|from| from.name.as_deref()),
            avatar: meta("user").and_then(|user| user.get("avatar")?.as_str()),
        },
        original: original.map(|content| Original { r#type: "text/html", content }),
        mentions: if message.public { &[] } else { &draft.mentions },
        properties: meta("properties").filter(|value| value.is_object()),
        automated: meta("automated").and_then(Value::as_bool).filter(|is| *is),
    };
    let bytes = serde_json::to_vec(&body)
        .map_err(|error| Fault::bug("a request cannot be written as JSON").because(error))?;
    Ok(bytes.into())
}

/// The sides of a conversation that have said something, in the vendor's words.
pub(super) fn sides(messages: &[&plan::Message]) -> Vec<&'static str> {
    let has = |from_agent: bool| messages.iter().any(|one| one.from_agent == from_agent);
    let sides = [("user", has(false)), ("operator", has(true))];
    sides.into_iter().filter(|(_, has)| *has).map(|(side, _)| side).collect()
}

#[cfg(test)]
mod tests;
