//! Changes to records that are already served: each keeps identity, order and counts right.
//!
//! It must not know what a change means or when one happens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::counters::Inventory;
use super::super::helpdesk::is_public;
use super::super::keys::{ConversationKeys, MessageKeys, PersonKeys};
use super::super::raw;
use super::{Store, Stream, address_key, index, parse, place};

impl Store {
    /// Replaces a conversation's text by one with other times or state, and moves it in the orders.
    pub(crate) fn rewrite(&mut self, position: u32, text: &str) -> Result<(), String> {
        let keys = parse(text)?;
        let span = self.conversation_texts.put(text);
        let conversation = &mut self.conversations[position as usize];
        conversation.keys = keys;
        conversation.span = span;
        self.by_created.place(&self.conversations, position, |keys| keys.created_at);
        self.by_updated.place(&self.conversations, position, |keys| keys.updated_at);
        Ok(())
    }

    /// Replaces the text of one message; fingerprint and time stay.
    pub(crate) fn rewrite_message(&mut self, position: u32, fingerprint: i64, text: &str) -> bool {
        let span = self.message_texts.put(text);
        let messages = &mut self.conversations[position as usize].messages;
        let found = messages.iter_mut().find(|message| message.fingerprint == fingerprint);
        found.map(|message| message.span = span).is_some()
    }

    /// Adds a message to a conversation that is already served.
    pub(crate) fn append(&mut self, text: &str) -> Result<(), String> {
        self.put(Stream::Messages, text)?;
        let keys: MessageKeys = parse(text)?;
        let position = self.position(&keys.session_id).expect("the message was just added to it");
        let messages = &mut self.conversations[position as usize].messages;
        messages.sort_by_key(|message| message.timestamp);
        Ok(())
    }

    /// Removes a conversation from every list, with its messages.
    pub(crate) fn remove(&mut self, position: u32) {
        let conversation = &mut self.conversations[position as usize];
        self.message_count -= conversation.messages.len() as u64;
        conversation.messages.clear();
        self.by_session.remove(&conversation.keys.session_id);
        if let Some(people_id) = &conversation.keys.people_id
            && let Some(sessions) = self.sessions_of_person.get_mut(people_id)
        {
            sessions.retain(|other| *other != position);
        }
        for order in [&mut self.by_created, &mut self.by_updated] {
            order.all.retain(|other| *other != position);
            order.started.retain(|other| *other != position);
        }
    }

    /// Adds a conversation without messages to one that is already served.
    pub(crate) fn append_conversation(&mut self, text: &str) -> Result<u32, String> {
        self.put(Stream::Conversations, text)?;
        let position = index(self.conversations.len() - 1);
        self.by_created.place(&self.conversations, position, |keys| keys.created_at);
        self.by_updated.place(&self.conversations, position, |keys| keys.updated_at);
        Ok(position)
    }

    /// Removes one message; says whether it was there.
    pub(crate) fn remove_message(&mut self, position: u32, fingerprint: i64) -> bool {
        let messages = &mut self.conversations[position as usize].messages;
        let found = messages.iter().position(|message| message.fingerprint == fingerprint);
        if let Some(found) = found {
            messages.remove(found);
            self.message_count -= 1;
        }
        found.is_some()
    }

    /// Adds a profile to a workspace that is already served.
    pub(crate) fn append_person(&mut self, text: &str) -> Result<(), String> {
        self.put(Stream::People, text)?;
        self.place_person(index(self.people.len() - 1));
        Ok(())
    }

    /// Replaces a profile's text by one of the same person.
    pub(crate) fn rewrite_person(&mut self, position: u32, text: &str) -> Result<(), String> {
        let keys: PersonKeys = parse(text)?;
        self.people[position as usize].span = self.people_texts.put(text);
        let earlier = std::mem::replace(&mut self.people[position as usize].keys, keys);
        self.find_by_email_again(earlier.email.as_deref());
        let email = self.people[position as usize].keys.email.clone();
        self.find_by_email_again(email.as_deref());
        self.place_person(position);
        Ok(())
    }

    /// Removes a profile from every list; its conversations still name it.
    pub(crate) fn remove_person(&mut self, position: u32) {
        let keys = &self.people[position as usize].keys;
        let email = keys.email.clone();
        self.by_person.remove(&keys.people_id);
        self.people_by_created.retain(|other| *other != position);
        self.find_by_email_again(email.as_deref());
    }

    /// The position of a profile that is there.
    pub(crate) fn person_position(&self, people_id: &str) -> Option<u32> {
        self.by_person.get(people_id).copied()
    }

    /// Gives every conversation of at least `run` messages, but for each fourth one, a run of that
    /// many that share one millisecond: in the middle, at the end or at the beginning.
    pub(crate) fn share_milliseconds(&mut self, run: usize) {
        for position in 0..self.conversations.len() {
            let total = self.conversations[position].messages.len();
            if run == 0 || total < run {
                continue;
            }
            let start = match position % 4 {
                1 => (total - run) / 2,
                2 => total - run,
                3 => 0,
                _ => continue,
            };
            // The earliest of their times keeps the messages in order.
            let shared = self.conversations[position].messages[start].timestamp;
            for at in start..start + run {
                let text = self.message_text(&self.conversations[position].messages[at]);
                let text = raw::with_field(&text, "timestamp", &shared.to_string());
                let message = &mut self.conversations[position].messages[at];
                message.timestamp = shared;
                message.span = self.message_texts.put(&text);
            }
        }
    }

    /// Ties a conversation to a profile.
    pub(crate) fn bind(&mut self, position: u32, people_id: &str) -> Result<(), String> {
        let conversation = self.conversation(position);
        let earlier = conversation.keys.people_id.clone();
        let text = self.conversation_text(conversation);
        let id = serde_json::to_string(people_id).map_err(|error| error.to_string())?;
        self.rewrite(position, &raw::with_field(&text, "people_id", &id))?;
        if let Some(sessions) = earlier.and_then(|id| self.sessions_of_person.get_mut(&id)) {
            sessions.retain(|other| *other != position);
        }
        self.sessions_of_person.entry(people_id.to_owned()).or_default().push(position);
        Ok(())
    }

    /// Everything that is there, in one object.
    pub(crate) fn records(&self) -> Value {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
        let conversations = self.by_created.all.iter().map(|position| {
            let conversation = self.conversation(*position);
            let mut record = parsed(&self.conversation_text(conversation));
            let messages = conversation.messages.iter().map(|message| {
                let mut record = parsed(&self.message_text(message));
                let original = record.pointer("/original/original_id").and_then(Value::as_str);
                let session = &conversation.keys.session_id;
                let original = original.and_then(|id| self.original_text(session, id));
                if let Some(original) = original {
                    record["original"] = parsed(&original);
                }
                record
            });
            record["messages"] = messages.collect();
            record
        });
        let people = self.people_by_created.iter();
        let people = people.map(|position| parsed(&self.person_text(self.person_at(*position))));
        let list = |name: &str| self.list(name).iter().map(|row| parsed(row)).collect::<Vec<_>>();
        json!({
            "sections": list("helpdesk_categories"),
            "articles": list("helpdesk_articles"),
            "conversations": conversations.collect::<Vec<_>>(),
            "people": people.collect::<Vec<_>>(),
            "operators": list("operators"),
        })
    }

    /// Articles that readers see: language, content type and title.
    pub(crate) fn public_articles(&self) -> Vec<(String, String, String)> {
        let rows = self.list("helpdesk_articles").iter();
        let rows = rows.filter_map(|row| serde_json::from_str::<Value>(row).ok());
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.filter(is_public)
            .map(|row| (text(&row, "_locale"), text(&row, "_type"), text(&row, "title")))
            .collect()
    }

    /// Which records are there now.
    pub(crate) fn inventory(&self) -> Inventory {
        let (mut conversations, mut messages) = (BTreeMap::new(), BTreeSet::new());
        for position in &self.by_created.all {
            let conversation = self.conversation(*position);
            let ConversationKeys { session_id, updated_at, .. } = &conversation.keys;
            conversations.insert(session_id.clone(), *updated_at);
            messages.extend(
                conversation
                    .messages
                    .iter()
                    .map(|message| (session_id.clone(), message.fingerprint)),
            );
        }
        let people = self.people_by_created.iter();
        let people = people.map(|position| self.person_at(*position).keys.people_id.clone());
        Inventory { conversations, messages, people: people.collect() }
    }

    fn place_person(&mut self, position: u32) {
        let time = |other: u32| self.people[other as usize].keys.created_at;
        place(&mut self.people_by_created, position, time);
    }

    /// An address names the first person who is there and has it.
    fn find_by_email_again(&mut self, email: Option<&str>) {
        let Some(key) = email.map(address_key).filter(|key| !key.is_empty()) else {
            return;
        };
        let has_address = |position: &&u32| {
            let own = self.person_at(**position).keys.email.as_deref();
            own.is_some_and(|own| address_key(own) == key)
        };
        match self.people_by_created.iter().filter(has_address).min().copied() {
            Some(position) => self.by_email.insert(key, position),
            None => self.by_email.remove(&key),
        };
    }
}
