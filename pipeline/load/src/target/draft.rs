//! Records that are ready for a target: what the plan says, with the target's ids in place of the
//! plan's. Nothing here makes a call.

use bytes::Bytes;
use kernel::ledger::RecordKind;
use serde_json::Value;

use super::TargetId;
use crate::guard::SentTime;
use crate::plan;

/// A ticket that is ready to be created.
#[derive(Debug, Clone)]
pub struct TicketDraft {
    /// What the plan says.
    pub ticket: plan::Ticket,
    /// Its customer in the target, where the target has a record of them.
    pub customer: Option<TargetId>,
    /// Its assignee in the target.
    pub assignee: Option<TargetId>,
    /// Names of tags that the target has.
    pub tags: Vec<String>,
    /// Values for custom fields that the target has.
    pub custom_fields: Vec<FieldDraft>,
    /// Its first messages: those that are to travel in the call that creates it, and some more
    /// that may begin the ticket when the target refuses the very first.
    pub messages: Vec<MessageDraft>,
    /// Which of these travel, as the plan wants it.
    pub planned: Travelling,
    /// Whether the target is told more of it than it needs, which it may object to.
    pub has_extras: bool,
}

/// A ticket that is there and is to be as the plan says now.
#[derive(Debug, Clone)]
pub struct TicketUpdate<'a> {
    /// What the plan says.
    pub ticket: &'a plan::Ticket,
    /// Its assignee in the target.
    pub assignee: Option<TargetId>,
    /// Names of tags that the target has.
    pub tags: Vec<String>,
    /// Values for custom fields that the target has.
    pub custom_fields: Vec<FieldDraft>,
    /// Its messages that the target took, in their order.
    pub messages: Vec<&'a plan::Message>,
}

impl TicketUpdate<'_> {
    /// Whether the plan wants this of it to be set.
    pub fn sets(&self, what: &str) -> bool {
        self.ticket.updates.iter().flatten().any(|name| name == what)
    }
}

/// A value for a custom field that the target has.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDraft {
    /// The field, in the target.
    pub id: TargetId,
    /// The value.
    pub value: Value,
}

/// A beginning of a ticket's messages that travels in the call that creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Travelling {
    /// Place of the first that travels; those before were refused.
    pub from: usize,
    /// Place behind the last.
    pub to: usize,
    /// Whether custom fields and whatever else a target may object to stay behind.
    pub is_bare: bool,
}

impl TicketDraft {
    /// The messages that travel.
    pub fn travelling(&self, part: Travelling) -> &[MessageDraft] {
        let to = part.to.min(self.messages.len());
        &self.messages[part.from.min(to)..to]
    }

    /// What to try when the target refuses a call that carries `part`; `None` when nothing is left
    /// to try.
    ///
    /// A call that is refused makes nothing. First the custom fields are left out, because a target
    /// may refuse a value; then the beginning is halved until one is accepted. When a single
    /// message is refused, the next one may begin the ticket; of those, to find out whether the
    /// ticket itself is at fault, only the whole rest and one alone are tried.
    pub fn after_refusal(&self, part: Travelling) -> Option<Travelling> {
        if part == self.planned && (self.has_extras || !self.custom_fields.is_empty()) {
            return Some(Travelling { is_bare: true, ..part });
        }
        let Travelling { from, to, .. } = part;
        let whole = Travelling { is_bare: false, ..part };
        match to.min(self.messages.len()).saturating_sub(from) {
            2.. if from == 0 => Some(Travelling { to: to / 2, ..whole }),
            2.. => Some(Travelling { to: from + 1, ..whole }),
            _ => {
                let next = from + 1;
                let is_there = next <= SKIPPED_MAX && next < self.messages.len();
                let to = self.planned.to.max(next + 1);
                is_there.then_some(Travelling { from: next, to, ..whole })
            }
        }
    }
}

/// Messages at the beginning of a ticket that may be refused before the ticket counts as refused.
pub const SKIPPED_MAX: usize = 2;

/// A message that is ready to be created. The final texts are in here, not in `message`.
#[derive(Debug, Clone)]
pub struct MessageDraft {
    /// What the plan says.
    pub message: plan::Message,
    /// Who wrote it, in the target, where the target has a record of them.
    pub sender: Option<TargetId>,
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

/// A section of the help center that is ready to be created.
#[derive(Debug, Clone)]
pub struct SectionDraft {
    /// What the plan says.
    pub section: plan::Section,
    /// What it hangs in, in the target; nothing at the top.
    pub parent: Option<TargetId>,
}

/// An article that is ready to be created.
#[derive(Debug, Clone)]
pub struct ArticleDraft {
    /// What the plan says.
    pub article: plan::Article,
    /// What it hangs in, in the target; nothing at the top.
    pub section: Option<TargetId>,
    /// Its text, with the addresses that its pictures have in the target.
    pub body: String,
}

/// A record that is about to be created or asked for.
#[derive(Debug, Clone, Copy)]
pub enum Draft<'a> {
    /// A person who answers.
    Agent(&'a plan::Agent),
    /// A label.
    Tag(&'a str),
    /// A custom field.
    Field(&'a plan::Field),
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
    /// A place that articles hang in.
    Section(&'a SectionDraft),
    /// A page of the help center.
    Article(&'a ArticleDraft),
    /// A thread with its first messages, or fewer of them when a target objects to the rest.
    Ticket {
        /// The ticket.
        draft: &'a TicketDraft,
        /// Which messages travel along.
        part: Travelling,
        /// The empty place that the target gave it, where tickets begin as one.
        place: Option<&'a str>,
    },
    /// A message of a thread that is there.
    Message {
        /// Its ticket in the target.
        ticket: &'a str,
        /// The message.
        message: &'a MessageDraft,
    },
}

impl<'a> Draft<'a> {
    /// The same ticket in its place; any other record as it is.
    pub fn at(self, place: &'a str) -> Self {
        match self {
            Draft::Ticket { draft, part, .. } => Draft::Ticket { draft, part, place: Some(place) },
            other => other,
        }
    }

    /// The place that a ticket has.
    pub fn place(&self) -> Option<&'a str> {
        match self {
            Draft::Ticket { place, .. } => *place,
            _ => None,
        }
    }

    /// What kind of record it is.
    pub fn kind(&self) -> RecordKind {
        match self {
            Draft::Agent(_) => RecordKind::Agent,
            Draft::Tag(_) => RecordKind::Tag,
            Draft::Field(_) => RecordKind::Field,
            Draft::Customer { .. } => RecordKind::Customer,
            Draft::Upload { .. } => RecordKind::Upload,
            Draft::Section(_) => RecordKind::Section,
            Draft::Article(_) => RecordKind::Article,
            Draft::Ticket { .. } => RecordKind::Ticket,
            Draft::Message { .. } => RecordKind::Message,
        }
    }

    /// Its id in the plan.
    pub fn source_id(&self) -> &str {
        match self {
            Draft::Agent(agent) => &agent.agent_id,
            Draft::Tag(name) => name,
            Draft::Field(field) => &field.field_id,
            Draft::Customer { customer, .. } => &customer.customer_id,
            Draft::Upload { upload, .. } => &upload.sha256,
            Draft::Section(draft) => &draft.section.section_id,
            Draft::Article(draft) => &draft.article.article_id,
            Draft::Ticket { draft, .. } => &draft.ticket.ticket_id,
            Draft::Message { message, .. } => &message.message.message_id,
        }
    }
}
