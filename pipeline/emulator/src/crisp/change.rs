//! Changes to a live workspace while it is served: what its people would do between two reads.
//!
//! Each change keeps the untouched part of a record byte for byte. It must not know of HTTP.

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::preview;
use super::raw;
use super::store::Store;

/// One thing that happens in the workspace. Unless a time is given, what happens happens now: the
/// clock of the machine, or one millisecond after the newest update where that is later.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A conversation is updated.
    Touch {
        /// The conversation.
        session_id: String,
        /// Its new `updated_at`.
        #[serde(default)]
        at_ms: Option<i64>,
    },
    /// A conversation appears. `created_at` and `updated_at` are set where they are absent.
    Create {
        /// The whole item; it must carry `session_id`.
        conversation: Box<RawValue>,
        /// Its messages, as for `Say`.
        #[serde(default)]
        messages: Vec<Box<RawValue>>,
    },
    /// A conversation disappears with its messages.
    Delete {
        /// The conversation.
        session_id: String,
    },
    /// A message gets other content and `edited`; fingerprint and time stay.
    Edit {
        /// The conversation.
        session_id: String,
        /// The message.
        fingerprint: i64,
        /// Its new content, as JSON.
        content: Value,
    },
    /// A message is added as it stands; it must carry `session_id` and `fingerprint`. Its
    /// `timestamp` is the time of the update too, where it is later than the update before.
    Say {
        /// The whole message.
        message: Box<RawValue>,
    },
    /// One message disappears.
    DeleteMessage {
        /// The conversation.
        session_id: String,
        /// The message.
        fingerprint: i64,
    },
    /// A conversation's state changes.
    State {
        /// The conversation.
        session_id: String,
        /// `pending`, `unresolved` or `resolved`.
        state: String,
    },
    /// A field of a conversation changes, as when somebody is assigned.
    Set {
        /// The conversation.
        session_id: String,
        /// A field at the top level, other than the id.
        field: String,
        /// Its new value, as JSON.
        value: Value,
    },
    /// A field of a profile changes; `_data` is the custom data.
    Profile {
        /// The person.
        people_id: String,
        /// A field at the top level, other than the id.
        field: String,
        /// Its new value, as JSON.
        value: Value,
    },
    /// A profile appears. `created_at` and `updated_at` are set where they are absent.
    CreateProfile {
        /// The whole profile; it must carry `people_id`.
        profile: Box<RawValue>,
    },
    /// A profile disappears; the person's conversations stay and still name it.
    DeleteProfile {
        /// The person.
        people_id: String,
    },
}

/// The clock of the machine, in milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// Makes one change; the error says what it did not find.
pub(crate) fn make(store: &mut Store, change: &Change, now_ms: i64) -> Result<(), String> {
    match change {
        Change::Touch { session_id, at_ms } => {
            touch(store, position(store, session_id)?, *at_ms, now_ms)
        }
        Change::Create { conversation, messages } => {
            create(store, conversation.get(), messages, now_ms)
        }
        Change::Delete { session_id } => {
            let position = position(store, session_id)?;
            store.remove(position);
            Ok(())
        }
        Change::Edit { session_id, fingerprint, content } => {
            edit(store, session_id, *fingerprint, content, now_ms)
        }
        Change::Say { message } => say(store, message.get(), now_ms),
        Change::DeleteMessage { session_id, fingerprint } => {
            let position = position(store, session_id)?;
            if !store.remove_message(position, *fingerprint) {
                return Err(NO_MESSAGE.to_owned());
            }
            show_newest(store, position)?;
            touch(store, position, None, now_ms)
        }
        Change::State { session_id, state } => set_state(store, session_id, state, now_ms),
        Change::Set { session_id, field, value } => set(store, session_id, field, value, now_ms),
        Change::Profile { people_id, field, value } => {
            set_profile(store, people_id, field, value, now_ms)
        }
        Change::CreateProfile { profile } => {
            store.append_person(&with_times(profile.get(), now_ms))
        }
        Change::DeleteProfile { people_id } => {
            let position = person(store, people_id)?;
            store.remove_person(position);
            Ok(())
        }
    }
}

/// Moves a conversation to the front of the update order, as any activity does.
pub(crate) fn touch(
    store: &mut Store,
    position: u32,
    at_ms: Option<i64>,
    now_ms: i64,
) -> Result<(), String> {
    let at_ms = at_ms.unwrap_or_else(|| next_ms(store, now_ms));
    let text = store.conversation_text(store.conversation(position));
    store.rewrite(position, &raw::with_field(&text, "updated_at", &at_ms.to_string()))
}

const NO_MESSAGE: &str = "no such message";

/// Now, but later than every update so far, so that no two updates fall together.
fn next_ms(store: &Store, now_ms: i64) -> i64 {
    let newest = store.by_updated.all.first();
    let newest_ms = newest.map(|front| store.conversation(*front).keys.updated_at);
    newest_ms.map_or(now_ms, |newest_ms| now_ms.max(newest_ms + 1))
}

fn create(
    store: &mut Store,
    text: &str,
    messages: &[Box<RawValue>],
    now_ms: i64,
) -> Result<(), String> {
    let at_ms = next_ms(store, now_ms);
    let position = store.append_conversation(&with_times(text, at_ms))?;
    let updated_ms = store.conversation(position).keys.updated_at;
    for message in messages {
        store.append(&with_absent(message.get(), "timestamp", at_ms))?;
    }
    show_newest(store, position)?;
    touch(store, position, Some(updated_ms), now_ms)
}

fn edit(
    store: &mut Store,
    session_id: &str,
    fingerprint: i64,
    content: &Value,
    now_ms: i64,
) -> Result<(), String> {
    let position = position(store, session_id)?;
    let messages = &store.conversation(position).messages;
    let found = messages.iter().find(|message| message.fingerprint == fingerprint);
    let text = store.message_text(found.ok_or(NO_MESSAGE)?);
    let text = raw::with_field(&text, "content", &content.to_string());
    let text = raw::with_field(&text, "edited", "true");
    store.rewrite_message(position, fingerprint, &text);
    show_newest(store, position)?;
    touch(store, position, None, now_ms)
}

fn say(store: &mut Store, text: &str, now_ms: i64) -> Result<(), String> {
    let at_ms = next_ms(store, now_ms);
    let text = with_absent(text, "timestamp", at_ms);
    store.append(&text)?;
    let session_id = raw::field(&text, "session_id").and_then(raw::text_of);
    let time = raw::field(&text, "timestamp").and_then(|time| time.parse::<i64>().ok());
    let position = position(store, &session_id.unwrap_or_default())?;
    let updated_ms = store.conversation(position).keys.updated_at;
    show_newest(store, position)?;
    touch(store, position, time.filter(|time| *time > updated_ms), now_ms)
}

pub(crate) fn set_state(
    store: &mut Store,
    session_id: &str,
    state: &str,
    now_ms: i64,
) -> Result<(), String> {
    let position = position(store, session_id)?;
    let status = match state {
        "pending" => "0",
        "unresolved" => "1",
        "resolved" => "2",
        _ => return Err("state is pending, unresolved or resolved".to_owned()),
    };
    let text = store.conversation_text(store.conversation(position));
    let text = raw::with_field(&text, "state", &format!("\"{state}\""));
    store.rewrite(position, &raw::with_field(&text, "status", status))?;
    touch(store, position, None, now_ms)
}

fn set(
    store: &mut Store,
    session_id: &str,
    field: &str,
    value: &Value,
    now_ms: i64,
) -> Result<(), String> {
    if field == "session_id" {
        return Err("the id of a conversation does not change".to_owned());
    }
    let position = position(store, session_id)?;
    let text = store.conversation_text(store.conversation(position));
    store.rewrite(position, &raw::with_field(&text, field, &value.to_string()))?;
    touch(store, position, None, now_ms)
}

fn set_profile(
    store: &mut Store,
    people_id: &str,
    field: &str,
    value: &Value,
    now_ms: i64,
) -> Result<(), String> {
    if field == "people_id" {
        return Err("the id of a profile does not change".to_owned());
    }
    let position = person(store, people_id)?;
    let person = store.person_at(position);
    let at_ms = now_ms.max(person.keys.updated_at + 1);
    let text = raw::with_field(&store.person_text(person), field, &value.to_string());
    store.rewrite_person(position, &raw::with_field(&text, "updated_at", &at_ms.to_string()))
}

/// Puts the excerpt and the card of the newest message that is shown into the item.
pub(crate) fn show_newest(store: &mut Store, position: u32) -> Result<(), String> {
    let conversation = store.conversation(position);
    let newest = conversation.messages.iter().rev().find_map(|message| {
        let message: Value = serde_json::from_str(&store.message_text(message)).ok()?;
        preview::of(&message)
    });
    let text = store.conversation_text(conversation);
    let text = match newest {
        Some(newest) => {
            let excerpt = Value::from(newest.excerpt).to_string();
            let text = raw::with_field(&text, "last_message", &excerpt);
            raw::with_field(&text, "preview_message", &newest.card.to_string())
        }
        None => raw::without_field(&raw::without_field(&text, "last_message"), "preview_message"),
    };
    store.rewrite(position, &text)
}

fn with_times(text: &str, at_ms: i64) -> String {
    with_absent(&with_absent(text, "created_at", at_ms), "updated_at", at_ms)
}

/// The record with a time where it has none.
fn with_absent(text: &str, name: &str, at_ms: i64) -> String {
    match raw::field(text, name) {
        Some(_) => text.to_owned(),
        None => raw::with_field(text, name, &at_ms.to_string()),
    }
}

fn position(store: &Store, session_id: &str) -> Result<u32, String> {
    store.position(session_id).ok_or_else(|| "no such conversation".to_owned())
}

fn person(store: &Store, people_id: &str) -> Result<u32, String> {
    store.person_position(people_id).ok_or_else(|| "no such person".to_owned())
}
