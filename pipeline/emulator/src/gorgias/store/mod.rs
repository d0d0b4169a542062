//! Owns every record of the stand-in and the work that happens later by itself. All of it is a
//! function of the calls and their arrival times, so that replaying them gives the same state.
//! It must not know HTTP, files or the wall clock.

pub(super) mod desk;
pub(super) mod events;
pub(super) mod people;
pub(super) mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use self::desk::Desk;
use self::events::{Log, Subject};
use self::people::People;
use self::rows::Rows;
use super::ask::Ask;
use super::instant::Instant;
use super::options::{Agent, Options, Quirks};

/// First id of each kind; all are beyond what fits in 32 bits, and no two kinds overlap soon.
const TICKETS_FROM: u64 = 3_100_000_001;
const MESSAGES_FROM: u64 = 7_400_000_001;
const PEOPLE_FROM: u64 = 5_195_432_001;
const CHANNELS_FROM: u64 = 6_050_000_001;

/// What the store has counted since it began; it survives with the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    /// Messages that would have gone to a person.
    pub messages_sent: u64,
    /// Satisfaction surveys that would have gone to a person.
    pub surveys_sent: u64,
    /// Attachments and inline images that point elsewhere than to the upload host.
    pub foreign_files: u64,
    /// Records changed because a nested object carried more than an id.
    pub nested_mutations: u64,
    /// Customers made because a nested object named somebody unknown.
    pub customers_by_mention: u64,
    /// Internal notes whose sender was no user.
    pub reattributed_notes: u64,
    /// Public messages "from an agent" whose sender is no user.
    pub agent_messages_by_customers: u64,
    /// Rules that would have run.
    pub rules_run: u64,
    /// Files uploaded.
    pub uploads: u64,
    /// Tickets made, deleted ones included; the message quota counts them.
    pub tickets_made: u64,
}

/// A file on the upload host; its bytes are kept elsewhere, by digest.
pub(super) struct Upload {
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// The type it is served as.
    pub content_type: String,
}

/// Work that happens later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chore {
    /// Enrich a new ticket.
    Mature(u64),
    /// Hand a message to its channel.
    Deliver(u64),
    /// Take a job one state further.
    Job(u64),
}

/// All records.
pub(super) struct Store {
    /// Doubtful points as they are switched now.
    pub quirks: Quirks,
    /// Whether older schemas are enforced.
    pub strict: bool,
    /// Addresses this stand-in was reachable under; the last one is current.
    pub origins: Vec<String>,
    /// Customers and users.
    pub people: People,
    /// Tickets and messages.
    pub desk: Desk,
    /// Everything small.
    pub rows: Rows,
    /// Uploaded files by path.
    pub uploads: HashMap<Box<str>, Upload>,
    /// The event log.
    pub log: Log,
    /// Counts.
    pub tally: Tally,
    /// The user a call acts as.
    pub admin: u64,
    /// The user that stands for the vendor's automation.
    pub bot: u64,
    /// The custom field that background work fills.
    pub ai_field: u64,
    /// The latest time that work was done up to.
    pub clock: Instant,
    chores: BTreeSet<(Instant, Chore)>,
    context: u64,
}

impl Store {
    /// An account as it is on its first day.
    pub(super) fn new(options: &Options, at: Instant) -> Store {
        let mut store = Store {
            quirks: options.quirks.clone(),
            strict: options.strict,
            origins: Vec::new(),
            people: People::new(PEOPLE_FROM, CHANNELS_FROM),
            desk: Desk::new(TICKETS_FROM, MESSAGES_FROM),
            rows: Rows::default(),
            uploads: HashMap::new(),
            log: Log::default(),
            tally: Tally::default(),
            admin: 0,
            bot: 0,
            ai_field: 0,
            clock: at,
            chores: BTreeSet::new(),
            context: 0,
        };
        let admin = Agent {
            email: options.email.clone(),
            name: "Account Owner".to_owned(),
            role: "admin".to_owned(),
        };
        let bot = Agent {
            email: "support@gorgias-bot.example".to_owned(),
            name: "Gorgias Bot".to_owned(),
            role: "bot".to_owned(),
        };
        store.admin = store.people.seed_user(&admin, at);
        store.bot = store.people.seed_user(&bot, at);
        store.hire(&options.agents, at);
        store.ai_field = store.rows.seed(at, &options.email, options.quirks.surveys_on);
        store
    }

    /// Makes users of those agents who are not users yet.
    pub(super) fn hire(&mut self, agents: &[Agent], at: Instant) {
        for agent in agents {
            if self.people.user_by_email(&agent.email).is_none() {
                self.people.seed_user(agent, at);
            }
        }
    }

    /// Notes the address this stand-in is reachable under.
    pub(super) fn set_origin(&mut self, origin: &str) {
        self.origins.retain(|known| known != origin);
        self.origins.push(origin.to_owned());
    }

    /// Does all work that was due by now. The result does not depend on how often this is called.
    pub(super) fn settle(&mut self, now: Instant) {
        self.clock = self.clock.max(now);
        while let Some((due, chore)) = self.chores.first().copied().filter(|(due, _)| *due <= now) {
            self.chores.pop_first();
            match chore {
                Chore::Mature(ticket) => self.mature(ticket, due),
                Chore::Deliver(message) => self.deliver(message, due),
                Chore::Job(job) => super::routes::jobs::step(self, job, due),
            }
        }
    }

    /// Puts work on the list.
    pub(super) fn later(&mut self, due: Instant, chore: Chore) {
        self.chores.insert((due, chore));
    }

    /// Starts the events of one call; all of them share one context.
    pub(super) fn open_context(&mut self) {
        self.context += 1;
    }

    /// Writes one event.
    pub(super) fn note(
        &mut self,
        at: Instant,
        kind: &'static str,
        on: Subject,
        data: Option<Value>,
    ) {
        if self.quirks.events {
            self.log.add(at, kind, on, self.admin, self.context, data);
        }
    }

    /// Does this address belong to the upload host?
    pub(super) fn is_uploaded(&self, url: &str) -> bool {
        self.origins.iter().any(|origin| {
            url.strip_prefix(origin.as_str()).is_some_and(|rest| rest.starts_with("/uploads/"))
        })
    }

    /// An external id is found by searching only once the index has caught up.
    pub(super) fn is_indexed(&self, written: Instant, ask: &Ask) -> bool {
        written.plus_ms(self.quirks.lookup_lag_ms) <= ask.at
    }

    /// Whether a list shows a record that was written then.
    pub(super) fn is_listed(&self, written: Instant, ask: &Ask) -> bool {
        written.plus_ms(self.quirks.list_lag_ms) <= ask.at
    }

    /// How many records there are of each kind.
    pub(super) fn sizes(&self) -> BTreeMap<String, u64> {
        let mut sizes = self.rows.sizes();
        sizes.insert("tickets".to_owned(), self.desk.ticket_count());
        sizes.insert("messages".to_owned(), self.desk.message_count());
        sizes.insert("customers".to_owned(), self.people.customers_created.len() as u64);
        sizes.insert("users".to_owned(), self.people.users_created.len() as u64);
        sizes.insert("uploads".to_owned(), self.tally.uploads);
        sizes.insert("events".to_owned(), self.log.len() as u64);
        sizes
    }

    fn mature(&mut self, id: u64, due: Instant) {
        let ai_field = self.ai_field;
        let touches = self.quirks.background_touches_updated;
        let Some(ticket) = self.desk.ticket(id) else {
            return;
        };
        let messages = ticket.messages.clone();
        self.desk.change_ticket(id, |ticket| {
            ticket.language.get_or_insert_with(|| "en".into());
            if !ticket.fields.iter().any(|(field, _)| *field == ai_field) {
                ticket.fields.push((ai_field, Value::String("Other::No Reply".to_owned())));
            }
            if touches {
                ticket.updated = due;
            }
        });
        for message in messages {
            if let Some(message) = self.desk.message_mut(message) {
                message.has_intents = !message.from_agent;
            }
        }
    }

    fn deliver(&mut self, id: u64, due: Instant) {
        let Some(message) = self.desk.message(id) else {
            return;
        };
        if message.sent.is_some() {
            return;
        }
        let from = message.author_address().map(|address| address.to_lowercase());
        let known = |address: &str| self.rows.has_mailbox(address);
        let lost = &*message.channel == "email" && !from.as_deref().is_some_and(known);
        let Some(message) = self.desk.message_mut(id) else {
            return;
        };
        if lost {
            let text = "no email integration found for the sender address";
            message.rare_mut().last_sending_error = Some(serde_json::json!({"error": text}));
        } else {
            message.sent = Some(due);
        }
    }
}

/// A version 4 shaped identifier made from a number, the same on every replay.
pub(super) fn uuid(space: u64, number: u64) -> String {
    let high = mix(space.rotate_left(32) ^ number);
    let low = mix(high ^ number.rotate_left(17));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

/// The finalizer of SplitMix64: spreads neighbouring numbers far apart.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
