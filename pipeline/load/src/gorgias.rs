//! Gorgias as a target. Everything that knows its API is in this module and below.
//!
//! `request` builds bodies, `reply` reads answers, `wire` is the only way out and holds back
//! whatever could make Gorgias send; `vitals` counts what else replies say. `preflight` looks at
//! the account before anything is written. Nothing here knows a run, a ledger or a source.

mod preflight;
mod rates;
mod reply;
mod request;
mod touched;
mod undo;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::retry::Policy;
use kernel::{Code, Fault, Instant, Result};
use serde_json::Value;

use crate::plan;
use crate::preflight::{Observation, Wants};
use crate::target::{
    Carried, Draft, FieldDraft, Found, Person, Sent, Target, TargetId, TicketDraft, TicketUpdate,
    Vitals, phase,
};
use wire::{Wire, Write};

pub use rates::{RATES, Rate};

/// Pages of one list; at 100 records a page this is ten times what the largest account is known
/// to have, so more means that the cursor runs in circles.
const PAGES_MAX: usize = 10_000;

/// A Gorgias helpdesk.
pub struct Gorgias {
    wire: Wire,
    account_email: String,
}

impl Gorgias {
    /// A helpdesk at `base_url` (`https://acme.gorgias.com`), called through `client`, which
    /// carries the credentials of `account_email`.
    pub fn new(client: http::Client, base_url: &str, account_email: &str) -> Self {
        Self {
            wire: Wire::new(client, base_url),
            account_email: account_email.trim().to_lowercase(),
        }
    }

    /// Replaces the patience with a server that cannot be reached, throttles or is in trouble.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.wire.calls.policy = policy;
        self
    }

    /// Whether a Gorgias helpdesk answers and takes the credentials.
    ///
    /// # Errors
    /// `FixConfig` when it does not.
    pub async fn recognize(&self) -> Result<()> {
        let reply = self.wire.ask(phase::LOOKUPS, "/api/users?limit=1").await?;
        if !reply.is_success() {
            return Err(no_gorgias());
        }
        let users = reply::json(&reply.body).and_then(|body| reply::page(&body));
        match users {
            Some(page) if page.items.iter().all(reply::is_user) => Ok(()),
            _ => Err(no_gorgias()),
        }
    }

    /// Every record of a list that has one cursor per page.
    async fn list(&self, phase: &'static str, path: &str) -> Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut records = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let next = cursor.as_deref().map(reply::encoded);
            let next = next.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let address = format!("{path}{joint}limit=100{next}");
            let Some(body) = self.wire.read(phase, &address).await? else {
                return Ok(records);
            };
            let page = reply::page(&body).ok_or_else(|| {
                Fault::retry(format!("the target's answer to {} is no list", plain(path)))
            })?;
            records.extend(page.items);
            match page.next_cursor {
                None => return Ok(records),
                Some(next) if cursor.as_ref() == Some(&next) => {
                    return Err(Fault::retry(format!("the list {} does not end", plain(path))));
                }
                Some(next) => cursor = Some(next),
            }
        }
        Err(Fault::retry(format!("the list {} does not end", plain(path))))
    }

    /// Records whose field is exactly `value`; of addresses the case does not matter.
    async fn matching(&self, list: &str, filter: (&str, &str), field: &str) -> Result<Vec<Value>> {
        let (name, value) = filter;
        let path = format!("/api/{list}?{name}={}", reply::encoded(value));
        let mut records = self.list(phase::LOOKUPS, &path).await?;
        records.retain(|record| match record.get(field).and_then(Value::as_str) {
            Some(found) if field == "email" => {
                found.trim().to_lowercase() == value.trim().to_lowercase()
            }
            Some(found) => found == value,
            None => false,
        });
        Ok(records)
    }

    /// Custom fields of tickets or of customers that carry an id of somebody's.
    async fn fields_of(
        &self,
        phase: &'static str,
        object: &str,
    ) -> Result<Vec<(String, TargetId)>> {
        let path = format!("/api/custom-fields?object_type={object}");
        Ok(reply::parts(&self.list(phase, &path).await?))
    }

    /// Sets what may be set twice, because the second time changes nothing.
    async fn repeatable(
        &self,
        phase: &'static str,
        id: &str,
        write: Write<'_>,
        now: Instant,
    ) -> Result<Sent> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let written = self.wire.write(phase, write.clone(), now).await?;
            let sent = reply::sent(written, |_| Some(reply::ours(id.to_owned())))?;
            if !matches!(sent, Sent::Unknown(_)) || !self.wire.calls.pause(attempt).await {
                return Ok(sent);
            }
        }
    }

    async fn find_customer(&self, customer: &plan::Customer) -> Result<Vec<Found>> {
        let external_id = customer.external_id.as_str();
        let filter = ("external_id", external_id);
        let mut hits = self.matching("customers", filter, "external_id").await?;
        if let (true, Some(email)) = (hits.is_empty(), customer.email.as_deref()) {
            hits = self.matching("customers", ("email", email), "email").await?;
        }
        if hits.is_empty() {
            // The index may be slow; the list begins with those that were made last.
            let newest = self.wire.read(phase::LOOKUPS, "/api/customers?limit=100").await?;
            let newest = newest.as_ref().and_then(reply::page).map(|page| page.items);
            hits = with_id(newest.unwrap_or_default(), external_id);
        }
        Ok(reply::founds(&hits, external_id))
    }

    /// Tickets with our id, in the trash or not, with the messages in them that carry our ids.
    async fn find_ticket(&self, draft: &TicketDraft) -> Result<Vec<Found>> {
        let external_id = draft.ticket.external_id.as_str();
        let filter = ("external_id", external_id);
        let mut hits = self.matching("tickets", filter, "external_id").await?;
        if hits.is_empty() {
            // The index may be slow; the customer's tickets are another way to it.
            let customer = draft.customer.as_deref().unwrap_or_default();
            let path = format!("/api/tickets?customer_id={customer}");
            hits = with_id(self.list(phase::LOOKUPS, &path).await?, external_id);
        }
        let mut founds = reply::founds(&hits, external_id);
        if let [found] = founds.as_mut_slice() {
            found.parts = self.parts(&found.id).await?;
        }
        Ok(founds)
    }

    /// The messages of a ticket that carry an external id.
    async fn parts(&self, ticket: &str) -> Result<Vec<(String, TargetId)>> {
        Ok(reply::parts(&self.messages(ticket).await?))
    }

    /// The messages of a ticket, from the ticket or, where that shows none, from the list.
    async fn messages(&self, ticket: &str) -> Result<Vec<Value>> {
        let whole = self.wire.read(phase::LOOKUPS, &format!("/api/tickets/{ticket}")).await?;
        let Some(whole) = whole else {
            return Ok(Vec::new());
        };
        match whole.get("messages").and_then(Value::as_array) {
            Some(messages) if !messages.is_empty() => Ok(messages.clone()),
            _ => self.listed_messages(ticket).await,
        }
    }

    async fn listed_messages(&self, ticket: &str) -> Result<Vec<Value>> {
        self.list(phase::LOOKUPS, &format!("/api/messages?ticket_id={ticket}")).await
    }

    /// Looks in both places that know messages: sending one twice is worse than a call too many.
    async fn find_message(&self, ticket: &str, message_id: &str) -> Result<Vec<Found>> {
        let hits = |parts: Vec<(String, TargetId)>| {
            let mut ids: Vec<TargetId> = parts
                .into_iter()
                .filter(|(external_id, _)| external_id == message_id)
                .map(|(_, id)| id)
                .collect();
            ids.sort();
            ids.dedup();
            ids
        };
        let mut ids = hits(self.parts(ticket).await?);
        if ids.is_empty() {
            ids = hits(reply::parts(&self.listed_messages(ticket).await?));
        }
        Ok(ids.into_iter().map(reply::ours).collect())
    }
}

#[async_trait]
impl Target for Gorgias {
    async fn agents(&self) -> Result<Vec<Person>> {
        let users = self.list(phase::AGENTS_READ, "/api/users").await?;
        Ok(users.iter().filter_map(reply::person).collect())
    }

    fn account_email(&self) -> &str {
        &self.account_email
    }

    async fn own_agent(&self) -> Result<TargetId> {
        let user = self.wire.read(phase::LOOKUPS, "/api/users/0").await?;
        user.as_ref().and_then(reply::id).ok_or_else(|| {
            Fault::config("the target does not say whose credentials these are")
                .hint("set legacy_agent in [mapping]")
        })
    }

    async fn tags(&self) -> Result<Vec<(String, TargetId)>> {
        let tags = self.list(phase::TAGS_READ, "/api/tags").await?;
        Ok(tags.iter().filter_map(reply::tag).collect())
    }

    async fn fields(&self) -> Result<Vec<(String, TargetId)>> {
        let mut fields = self.fields_of(phase::FIELDS_READ, "Ticket").await?;
        fields.extend(self.fields_of(phase::FIELDS_READ, "Customer").await?);
        Ok(fields)
    }

    async fn set_fields(&self, id: &str, values: &[FieldDraft], now: Instant) -> Result<Sent> {
        let path = format!("/api/customers/{id}/custom-fields");
        let body = request::fields_of_customer(values)?;
        self.repeatable(
            phase::CUSTOMERS_UPDATE,
            id,
            Write { method: "PUT", path: &path, body },
            now,
        )
        .await
    }

    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>> {
        let path = match kind {
            RecordKind::Agent => "/api/users",
            RecordKind::Customer => "/api/customers",
            RecordKind::Ticket => "/api/tickets",
            RecordKind::Message => "/api/messages",
            RecordKind::Tag
            | RecordKind::Field
            | RecordKind::Upload
            | RecordKind::Section
            | RecordKind::Article => return Ok(Vec::new()),
        };
        Ok(reply::carried(&self.list(phase::TICKETS_READ, path).await?))
    }

    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>> {
        Ok(reply::carried(&self.messages(ticket).await?))
    }

    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>> {
        let filter = ("external_id", external_id);
        let hits = match (kind, ticket) {
            (RecordKind::Message, Some(ticket)) => {
                with_id(self.listed_messages(ticket).await?, external_id)
            }
            (RecordKind::Ticket, _) => self.matching("tickets", filter, "external_id").await?,
            (RecordKind::Customer, _) => self.matching("customers", filter, "external_id").await?,
            _ => Vec::new(),
        };
        let founds = reply::founds(&hits, external_id);
        Ok(founds.into_iter().map(|found| found.id).collect())
    }

    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        let call = |phase, path: &str, body| (phase, path.to_owned(), body);
        let (phase, path, body) = match draft {
            Draft::Agent(agent) => call(phase::AGENTS_CREATE, "/api/users", request::agent(agent)?),
            Draft::Tag(name) => call(phase::TAGS_CREATE, "/api/tags", request::tag(name)?),
            Draft::Field(field) => {
                call(phase::FIELDS_CREATE, "/api/custom-fields", request::field(field)?)
            }
            Draft::Customer { customer, lean } => {
                let body = request::customer(customer, lean)?;
                call(phase::CUSTOMERS_CREATE, "/api/customers", body)
            }
            Draft::Upload { upload, body } => {
                let body = request::file(upload, body);
                call(phase::FILES_UPLOAD, "/api/upload?type=attachment", body)
            }
            Draft::Ticket { draft, part, .. } => {
                let body = request::ticket(draft, part)?;
                call(phase::TICKETS_CREATE, "/api/tickets", body)
            }
            Draft::Message { ticket, message } => {
                let path = format!("/api/tickets/{ticket}/messages");
                call(phase::MESSAGES_APPEND, &path, request::appended(message)?)
            }
            Draft::Section(_) | Draft::Article(_) => {
                return Err(Fault::bug("this target takes no help center"));
            }
        };
        let written =
            self.wire.write(phase, Write { method: "POST", path: &path, body }, now).await?;
        let read = match draft {
            Draft::Upload { .. } => reply::uploaded,
            _ => reply::made,
        };
        reply::sent(written, read)
    }

    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        match draft {
            Draft::Agent(agent) => {
                let email = agent.email.as_deref().unwrap_or_default();
                let hits = self.matching("users", ("email", email), "email").await?;
                Ok(reply::founds(&hits, &agent.agent_id))
            }
            Draft::Tag(name) => {
                let hits = self.matching("tags", ("search", name), "name").await?;
                Ok(reply::founds(&hits, name))
            }
            Draft::Field(field) => {
                let object = request::object_type(&field.object);
                let mut fields = self.fields_of(phase::LOOKUPS, object).await?;
                fields.retain(|(id, _)| *id == field.field_id);
                Ok(fields.into_iter().map(|(_, id)| reply::ours(id)).collect())
            }
            Draft::Customer { customer, .. } => self.find_customer(customer).await,
            Draft::Upload { .. } | Draft::Section(_) | Draft::Article(_) => Ok(Vec::new()),
            Draft::Ticket { draft, .. } => self.find_ticket(draft).await,
            Draft::Message { ticket, message } => {
                self.find_message(ticket, &message.message.message_id).await
            }
        }
    }

    async fn finish(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        let path = format!("/api/tickets/{id}");
        let body = request::final_state(update.ticket)?;
        self.repeatable(phase::TICKETS_UPDATE, id, Write { method: "PUT", path: &path, body }, now)
            .await
    }

    async fn look(&self, ticket: &str) -> Result<Option<Found>> {
        let whole = self.wire.read(phase::TICKETS_READ, &format!("/api/tickets/{ticket}")).await?;
        Ok(whole.as_ref().and_then(reply::made))
    }

    async fn update(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        let path = format!("/api/tickets/{id}");
        let body = request::update(update)?;
        self.repeatable(phase::TICKETS_UPDATE, id, Write { method: "PUT", path: &path, body }, now)
            .await
    }

    async fn preflight(&self, wants: &Wants) -> Result<Vec<Observation>> {
        self.look(wants).await
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.wire.calls.counted()
    }

    fn vitals(&self) -> Vitals {
        self.wire.calls.vitals()
    }
}

fn no_gorgias() -> Fault {
    Fault::config("what answers is not a Gorgias helpdesk")
        .coded(Code::NotThisVendor)
        .hint("check domain or base_url in [target]: https://<domain>.gorgias.com")
}

/// Records that carry this external id.
fn with_id(records: Vec<Value>, external_id: &str) -> Vec<Value> {
    let ours =
        |record: &Value| record.get("external_id").and_then(Value::as_str) == Some(external_id);
    records.into_iter().filter(ours).collect()
}

/// A path as it may be shown: without the query, which may name a person.
fn plain(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
