//! The rows of a plan: what is to be created in the target, in the order of replay.
//!
//! Plain data with the plan's own ids. Reading the tables is in `read`; which ids these become in
//! the target is the ledger's business.

mod columns;
mod help_center;
mod read;

use kernel::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use help_center::{Article, Picture, Section, articles, help_center_locales, sections};
pub use read::{Rows, Threads, agents, customers, fields, forecast, tags, uploads};

/// A person who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Id in the plan.
    pub agent_id: String,
    /// Address, in lower case.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
}

/// A person who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// Id in the plan.
    pub customer_id: String,
    /// The id by which the target can be asked for it.
    pub external_id: String,
    /// Address.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// ISO 639-1 code.
    pub language: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// Values for custom fields.
    pub custom_fields: Vec<FieldValue>,
    /// What else the target is told, in its own words.
    pub meta: Option<Value>,
}

/// A custom field that values are planned for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its id in the plan, by which it is found in the target.
    pub field_id: String,
    /// `ticket` or `customer`.
    pub object: String,
    /// Its name in words.
    pub label: String,
    /// `text`, `number` or `boolean`.
    pub data_type: String,
}

/// A value for a custom field.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FieldValue {
    /// Id of the field in the plan.
    pub field: String,
    /// The value.
    pub value: Value,
}

/// A file that at least one message carries; once per content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// SHA-256 of the content, in hex: its id.
    pub sha256: String,
    /// File name.
    pub name: String,
    /// MIME type.
    pub content_type: String,
    /// Size.
    pub bytes: u64,
    /// Whether it is longer than the mapping allows, so that it stays away.
    pub is_too_large: bool,
}

/// A thread, without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Place in the order of replay.
    pub seq: i64,
    /// Id in the plan.
    pub ticket_id: String,
    /// The id by which the target can be asked for it.
    pub external_id: String,
    /// Who asks; `None` for somebody of whom the target gets no record.
    pub customer_id: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// `open` or `closed`.
    pub status: String,
    /// Channel, in the target's words.
    pub channel: String,
    /// How it got in, in the target's words.
    pub via: String,
    /// Whether an agent wrote first.
    pub from_agent: bool,
    /// Whom it is assigned to.
    pub assignee_agent_id: Option<String>,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// Whether it is spam.
    pub spam: bool,
    /// When it began.
    pub created_at: Instant,
    /// When it changed last.
    pub updated_at: Option<Instant>,
    /// When an agent first opened it.
    pub opened_at: Option<Instant>,
    /// When it was closed.
    pub closed_at: Option<Instant>,
    /// Its last message.
    pub last_message_at: Option<Instant>,
    /// Its last message by a customer.
    pub last_received_message_at: Option<Instant>,
    /// Values for custom fields.
    pub custom_fields: Vec<FieldValue>,
    /// Where it came from.
    pub meta: Option<Value>,
    /// For a ticket that the run before loaded: what of it is to be set now. `None` for one that
    /// is to be created.
    pub updates: Option<Vec<String>>,
}

/// One message of a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `seq` of its ticket.
    pub ticket_seq: i64,
    /// Place in the ticket, from 1.
    pub position: i64,
    /// Id of its ticket in the plan.
    pub ticket_id: String,
    /// Id in the plan and external id in the target.
    pub message_id: String,
    /// Whether it travels in the call that creates the ticket.
    pub in_create: bool,
    /// Channel, in the target's words.
    pub channel: String,
    /// How it got in, in the target's words.
    pub via: String,
    /// Whether the agents' side wrote it.
    pub from_agent: bool,
    /// Whether the customer may see it.
    pub public: bool,
    /// Who wrote it.
    pub sender: Sender,
    /// The customer who received it.
    pub receiver_customer_id: Option<String>,
    /// Kind of its envelope, in the target's words.
    pub source_type: Option<String>,
    /// From whom, on its envelope.
    pub source_from: Option<Address>,
    /// To whom, on its envelope.
    pub source_to: Vec<Address>,
    /// Subject line.
    pub subject: Option<String>,
    /// Plain text.
    pub body_text: Option<String>,
    /// HTML.
    pub body_html: Option<String>,
    /// When it was sent, back then.
    pub sent_at: Instant,
    /// Its RFC 5322 Message-ID.
    pub message_ref: Option<String>,
    /// Files it carries.
    pub attachments: Vec<Attachment>,
    /// Agents named in a note.
    pub mention_agent_ids: Vec<String>,
    /// Where it came from.
    pub meta: Option<Value>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// The customer with this id.
    Customer(String),
    /// The agent with this id.
    Agent(String),
    /// Nobody whom the target could know: the legacy agent stands in.
    Legacy,
    /// A customer of whom the target gets no record.
    Nobody,
}

/// A name with an address, on an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address or handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attachment {
    /// Content; `None` when it could not be fetched, which the body says already.
    #[serde(default)]
    pub sha256: Option<String>,
    /// File name.
    #[serde(default)]
    pub name: Option<String>,
    /// MIME type.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Size.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its address at the source, as it occurs in the body.
    #[serde(default)]
    pub url: Option<String>,
}
