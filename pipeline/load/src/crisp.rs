//! Crisp as a target. Everything that knows its API is in this module and below.
//!
//! `request` builds bodies, `reply` reads answers, `wire` is the only way out and holds back
//! whatever could make Crisp deliver; `lists` walks what Crisp lists, `hosting` puts files where
//! they are served. A conversation begins as an empty shell, its messages are known by
//! fingerprints of ours, its people by their addresses. Nothing here knows a run, a ledger or a
//! source.

mod help_center;
mod hosting;
mod lists;
mod preflight;
mod rates;
mod reply;
mod request;
mod steps;
mod touched;
mod undo;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::ledger::RecordKind;
use kernel::retry::Policy;
use kernel::{Clock, Code, Fault, Instant, Result};
use serde_json::Value;

use crate::plan;
use crate::preflight::{Observation, Wants};
use crate::target::{
    Abilities, Carried, Draft, Found, HelpCenter, Person, Sent, Target, TargetId, TicketDraft,
    TicketUpdate, Vitals, phase,
};
use steps::{NOT_SHOWN, Steps};
use wire::{CONVERSATION, Wire, Write};

pub use help_center::Generation;
pub use hosting::Hosting;
pub use rates::Plan;

/// The key of the data of conversations and people that holds our id.
const OUR_ID: &str = "deskferry_id";
/// Conversations in the order that new ones do not disturb, those without messages included.
const ALL_CONVERSATIONS: &str = "&order_date_created=1&include_empty=1";

/// What a workspace is worked on with.
pub struct Setup {
    /// The workspace's plan, whose pace is kept to; `None` for a stand-in without one.
    pub plan: Option<Plan>,
    /// Where files go; without it none can be brought.
    pub files: Option<Hosting>,
    /// Which help center the workspace has, where one is written to.
    pub help_center: Option<Generation>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A Crisp workspace.
pub struct Crisp {
    wire: Wire,
    website_id: String,
    files: Option<Hosting>,
    help_center: Option<Generation>,
    /// Looks at messages so far.
    looks: AtomicI64,
}

impl Crisp {
    /// The workspace `website_id` behind `base_url` (`https://api.crisp.chat/v1`), called through
    /// `client`, which carries the credentials and the tier.
    pub fn new(client: http::Client, base_url: &str, website_id: &str, setup: Setup) -> Self {
        let Setup { plan, files, help_center, clock } = setup;
        Self {
            wire: Wire::new(client, base_url, website_id, plan, clock),
            website_id: website_id.to_owned(),
            files,
            help_center,
            looks: AtomicI64::new(0),
        }
    }

    /// Replaces the patience with a server that cannot be reached, throttles or is in trouble.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.wire.calls.policy = policy;
        self
    }

    /// Lets articles become public; else every call that would publish one is held back.
    pub fn publishing(mut self, publishes: bool) -> Self {
        self.wire.publishes = publishes;
        self
    }

    /// Whether a Crisp workspace answers and takes the credentials.
    ///
    /// # Errors
    /// `FixConfig` when it does not.
    pub async fn recognize(&self) -> Result<()> {
        let reply = self.wire.ask(phase::LOOKUPS, "/operators/list").await?;
        match reply::data(&reply) {
            Some(Value::Array(_)) => Ok(()),
            _ => Err(no_crisp()),
        }
    }

    /// What is at an address; `None` when nothing is.
    async fn read(&self, phase: &'static str, path: &str) -> Result<Option<Value>> {
        let reply = self.wire.ask(phase, path).await?;
        match (reply.status, reply::data(&reply)) {
            (404 | 410, _) => Ok(None),
            (_, Some(data)) => Ok(Some(data)),
            (status, None) => {
                Err(Fault::refused(format!("a read of the target is refused (status {status})")))
            }
        }
    }
}

#[async_trait]
impl Target for Crisp {
    fn abilities(&self) -> Abilities {
        Abilities {
            creates_agents: false,
            needs_authors: false,
            has_tag_records: false,
            takes_messages_along: false,
            begins_with_a_place: true,
            completes_customers: true,
            finishes_all: true,
            lists_messages: false,
        }
    }

    fn calls_of(&self, phase: &str) -> u64 {
        match phase {
            phase::CUSTOMERS_CREATE | phase::TICKETS_CREATE => 2,
            _ => 1,
        }
    }

    fn customer_key(&self, customer: &plan::Customer) -> String {
        key_of(customer.email.as_deref().unwrap_or_default())
    }

    fn message_key(&self, message_id: &str) -> String {
        fingerprint(message_id).to_string()
    }

    async fn agents(&self) -> Result<Vec<Person>> {
        let reply = self.wire.ask(phase::AGENTS_READ, "/operators/list").await?;
        match reply::data(&reply) {
            Some(Value::Array(rows)) => Ok(rows.iter().filter_map(reply::person).collect()),
            _ => Err(no_crisp()),
        }
    }

    fn account_email(&self) -> &str {
        ""
    }

    async fn own_agent(&self) -> Result<TargetId> {
        Err(Fault::bug("a token of this target belongs to no agent"))
    }

    async fn tags(&self) -> Result<Vec<(String, TargetId)>> {
        Ok(Vec::new())
    }

    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>> {
        let phase = phase::TICKETS_READ;
        Ok(match kind {
            RecordKind::Ticket => {
                let all = self.list(phase, "/conversations", ALL_CONVERSATIONS, "session_id");
                reply::carried(&all.await?)
            }
            RecordKind::Customer => {
                reply::profiles(&self.list(phase, "/people/profiles", "", "people_id").await?)
            }
            _ => Vec::new(),
        })
    }

    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>> {
        let messages = self.messages(phase::LOOKUPS, ticket).await?;
        Ok(reply::by_fingerprint(&messages.unwrap_or_default()))
    }

    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>> {
        match (kind, ticket) {
            (RecordKind::Message, Some(session)) => {
                self.with_fingerprint(session, fingerprint(external_id)).await
            }
            (RecordKind::Ticket, _) => {
                let mut hits = self.carrying_ids(RecordKind::Ticket).await?;
                hits.retain(|one| one.external_id == external_id);
                Ok(hits.into_iter().map(|one| one.id).collect())
            }
            // Crisp itself keeps addresses unique.
            _ => Ok(Vec::new()),
        }
    }

    async fn begin(&self, _: &TicketDraft, now: Instant) -> Result<Sent> {
        let write = Write { method: "POST", path: CONVERSATION, body: Bytes::new() };
        let read = |data: &Value| reply::id(data, "session_id").map(reply::ours);
        self.once(phase::TICKETS_CREATE, write, now, read).await
    }

    async fn complete(
        &self,
        id: &str,
        customer: &plan::Customer,
        ours: bool,
        now: Instant,
    ) -> Result<Sent> {
        let Some(data) = request::person_data(customer, ours) else {
            return Ok(Sent::Made(reply::ours(id.to_owned())));
        };
        let path = format!("/people/data/{id}");
        self.set(phase::CUSTOMERS_CREATE, ("PATCH", &path), (&data, id), now).await
    }

    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        match draft {
            Draft::Customer { customer, lean } => {
                let body = Bytes::from(request::profile(customer, lean).to_string());
                let write = Write { method: "POST", path: "/people/profile", body };
                let read = |data: &Value| reply::id(data, "people_id").map(reply::ours);
                self.once(phase::CUSTOMERS_CREATE, write, now, read).await
            }
            Draft::Upload { upload, body } => match &self.files {
                None => Ok(Sent::Refused("[target] says nowhere that files are served".to_owned())),
                Some(files) => Ok(Sent::Made(reply::ours(files.put(upload, body).await?))),
            },
            Draft::Ticket { draft, part, place: Some(session) } => {
                self.fill(draft, session, part.is_bare, now).await
            }
            Draft::Message { ticket, message } => {
                let path = format!("/conversation/{ticket}/message");
                let body = request::message(message)?;
                let id = fingerprint(&message.message.message_id).to_string();
                let write = Write { method: "POST", path: &path, body };
                // The reply names the fingerprint, which is ours anyway.
                let read = |_: &Value| Some(reply::ours(id.clone()));
                self.once(phase::MESSAGES_APPEND, write, now, read).await
            }
            Draft::Section(_) | Draft::Article(_) => self.create_page(draft, now).await,
            Draft::Agent(_) | Draft::Tag(_) | Draft::Field(_) | Draft::Ticket { .. } => {
                Err(Fault::bug(format!("this target takes no {} like that", draft.kind().word())))
            }
        }
    }

    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        match draft {
            Draft::Customer { customer, .. } => self.find_customer(customer).await,
            Draft::Message { ticket, message } => {
                self.find_message(ticket, &message.message.message_id).await
            }
            Draft::Ticket { draft, .. } => {
                let id = &draft.ticket.external_id;
                let ids = self.holding(RecordKind::Ticket, id, None).await?;
                Ok(ids.into_iter().map(reply::ours).collect())
            }
            Draft::Section(_) | Draft::Article(_) => {
                let ids = self.find_page(draft).await?.into_iter();
                // They carry no id of ours.
                Ok(ids.map(|id| Found { ours: false, ..reply::ours(id) }).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn finish(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        if !self.is_stored(id, &update.messages).await? {
            return Ok(Sent::Unknown(NOT_SHOWN.to_owned()));
        }
        let steps = Steps {
            read: request::sides(&update.messages),
            assignee: update.assignee.as_deref().map(Some),
            blocked: request::is_blocked(update.ticket).then_some(true),
            state: Some(&update.ticket.status),
        };
        self.close(id, steps, now).await
    }

    async fn look(&self, ticket: &str) -> Result<Option<Found>> {
        let Some(messages) = self.messages(phase::TICKETS_READ, ticket).await? else {
            return Ok(None);
        };
        let parts = reply::by_fingerprint(&messages).into_iter();
        let parts = parts.map(|one| (one.external_id, one.id)).collect();
        Ok(Some(Found { parts, ..reply::ours(ticket.to_owned()) }))
    }

    async fn update(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        if ["subject", "tags", "meta"].iter().any(|name| update.sets(name)) {
            let path = format!("/conversation/{id}/meta");
            let Some(known) = self.read(phase::TICKETS_UPDATE, &path).await? else {
                return Ok(Sent::Refused("it is not there any more".to_owned()));
            };
            if let Some(meta) = request::changed_meta(update, &known) {
                let phase = phase::TICKETS_UPDATE;
                let sent = self.set(phase, ("PATCH", &path), (&meta, id), now).await?;
                if !matches!(sent, Sent::Made(_)) {
                    return Ok(sent);
                }
            }
        }
        let has_news = update.sets("dates");
        if has_news && !self.is_stored(id, &update.messages).await? {
            return Ok(Sent::Unknown(NOT_SHOWN.to_owned()));
        }
        let steps = Steps {
            read: if has_news { request::sides(&update.messages) } else { Vec::new() },
            assignee: update.sets("assignee").then_some(update.assignee.as_deref()),
            blocked: update.sets("spam").then(|| request::is_blocked(update.ticket)),
            state: (has_news || update.sets("status")).then_some(&update.ticket.status),
        };
        self.close(id, steps, now).await
    }

    async fn preflight(&self, wants: &Wants) -> Result<Vec<Observation>> {
        self.look_around(wants).await
    }

    fn help_center(&self) -> Option<&dyn HelpCenter> {
        self.help_center.map(|_| self as &dyn HelpCenter)
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.wire.calls.counted()
    }

    fn vitals(&self) -> Vitals {
        self.wire.calls.vitals()
    }
}

/// The key of a message in its conversation: 53 bits of its id's hash, never 0, so that every
/// reader of JSON keeps it.
fn fingerprint(message_id: &str) -> i64 {
    let hash = landing::exchange::sha256(message_id.as_bytes());
    let first = u64::from_str_radix(&hash[..16], 16).expect("a hash is hexadecimal");
    i64::try_from((first >> 11).max(1)).expect("53 bits fit")
}

/// An address as Crisp keeps it.
fn key_of(email: &str) -> String {
    email.trim().to_lowercase()
}

fn no_crisp() -> Fault {
    Fault::config("what answers is not a Crisp workspace")
        .coded(Code::NotThisVendor)
        .hint("check base_url and website_id in [target]")
}
