//! The records of one workspace and the indexes by which they are found without scanning.
//!
//! It owns identity and order. It must not know of HTTP, of credentials or of how a list is paged.

mod live;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::counters::Holdings;
use super::keys::{ConversationKeys, MessageKeys, OriginalKeys, PersonKeys};
use super::raw;
use super::shelf::{Shelf, Span};

/// One conversation as the lists see it.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) keys: ConversationKeys,
    pub(crate) messages: Vec<Message>,
    span: Span,
}

/// One message as paging sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) timestamp: i64,
    pub(crate) fingerprint: i64,
    span: Span,
}

/// One profile as the lists see it.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) keys: PersonKeys,
    span: Span,
}

/// What `files.json` says of one uploaded file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FileNote {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// The bytes of an uploaded file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    Path(PathBuf),
}

/// Positions of conversations, newest first; `started` leaves out those without messages.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) all: Vec<u32>,
    pub(crate) started: Vec<u32>,
}

/// All records of one workspace.
#[derive(Debug, Default)]
pub(crate) struct Store {
    conversations: Vec<Conversation>,
    conversation_texts: Shelf,
    by_session: HashMap<String, u32>,
    pub(crate) by_created: Order,
    pub(crate) by_updated: Order,
    message_texts: Shelf,
    people: Vec<Person>,
    /// Positions of people who are there, newest first by creation.
    pub(crate) people_by_created: Vec<u32>,
    people_texts: Shelf,
    by_person: HashMap<String, u32>,
    by_email: HashMap<String, u32>,
    sessions_of_person: HashMap<String, Vec<u32>>,
    originals: HashMap<String, Span>,
    original_texts: Shelf,
    lists: HashMap<String, Vec<String>>,
    /// Places in a list of the entries that hang on a person, by list and person.
    entries_of_person: HashMap<(String, String), Vec<usize>>,
    pub(crate) files: HashMap<String, (FileNote, Content)>,
    message_count: u64,
}

/// Short lists, each entry kept as its own text. A field whose name begins with `_` belongs to the
/// stand-in and is never served; it says what an entry hangs on.
pub(crate) const LISTS: [&str; 12] = [
    "operators",
    "inboxes",
    "teams",
    "spams",
    "blocked",
    "events",
    "campaigns",
    "deliveries",
    "helpdesk_locales",
    "helpdesk_categories",
    "helpdesk_articles",
    "helpdesk_redirections",
];

/// The four streams that lie on shelves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Conversations,
    Messages,
    People,
    Originals,
}

impl Store {
    /// Puts a file under a stream; lines of it are then added by their span.
    pub(crate) fn open(&mut self, stream: Stream, shelf: Shelf) {
        *self.shelf(stream) = shelf;
    }

    /// Adds one record whose text is not on the shelf yet.
    pub(crate) fn put(&mut self, stream: Stream, text: &str) -> Result<(), String> {
        let span = self.shelf(stream).put(text);
        self.add(stream, text, span)
    }

    /// Adds one record that lies on the stream's shelf.
    pub(crate) fn add(&mut self, stream: Stream, text: &str, span: Span) -> Result<(), String> {
        match stream {
            Stream::Conversations => self.add_conversation(text, span),
            Stream::Messages => self.add_message(text, span),
            Stream::People => self.add_person(text, span),
            Stream::Originals => {
                let keys: OriginalKeys = parse(text)?;
                self.originals.insert(format!("{}/{}", keys.session_id, keys.original_id), span);
                Ok(())
            }
        }
    }

    /// Sorts everything; must be called once after the last record.
    pub(crate) fn settle(&mut self) {
        for conversation in &mut self.conversations {
            // The sort is stable, so messages of one millisecond stay in sending order.
            conversation.messages.sort_by_key(|message| message.timestamp);
        }
        self.arrange();
    }

    pub(crate) fn conversation(&self, position: u32) -> &Conversation {
        &self.conversations[position as usize]
    }

    pub(crate) fn position(&self, session_id: &str) -> Option<u32> {
        self.by_session.get(session_id).copied()
    }

    pub(crate) fn conversation_text(&self, conversation: &Conversation) -> String {
        self.conversation_texts.get(conversation.span)
    }

    pub(crate) fn message_text(&self, message: &Message) -> String {
        self.message_texts.get(message.span)
    }

    /// A profile by its id or by an e-mail address in any case.
    pub(crate) fn person(&self, handle: &str) -> Option<&Person> {
        let position =
            self.by_person.get(handle).or_else(|| self.by_email.get(&address_key(handle)))?;
        Some(self.person_at(*position))
    }

    pub(crate) fn person_at(&self, position: u32) -> &Person {
        &self.people[position as usize]
    }

    pub(crate) fn person_text(&self, person: &Person) -> String {
        self.people_texts.get(person.span)
    }

    /// The entries of a short list, hidden fields included.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    /// Fills a short list; only those of [`LISTS`] exist.
    pub(crate) fn set_list(&mut self, name: &str, entries: Vec<String>) -> Result<(), String> {
        if !LISTS.contains(&name) {
            return Err(format!("no list is named {name}"));
        }
        for (at, entry) in entries.iter().enumerate() {
            if let Some(people_id) = raw::field(entry, "_people_id").and_then(raw::text_of) {
                self.entries_of_person.entry((name.to_owned(), people_id)).or_default().push(at);
            }
        }
        self.lists.insert(name.to_owned(), entries);
        Ok(())
    }

    /// The entries of a short list that hang on a person.
    pub(crate) fn list_of_person(&self, name: &str, people_id: &str) -> Vec<&String> {
        let places = self.entries_of_person.get(&(name.to_owned(), people_id.to_owned()));
        places.map_or(&[][..], Vec::as_slice).iter().map(|at| &self.list(name)[*at]).collect()
    }

    pub(crate) fn sessions_of(&self, people_id: &str) -> &[u32] {
        self.sessions_of_person.get(people_id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn original_text(&self, session_id: &str, original_id: &str) -> Option<String> {
        let span = self.originals.get(&format!("{session_id}/{original_id}"))?;
        Some(self.original_texts.get(*span))
    }

    pub(crate) fn holdings(&self) -> Holdings {
        Holdings {
            conversations: self.by_created.all.len() as u64,
            conversations_started: self.by_created.started.len() as u64,
            messages: self.message_count,
            people: self.people_by_created.len() as u64,
            operators: self.list("operators").len() as u64,
            originals: self.originals.len() as u64,
            files: self.files.len() as u64,
            sections: self.list("helpdesk_categories").len() as u64,
            articles: self.list("helpdesk_articles").len() as u64,
        }
    }

    fn shelf(&mut self, stream: Stream) -> &mut Shelf {
        match stream {
            Stream::Conversations => &mut self.conversation_texts,
            Stream::Messages => &mut self.message_texts,
            Stream::People => &mut self.people_texts,
            Stream::Originals => &mut self.original_texts,
        }
    }

    fn add_conversation(&mut self, text: &str, span: Span) -> Result<(), String> {
        let keys: ConversationKeys = parse(text)?;
        let position = index(self.conversations.len());
        if self.by_session.insert(keys.session_id.clone(), position).is_some() {
            return Err("a second conversation with the same session_id".to_owned());
        }
        if let Some(people_id) = &keys.people_id {
            self.sessions_of_person.entry(people_id.clone()).or_default().push(position);
        }
        self.conversations.push(Conversation { keys, messages: Vec::new(), span });
        Ok(())
    }

    fn add_message(&mut self, text: &str, span: Span) -> Result<(), String> {
        let keys: MessageKeys = parse(text)?;
        let position =
            self.position(&keys.session_id).ok_or("a message of a conversation nobody knows")?;
        self.conversations[position as usize].messages.push(Message {
            timestamp: keys.timestamp,
            fingerprint: keys.fingerprint,
            span,
        });
        self.message_count += 1;
        Ok(())
    }

    fn add_person(&mut self, text: &str, span: Span) -> Result<(), String> {
        let keys: PersonKeys = parse(text)?;
        let position = index(self.people.len());
        if self.by_person.insert(keys.people_id.clone(), position).is_some() {
            return Err("a second profile with the same people_id".to_owned());
        }
        if let Some(email) = keys.email.as_deref().filter(|email| !email.trim().is_empty()) {
            self.by_email.entry(address_key(email)).or_insert(position);
        }
        self.people.push(Person { keys, span });
        Ok(())
    }

    fn arrange(&mut self) {
        self.people_by_created = (0..index(self.people.len())).collect();
        self.people_by_created
            .sort_by_key(|position| Reverse(self.people[*position as usize].keys.created_at));
        self.by_created = Order::of(&self.conversations, |keys| keys.created_at);
        self.by_updated = Order::of(&self.conversations, |keys| keys.updated_at);
    }
}

impl Order {
    fn of(conversations: &[Conversation], time: impl Fn(&ConversationKeys) -> i64) -> Order {
        let mut all: Vec<u32> = (0..index(conversations.len())).collect();
        all.sort_by_key(|position| Reverse(time(&conversations[*position as usize].keys)));
        let has_messages = |position: &u32| !conversations[*position as usize].messages.is_empty();
        let started = all.iter().copied().filter(has_messages).collect();
        Order { all, started }
    }

    fn place(
        &mut self,
        conversations: &[Conversation],
        position: u32,
        time: impl Fn(&ConversationKeys) -> i64,
    ) {
        let is_started = !conversations[position as usize].messages.is_empty();
        for (list, belongs) in [(&mut self.all, true), (&mut self.started, is_started)] {
            if belongs {
                place(list, position, |other| time(&conversations[other as usize].keys));
            } else {
                list.retain(|other| *other != position);
            }
        }
    }
}

/// Moves a position to where its time belongs in a list that is newest first.
fn place(list: &mut Vec<u32>, position: u32, time: impl Fn(u32) -> i64) {
    list.retain(|other| *other != position);
    let own = time(position);
    let at = list.partition_point(|other| time(*other) > own);
    list.insert(at, position);
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("a workspace has fewer than 2^32 records of a kind")
}

fn address_key(address: &str) -> String {
    address.trim().to_lowercase()
}
