//! Changes to a live workspace while it is served: what its people would do between two reads.
//!
//! Each change keeps the untouched part of a record byte for byte. It must not know of HTTP.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::raw;
use super::store::Store;

/// One thing that happens in the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A conversation is updated at this time, or one second after the newest of all.
    Touch {
        /// The conversation.
        session_id: String,
        /// Its new `updated_at`.
        #[serde(default)]
        at_ms: Option<i64>,
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
        content: serde_json::Value,
    },
    /// A message is added as it stands; it must carry `session_id`, `fingerprint` and `timestamp`.
    Say {
        /// The whole message.
        message: Box<RawValue>,
    },
    /// A conversation's state changes.
    State {
        /// The conversation.
        session_id: String,
        /// `pending`, `unresolved` or `resolved`.
        state: String,
    },
}

/// Makes one change; the error says what it did not find.
pub(crate) fn make(store: &mut Store, change: &Change) -> Result<(), String> {
    match change {
        Change::Touch { session_id, at_ms } => touch(store, position(store, session_id)?, *at_ms),
        Change::Delete { session_id } => {
            let position = position(store, session_id)?;
            store.remove(position);
            Ok(())
        }
        Change::Edit { session_id, fingerprint, content } => {
            let position = position(store, session_id)?;
            let messages = &store.conversation(position).messages;
            let found = messages.iter().find(|message| message.fingerprint == *fingerprint);
            let text = store.message_text(found.ok_or("no such message")?);
            let text = raw::with_field(&text, "content", &content.to_string());
            let text = raw::with_field(&text, "edited", "true");
            store.rewrite_message(position, *fingerprint, &text);
            touch(store, position, None)
        }
        Change::Say { message } => {
            let text = message.get();
            store.append(text)?;
            let session_id = raw::field(text, "session_id").and_then(raw::text_of);
            let time = raw::field(text, "timestamp").and_then(|time| time.parse().ok());
            let position = position(store, &session_id.unwrap_or_default())?;
            touch(store, position, time)
        }
        Change::State { session_id, state } => {
            let position = position(store, session_id)?;
            let status = match state.as_str() {
                "pending" => "0",
                "unresolved" => "1",
                "resolved" => "2",
                _ => return Err("state is pending, unresolved or resolved".to_owned()),
            };
            let text = store.conversation_text(store.conversation(position));
            let text = raw::with_field(&text, "state", &format!("\"{state}\""));
            store.rewrite(position, &raw::with_field(&text, "status", status))?;
            touch(store, position, None)
        }
    }
}

/// Moves a conversation to the front of the update order, as any activity does.
pub(crate) fn touch(store: &mut Store, position: u32, at_ms: Option<i64>) -> Result<(), String> {
    let newest = store.by_updated.all.first();
    let newest_ms = newest.map_or(0, |front| store.conversation(*front).keys.updated_at);
    let conversation = store.conversation(position);
    let at_ms = at_ms.unwrap_or(newest_ms + 1_000);
    let text = store.conversation_text(conversation);
    store.rewrite(position, &raw::with_field(&text, "updated_at", &at_ms.to_string()))
}

fn position(store: &Store, session_id: &str) -> Result<u32, String> {
    store.position(session_id).ok_or_else(|| "no such conversation".to_owned())
}
