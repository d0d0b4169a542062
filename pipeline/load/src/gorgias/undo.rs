//! Gorgias as a target that a run is taken back out of: reads, lists and removals.

use std::collections::HashSet;

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::{Fault, Result};
use serde_json::Value;

use super::{Gorgias, plain, reply, touched};
use crate::rollback::{Listed, Now, Removal, Undo, Wrote};
use crate::target::{TargetId, calls, phase};

/// Tickets up to which each is asked for its messages; above, all messages are listed.
const TICKETS_ASKED_MAX: usize = 200;

/// What is at an address.
enum There {
    Nothing,
    Moved,
    Record(Value),
}

impl Gorgias {
    async fn there(&self, path: &str) -> Result<There> {
        for attempt in 1.. {
            let reply = self.wire.ask(phase::ROLLBACK_READ, path).await?;
            match reply.status {
                404 | 410 => return Ok(There::Nothing),
                // Merged into another record, which is somebody's doing.
                301 => return Ok(There::Moved),
                _ if reply.is_success() => match reply::json(&reply.body) {
                    Some(record) => return Ok(There::Record(record)),
                    None if self.wire.calls.pause(attempt).await => {}
                    None => break,
                },
                status => {
                    let message = format!("reading {} is refused (status {status})", plain(path));
                    return Err(Fault::refused(message));
                }
            }
        }
        Err(Fault::retry(format!("no usable reply to calls of {}", plain(path))))
    }

    /// The messages of a ticket that was read, all of them: a long ticket may not show them all.
    async fn messages_in(&self, id: &str, ticket: &Value, at_least: usize) -> Result<Vec<Value>> {
        let shown = ticket.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
        if shown.len() >= at_least && !shown.is_empty() {
            return Ok(shown);
        }
        self.list(phase::ROLLBACK_READ, &format!("/api/messages?ticket_id={id}")).await
    }
}

#[async_trait]
impl Undo for Gorgias {
    async fn now(&self, id: &str, wrote: Wrote<'_>) -> Result<Now> {
        let path = match wrote {
            Wrote::Ticket { .. } => format!("/api/tickets/{id}"),
            Wrote::Message { ticket, .. } => format!("/api/tickets/{ticket}/messages/{id}"),
            Wrote::Customer(_) => format!("/api/customers/{id}"),
            Wrote::Tag(_) => format!("/api/tags/{id}"),
            Wrote::Agent(_) => format!("/api/users/{id}"),
            Wrote::Section { .. } | Wrote::Article(_) => {
                return Err(Fault::bug("a run makes no help center in this target"));
            }
        };
        let record = match self.there(&path).await? {
            There::Nothing => return Ok(Now::Gone),
            There::Moved => return Ok(Now::Touched(vec!["merged into another".to_owned()])),
            There::Record(record) => record,
        };
        let reasons = match wrote {
            Wrote::Ticket { draft, sure, .. } => {
                let messages = self.messages_in(id, &record, sure.len()).await?;
                touched::ticket(draft, sure, &record, &messages)
            }
            Wrote::Message { draft, .. } => touched::message(draft, &record),
            Wrote::Customer(customer) => touched::customer(customer, &record),
            Wrote::Tag(name) => touched::tag(name, &record),
            Wrote::Agent(agent) => touched::agent(agent, &record),
            Wrote::Section { .. } | Wrote::Article(_) => Vec::new(),
        };
        Ok(if reasons.is_empty() { Now::Same } else { Now::Touched(reasons) })
    }

    async fn listed_tickets(&self) -> Result<Vec<Listed>> {
        let tickets = self.list(phase::ROLLBACK_LIST, "/api/tickets").await?;
        Ok(tickets.iter().filter_map(listed).collect())
    }

    async fn tickets_of(&self, customer: &str) -> Result<Vec<TargetId>> {
        let path = format!("/api/tickets?customer_id={}", reply::encoded(customer));
        let tickets = self.list(phase::ROLLBACK_LIST, &path).await?;
        Ok(tickets.iter().filter_map(reply::id).collect())
    }

    async fn people_in(&self, tickets: &[TargetId]) -> Result<HashSet<TargetId>> {
        let mut people = HashSet::new();
        let paths: Vec<String> = match tickets.len() {
            0..=TICKETS_ASKED_MAX => tickets
                .iter()
                .map(|id| format!("/api/messages?ticket_id={}", reply::encoded(id)))
                .collect(),
            _ => vec!["/api/messages".to_owned()],
        };
        for path in paths {
            for message in self.list(phase::ROLLBACK_LIST, &path).await? {
                let named =
                    ["sender", "receiver"].map(|role| message.get(role).and_then(reply::id));
                people.extend(named.into_iter().flatten());
            }
        }
        Ok(people)
    }

    async fn remove(&self, kind: RecordKind, id: &str) -> Result<Removal> {
        calls::removed(&reply::Replies, self.wire.remove(kind, id).await?)
    }

    async fn remove_message(&self, ticket: &str, id: &str) -> Result<Removal> {
        calls::removed(&reply::Replies, self.wire.remove_message(ticket, id).await?)
    }
}

fn listed(ticket: &Value) -> Option<Listed> {
    let tags = ticket.get("tags").and_then(Value::as_array).into_iter().flatten();
    let people = ["customer", "assignee_user"].map(|role| ticket.get(role).and_then(reply::id));
    Some(Listed {
        id: reply::id(ticket)?,
        is_trashed: ticket.get("trashed_datetime").is_some_and(|time| !time.is_null()),
        tags: tags.filter_map(|tag| tag.get("name")?.as_str()).map(str::to_owned).collect(),
        people: people.into_iter().flatten().collect(),
    })
}
