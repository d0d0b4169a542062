//! Crisp as a target that a run is taken back out of: reads, lists and removals.

use std::collections::HashSet;

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::{Fault, Result};
use serde_json::Value;

use super::{ALL_CONVERSATIONS, Crisp, reply, touched};
use crate::rollback::{Listed, Now, Removal, Undo, Wrote};
use crate::target::{TargetId, calls, phase};

/// Pages of the conversations of one person.
const PAGES_MAX: usize = 1_000;

#[async_trait]
impl Undo for Crisp {
    async fn now(&self, id: &str, wrote: Wrote<'_>) -> Result<Now> {
        let phase = phase::ROLLBACK_READ;
        let reasons = match wrote {
            Wrote::Ticket { draft, sure, is_finished } => {
                let path = format!("/conversation/{id}");
                let Some(found) = self.read(phase, &path).await? else { return Ok(Now::Gone) };
                let Some(messages) = self.messages(phase, id).await? else {
                    return Ok(Now::Gone);
                };
                touched::conversation((draft, is_finished), sure, &found, &messages)
            }
            Wrote::Message { ticket, draft } => {
                let path = format!("/conversation/{ticket}/message/{id}");
                let Some(found) = self.read(phase, &path).await? else { return Ok(Now::Gone) };
                touched::message(draft, &found)
            }
            Wrote::Customer(customer) => {
                let path = format!("/people/profile/{id}");
                let Some(found) = self.read(phase, &path).await? else { return Ok(Now::Gone) };
                let data = self.read(phase, &format!("/people/data/{id}")).await?;
                let data = data.and_then(|data| data.get("data").cloned()).unwrap_or_default();
                touched::profile(customer, &found, &data)
            }
            Wrote::Section { .. } | Wrote::Article(_) => return self.page_now(id, wrote).await,
            Wrote::Tag(_) | Wrote::Agent(_) => {
                return Err(Fault::bug("a run makes no tags and no agents in this target"));
            }
        };
        Ok(if reasons.is_empty() { Now::Same } else { Now::Touched(reasons) })
    }

    async fn listed_tickets(&self) -> Result<Vec<Listed>> {
        let list =
            self.list(phase::ROLLBACK_LIST, "/conversations", ALL_CONVERSATIONS, "session_id");
        Ok(list.await?.iter().filter_map(listed).collect())
    }

    async fn tickets_of(&self, customer: &str) -> Result<Vec<TargetId>> {
        let mut tickets = Vec::new();
        for page in 1..=PAGES_MAX {
            let path = format!("/people/conversations/{customer}/list/{page}");
            let Some(Value::Array(rows)) = self.read(phase::ROLLBACK_LIST, &path).await? else {
                break;
            };
            if rows.is_empty() {
                break;
            }
            tickets.extend(rows.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        Ok(tickets)
    }

    /// Messages name no records of people here.
    async fn people_in(&self, _: &[TargetId]) -> Result<HashSet<TargetId>> {
        Ok(HashSet::new())
    }

    async fn remove(&self, kind: RecordKind, id: &str) -> Result<Removal> {
        let written = match kind {
            RecordKind::Section | RecordKind::Article => {
                self.wire.remove_page(&self.page_address(kind, id)?).await?
            }
            _ => self.wire.remove(kind, id).await?,
        };
        calls::removed(&reply::Replies, written)
    }

    async fn remove_message(&self, ticket: &str, id: &str) -> Result<Removal> {
        calls::removed(&reply::Replies, self.wire.remove_message(ticket, id).await?)
    }
}

fn listed(conversation: &Value) -> Option<Listed> {
    let people = [reply::id(conversation, "people_id")];
    let assigned = conversation.get("assigned").and_then(|one| reply::id(one, "user_id"));
    Some(Listed {
        id: reply::id(conversation, "session_id")?,
        is_trashed: false,
        // Labels are words here, which no rollback removes.
        tags: Vec::new(),
        people: people.into_iter().chain([assigned]).flatten().collect(),
    })
}
