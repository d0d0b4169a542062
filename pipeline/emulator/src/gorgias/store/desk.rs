//! Owns tickets and messages, kept small enough for more than a million messages, and the ways to
//! find them. It must not know how either is shown, nor who the people behind the ids are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::instant::Instant;
use super::people::{drop_id, insert};

/// A ticket.
#[derive(Clone, Debug)]
pub(in crate::gorgias) struct Ticket {
    pub id: u64,
    pub external_id: Option<Box<str>>,
    pub customer: Option<u64>,
    pub assignee_user: Option<u64>,
    pub assignee_team: Option<u64>,
    pub is_closed: bool,
    pub priority: &'static str,
    pub channel: Arc<str>,
    pub via: &'static str,
    pub from_agent: bool,
    pub spam: bool,
    pub imported: bool,
    pub is_unread: bool,
    pub subject: Option<Box<str>>,
    pub language: Option<Box<str>>,
    pub meta: Option<Box<Map<String, Value>>>,
    pub tags: Vec<u64>,
    pub fields: Vec<(u64, Value)>,
    /// In order of creation.
    pub messages: Vec<u64>,
    pub created: Instant,
    pub processed: Instant,
    pub opened: Option<Instant>,
    pub last_received: Option<Instant>,
    pub last_message: Option<Instant>,
    pub updated: Instant,
    pub closed: Option<Instant>,
    pub trashed: Option<Instant>,
    pub snooze: Option<Instant>,
}

/// A message.
#[derive(Clone, Debug)]
pub(in crate::gorgias) struct Message {
    pub id: u64,
    pub ticket: u64,
    pub sender: Option<u64>,
    pub receiver: Option<u64>,
    pub channel: Arc<str>,
    pub via: &'static str,
    pub from_agent: bool,
    pub public: bool,
    pub imported: bool,
    /// The vendor's language model has looked at it.
    pub has_intents: bool,
    pub external_id: Option<Box<str>>,
    pub subject: Option<Box<str>>,
    pub body_text: Option<Box<str>>,
    pub body_html: Option<Box<str>>,
    /// JSON text of the source, kept as text because it is only ever shown.
    pub source: Option<Box<str>>,
    /// JSON text of the attachments.
    pub attachments: Option<Box<str>>,
    pub created: Instant,
    pub processed: Instant,
    pub sent: Option<Instant>,
    pub rare: Option<Box<Rare>>,
}

/// What few messages have.
#[derive(Clone, Debug, Default)]
pub(in crate::gorgias) struct Rare {
    pub message_id: Option<String>,
    pub stripped_text: Option<String>,
    pub stripped_html: Option<String>,
    pub stripped_signature: Option<String>,
    pub opened: Option<Instant>,
    pub failed: Option<Instant>,
    pub deleted: Option<Instant>,
    pub integration: Option<u64>,
    pub headers: Option<Value>,
    pub meta: Option<Value>,
    pub macros: Option<Value>,
    pub actions: Option<Value>,
    pub last_sending_error: Option<Value>,
}

/// Tickets and messages.
pub(in crate::gorgias) struct Desk {
    tickets_from: u64,
    messages_from: u64,
    tickets: Vec<Option<Box<Ticket>>>,
    messages: Vec<Option<Box<Message>>>,
    by_external: HashMap<Box<str>, Vec<u64>>,
    by_customer: HashMap<u64, Vec<u64>>,
    words: HashSet<Arc<str>>,
    /// Tickets by creation.
    pub created: BTreeSet<(i64, u64)>,
    /// Tickets by last change.
    pub updated: BTreeSet<(i64, u64)>,
    /// Messages by creation.
    pub messages_created: BTreeSet<(i64, u64)>,
}

impl Message {
    /// The rare part, made when it is first needed.
    pub(in crate::gorgias) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    /// The address in `source.from`.
    pub(in crate::gorgias) fn author_address(&self) -> Option<String> {
        let source: Value = serde_json::from_str(self.source.as_deref()?).ok()?;
        source.pointer("/from/address")?.as_str().map(str::to_owned)
    }
}

impl Desk {
    pub(super) fn new(tickets_from: u64, messages_from: u64) -> Desk {
        Desk {
            tickets_from,
            messages_from,
            tickets: Vec::new(),
            messages: Vec::new(),
            by_external: HashMap::new(),
            by_customer: HashMap::new(),
            words: HashSet::new(),
            created: BTreeSet::new(),
            updated: BTreeSet::new(),
            messages_created: BTreeSet::new(),
        }
    }

    /// One ticket.
    pub(in crate::gorgias) fn ticket(&self, id: u64) -> Option<&Ticket> {
        self.tickets.get(place(id, self.tickets_from)?)?.as_deref()
    }

    /// One message.
    pub(in crate::gorgias) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.get(place(id, self.messages_from)?)?.as_deref()
    }

    /// One message, to change what no index knows.
    pub(in crate::gorgias) fn message_mut(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.get_mut(place(id, self.messages_from)?)?.as_deref_mut()
    }

    /// Tickets with this external id.
    pub(in crate::gorgias) fn by_external(&self, external_id: &str) -> &[u64] {
        self.by_external.get(external_id).map_or(&[], Vec::as_slice)
    }

    /// Tickets of this customer.
    pub(in crate::gorgias) fn by_customer(&self, customer: u64) -> &[u64] {
        self.by_customer.get(&customer).map_or(&[], Vec::as_slice)
    }

    /// How many tickets there are.
    pub(in crate::gorgias) fn ticket_count(&self) -> u64 {
        self.created.len() as u64
    }

    /// How many messages there are.
    pub(in crate::gorgias) fn message_count(&self) -> u64 {
        self.messages_created.len() as u64
    }

    /// The shared copy of a word that many records repeat.
    pub(in crate::gorgias) fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return word.clone();
        }
        let word: Arc<str> = text.into();
        self.words.insert(word.clone());
        word
    }

    /// Adds a ticket; the id is given here.
    pub(in crate::gorgias) fn add_ticket(&mut self, mut ticket: Ticket) -> u64 {
        let id = self.tickets_from + self.tickets.len() as u64;
        ticket.id = id;
        self.index(&ticket);
        self.tickets.push(Some(Box::new(ticket)));
        id
    }

    /// Changes a ticket and keeps every index true.
    pub(in crate::gorgias) fn change_ticket(&mut self, id: u64, edit: impl FnOnce(&mut Ticket)) {
        let Some(position) = place(id, self.tickets_from) else {
            return;
        };
        let Some(mut ticket) = self.tickets.get_mut(position).and_then(Option::take) else {
            return;
        };
        self.unindex(&ticket);
        edit(&mut ticket);
        self.index(&ticket);
        self.tickets[position] = Some(ticket);
    }

    /// Takes a ticket and its messages out.
    pub(in crate::gorgias) fn remove_ticket(&mut self, id: u64) {
        let Some(position) = place(id, self.tickets_from) else {
            return;
        };
        let Some(ticket) = self.tickets.get_mut(position).and_then(Option::take) else {
            return;
        };
        self.unindex(&ticket);
        for message in &ticket.messages {
            self.take_message(*message);
        }
    }

    /// Adds a message to its ticket; the id is given here.
    pub(in crate::gorgias) fn add_message(&mut self, mut message: Message) -> u64 {
        let id = self.messages_from + self.messages.len() as u64;
        message.id = id;
        self.messages_created.insert((message.created.0, id));
        let ticket = place(message.ticket, self.tickets_from);
        if let Some(ticket) = ticket.and_then(|at| self.tickets.get_mut(at)?.as_deref_mut()) {
            ticket.messages.push(id);
        }
        self.messages.push(Some(Box::new(message)));
        id
    }

    /// Moves a message to another creation time.
    pub(in crate::gorgias) fn redate_message(&mut self, id: u64, created: Instant) {
        let Some(message) = self.message_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut message.created, created);
        self.messages_created.remove(&(before.0, id));
        self.messages_created.insert((created.0, id));
    }

    /// Takes one message out of its ticket.
    pub(in crate::gorgias) fn remove_message(&mut self, id: u64) {
        let Some(message) = self.take_message(id) else {
            return;
        };
        let ticket = place(message.ticket, self.tickets_from);
        if let Some(ticket) = ticket.and_then(|at| self.tickets.get_mut(at)?.as_deref_mut()) {
            ticket.messages.retain(|kept| *kept != id);
        }
    }

    /// The messages of a ticket, oldest first; equal times keep the order of creation.
    pub(in crate::gorgias) fn thread(&self, ticket: &Ticket) -> Vec<&Message> {
        let mut thread: Vec<&Message> =
            ticket.messages.iter().filter_map(|id| self.message(*id)).collect();
        thread.sort_by_key(|message| (message.created, message.id));
        thread
    }

    fn take_message(&mut self, id: u64) -> Option<Box<Message>> {
        let position = place(id, self.messages_from)?;
        let message = self.messages.get_mut(position).and_then(Option::take)?;
        self.messages_created.remove(&(message.created.0, id));
        Some(message)
    }

    fn index(&mut self, ticket: &Ticket) {
        self.created.insert((ticket.created.0, ticket.id));
        self.updated.insert((ticket.updated.0, ticket.id));
        if let Some(external_id) = &ticket.external_id {
            insert(self.by_external.entry(external_id.clone()).or_default(), ticket.id);
        }
        if let Some(customer) = ticket.customer {
            insert(self.by_customer.entry(customer).or_default(), ticket.id);
        }
    }

    fn unindex(&mut self, ticket: &Ticket) {
        self.created.remove(&(ticket.created.0, ticket.id));
        self.updated.remove(&(ticket.updated.0, ticket.id));
        if let Some(external_id) = &ticket.external_id {
            drop_id(&mut self.by_external, external_id, ticket.id);
        }
        if let Some(customer) = ticket.customer {
            drop_id(&mut self.by_customer, &customer, ticket.id);
        }
    }
}

fn place(id: u64, from: u64) -> Option<usize> {
    usize::try_from(id.checked_sub(from)?).ok()
}
