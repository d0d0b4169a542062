//! Owns what happens to a message that comes in: the rules on direction and channel, sender
//! resolution, what would be sent to a person, and what is stored.
//! It must not know whether the message came alone or inside a new ticket.

use serde_json::Value;

use super::super::ask::{Refusal, flag_of, id_of, text_of, time_of};
use super::super::instant::Instant;
use super::super::parties::{self, PERSON, Party, Side};
use super::super::shape::{Field, Kind, Problems, may, must, or_null, should};
use super::super::store::desk::{Message, Rare};
use super::super::store::events::Subject;
use super::super::store::{Chore, Store};
use super::super::vocabulary::{self, SOURCES, VIAS};

const ADDRESS: &[Field] =
    &[or_null("name", Kind::Text(0, 1024)), or_null("address", Kind::Text(0, 1024))];
const ADDRESSES: Kind = Kind::List(&Kind::Object(&[ADDRESS]), 0, 1_000);
const SOURCE: &[Field] = &[
    may("type", Kind::OneOf(SOURCES)),
    or_null("from", Kind::Object(&[ADDRESS])),
    or_null("to", ADDRESSES),
    or_null("cc", ADDRESSES),
    or_null("bcc", ADDRESSES),
    or_null("extra", Kind::Map),
];
const ATTACHMENT: &[Field] = &[
    must("url", Kind::Text(1, 8_192)),
    must("name", Kind::Text(0, 1_024)),
    must("content_type", Kind::Text(1, 255)),
    or_null("size", Kind::Int(0, i64::MAX)),
    may("public", Kind::Bool),
    or_null("extra", Kind::Any),
];
const MACRO: &[Field] = &[must("id", Kind::Int(1, i64::MAX))];

/// Fields of a message wherever it stands.
pub(super) const MESSAGE: &[Field] = &[
    must("channel", Kind::Text(1, 255)),
    must("from_agent", Kind::Bool),
    should("via", Kind::OneOf(VIAS)),
    should("sender", Kind::Object(&[PERSON])),
    or_null("receiver", Kind::Object(&[PERSON])),
    or_null("source", Kind::Object(&[SOURCE])),
    or_null("body_text", Kind::Text(0, usize::MAX)),
    or_null("body_html", Kind::Text(0, usize::MAX)),
    or_null("stripped_text", Kind::Text(0, usize::MAX)),
    or_null("stripped_html", Kind::Text(0, usize::MAX)),
    or_null("stripped_signature", Kind::Text(0, usize::MAX)),
    or_null("subject", Kind::Text(0, 998)),
    or_null("attachments", Kind::List(&Kind::Object(&[ATTACHMENT]), 0, 1_000)),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("message_id", Kind::Text(0, 1_024)),
    may("created_datetime", Kind::Time),
    or_null("sent_datetime", Kind::Time),
    or_null("opened_datetime", Kind::Time),
    or_null("failed_datetime", Kind::Time),
    or_null("deleted_datetime", Kind::Time),
    may("public", Kind::Bool),
    or_null("integration_id", Kind::Int(1, i64::MAX)),
    or_null("mention_ids", Kind::List(&Kind::Int(1, i64::MAX), 0, 1_000)),
    or_null("headers", Kind::Map),
    or_null("meta", Kind::Map),
    or_null("macros", Kind::List(&Kind::Object(&[MACRO]), 0, 1_000)),
    or_null("actions", Kind::List(&Kind::Any, 0, 1_000)),
    or_null("last_sending_error", Kind::Map),
];

/// The field that only a message of its own may carry.
pub(super) const ALONE: &[Field] = &[may("imported", Kind::Bool)];

/// Channel of internal notes; they are private and never sent.
pub(super) const NOTE: &str = "internal-note";

/// A message that has passed every check.
pub(super) struct Draft<'a> {
    given: &'a Value,
    sender: Author,
    receiver: Option<Party>,
}

enum Author {
    Nobody,
    Bot,
    Party(Party),
}

/// Checks one message against the records; its shape has been checked before.
pub(super) fn plan<'a>(store: &Store, given: &'a Value, path: &str) -> Result<Draft<'a>, Refusal> {
    let from_agent = flag_of(given, "from_agent").unwrap_or_default();
    let channel = text_of(given, "channel").unwrap_or_default();
    if channel == "email" {
        let from = given.pointer("/source/from/address").and_then(Value::as_str);
        if from.unwrap_or_default().is_empty() {
            return Err(Refusal {
                msg: "From field is missing or empty".to_owned(),
                ..Refusal::field(&join(path, "source.from"), "From field is missing or empty")
            });
        }
    }
    Refusal::unless_empty(direction(store, given, path), "Failed to create message")?;
    let receiver = given.get("receiver").filter(|value| !value.is_null());
    let receiver = receiver
        .map(|value| parties::resolve(store, value, Side::Customer, &join(path, "receiver")))
        .transpose()?;
    let sender = author(store, given, channel, from_agent, &join(path, "sender"))?;
    Ok(Draft { given, sender, receiver })
}

/// Stores a checked message.
pub(super) fn commit(
    store: &mut Store,
    draft: &Draft<'_>,
    ticket: u64,
    imported: bool,
    at: Instant,
) -> u64 {
    let given = draft.given;
    let from_agent = flag_of(given, "from_agent").unwrap_or_default();
    let channel = store.desk.word(text_of(given, "channel").unwrap_or_default());
    let is_note = &*channel == NOTE;
    let sender = author_id(store, draft, from_agent, at);
    let receiver = draft.receiver.as_ref().zip(given.get("receiver"));
    let receiver =
        receiver.map(|(party, value)| parties::settle(store, value, party, Side::Customer, at));
    if from_agent && !is_note && sender.is_some_and(|id| store.people.user(id).is_none()) {
        store.tally.agent_messages_by_customers += 1;
    }
    let created = time_of(given, "created_datetime").unwrap_or(at);
    let boxed = |name: &str| text_of(given, name).map(Box::from);
    let mut message = Message {
        id: 0,
        ticket,
        sender,
        receiver,
        channel,
        via: via(given),
        from_agent,
        public: !is_note && flag_of(given, "public").unwrap_or(true),
        imported,
        has_intents: false,
        external_id: boxed("external_id"),
        subject: boxed("subject"),
        body_text: boxed("body_text"),
        body_html: boxed("body_html"),
        source: source(given),
        attachments: attachments(given),
        created,
        processed: at,
        sent: time_of(given, "sent_datetime").or((!from_agent).then_some(created)),
        rare: rare(given),
    };
    if is_note {
        message.sent = message.sent.or(Some(created));
    }
    let goes_out = from_agent && !is_note && message.sent.is_none();
    let foreign = foreign_files(store, given);
    store.tally.foreign_files += foreign;
    let id = store.desk.add_message(message);
    store.note(at, "ticket-message-created", Subject("TicketMessage", id), None);
    if goes_out {
        store.tally.messages_sent += 1;
        store.later(at.plus_ms(store.quirks.background_ms), Chore::Deliver(id));
    }
    id
}

/// The word for `via`, or the one a request without it gets.
pub(super) fn via(given: &Value) -> &'static str {
    text_of(given, "via").and_then(|word| vocabulary::known(VIAS, word)).unwrap_or("api")
}

/// JSON text of the source; a message without one gets its channel's name.
pub(super) fn source(given: &Value) -> Option<Box<str>> {
    match given.get("source").filter(|value| !value.is_null()) {
        Some(source) => Some(source.to_string().into()),
        None => {
            let channel = text_of(given, "channel").unwrap_or_default();
            let known = vocabulary::known(SOURCES, channel)?;
            Some(serde_json::json!({"type": known}).to_string().into())
        }
    }
}

/// JSON text of the attachments; none and an empty list are the same.
pub(super) fn attachments(given: &Value) -> Option<Box<str>> {
    let list = given.get("attachments")?.as_array().filter(|list| !list.is_empty())?;
    Some(Value::Array(list.clone()).to_string().into())
}

/// Counts attachments and inline images that do not live on the upload host.
pub(super) fn foreign_files(store: &Store, given: &Value) -> u64 {
    let attachments = given.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let urls = attachments.filter_map(|entry| text_of(entry, "url"));
    let images = image_urls(text_of(given, "body_html").unwrap_or_default());
    urls.chain(images).filter(|url| !store.is_uploaded(url)).count() as u64
}

fn direction(store: &Store, given: &Value, path: &str) -> Problems {
    let mut problems = Problems::default();
    if let Some(bytes_max) = store.quirks.text_bytes_max {
        for name in ["body_text", "body_html"] {
            if text_of(given, name).is_some_and(|text| text.len() > bytes_max) {
                problems.add(join(path, name), format!("Longer than {bytes_max} bytes."));
            }
        }
    }
    if !store.strict {
        return problems;
    }
    let from_agent = flag_of(given, "from_agent").unwrap_or_default();
    let is_note = text_of(given, "channel") == Some(NOTE);
    let has_receiver = given.get("receiver").is_some_and(|receiver| !receiver.is_null());
    let public = flag_of(given, "public");
    if has_receiver && (is_note || !from_agent) {
        problems.add(join(path, "receiver"), "Must not be set on this message.");
    }
    if is_note && !from_agent {
        problems.add(join(path, "from_agent"), "An internal note comes from an agent.");
    }
    if is_note && public == Some(true) || !is_note && public == Some(false) {
        problems.add(join(path, "public"), "Internal notes, and only they, are private.");
    }
    let sender = given.get("sender").and_then(|sender| id_of(sender, "id"));
    if !from_agent && sender.is_some_and(|id| store.people.user(id).is_some()) {
        problems.add(join(path, "sender.id"), "The sender of this message is a customer.");
    }
    problems
}

fn author(
    store: &Store,
    given: &Value,
    channel: &str,
    from_agent: bool,
    path: &str,
) -> Result<Author, Refusal> {
    let side = if from_agent { Side::Agent } else { Side::Customer };
    let Some(value) = given.get("sender").filter(|value| !value.is_null()) else {
        return Ok(Author::Nobody);
    };
    if channel == NOTE {
        let known = id_of(value, "id").filter(|id| store.people.user(*id).is_some());
        let mailed = text_of(value, "email").and_then(|email| store.people.user_by_email(email));
        return Ok(match known.or(mailed) {
            Some(id) => Author::Party(Party::Known(id)),
            None => Author::Bot,
        });
    }
    Ok(Author::Party(parties::resolve(store, value, side, path)?))
}

fn author_id(store: &mut Store, draft: &Draft<'_>, from_agent: bool, at: Instant) -> Option<u64> {
    match &draft.sender {
        Author::Nobody => None,
        Author::Bot => {
            store.tally.reattributed_notes += 1;
            Some(store.bot)
        }
        Author::Party(party) => {
            let side = if from_agent { Side::Agent } else { Side::Customer };
            let value = draft.given.get("sender").unwrap_or(&Value::Null);
            Some(parties::settle(store, value, party, side, at))
        }
    }
}

fn rare(given: &Value) -> Option<Box<Rare>> {
    const RARE: [&str; 12] = [
        "message_id",
        "stripped_text",
        "stripped_html",
        "stripped_signature",
        "opened_datetime",
        "failed_datetime",
        "deleted_datetime",
        "integration_id",
        "headers",
        "meta",
        "macros",
        "actions",
    ];
    let present = |name: &str| given.get(name).filter(|value| !value.is_null());
    if RARE.iter().all(|name| present(name).is_none()) && present("last_sending_error").is_none() {
        return None;
    }
    let text = |name: &str| text_of(given, name).map(str::to_owned);
    Some(Box::new(Rare {
        message_id: text("message_id"),
        stripped_text: text("stripped_text"),
        stripped_html: text("stripped_html"),
        stripped_signature: text("stripped_signature"),
        opened: time_of(given, "opened_datetime"),
        failed: time_of(given, "failed_datetime"),
        deleted: time_of(given, "deleted_datetime"),
        integration: id_of(given, "integration_id"),
        headers: present("headers").cloned(),
        meta: present("meta").cloned(),
        macros: present("macros").cloned(),
        actions: present("actions").cloned(),
        last_sending_error: present("last_sending_error").cloned(),
    }))
}

/// Addresses of the images in a piece of HTML that a reader would fetch over the network.
fn image_urls(html: &str) -> impl Iterator<Item = &str> {
    html.split("<img").skip(1).filter_map(|rest| {
        let tag = rest.split('>').next()?;
        let (_, after) = tag.split_once("src=")?;
        let quote = after.chars().next()?;
        let url = match quote {
            '"' | '\'' => after[1..].split(quote).next()?,
            _ => after.split(|letter: char| letter.is_whitespace()).next()?,
        };
        (url.starts_with("http") || url.starts_with("//")).then_some(url)
    })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::image_urls;

    #[test]
    fn inline_images_are_found_in_every_quoting() {
        let html = concat!(
            "<p>a<img alt='x' src=\"https://a/1.png\"><img src='//b/2'><img src=http://c/3 />",
            "<img src=\"data:image/png;base64,xx\"><img src='cid:4'></p>",
        );
        let found: Vec<&str> = image_urls(html).collect();
        assert_eq!(found, ["https://a/1.png", "//b/2", "http://c/3"]);
    }
}
