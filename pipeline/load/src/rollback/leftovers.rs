//! What tickets leave behind: customers, tags and agents, each removed only when the run made it
//! and nothing that stays makes use of it.

use std::collections::HashSet;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{RecordKind, State};

use super::record::{Place, Record, left};
use super::undo::{Listed, Wrote};
use super::{Fate, Rollback};
use crate::plan;
use crate::target::{Draft, TargetId};

/// The phase of customers, as it is shown.
const CUSTOMERS: &str = "rollback_customers";

/// What the tickets that stay make use of.
pub(super) struct Uses {
    tags: HashSet<String>,
    people: HashSet<TargetId>,
}

impl Rollback<'_> {
    /// Lists the tickets that stay, with patience for a list that still shows removed ones. A
    /// removed one that is still listed in the end, and not in the bin, counts as not removed.
    pub(super) async fn uses(&self) -> Result<Uses> {
        let mut listed = self.target.listed_tickets().await?;
        for look in 1..self.options.patience.looks.max(1) {
            if self.still_listed(&listed).is_empty() {
                break;
            }
            self.pause(look).await;
            listed = self.target.listed_tickets().await?;
        }
        for (source_id, id) in self.still_listed(&listed) {
            let (kind, source_id) = (RecordKind::Ticket, source_id.as_str());
            let record = Record { kind, source_id, id: &id, parts: &[] };
            self.commit(record, State::Removing, "the target still lists it").await?;
            let reasons = vec!["the target still lists it".to_owned()];
            self.leave(Fate::Refused, left(record, reasons));
            let mut book = self.book();
            book.gone.remove(&id);
            if let Some(count) = book.fates.get_mut(&(kind, Fate::Removed)) {
                *count -= 1;
            }
        }
        let staying: Vec<Listed> = {
            let book = self.book();
            listed.into_iter().filter(|ticket| !book.gone.contains(&ticket.id)).collect()
        };
        let ids: Vec<TargetId> = staying.iter().map(|ticket| ticket.id.clone()).collect();
        let mut people = self.target.people_in(&ids).await?;
        people.extend(staying.iter().flat_map(|ticket| ticket.people.iter().cloned()));
        let tags = staying.into_iter().flat_map(|ticket| ticket.tags).collect();
        Ok(Uses { tags, people })
    }

    fn still_listed(&self, listed: &[Listed]) -> Vec<(String, TargetId)> {
        let there = listed.iter().filter(|ticket| !ticket.is_trashed);
        let there: HashSet<&TargetId> = there.map(|ticket| &ticket.id).collect();
        let book = self.book();
        let removed = book.removed_now.iter().filter(|(_, id)| there.contains(id));
        removed.cloned().collect()
    }

    pub(super) async fn customers(&self, uses: &Uses) -> Result<()> {
        let total = self.ledger.counts();
        let total = total.iter().filter(|((kind, _), _)| *kind == RecordKind::Customer);
        self.progress.phase(CUSTOMERS, total.map(|(_, count)| count).sum());
        let customers = plan::customers(self.warehouse, &self.options.run).await?;
        customers
            .try_for_each_concurrent(self.options.in_flight.max(1), |customer| async move {
                self.customer(&customer, uses).await
            })
            .await
    }

    async fn customer(&self, customer: &plan::Customer, uses: &Uses) -> Result<()> {
        let (kind, source_id) = (RecordKind::Customer, customer.customer_id.as_str());
        let place = self.place(Draft::Customer { customer, lean: false }).await?;
        if place != Place::Nowhere {
            self.progress.advance(CUSTOMERS, 1);
        }
        let Place::Made(id) = &place else {
            self.pass_by(kind, source_id, &place);
            return Ok(());
        };
        if self.book().needed.contains(source_id) || uses.people.contains(id) {
            self.count(kind, Fate::InUse);
            return Ok(());
        }
        let tickets = self.target.tickets_of(id).await?;
        let is_needed = {
            let book = self.book();
            tickets.iter().any(|ticket| !book.gone.contains(ticket))
        };
        if is_needed {
            self.count(kind, Fate::InUse);
            return Ok(());
        }
        self.take_out(Record { kind, source_id, id, parts: &[] }, Wrote::Customer(customer))
            .await?;
        Ok(())
    }

    pub(super) async fn tags(&self, uses: &Uses) -> Result<()> {
        let mut names = plan::tags(self.warehouse, &self.options.run).await?;
        while let Some(name) = names.try_next().await? {
            let kind = RecordKind::Tag;
            let place = self.place(Draft::Tag(&name)).await?;
            let Place::Made(id) = &place else {
                self.pass_by(kind, &name, &place);
                continue;
            };
            if uses.tags.contains(&name) {
                self.count(kind, Fate::InUse);
                continue;
            }
            let record = Record { kind, source_id: &name, id, parts: &[] };
            self.take_out(record, Wrote::Tag(&name)).await?;
        }
        Ok(())
    }

    pub(super) async fn agents(&self, uses: &Uses) -> Result<()> {
        let mut agents = plan::agents(self.warehouse, &self.options.run).await?;
        while let Some(agent) = agents.try_next().await? {
            let (kind, source_id) = (RecordKind::Agent, agent.agent_id.as_str());
            let place = self.place(Draft::Agent(&agent)).await?;
            let Place::Made(id) = &place else {
                self.pass_by(kind, source_id, &place);
                continue;
            };
            if uses.people.contains(id) {
                self.count(kind, Fate::InUse);
                continue;
            }
            let record = Record { kind, source_id, id, parts: &[] };
            self.take_out(record, Wrote::Agent(&agent)).await?;
        }
        Ok(())
    }

    /// Files stay: no call removes one. A later load of the same plan uses them again.
    pub(super) fn files(&self) {
        let counts = self.ledger.counts();
        let there = counts.get(&(RecordKind::Upload, State::Done.word())).copied();
        for _ in 0..there.unwrap_or_default() {
            self.count(RecordKind::Upload, Fate::Permanent);
        }
    }
}
