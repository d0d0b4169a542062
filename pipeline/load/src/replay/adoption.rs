//! What earlier runs brought into the same target: recognized, so that a new run makes nothing
//! twice. A ledger that was lost is made anew in the same way.
//!
//! The first session of a run asks the target which of the plan's records it has. The answer goes
//! into the ledger as one segment: either all of it is known or nothing, and then it is asked again.

use std::collections::HashMap;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};
use landing::ledger_log::{self, Line};

use super::Replay;
use crate::ledger::remark::{IN_TRASH, TWICE};
use crate::plan::{self, Attachment, Threads};
use crate::target::{Carried, CarriedFile, TargetId};

/// Begins the detail of a record that an earlier run brought in.
pub(crate) const ADOPTED: &str = "was in the target when the run began";
/// Ends the detail of a ticket whose final state an earlier session may not have set.
pub(super) const STATE_UNKNOWN: &str = "whether its final state was set is not known";
/// Tickets up to which each is asked for its messages; above, all messages are listed.
const TICKETS_ASKED_MAX: usize = 200;

/// What the plan says about the records to be recognized.
#[derive(Default)]
struct Planned {
    /// Tickets by the id that the target knows them under.
    tickets: HashMap<String, String>,
    /// Files of messages, by the id of the message.
    files: HashMap<String, Vec<Attachment>>,
    /// Ids of messages by ticket and by the key that the target knows them under, where that is
    /// another one.
    keys: HashMap<String, HashMap<String, String>>,
}

impl Replay<'_> {
    /// Takes over what the target has of the plan. Only the first session of a run asks, and one
    /// that makes the ledger anew; what rollbacks of other runs removed is nothing to take over or
    /// to find in any session.
    pub(super) async fn adopt(&self) -> Result<()> {
        let others = self.others().await?;
        self.desk.ledger.learn_removed(others.removed);
        let is_anew = self.options.rebuild_ledger;
        if !is_anew && !self.desk.ledger.is_empty() {
            return Ok(());
        }
        let runs = landing::run::list(self.warehouse).await?;
        let own = runs.iter().find(|facts| facts.run == self.options.run);
        if let Some((own, follows)) = own.and_then(|own| Some((own, own.follows?)))
            && !is_anew
        {
            return self.take_over(follows, own).await;
        }
        let planned = self.planned().await?;
        let mut listed = self.desk.target.carrying_ids(RecordKind::Ticket).await?;
        let is_there = |kind, id: &TargetId| !self.desk.ledger.is_removed(kind, id);
        listed.retain(|record| is_there(RecordKind::Ticket, &record.id));
        let tickets = Hits::of(listed, &planned.tickets);
        if !others.is_any_earlier && !is_anew && tickets.0.is_empty() {
            return Ok(());
        }
        let mut customers = self.desk.target.carrying_ids(RecordKind::Customer).await?;
        customers.retain(|record| is_there(RecordKind::Customer, &record.id));
        let customers = Hits::of(customers, &self.planned_customers().await?);
        let agents = match is_anew {
            true => self.desk.target.carrying_ids(RecordKind::Agent).await?,
            false => Vec::new(),
        };
        let agents = Hits::of(agents, &self.planned_agents().await?);
        let messages = Hits::all(self.messages_in(&tickets, &planned).await?);
        let mut uploads = others.uploads;
        self.uploads_in(&messages, &planned.files, &mut uploads);
        let mut entries: Vec<Entry> = uploads.into_values().collect();
        for (kind, hits) in [
            (RecordKind::Agent, agents),
            (RecordKind::Customer, customers),
            (RecordKind::Ticket, tickets),
            (RecordKind::Message, messages),
        ] {
            entries.extend(hits.0.into_iter().map(|(id, found)| self.adopted(kind, id, found)));
        }
        entries
            .sort_by(|one, other| (one.kind, &one.source_id).cmp(&(other.kind, &other.source_id)));
        match is_anew {
            true => self.desk.ledger.begin_anew(entries).await,
            false => self.desk.ledger.commit(entries).await,
        }
    }

    async fn planned(&self) -> Result<Planned> {
        let mut threads = Threads::open(self.warehouse, &self.options.run).await?;
        let mut planned = Planned::default();
        while let Some((ticket, messages)) = threads.next().await? {
            let keys = messages.iter().filter_map(|message| {
                let id = &message.message_id;
                let key = self.desk.target.message_key(id);
                (key != *id).then(|| (key, id.clone()))
            });
            let keys: HashMap<String, String> = keys.collect();
            if !keys.is_empty() {
                planned.keys.insert(ticket.ticket_id.clone(), keys);
            }
            planned.tickets.insert(ticket.external_id, ticket.ticket_id);
            for message in messages.into_iter().filter(|message| !message.attachments.is_empty()) {
                planned.files.insert(message.message_id, message.attachments);
            }
        }
        Ok(planned)
    }

    /// The plan's customers by the id that the target knows them under.
    async fn planned_customers(&self) -> Result<HashMap<String, String>> {
        let customers = plan::customers(self.warehouse, &self.options.run).await?;
        let target = self.desk.target;
        let ids =
            customers.map_ok(|customer| (target.customer_key(&customer), customer.customer_id));
        ids.try_collect().await
    }

    /// The plan's agents by the id that they are created with.
    async fn planned_agents(&self) -> Result<HashMap<String, String>> {
        let agents = plan::agents(self.warehouse, &self.options.run).await?;
        agents.map_ok(|agent| (agent.agent_id.clone(), agent.agent_id)).try_collect().await
    }

    async fn messages_in(&self, tickets: &Hits, planned: &Planned) -> Result<Vec<Carried>> {
        let ids: HashMap<&TargetId, &String> = {
            let hits = tickets.0.iter();
            hits.flat_map(|(ticket, found)| found.iter().map(move |one| (&one.id, ticket)))
                .collect()
        };
        if ids.len() > TICKETS_ASKED_MAX && self.desk.target.abilities().lists_messages {
            return self.desk.target.carrying_ids(RecordKind::Message).await;
        }
        let mut messages = Vec::new();
        for (id, ticket) in ids {
            let keys = planned.keys.get(ticket);
            let of_plan = |mut message: Carried| match keys {
                None => Some(message),
                Some(keys) => {
                    message.external_id = keys.get(&message.external_id)?.clone();
                    Some(message)
                }
            };
            messages
                .extend(self.desk.target.messages_of(id).await?.into_iter().filter_map(of_plan));
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
            let is_earlier = facts.run < self.options.run;
            // A ledger that cannot be read has brought something in all the same.
            let Ok((lines, _)) = ledger_log::read(self.warehouse, &facts.run).await else {
                others.is_any_earlier |= is_earlier;
                continue;
            };
            for line in lines {
                if let Line::Entry(entry) = line {
                    others.learn(entry, is_earlier);
                }
            }
        }
        Ok(others)
    }

    /// Adds the files that messages in the target carry: those whose message, name and size are
    /// the plan's.
    fn uploads_in(
        &self,
        messages: &Hits,
        planned: &HashMap<String, Vec<Attachment>>,
        uploads: &mut HashMap<String, Entry>,
    ) {
        for (message_id, found) in &messages.0 {
            let ([message], Some(files)) = (found.as_slice(), planned.get(message_id)) else {
                continue;
            };
            for file in files {
                let Some(sha256) = &file.sha256 else { continue };
                let is_it = |carried: &&CarriedFile| {
                    let name = file.name.as_ref().unwrap_or(sha256);
                    carried.name == *name && carried.bytes == Some(file.bytes.unwrap_or_default())
                };
                let mut hits = message.files.iter().filter(is_it);
                if let (Some(hit), None) = (hits.next(), hits.next()) {
                    let adopted = || self.entry_of(RecordKind::Upload, sha256, &hit.url);
                    uploads.entry(sha256.clone()).or_insert_with(adopted);
                }
            }
        }
    }

    fn adopted(&self, kind: RecordKind, source_id: String, found: Vec<Carried>) -> Entry {
        if let [one] = found.as_slice() {
            let mut entry = self.entry_of(kind, &source_id, &one.id);
            if one.trashed {
                self.desk.findings.add(kind, &source_id, IN_TRASH);
                entry.detail = Some(format!("{ADOPTED}; {IN_TRASH}"));
            }
            let is_doubtful = self.options.rebuild_ledger && kind == RecordKind::Ticket;
            if is_doubtful && self.desk.target.abilities().finishes_all {
                entry.detail = Some(format!("{ADOPTED}; {STATE_UNKNOWN}"));
            }
            return entry;
        }
        let detail = Some(format!("{TWICE}: {}", found.len()));
        Entry {
            state: State::Unknown,
            target_id: None,
            detail,
            ..self.entry_of(kind, &source_id, "")
        }
    }

    fn entry_of(&self, kind: RecordKind, source_id: &str, target_id: &str) -> Entry {
        Entry {
            kind,
            source_id: source_id.to_owned(),
            state: State::Done,
            target_id: Some(target_id.to_owned()),
            at: self.desk.clock.now(),
            detail: Some(ADOPTED.to_owned()),
        }
    }
}

/// Where earlier runs put which file, and which records a rollback removed again: the target may go
/// on listing those, in its bin for instance.
#[derive(Default)]
struct Others {
    /// Whether an earlier run wrote anything.
    is_any_earlier: bool,
    uploads: HashMap<String, Entry>,
    removed: Vec<(RecordKind, TargetId)>,
}

impl Others {
    fn learn(&mut self, entry: Entry, is_earlier: bool) {
        self.is_any_earlier |= is_earlier;
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
struct Hits(HashMap<String, Vec<Carried>>);

impl Hits {
    fn all(listed: Vec<Carried>) -> Self {
        let mut hits: HashMap<String, Vec<Carried>> = HashMap::new();
        for record in listed {
            let known = hits.entry(record.external_id.clone()).or_default();
            if known.iter().all(|one| one.id != record.id) {
                known.push(record);
            }
        }
        Self(hits)
    }

    /// Those that the plan has, under the plan's ids.
    fn of(listed: Vec<Carried>, planned: &HashMap<String, String>) -> Self {
        let known = |record: Carried| {
            let external_id = planned.get(&record.external_id)?.clone();
            Some(Carried { external_id, ..record })
        };
        Self::all(listed.into_iter().filter_map(known).collect())
    }
}
