//! What a helpdesk must be able to do to be a target, in words that fit every vendor.
//!
//! A driver turns drafts into its vendor's requests and replies into [`Sent`]. It keeps no state
//! of a run and writes nothing down: whether to call at all is decided before it is asked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::ledger::RecordKind;
use kernel::{Instant, Result};

use crate::guard::SentTime;
use crate::plan;

/// Names of the phases that calls are counted under.
pub mod phase {
    /// Listing the target's agents.
    pub const AGENTS_READ: &str = "agents_read";
    /// Creating agents.
    pub const AGENTS_CREATE: &str = "agents_create";
    /// Listing the target's tags.
    pub const TAGS_READ: &str = "tags_read";
    /// Creating tags.
    pub const TAGS_CREATE: &str = "tags_create";
    /// Creating customers.
    pub const CUSTOMERS_CREATE: &str = "customers_create";
    /// Uploading files.
    pub const FILES_UPLOAD: &str = "files_upload";
    /// Asking which of the plan's records the target has already.
    pub const TICKETS_READ: &str = "tickets_read";
    /// Creating tickets with the messages that travel along.
    pub const TICKETS_CREATE: &str = "tickets_create";
    /// Appending messages.
    pub const MESSAGES_APPEND: &str = "messages_append";
    /// Setting the final state of tickets.
    pub const TICKETS_UPDATE: &str = "tickets_update";
    /// Asking what became of a record.
    pub const LOOKUPS: &str = "lookups";
    /// Reading the records that a rollback may remove.
    pub const ROLLBACK_READ: &str = "rollback_read";
    /// Listing what would still use them.
    pub const ROLLBACK_LIST: &str = "rollback_list";
    /// Removing records.
    pub const ROLLBACK_DELETE: &str = "rollback_delete";
    /// Calls that the target turned away because they came too fast; none was carried out.
    pub const THROTTLED: &str = "throttled";
}

/// The id of a record in the target; for an upload its address.
pub type TargetId = String;

/// A person who answers, as the target lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id in the target.
    pub id: TargetId,
    /// Address, trimmed and in lower case.
    pub email: Option<String>,
}

/// A ticket that is ready to be created.
#[derive(Debug, Clone)]
pub struct TicketDraft {
    /// What the plan says.
    pub ticket: plan::Ticket,
    /// Its customer in the target.
    pub customer: TargetId,
    /// Its assignee in the target.
    pub assignee: Option<TargetId>,
    /// Names of tags that the target has.
    pub tags: Vec<String>,
    /// The messages that travel in the call that creates it.
    pub messages: Vec<MessageDraft>,
}

impl TicketDraft {
    /// The messages that travel in the call.
    pub fn travelling(&self, alone: bool) -> &[MessageDraft] {
        let count = if alone { 1 } else { usize::MAX };
        &self.messages[..self.messages.len().min(count)]
    }
}

/// A message that is ready to be created. The final texts are in here, not in `message`.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    /// What the plan says.
    pub message: plan::Message,
    /// Who wrote it, in the target.
    pub sender: TargetId,
    /// Which customer received it, in the target.
    pub receiver: Option<TargetId>,
    /// Agents named in it, in the target.
    pub mentions: Vec<TargetId>,
    /// When it was sent, back then.
    pub sent: SentTime,
    /// Files that the target has.
    pub attachments: Vec<AttachmentDraft>,
}

/// A file of a message, in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentDraft {
    /// Where the target keeps it.
    pub url: String,
    /// File name.
    pub name: String,
    /// MIME type.
    pub content_type: String,
    /// Size.
    pub bytes: u64,
}

/// A record that is about to be created or asked for.
#[derive(Debug, Clone, Copy)]
pub enum Draft<'a> {
    /// A person who answers.
    Agent(&'a plan::Agent),
    /// A label.
    Tag(&'a str),
    /// A person who asks. `lean` leaves out everything a target may object to: phone number,
    /// language and time zone.
    Customer {
        /// What the plan says.
        customer: &'a plan::Customer,
        /// Whether to send the least.
        lean: bool,
    },
    /// A file.
    Upload {
        /// What the plan says.
        upload: &'a plan::Upload,
        /// Its content.
        body: &'a Bytes,
    },
    /// A thread with its first messages; `alone` with the very first only, when a target objects
    /// to the rest.
    Ticket {
        /// The ticket.
        draft: &'a TicketDraft,
        /// Whether only the first message travels along.
        alone: bool,
    },
    /// A message of a thread that is there.
    Message {
        /// Its ticket in the target.
        ticket: &'a str,
        /// The message.
        message: &'a MessageDraft,
    },
}

impl Draft<'_> {
    /// What kind of record it is.
    pub fn kind(&self) -> RecordKind {
        match self {
            Draft::Agent(_) => RecordKind::Agent,
            Draft::Tag(_) => RecordKind::Tag,
            Draft::Customer { .. } => RecordKind::Customer,
            Draft::Upload { .. } => RecordKind::Upload,
            Draft::Ticket { .. } => RecordKind::Ticket,
            Draft::Message { .. } => RecordKind::Message,
        }
    }

    /// Its id in the plan.
    pub fn source_id(&self) -> &str {
        match self {
            Draft::Agent(agent) => &agent.agent_id,
            Draft::Tag(name) => name,
            Draft::Customer { customer, .. } => &customer.customer_id,
            Draft::Upload { upload, .. } => &upload.sha256,
            Draft::Ticket { draft, .. } => &draft.ticket.ticket_id,
            Draft::Message { message, .. } => &message.message.message_id,
        }
    }
}

/// A record that the target has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id in the target.
    pub id: TargetId,
    /// Whether it carries our own id, so that we made it.
    pub ours: bool,
    /// For tickets: the messages in it that carry our ids, with their ids in the target.
    pub parts: Vec<(String, TargetId)>,
}

impl Found {
    /// The id in the target of a message that came along.
    pub fn part(&self, message: &MessageDraft) -> Option<&str> {
        let hit = self.parts.iter().find(|(id, _)| *id == message.message.message_id);
        hit.map(|(_, id)| id.as_str())
    }
}

/// How a call that creates ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The target has it.
    Made(Found),
    /// The target says that there is one already.
    Exists(String),
    /// The target understood the call and will not do it: status and field names.
    Refused(String),
    /// The call may or may not have been carried out.
    Unknown(String),
}

/// A helpdesk that records are replayed into.
///
/// Every method waits out what surely was not carried out (no connection, a rate limit) within its
/// own bounds. An error means that the whole replay has to stop.
#[async_trait]
pub trait Target: Send + Sync {
    /// Everybody who answers.
    async fn agents(&self) -> Result<Vec<Person>>;

    /// The address of the agent whose credentials are used, in lower case.
    fn account_email(&self) -> &str;

    /// The id of the agent whose credentials are used.
    async fn own_agent(&self) -> Result<TargetId>;

    /// Every tag's name with its id.
    async fn tags(&self) -> Result<Vec<(String, TargetId)>>;

    /// Every customer, ticket or message that carries an external id, with it. The same record may
    /// come twice, because lists change while they are read.
    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<(String, TargetId)>>;

    /// The messages of a ticket that carry an external id, with it.
    async fn messages_of(&self, ticket: &str) -> Result<Vec<(String, TargetId)>>;

    /// Creates a record with one call; never repeats one that may have been carried out, and holds
    /// back one that carries a message not sent before `now`.
    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent>;

    /// Asks once whether the target has the record; compares exactly.
    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>>;

    /// Sets a ticket's status and its dates once all its messages are there. May be repeated.
    async fn finish(&self, id: &str, ticket: &plan::Ticket, now: Instant) -> Result<Sent>;

    /// Calls made so far, per [`phase`].
    fn calls(&self) -> BTreeMap<String, u64>;
}
