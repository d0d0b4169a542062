//! Owns the ticket endpoints: list, create with messages, read, update, delete and tags.
//! It must not know the rules on messages; those are the intake's.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, flag_of, id_of, text_of, time_of};
use super::super::instant::Instant;
use super::super::parties::{self, Party, Side, TICKET_CUSTOMER};
use super::super::shape::{Field, Kind, may, must, or_null, should};
use super::super::show::TicketView;
use super::super::store::desk::Ticket;
use super::super::store::events::Subject;
use super::super::store::rows::Kind as RowKind;
use super::super::store::{Chore, Store};
use super::super::vocabulary::{self, PRIORITIES, STATUSES, VIAS};
use super::intake::{self, Draft, MESSAGE};
use super::{fields, number};

mod aftermath;
mod listing;
mod tagging;

use aftermath::{after_close, run_rules};
pub(super) use listing::items;
use tagging::{known_tags, tag_ids, tags};

const ID: Kind = Kind::Int(1, i64::MAX);
const REFERENCE: &[Field] = &[must("id", ID)];
const UNASSIGN: &[Field] = &[or_null("id", ID)];
const DECORATION: &[Field] = &[or_null("color", Kind::Text(0, 32))];
const TAG: &[Field] =
    &[must("name", Kind::Text(1, 256)), or_null("decoration", Kind::Object(&[DECORATION]))];
/// Fields that create and update share.
const SHARED: &[Field] = &[
    may("channel", Kind::Text(1, 255)),
    may("customer", Kind::Object(&[TICKET_CUSTOMER])),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("subject", Kind::Text(0, 998)),
    may("status", Kind::OneOf(STATUSES)),
    may("priority", Kind::OneOf(PRIORITIES)),
    may("from_agent", Kind::Bool),
    may("tags", Kind::List(&Kind::Object(&[TAG]), 0, 1_000)),
    may("custom_fields", Kind::List(&Kind::Object(&[fields::VALUE]), 0, 1_000)),
    or_null("language", Kind::Language),
    or_null("meta", Kind::Map),
    may("spam", Kind::Bool),
    or_null("opened_datetime", Kind::Time),
    or_null("closed_datetime", Kind::Time),
    may("updated_datetime", Kind::Time),
    or_null("trashed_datetime", Kind::Time),
    or_null("snooze_datetime", Kind::Time),
    or_null("last_message_datetime", Kind::Time),
    or_null("last_received_message_datetime", Kind::Time),
];
const CREATE: &[Field] = &[
    must("messages", Kind::List(&Kind::Object(&[MESSAGE]), 1, 500)),
    should("via", Kind::OneOf(VIAS)),
    may("assignee_user", Kind::Object(&[REFERENCE])),
    may("assignee_team", Kind::Object(&[REFERENCE])),
    may("created_datetime", Kind::Time),
    may("split_from", ID),
    may("imported", Kind::Bool),
];
const UPDATE: &[Field] = &[
    may("via", Kind::OneOf(VIAS)),
    may("assignee_user", Kind::Object(&[UNASSIGN])),
    may("assignee_team", Kind::Object(&[UNASSIGN])),
    may("is_unread", Kind::Bool),
];

/// Everything below `/tickets` except messages.
pub(super) fn route(store: &mut Store, ask: &Ask, rest: &[&str]) -> Outcome {
    let method = ask.method.as_str();
    match (method, rest) {
        ("GET", []) => listing::list(store, ask),
        ("POST", []) => create(store, ask),
        (_, []) => Err(Refusal::method()),
        (_, [id, rest @ ..]) => {
            let id = number(id)?;
            if store.desk.ticket(id).is_none() {
                return Err(Refusal::missing());
            }
            match (method, rest) {
                ("GET", []) => {
                    ask.only(&["relationships"])?;
                    Reply::read(&view(store, id))
                }
                ("PUT", []) => update(store, ask, id),
                ("DELETE", []) => delete(store, ask, id),
                ("GET" | "POST" | "PUT" | "DELETE", ["tags"]) => tags(store, ask, id),
                (_, [] | ["tags"]) => Err(Refusal::method()),
                (_, ["custom-fields", rest @ ..]) => fields::of_ticket(store, ask, id, rest),
                _ => Err(Refusal::missing()),
            }
        }
    }
}

/// Takes a ticket with its messages out.
pub(super) fn remove(store: &mut Store, id: u64, at: Instant) {
    store.desk.remove_ticket(id);
    store.note(at, "ticket-deleted", Subject("Ticket", id), None);
}

/// What a checked create or update refers to.
struct References {
    customer: Option<Party>,
    user: Option<Option<u64>>,
    team: Option<Option<u64>>,
}

fn references(store: &Store, body: &Value) -> Result<References, Refusal> {
    let customer = body.get("customer").filter(|value| !value.is_null());
    let customer = customer
        .map(|value| parties::resolve(store, value, Side::Customer, "customer"))
        .transpose()?;
    if let Some(Party::Known(id)) = customer
        && store.strict
        && store.people.customer(id).is_none()
    {
        return Err(Refusal::field("customer.id", "The customer of a ticket is not a user."));
    }
    let user = body.get("assignee_user").map(|value| id_of(value, "id"));
    if let Some(Some(id)) = user
        && store.people.user(id).is_none()
    {
        return Err(Refusal::field("assignee_user.id", "No such user."));
    }
    let team = body.get("assignee_team").map(|value| id_of(value, "id"));
    if let Some(Some(id)) = team
        && store.rows.get(RowKind::Team, id).is_none()
    {
        return Err(Refusal::field("assignee_team.id", "No such team."));
    }
    let names = body.get("tags").and_then(Value::as_array).into_iter().flatten();
    known_tags(store, names.filter_map(|tag| text_of(tag, "name")), "tags")?;
    if let Some(values) = body.get("custom_fields") {
        fields::check_values(store, values, "Ticket", "custom_fields")?;
    }
    Ok(References { customer, user, team })
}

fn create(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[SHARED, CREATE], store.strict, "Failed to create ticket")?;
    let body = &ask.body;
    let refs = references(store, body)?;
    let given = body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let drafts = given
        .iter()
        .enumerate()
        .map(|(position, message)| intake::plan(store, message, &format!("messages.{position}")))
        .collect::<Result<Vec<Draft>, Refusal>>()?;
    if store.quirks.message_quota.is_some_and(|quota| store.tally.tickets_made >= quota) {
        return Err(Refusal::new(
            403,
            "You do not have enough permissions to perform this action. Messaging quota exceeded.",
        ));
    }
    store.open_context();
    store.tally.tickets_made += 1;
    let ticket = blank(store, body, &given[0], &refs, ask.at);
    let imported = ticket.imported;
    let id = store.desk.add_ticket(ticket);
    store.note(ask.at, "ticket-created", Subject("Ticket", id), None);
    for draft in &drafts {
        intake::commit(store, draft, id, imported, ask.at);
    }
    derive(store, id, body);
    store.note(ask.at, "ticket-updated", Subject("Ticket", id), None);
    if let Some(Some(user)) = refs.user {
        let data = json!({"assignee_user_id": user});
        store.note(ask.at, "ticket-assigned", Subject("Ticket", id), Some(data));
    }
    run_rules(store, id, ask.at);
    if text_of(body, "status") == Some("closed") {
        after_close(store, id, ask.at);
    }
    if store.quirks.background {
        store.later(ask.at.plus_ms(store.quirks.background_ms), Chore::Mature(id));
    }
    Reply::wrote(201, &view(store, id))
}

fn blank(store: &mut Store, body: &Value, first: &Value, refs: &References, at: Instant) -> Ticket {
    let boxed = |name: &str| text_of(body, name).map(Box::<str>::from);
    let customer = refs.customer.as_ref().map(|party| {
        let value = body.get("customer").unwrap_or(&Value::Null);
        parties::settle(store, value, party, Side::Customer, at)
    });
    let is_closed = text_of(body, "status") == Some("closed");
    let channel = text_of(body, "channel").or(text_of(first, "channel")).unwrap_or("api");
    let names = body.get("tags").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = names.filter_map(|tag| text_of(tag, "name")).collect();
    let from_agent = flag_of(body, "from_agent").or(flag_of(first, "from_agent"));
    Ticket {
        id: 0,
        external_id: boxed("external_id"),
        customer,
        assignee_user: refs.user.flatten(),
        assignee_team: refs.team.flatten(),
        is_closed,
        priority: priority(body).unwrap_or("normal"),
        channel: store.desk.word(channel),
        via: intake::via(body),
        from_agent: from_agent.unwrap_or_default(),
        spam: flag_of(body, "spam").unwrap_or_default(),
        imported: flag_of(body, "imported").unwrap_or_default(),
        is_unread: flag_of(first, "from_agent") == Some(false),
        subject: boxed("subject"),
        language: boxed("language"),
        meta: body.get("meta").and_then(Value::as_object).cloned().map(Box::new),
        tags: tag_ids(store, &names, at),
        fields: fields::values_of(body.get("custom_fields")),
        messages: Vec::new(),
        created: time_of(body, "created_datetime").unwrap_or(at),
        processed: at,
        opened: time_of(body, "opened_datetime"),
        last_received: time_of(body, "last_received_message_datetime"),
        last_message: time_of(body, "last_message_datetime"),
        updated: time_of(body, "updated_datetime").unwrap_or(at),
        closed: time_of(body, "closed_datetime").or(is_closed.then_some(at)),
        trashed: time_of(body, "trashed_datetime"),
        snooze: time_of(body, "snooze_datetime"),
    }
}

/// Fills what the messages imply: the customer and the last times, unless they were given.
fn derive(store: &mut Store, id: u64, body: &Value) {
    let Some(ticket) = store.desk.ticket(id) else {
        return;
    };
    let thread = store.desk.thread(ticket);
    let last = thread.iter().map(|message| message.created).max();
    let received = thread.iter().filter(|message| !message.from_agent);
    let last_received = received.map(|message| message.created).max();
    let person = thread.iter().find_map(|message| {
        let id = if message.from_agent { message.receiver } else { message.sender };
        id.filter(|id| store.people.customer(*id).is_some())
    });
    store.desk.change_ticket(id, |ticket| {
        ticket.customer = ticket.customer.or(person);
        if time_of(body, "last_message_datetime").is_none() {
            ticket.last_message = last;
        }
        if time_of(body, "last_received_message_datetime").is_none() {
            ticket.last_received = last_received;
        }
    });
}

fn update(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[SHARED, UPDATE], store.strict, "Failed to update ticket")?;
    let body = &ask.body;
    let refs = references(store, body)?;
    store.open_context();
    let was_closed = store.desk.ticket(id).is_some_and(|ticket| ticket.is_closed);
    let customer = refs.customer.as_ref().map(|party| {
        let value = body.get("customer").unwrap_or(&Value::Null);
        parties::settle(store, value, party, Side::Customer, ask.at)
    });
    let tags = body.get("tags").and_then(Value::as_array).map(|tags| {
        let names: Vec<&str> = tags.iter().filter_map(|tag| text_of(tag, "name")).collect();
        tag_ids(store, &names, ask.at)
    });
    let channel = text_of(body, "channel").map(|word| store.desk.word(word));
    store.desk.change_ticket(id, |ticket| {
        ticket.customer = customer.or(ticket.customer);
        ticket.assignee_user = refs.user.unwrap_or(ticket.assignee_user);
        ticket.assignee_team = refs.team.unwrap_or(ticket.assignee_team);
        if let Some(tags) = tags {
            ticket.tags = tags;
        }
        if let Some(channel) = channel {
            ticket.channel = channel;
        }
        change(ticket, body, ask.at);
    });
    store.note(ask.at, "ticket-updated", Subject("Ticket", id), None);
    if let Some(Some(user)) = refs.user {
        let data = json!({"assignee_user_id": user});
        store.note(ask.at, "ticket-assigned", Subject("Ticket", id), Some(data));
    }
    let is_closed = store.desk.ticket(id).is_some_and(|ticket| ticket.is_closed);
    if is_closed && !was_closed {
        after_close(store, id, ask.at);
    } else if was_closed && !is_closed {
        store.note(ask.at, "ticket-reopened", Subject("Ticket", id), None);
    }
    Reply::wrote(200, &view(store, id))
}

fn change(ticket: &mut Ticket, body: &Value, at: Instant) {
    let text = |name: &str, slot: &mut Option<Box<str>>| {
        if body.get(name).is_some() {
            *slot = text_of(body, name).map(Box::from);
        }
    };
    text("external_id", &mut ticket.external_id);
    text("subject", &mut ticket.subject);
    text("language", &mut ticket.language);
    let time = |name: &str, slot: &mut Option<Instant>| {
        if body.get(name).is_some() {
            *slot = time_of(body, name);
        }
    };
    time("opened_datetime", &mut ticket.opened);
    time("trashed_datetime", &mut ticket.trashed);
    time("snooze_datetime", &mut ticket.snooze);
    time("last_message_datetime", &mut ticket.last_message);
    time("last_received_message_datetime", &mut ticket.last_received);
    match text_of(body, "status") {
        Some("closed") if !ticket.is_closed => {
            ticket.is_closed = true;
            ticket.closed = Some(at);
        }
        Some("open") => {
            ticket.is_closed = false;
            ticket.closed = None;
        }
        _ => {}
    }
    time("closed_datetime", &mut ticket.closed);
    ticket.priority = priority(body).unwrap_or(ticket.priority);
    ticket.spam = flag_of(body, "spam").unwrap_or(ticket.spam);
    ticket.from_agent = flag_of(body, "from_agent").unwrap_or(ticket.from_agent);
    ticket.is_unread = flag_of(body, "is_unread").unwrap_or(ticket.is_unread);
    if body.get("via").is_some() {
        ticket.via = intake::via(body);
    }
    if let Some(meta) = body.get("meta") {
        ticket.meta = meta.as_object().cloned().map(Box::new);
    }
    if body.get("custom_fields").is_some() {
        ticket.fields = fields::values_of(body.get("custom_fields"));
    }
    ticket.updated = time_of(body, "updated_datetime").unwrap_or(at);
}

fn delete(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    store.open_context();
    remove(store, id, ask.at);
    Reply::empty(204)
}

fn priority(body: &Value) -> Option<&'static str> {
    text_of(body, "priority").and_then(|word| vocabulary::known(PRIORITIES, word))
}

fn view(store: &Store, id: u64) -> TicketView<'_> {
    let ticket = store.desk.ticket(id).expect("the caller has looked the ticket up");
    TicketView { store, ticket }
}
