//! The bodies that Gorgias is sent.
//!
//! A nested object holds an id and nothing else, because any further field would change the record
//! that it refers to. A message cannot be built without a [`SentTime`]. Fields without a value are
//! left out.

use bytes::Bytes;
use kernel::{Fault, Instant, Result};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::wire::Outgoing;
use crate::guard::SentTime;
use crate::plan::{self, Address};
use crate::target::{
    AttachmentDraft, FieldDraft, MessageDraft, TicketDraft, TicketUpdate, Travelling,
};

/// Role of agents that are created: may answer, may not administer.
pub(super) const AGENT_ROLE: &str = "agent";

pub(super) fn agent(agent: &plan::Agent) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        email: Option<&'a str>,
        name: &'a str,
        role: Role,
        external_id: &'a str,
    }
    #[derive(Serialize)]
    struct Role {
        name: &'static str,
    }
    let email = agent.email.as_deref();
    serialized(&Body {
        email,
        name: agent.name.as_deref().or(email).unwrap_or_default(),
        role: Role { name: AGENT_ROLE },
        external_id: &agent.agent_id,
    })
}

pub(super) fn tag(name: &str) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        name: &'a str,
    }
    serialized(&Body { name })
}

/// The definition of a custom field. What is chosen from a list at the source becomes plain text.
pub(super) fn field(field: &plan::Field) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        object_type: &'static str,
        label: &'a str,
        external_id: &'a str,
        definition: Definition<'a>,
    }
    #[derive(Serialize)]
    struct Definition<'a> {
        data_type: &'a str,
        input_settings: Input,
    }
    #[derive(Serialize)]
    struct Input {
        input_type: &'static str,
    }
    let input_type = match field.data_type.as_str() {
        "number" => "input_number",
        "boolean" => "dropdown",
        _ => "input",
    };
    serialized(&Body {
        object_type: object_type(&field.object),
        label: &field.label,
        external_id: &field.field_id,
        definition: Definition {
            data_type: &field.data_type,
            input_settings: Input { input_type },
        },
    })
}

/// What fields belong to, in the vendor's word.
pub(super) fn object_type(object: &str) -> &'static str {
    match object {
        "customer" => "Customer",
        _ => "Ticket",
    }
}

/// Values of custom fields: a bare list.
pub(super) fn fields_of_customer(values: &[FieldDraft]) -> Result<Outgoing> {
    serialized(&field_values(values)?)
}

pub(super) fn customer<'a>(customer: &'a plan::Customer, lean: bool) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        external_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timezone: Option<&'a str>,
        channels: Vec<Channel<'a>>,
    }
    #[derive(Serialize)]
    struct Channel<'a> {
        r#type: &'static str,
        address: &'a str,
        preferred: bool,
    }
    let channel = |r#type, address: &'a Option<String>| {
        address.as_deref().map(|address| Channel { r#type, address, preferred: true })
    };
    let full = |field: &'a Option<String>| field.as_deref().filter(|_| !lean);
    let email = channel("email", &customer.email);
    let phone = channel("phone", &customer.phone).filter(|_| !lean);
    serialized(&Body {
        name: customer.name.as_deref(),
        email: customer.email.as_deref(),
        external_id: &customer.external_id,
        language: full(&customer.language),
        timezone: full(&customer.timezone),
        channels: email.into_iter().chain(phone).collect(),
    })
}

pub(super) fn file(upload: &plan::Upload, bytes: &Bytes) -> Outgoing {
    Outgoing::File {
        name: upload.name.clone(),
        content_type: sound_type(&upload.content_type).to_owned(),
        bytes: bytes.clone(),
    }
}

/// A MIME type that can stand in a header.
fn sound_type(declared: &str) -> &str {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let bare = declared.split(';').next().unwrap_or_default().trim();
    match bare.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => bare,
        _ => "application/octet-stream",
    }
}

pub(super) fn ticket(draft: &TicketDraft, part: Travelling) -> Result<Outgoing> {
    let ticket = &draft.ticket;
    let messages = draft.travelling(part).iter().map(message);
    serialized(&TicketBody {
        external_id: &ticket.external_id,
        customer: author(draft.customer.as_deref())?,
        channel: &ticket.channel,
        via: &ticket.via,
        status: &ticket.status,
        subject: ticket.subject.as_deref(),
        from_agent: ticket.from_agent,
        spam: ticket.spam,
        assignee_user: draft.assignee.as_deref().map(reference).transpose()?,
        tags: draft.tags.iter().map(|name| TagName { name }).collect(),
        custom_fields: match part.is_bare {
            true => Vec::new(),
            false => field_values(&draft.custom_fields)?,
        },
        meta: object(&ticket.meta),
        imported: true,
        created_datetime: Moment(ticket.created_at),
        dates: dates(ticket),
        messages: messages.collect::<Result<_>>()?,
    })
}

/// The status and the dates, as they are to be in the end.
pub(super) fn final_state(ticket: &plan::Ticket) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        status: &'a str,
        #[serde(flatten)]
        dates: Dates,
    }
    serialized(&Body { status: &ticket.status, dates: dates(ticket) })
}

/// What is to be set of a ticket that is there, with the status and the dates.
pub(super) fn update(update: &TicketUpdate<'_>) -> Result<Outgoing> {
    #[derive(Serialize)]
    struct Body<'a> {
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<Option<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        spam: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        assignee_user: Option<Assignee>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tags: Option<Vec<TagName<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        custom_fields: Option<Vec<FieldValue<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        meta: Option<&'a Value>,
        #[serde(flatten)]
        dates: Dates,
    }
    /// Nobody is written as no id.
    #[derive(Serialize)]
    struct Assignee {
        id: Option<u64>,
    }
    let ticket = update.ticket;
    let assignee = update.assignee.as_deref().map(number).transpose()?;
    let custom_fields = field_values(&update.custom_fields)?;
    serialized(&Body {
        status: &ticket.status,
        subject: update.sets("subject").then_some(ticket.subject.as_deref()),
        spam: update.sets("spam").then_some(ticket.spam),
        assignee_user: update.sets("assignee").then_some(Assignee { id: assignee }),
        tags: update
            .sets("tags")
            .then(|| update.tags.iter().map(|name| TagName { name }).collect()),
        custom_fields: update.sets("custom_fields").then_some(custom_fields),
        meta: object(&ticket.meta).filter(|_| update.sets("meta")),
        dates: dates(ticket),
    })
}

/// A message of a ticket that is there.
pub(super) fn appended(draft: &MessageDraft) -> Result<Outgoing> {
    let mut body = message(draft)?;
    body.imported = Some(true);
    serialized(&body)
}

#[derive(Serialize)]
struct TicketBody<'a> {
    external_id: &'a str,
    customer: Reference,
    channel: &'a str,
    via: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    from_agent: bool,
    spam: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_user: Option<Reference>,
    tags: Vec<TagName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_fields: Vec<FieldValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
    imported: bool,
    created_datetime: Moment,
    #[serde(flatten)]
    dates: Dates,
    messages: Vec<MessageBody<'a>>,
}

#[derive(Serialize)]
struct TagName<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct FieldValue<'a> {
    id: u64,
    value: &'a Value,
}

fn field_values(values: &[FieldDraft]) -> Result<Vec<FieldValue<'_>>> {
    let values = values.iter().map(|FieldDraft { id, value }| {
        let id = number(id)?;
        Ok(FieldValue { id, value })
    });
    values.collect()
}

#[derive(Serialize)]
struct Dates {
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_datetime: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_datetime: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_datetime: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_datetime: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_received_message_datetime: Option<Moment>,
}

fn dates(ticket: &plan::Ticket) -> Dates {
    Dates {
        opened_datetime: ticket.opened_at.map(Moment),
        closed_datetime: ticket.closed_at.map(Moment),
        updated_datetime: ticket.updated_at.map(Moment),
        last_message_datetime: ticket.last_message_at.map(Moment),
        last_received_message_datetime: ticket.last_received_message_at.map(Moment),
    }
}

/// A message. `imported` is for appended ones only: within a ticket the ticket's flag holds.
#[derive(Serialize)]
struct MessageBody<'a> {
    channel: &'a str,
    via: &'a str,
    from_agent: bool,
    public: bool,
    sender: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_html: Option<&'a str>,
    external_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    created_datetime: SentTime,
    sent_datetime: SentTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<FileBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mention_ids: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<bool>,
}

#[derive(Serialize)]
struct Source<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a Address>,
    #[serde(skip_serializing_if = "<[Address]>::is_empty")]
    to: &'a [Address],
}

#[derive(Serialize)]
struct FileBody<'a> {
    url: &'a str,
    name: &'a str,
    content_type: &'a str,
    size: u64,
}

fn message(draft: &MessageDraft) -> Result<MessageBody<'_>> {
    let message = &draft.message;
    let mentions = draft.mentions.iter().map(|id| number(id));
    let receiver = draft.receiver.as_deref();
    // Incoming messages and notes have no receiver.
    let receiver = receiver.filter(|_| message.from_agent && message.public);
    Ok(MessageBody {
        channel: &message.channel,
        via: &message.via,
        from_agent: message.from_agent,
        public: message.public,
        sender: author(draft.sender.as_deref())?,
        receiver: receiver.map(reference).transpose()?,
        source: message.source_type.as_deref().map(|r#type| Source {
            r#type,
            from: message.source_from.as_ref().filter(|_| message.public),
            to: if message.public { &message.source_to } else { &[] },
        }),
        subject: message.subject.as_deref(),
        body_text: message.body_text.as_deref(),
        body_html: message.body_html.as_deref(),
        external_id: &message.message_id,
        message_id: message.message_ref.as_deref(),
        created_datetime: draft.sent,
        sent_datetime: draft.sent,
        attachments: draft.attachments.iter().map(file_body).collect(),
        meta: object(&message.meta),
        mention_ids: mentions.collect::<Result<_>>()?,
        imported: None,
    })
}

fn file_body(file: &AttachmentDraft) -> FileBody<'_> {
    FileBody {
        url: &file.url,
        name: &file.name,
        content_type: &file.content_type,
        size: file.bytes,
    }
}

/// A record that is there; nothing but its id.
#[derive(Serialize)]
struct Reference {
    id: u64,
}

fn reference(id: &str) -> Result<Reference> {
    number(id).map(|id| Reference { id })
}

/// Somebody whom a ticket or a message cannot be without.
fn author(id: Option<&str>) -> Result<Reference> {
    reference(id.ok_or_else(|| Fault::bug("a record of this target has an author"))?)
}

fn number(id: &str) -> Result<u64> {
    id.parse().map_err(|_| Fault::bug(format!("{id:?} is no id of this target")))
}

fn object(meta: &Option<Value>) -> Option<&Value> {
    meta.as_ref().filter(|value| value.is_object())
}

/// A moment as Gorgias writes it.
struct Moment(Instant);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

fn serialized(body: &impl Serialize) -> Result<Outgoing> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Fault::bug("a request cannot be written as JSON").because(error))?;
    Ok(Outgoing::Json(bytes.into()))
}

#[cfg(test)]
mod tests;
