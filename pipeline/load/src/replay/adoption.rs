//! What earlier runs brought into the same target: recognized, so that a new run makes nothing
//! twice.
//!
//! The first session of a run asks the target which of the plan's records it has. The answer goes
//! into the ledger as one segment: either all of it is known or nothing, and then it is asked again.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};
use landing::ledger_log::{self, Line};

use super::Replay;
use crate::plan::{self, Threads};
use crate::target::TargetId;

/// Detail of a record that an earlier run brought in.
pub(crate) const ADOPTED: &str = "was in the target when the run began";
/// Detail of a record that the target has more than once.
const DOUBLED: &str = "the target has more than one record with this id";
/// Tickets up to which each is asked for its messages; above, all messages are listed.
const TICKETS_ASKED_MAX: usize = 200;

impl Replay<'_> {
    /// Takes over what the target has of the plan. Only the first session of a run asks; what
    /// rollbacks of other runs removed is nothing to take over or to find in any session.
    pub(super) async fn adopt(&self) -> Result<()> {
        let others = self.others().await?;
        self.desk.ledger.learn_removed(others.removed);
        if !self.desk.ledger.is_empty() {
            return Ok(());
        }
        let mut listed = self.desk.target.carrying_ids(RecordKind::Ticket).await?;
        let planned = self.planned_tickets().await?;
        if !listed.iter().any(|(id, _)| planned.contains_key(id)) {
            return Ok(());
        }
        let is_there = |kind, id: &TargetId| !self.desk.ledger.is_removed(kind, id);
        listed.retain(|(_, id)| is_there(RecordKind::Ticket, id));
        let tickets = Hits::of(listed, &planned);
        if tickets.0.is_empty() {
            return Ok(());
        }
        let mut customers = self.desk.target.carrying_ids(RecordKind::Customer).await?;
        customers.retain(|(_, id)| is_there(RecordKind::Customer, id));
        let customers = Hits::of(customers, &self.planned_customers().await?);
        let messages = Hits::all(self.messages_in(&tickets).await?);
        let mut entries: Vec<Entry> = others.uploads.into_values().collect();
        for (kind, hits) in [
            (RecordKind::Customer, customers),
            (RecordKind::Ticket, tickets),
            (RecordKind::Message, messages),
        ] {
            entries.extend(hits.0.into_iter().map(|(id, found)| self.adopted(kind, id, found)));
        }
        entries
            .sort_by(|one, other| (one.kind, &one.source_id).cmp(&(other.kind, &other.source_id)));
        self.desk.ledger.commit(entries).await
    }

    /// The plan's tickets by the id that the target knows them under.
    async fn planned_tickets(&self) -> Result<HashMap<String, String>> {
        let threads = Threads::open(self.warehouse, &self.options.run).await?.stream();
        threads.map_ok(|(ticket, _)| (ticket.external_id, ticket.ticket_id)).try_collect().await
    }

    /// The plan's customers by the id that the target knows them under.
    async fn planned_customers(&self) -> Result<HashMap<String, String>> {
        let customers = plan::customers(self.warehouse, &self.options.run).await?;
        let ids = customers.map_ok(|customer| (customer.external_id, customer.customer_id));
        ids.try_collect().await
    }

    async fn messages_in(&self, tickets: &Hits) -> Result<Vec<(String, TargetId)>> {
        let ids: HashSet<&TargetId> = tickets.0.values().flatten().collect();
        if ids.len() > TICKETS_ASKED_MAX {
            return self.desk.target.carrying_ids(RecordKind::Message).await;
        }
        let mut messages = Vec::new();
        for id in ids {
            messages.extend(self.desk.target.messages_of(id).await?);
        }
        Ok(messages)
    }

    /// What the ledgers of other runs into the same target say.
    async fn others(&self) -> Result<Others> {
        let mut others = Others::default();
        let runs = landing::run::list(self.warehouse).await?;
        let own = runs.iter().find(|facts| facts.run == self.options.run);
        let Some(address) = own.map(|facts| facts.target_address.clone()) else {
            return Ok(others);
        };
        let of_target = runs.iter().filter(|facts| facts.target_address == address);
        for facts in of_target.filter(|facts| facts.run != self.options.run) {
            let (lines, _) = ledger_log::read(self.warehouse, &facts.run).await?;
            for line in lines {
                if let Line::Entry(entry) = line {
                    others.learn(entry, facts.run < self.options.run);
                }
            }
        }
        Ok(others)
    }

    fn adopted(&self, kind: RecordKind, source_id: String, found: Vec<TargetId>) -> Entry {
        let at = self.desk.clock.now();
        match <[TargetId; 1]>::try_from(found) {
            Ok([id]) => {
                let detail = Some(ADOPTED.to_owned());
                Entry { kind, source_id, state: State::Done, target_id: Some(id), at, detail }
            }
            Err(_) => {
                let detail = Some(DOUBLED.to_owned());
                Entry { kind, source_id, state: State::Unknown, target_id: None, at, detail }
            }
        }
    }
}

/// Where earlier runs put which file, and which records a rollback removed again: the target may go
/// on listing those, in its bin for instance.
#[derive(Default)]
struct Others {
    uploads: HashMap<String, Entry>,
    removed: Vec<(RecordKind, TargetId)>,
}

impl Others {
    fn learn(&mut self, entry: Entry, is_earlier: bool) {
        match (entry.kind, entry.state, &entry.target_id) {
            (RecordKind::Upload, State::Done, _) if is_earlier => {
                self.uploads.insert(entry.source_id.clone(), entry);
            }
            (kind, State::Removed, Some(id)) => self.removed.push((kind, id.clone())),
            _ => {}
        }
    }
}

/// Ids of the plan, each with the records of the target that carry it.
struct Hits(HashMap<String, Vec<TargetId>>);

impl Hits {
    fn all(listed: Vec<(String, TargetId)>) -> Self {
        let mut hits: HashMap<String, Vec<TargetId>> = HashMap::new();
        for (source_id, id) in listed {
            let ids = hits.entry(source_id).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Self(hits)
    }

    /// Those that the plan has, under the plan's ids.
    fn of(listed: Vec<(String, TargetId)>, planned: &HashMap<String, String>) -> Self {
        let known = |(id, found)| Some((planned.get(&id)?.clone(), found));
        Self::all(listed.into_iter().filter_map(known).collect())
    }
}
