//! What a helpdesk must be able to do for a run to be taken back out of it, in words that fit
//! every vendor.
//!
//! A driver compares what was written with what is there and removes one record at a time. It
//! keeps no state of a run: whether a record may go is decided before it is asked.

use std::collections::HashSet;

use async_trait::async_trait;
use kernel::Result;
use kernel::ledger::RecordKind;

use crate::plan;
use crate::target::{ArticleDraft, MessageDraft, SectionDraft, Target, TargetId, TicketDraft};

/// A record as the replay wrote it.
#[derive(Debug, Clone, Copy)]
pub enum Wrote<'a> {
    /// A thread with all its messages.
    Ticket {
        /// What would be written today from the same plan and ledger.
        draft: &'a TicketDraft,
        /// Ids in the plan of the messages that surely were written.
        sure: &'a HashSet<String>,
        /// Whether its final state surely was set, where that is a call of its own.
        is_finished: bool,
    },
    /// A message in a ticket that stays.
    Message {
        /// The ticket in the target.
        ticket: &'a str,
        /// What would be written today from the same plan and ledger.
        draft: &'a MessageDraft,
    },
    /// A person who asks.
    Customer(&'a plan::Customer),
    /// A label.
    Tag(&'a str),
    /// A person who answers.
    Agent(&'a plan::Agent),
    /// A place that articles hang in.
    Section {
        /// What would be written today.
        draft: &'a SectionDraft,
        /// What hung in it and is removed, or would be.
        gone: &'a HashSet<TargetId>,
    },
    /// A page of the help center.
    Article(&'a ArticleDraft),
}

/// What a record is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// It is not there any more.
    Gone,
    /// It is what was written, but for what the vendor itself fills in.
    Same,
    /// Somebody changed it: names of fields and counts, but nothing that was in them.
    Touched(Vec<String>),
}

/// How removing a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The target has removed it, or did not have it.
    Gone,
    /// The target will not: its status.
    Refused(String),
    /// The call may or may not have been carried out.
    Unknown(String),
}

/// A ticket as a list shows it: what it makes use of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: TargetId,
    /// Whether it lies in the bin.
    pub is_trashed: bool,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// Its customer and its assignee.
    pub people: Vec<TargetId>,
}

/// A helpdesk that a run can be taken back out of.
#[async_trait]
pub trait Undo: Target {
    /// Reads one record afresh and compares it with what was written.
    async fn now(&self, id: &str, wrote: Wrote<'_>) -> Result<Now>;

    /// Every ticket, those in the bin included.
    async fn listed_tickets(&self) -> Result<Vec<Listed>>;

    /// The tickets of one customer, those in the bin included.
    async fn tickets_of(&self, customer: &str) -> Result<Vec<TargetId>>;

    /// Everybody who wrote or received a message of these tickets; of all tickets when there are
    /// many.
    async fn people_in(&self, tickets: &[TargetId]) -> Result<HashSet<TargetId>>;

    /// Removes one record for good. Removing what is gone already changes nothing.
    async fn remove(&self, kind: RecordKind, id: &str) -> Result<Removal>;

    /// Removes one message of a ticket for good, likewise.
    async fn remove_message(&self, ticket: &str, id: &str) -> Result<Removal>;
}
