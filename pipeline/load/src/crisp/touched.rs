//! Whether a record of Crisp is still what was written: which fields somebody changed.
//!
//! What Crisp fills in by itself is no change: events, previews, read marks, times. Only names and
//! counts are said, never what a field holds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::{OUR_ID, fingerprint, key_of, reply, request};
use crate::plan;
use crate::target::{MessageDraft, TicketDraft};

/// States that a conversation is in before its final state is set.
const UNFINISHED: [&str; 2] = ["pending", "unresolved"];

/// What changed of a conversation and its messages.
pub(super) fn conversation(
    (draft, is_finished): (&TicketDraft, bool),
    sure: &HashSet<String>,
    found: &Value,
    messages: &[Value],
) -> Vec<String> {
    let said: Vec<&Value> = messages.iter().filter(|message| !is_event(message)).collect();
    let is_ours = reply::our_id(found) == Some(draft.ticket.external_id.as_str());
    if !is_ours && reply::our_id(found).is_none() && said.is_empty() {
        // The empty place that a load was given and did not fill.
        return Vec::new();
    }
    let mut changes = Changes::default();
    changes.note(OUR_ID, !is_ours);
    let wrote = request::meta(&draft.ticket, &draft.tags, false);
    let empty = Value::Null;
    let meta = found.get("meta").unwrap_or(&empty);
    for name in ["subject", "nickname", "email"] {
        let of = |meta: &Value| {
            meta.get(name).and_then(Value::as_str).map(|text| match name {
                "email" => key_of(text),
                _ => text.trim().to_owned(),
            })
        };
        changes.note(name, of(&wrote).is_some_and(|text| of(meta) != Some(text)));
    }
    changes.note(
        "segments",
        reply::texts(meta.get("segments")) != reply::texts(wrote.get("segments")),
    );
    changes.note("data", meta.get("data") != wrote.get("data"));
    let state = found.get("state").and_then(Value::as_str).unwrap_or_default();
    let is_expected = state == draft.ticket.status || (!is_finished && UNFINISHED.contains(&state));
    changes.note("state", !is_expected);
    let assigned = found.pointer("/assigned/user_id").and_then(Value::as_str);
    let is_free = assigned.is_none() && !is_finished;
    changes.note("assigned", assigned != draft.assignee.as_deref() && !is_free);
    changes.messages(&draft.messages, sure, &said);
    changes.0
}

/// What changed of a message.
pub(super) fn message(draft: &MessageDraft, found: &Value) -> Vec<String> {
    if is_same(draft, found) { Vec::new() } else { vec!["content".to_owned()] }
}

/// What changed of a profile.
pub(super) fn profile(customer: &plan::Customer, found: &Value, data: &Value) -> Vec<String> {
    let mut changes = Changes::default();
    let wrote = request::profile(customer, false);
    let email = |profile: &Value| profile.get("email").and_then(Value::as_str).map(key_of);
    changes.note("email", email(&wrote) != email(found));
    let name = |profile: &Value| profile.pointer("/person/nickname").cloned();
    changes.note("nickname", name(&wrote) != name(found));
    let segments = |profile: &Value| -> BTreeSet<String> {
        reply::texts(profile.get("segments")).into_iter().map(str::to_owned).collect()
    };
    changes.note("segments", segments(&wrote) != segments(found));
    let notepad = found.get("notepad").and_then(Value::as_str).unwrap_or_default();
    changes.note("notepad", !notepad.is_empty());
    let planned = request::person_data(customer, true).unwrap_or_default();
    // A load that was stopped may not have come to the data.
    let is_bare = data.as_object().is_none_or(serde_json::Map::is_empty);
    changes.note("data", !is_bare && planned.get("data") != Some(data));
    changes.0
}

/// Names of what differs.
#[derive(Default)]
struct Changes(Vec<String>);

impl Changes {
    fn note(&mut self, name: &str, is_changed: bool) {
        if is_changed {
            self.0.push(name.to_owned());
        }
    }

    /// Messages by their fingerprints: each surely written one must be there once as it was, and
    /// none that the plan does not have.
    fn messages(&mut self, drafts: &[MessageDraft], sure: &HashSet<String>, found: &[&Value]) {
        let mut by_key: BTreeMap<i64, &Value> = BTreeMap::new();
        for message in found {
            if let Some(key) = reply::fingerprint(message) {
                by_key.insert(key, message);
            }
        }
        let (mut known, mut missing, mut changed) = (0, 0, 0);
        for draft in drafts {
            let id = draft.message.message_id.as_str();
            match by_key.get(&fingerprint(id)) {
                Some(message) => {
                    known += 1;
                    changed += usize::from(!is_same(draft, message));
                }
                None => missing += usize::from(sure.contains(id)),
            }
        }
        for (count, what) in
            [(found.len() - known, "more"), (missing, "gone"), (changed, "changed")]
        {
            if count > 0 {
                self.0.push(format!("messages {what}: {count}"));
            }
        }
    }
}

fn is_event(message: &Value) -> bool {
    message.get("type").and_then(Value::as_str) == Some("event")
}

/// Whether a message says what was written, as the one who wrote it.
fn is_same(draft: &MessageDraft, found: &Value) -> bool {
    let Ok(wrote) = request::message(draft) else { return false };
    let Some(wrote) = reply::json(&wrote) else { return false };
    let same = |name: &str| wrote.get(name) == found.get(name);
    let is_edited = found.get("edited").and_then(Value::as_bool).unwrap_or(false);
    ["type", "from", "content", "timestamp"].into_iter().all(same) && !is_edited
}
