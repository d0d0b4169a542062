//! Reading plan tables as streams of rows.
//!
//! Tickets and messages are two files in the same order, so they are joined by reading both once;
//! nothing is held but the thread that is being handed out.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kernel::{Fault, Result, RunId};
use landing::{Warehouse, layout, table};

use super::columns::Columns;
use super::{Address, Agent, Customer, Field, Message, Sender, Ticket, Upload};

/// Rows of one table, in its order.
pub type Rows<T> = BoxStream<'static, Result<T>>;

/// The people who answer.
pub async fn agents(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Agent>> {
    rows(warehouse, run, "agents", |columns| {
        let id = columns.text("agent_id")?;
        let (email, name) = (columns.text("email")?, columns.text("name")?);
        each(columns, |row| {
            Ok(Agent { agent_id: id.must(row)?, email: email.get(row), name: name.get(row) })
        })
    })
    .await
}

/// The names of the tags.
pub async fn tags(warehouse: &Warehouse, run: &RunId) -> Result<Rows<String>> {
    rows(warehouse, run, "tags", |columns| {
        let name = columns.text("name")?;
        each(columns, |row| name.must(row))
    })
    .await
}

/// The custom fields that values are planned for.
pub async fn fields(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Field>> {
    rows(warehouse, run, "fields", |columns| {
        let (id, object) = (columns.text("field_id")?, columns.text("object")?);
        let (label, data_type) = (columns.text("label")?, columns.text("data_type")?);
        each(columns, |row| {
            Ok(Field {
                field_id: id.must(row)?,
                object: object.must(row)?,
                label: label.must(row)?,
                data_type: data_type.must(row)?,
            })
        })
    })
    .await
}

/// The people who ask.
pub async fn customers(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Customer>> {
    rows(warehouse, run, "customers", |columns| {
        let id = columns.text("customer_id")?;
        let external_id = columns.text("external_id")?;
        let (email, name) = (columns.text("email")?, columns.text("name")?);
        let (phone, language) = (columns.text("phone")?, columns.text("language")?);
        let timezone = columns.text("timezone")?;
        let custom_fields = columns.text("custom_fields")?;
        let meta = columns.text_if_there("meta")?;
        each(columns, |row| {
            let meta = meta.as_ref().map(|texts| texts.json_if_there(row)).transpose()?;
            Ok(Customer {
                customer_id: id.must(row)?,
                external_id: external_id.must(row)?,
                email: email.get(row),
                name: name.get(row),
                phone: phone.get(row),
                language: language.get(row),
                timezone: timezone.get(row),
                custom_fields: custom_fields.json(row)?,
                meta: meta.flatten(),
            })
        })
    })
    .await
}

/// The files.
pub async fn uploads(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Upload>> {
    rows(warehouse, run, "uploads", |columns| {
        let sha256 = columns.text("sha256")?;
        let (name, content_type) = (columns.text("name")?, columns.text("content_type")?);
        let (bytes, is_too_large) = (columns.number("bytes")?, columns.flag("is_too_large")?);
        each(columns, |row| {
            let sha256 = sha256.must(row)?;
            Ok(Upload {
                name: name.get(row).unwrap_or_else(|| sha256.clone()),
                content_type: content_type.get(row).unwrap_or_default(),
                bytes: bytes.get(row).unwrap_or_default().max(0) as u64,
                is_too_large: is_too_large.must(row)?,
                sha256,
            })
        })
    })
    .await
}

/// Calls that the plan expects, per phase.
pub async fn forecast(warehouse: &Warehouse, run: &RunId) -> Result<Rows<(String, u64)>> {
    rows(warehouse, run, "forecast", |columns| {
        let (phase, calls) = (columns.text("phase")?, columns.number("calls")?);
        each(columns, |row| Ok((phase.must(row)?, calls.must(row)?.max(0) as u64)))
    })
    .await
}

/// Tickets with their messages, in the order of replay.
pub struct Threads {
    tickets: Rows<Ticket>,
    messages: Rows<Message>,
    ahead: Option<Message>,
    seq_last: i64,
}

impl Threads {
    /// Opens the two tables.
    pub async fn open(warehouse: &Warehouse, run: &RunId) -> Result<Self> {
        let tickets = rows(warehouse, run, "tickets", |columns| decode_tickets(&columns)).await?;
        let mut messages =
            rows(warehouse, run, "messages", |columns| decode_messages(&columns)).await?;
        let ahead = messages.try_next().await?;
        Ok(Self { tickets, messages, ahead, seq_last: i64::MIN })
    }

    /// The next ticket with its messages.
    ///
    /// # Errors
    /// `FixData` when the tables are not in order or a message has no ticket.
    pub async fn next(&mut self) -> Result<Option<(Ticket, Vec<Message>)>> {
        let Some(ticket) = self.tickets.try_next().await? else {
            return match &self.ahead {
                None => Ok(None),
                Some(message) => Err(orphan(message)),
            };
        };
        if ticket.seq <= self.seq_last {
            return Err(unsorted("tickets", &ticket.ticket_id));
        }
        self.seq_last = ticket.seq;
        let mut messages: Vec<Message> = Vec::new();
        let mut names = HashSet::new();
        while let Some(message) = self.ahead.take_if(|message| message.ticket_seq <= ticket.seq) {
            if message.ticket_seq < ticket.seq || message.ticket_id != ticket.ticket_id {
                return Err(orphan(&message));
            }
            if messages.last().is_some_and(|last| message.position <= last.position) {
                return Err(unsorted("messages", &message.message_id));
            }
            if !names.insert(message.message_id.clone()) {
                return Err(Fault::data(format!(
                    "the message {} is in the plan twice",
                    message.message_id
                )));
            }
            messages.push(message);
            self.ahead = self.messages.try_next().await?;
        }
        Ok(Some((ticket, messages)))
    }

    /// The rest, as a stream.
    pub fn stream(self) -> Rows<(Ticket, Vec<Message>)> {
        futures::stream::try_unfold(self, |mut threads| async move {
            Ok(threads.next().await?.map(|thread| (thread, threads)))
        })
        .boxed()
    }
}

pub(super) async fn rows<T: Send + 'static>(
    warehouse: &Warehouse,
    run: &RunId,
    table: &'static str,
    decode: fn(Columns<'_>) -> Result<Vec<T>>,
) -> Result<Rows<T>> {
    let path = layout::plan_table(run, table);
    if !warehouse.exists(&path).await? {
        return Err(Fault::config(format!("run {run} has no plan table {table}"))
            .hint("make the plan first: deskferry plan"));
    }
    let batches = table::read(warehouse, &path).await?;
    let decoded = batches.map(move |batch: Result<RecordBatch>| {
        let batch = batch?;
        decode(Columns { table, batch: &batch })
    });
    let flat = decoded.map_ok(|rows| futures::stream::iter(rows.into_iter().map(Ok)));
    Ok(flat.try_flatten().boxed())
}

fn each<T>(columns: Columns<'_>, decode: impl Fn(usize) -> Result<T>) -> Result<Vec<T>> {
    (0..columns.batch.num_rows()).map(decode).collect()
}

fn decode_tickets(columns: &Columns<'_>) -> Result<Vec<Ticket>> {
    let seq = columns.number("seq")?;
    let (ticket_id, external_id) = (columns.text("ticket_id")?, columns.text("external_id")?);
    let (customer_id, subject) = (columns.text("customer_id")?, columns.text("subject")?);
    let (status, channel) = (columns.text("status")?, columns.text("channel")?);
    let (via, from_agent) = (columns.text("via")?, columns.flag("from_agent")?);
    let assignee_agent_id = columns.text("assignee_agent_id")?;
    let (tags, spam) = (columns.text("tags")?, columns.flag("spam")?);
    let (created_at, updated_at) = (columns.moment("created_at")?, columns.moment("updated_at")?);
    let (opened_at, closed_at) = (columns.moment("opened_at")?, columns.moment("closed_at")?);
    let last_message_at = columns.moment("last_message_at")?;
    let last_received_message_at = columns.moment("last_received_message_at")?;
    let (custom_fields, meta) = (columns.text("custom_fields")?, columns.text("meta")?);
    let updates = columns.text_if_there("updates")?;
    let decode = |row| {
        let updates = updates.as_ref().map(|texts| texts.json_if_there(row)).transpose()?;
        Ok(Ticket {
            seq: seq.must(row)?,
            ticket_id: ticket_id.must(row)?,
            external_id: external_id.must(row)?,
            customer_id: customer_id.get(row),
            subject: subject.get(row),
            status: status.must(row)?,
            channel: channel.must(row)?,
            via: via.must(row)?,
            from_agent: from_agent.must(row)?,
            assignee_agent_id: assignee_agent_id.get(row),
            tags: tags.json(row)?,
            spam: spam.must(row)?,
            created_at: created_at.must(row)?,
            updated_at: updated_at.get(row),
            opened_at: opened_at.get(row),
            closed_at: closed_at.get(row),
            last_message_at: last_message_at.get(row),
            last_received_message_at: last_received_message_at.get(row),
            custom_fields: custom_fields.json(row)?,
            meta: meta.json(row)?,
            updates: updates.flatten(),
        })
    };
    (0..columns.batch.num_rows()).map(decode).collect()
}

fn decode_messages(columns: &Columns<'_>) -> Result<Vec<Message>> {
    let (ticket_seq, position) = (columns.number("ticket_seq")?, columns.number("position")?);
    let (ticket_id, message_id) = (columns.text("ticket_id")?, columns.text("message_id")?);
    let (in_create, channel) = (columns.flag("in_create")?, columns.text("channel")?);
    let (via, from_agent) = (columns.text("via")?, columns.flag("from_agent")?);
    let (public, sender_kind) = (columns.flag("public")?, columns.text("sender_kind")?);
    let sender_id = columns.text("sender_id")?;
    let receiver_customer_id = columns.text("receiver_customer_id")?;
    let source_type = columns.text("source_type")?;
    let source_from_name = columns.text("source_from_name")?;
    let source_from_address = columns.text("source_from_address")?;
    let (source_to, subject) = (columns.text("source_to")?, columns.text("subject")?);
    let (body_text, body_html) = (columns.text("body_text")?, columns.text("body_html")?);
    let (sent_at, message_ref) = (columns.moment("sent_at")?, columns.text("message_ref")?);
    let attachments = columns.text("attachments")?;
    let mention_agent_ids = columns.text("mention_agent_ids")?;
    let meta = columns.text("meta")?;
    let decode = |row| {
        let message_id = message_id.must(row)?;
        Ok(Message {
            ticket_seq: ticket_seq.must(row)?,
            position: position.must(row)?,
            ticket_id: ticket_id.must(row)?,
            in_create: in_create.must(row)?,
            channel: channel.must(row)?,
            via: via.must(row)?,
            from_agent: from_agent.must(row)?,
            public: public.must(row)?,
            sender: sender(&sender_kind.must(row)?, sender_id.get(row), &message_id)?,
            receiver_customer_id: receiver_customer_id.get(row),
            source_type: source_type.get(row),
            source_from: address(source_from_name.get(row), source_from_address.get(row)),
            source_to: source_to.json(row)?,
            subject: subject.get(row),
            body_text: body_text.get(row),
            body_html: body_html.get(row),
            sent_at: sent_at.must(row)?,
            message_ref: message_ref.get(row),
            attachments: attachments.json(row)?,
            mention_agent_ids: mention_agent_ids.json(row)?,
            meta: meta.json(row)?,
            message_id,
        })
    };
    (0..columns.batch.num_rows()).map(decode).collect()
}

fn sender(kind: &str, id: Option<String>, message_id: &str) -> Result<Sender> {
    match (kind, id) {
        ("customer", Some(id)) => Ok(Sender::Customer(id)),
        ("agent", Some(id)) => Ok(Sender::Agent(id)),
        ("customer", None) => Ok(Sender::Nobody),
        ("legacy", _) => Ok(Sender::Legacy),
        _ => Err(Fault::data(format!(
            "the message {message_id} of the plan has no sender that makes sense"
        ))),
    }
}

fn address(name: Option<String>, address: Option<String>) -> Option<Address> {
    (name.is_some() || address.is_some()).then_some(Address { name, address })
}

fn orphan(message: &Message) -> Fault {
    Fault::data(format!(
        "the message {} of the plan belongs to no ticket of the plan",
        message.message_id
    ))
}

fn unsorted(table: &str, id: &str) -> Fault {
    Fault::data(format!("the plan table {table} is not in order at {id}"))
}
