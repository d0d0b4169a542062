//! What a trial replays: some tickets, and the people, tags and files that these need.
//!
//! Only the plan's own ids; nothing here calls anybody.

use std::collections::{BTreeMap, HashSet};

use kernel::{Fault, Result};
use landing::Warehouse;
use landing::exchange::sha256;

use super::Options;
use crate::plan::{Message, Sender, Threads, Ticket};

/// Ids of the records that are replayed.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub tickets: HashSet<String>,
    pub customers: HashSet<String>,
    pub tags: HashSet<String>,
    pub uploads: HashSet<String>,
    /// Messages that do not travel with their ticket.
    pub appends: u64,
    /// Tickets whose final state is set at the end.
    pub updates: u64,
}

impl Selection {
    /// What the options select; `None` when that is everything.
    ///
    /// # Errors
    /// `FixConfig` when a ticket is named that the plan does not have.
    pub async fn read(
        warehouse: &Warehouse,
        options: &Options,
        finishes_all: bool,
    ) -> Result<Option<Self>> {
        if options.limit.is_none() && options.only.is_empty() && options.sample.is_none() {
            return Ok(None);
        }
        let mut only = options.only.clone();
        if let Some(count) = options.sample {
            only.extend(sample(warehouse, options, count).await?);
            if only.is_empty() {
                return Ok(Some(Self::default()));
            }
        }
        let mut missing: HashSet<&str> = only.iter().map(String::as_str).collect();
        let mut selection = Self::default();
        let limit = options.limit.unwrap_or(u64::MAX);
        let mut threads = Threads::open(warehouse, &options.run).await?;
        while (selection.tickets.len() as u64) < limit {
            let Some((ticket, messages)) = threads.next().await? else {
                break;
            };
            if only.is_empty() || missing.remove(ticket.ticket_id.as_str()) {
                selection.add(&ticket, &messages, finishes_all);
            }
            if missing.is_empty() && !only.is_empty() {
                break;
            }
        }
        let cut_short = selection.tickets.len() as u64 == limit;
        match missing.into_iter().min().filter(|_| !cut_short) {
            None => Ok(Some(selection)),
            Some(id) => {
                Err(Fault::config(format!("the plan of run {} has no ticket {id}", options.run))
                    .hint("deskferry query \"select ticket_id from plan.tickets\" lists them"))
            }
        }
    }

    fn add(&mut self, ticket: &Ticket, messages: &[Message], finishes_all: bool) {
        self.tickets.insert(ticket.ticket_id.clone());
        self.customers.extend(ticket.customer_id.clone());
        self.tags.extend(ticket.tags.iter().cloned());
        let appends = messages.iter().filter(|message| !message.in_create).count() as u64;
        match &ticket.updates {
            None => {
                self.appends += appends;
                let is_due = finishes_all || (appends > 0 && ticket.status == "closed");
                self.updates += u64::from(is_due);
            }
            Some(updates) => self.updates += u64::from(!updates.is_empty()),
        }
        for message in messages {
            if let Sender::Customer(id) = &message.sender {
                self.customers.insert(id.clone());
            }
            self.customers.extend(message.receiver_customer_id.clone());
            let files = message.attachments.iter();
            self.uploads.extend(files.filter_map(|file| file.sha256.clone()));
        }
    }
}

/// Ids of `count` tickets: as many of each channel and state as there are, up to the same number.
/// Which ones follows from their ids alone, so a sample is the same each time, and a larger one
/// holds a smaller one.
async fn sample(warehouse: &Warehouse, options: &Options, count: u64) -> Result<Vec<String>> {
    let mut kinds: BTreeMap<(String, String, bool), Vec<(String, String)>> = BTreeMap::new();
    let mut threads = Threads::open(warehouse, &options.run).await?;
    while let Some((ticket, _)) = threads.next().await? {
        let place = sha256(ticket.ticket_id.as_bytes());
        let kind = (ticket.channel, ticket.status, ticket.spam);
        kinds.entry(kind).or_default().push((place, ticket.ticket_id));
    }
    let mut turns: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for tickets in kinds.values_mut() {
        tickets.sort();
        for (turn, (_, id)) in tickets.drain(..).enumerate() {
            turns.entry(turn).or_default().push(id);
        }
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(turns.into_values().flatten().take(count).collect())
}
