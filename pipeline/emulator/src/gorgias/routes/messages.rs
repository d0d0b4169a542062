//! Owns the message endpoints: the cursor list over all tickets, the deprecated page-numbered list
//! of one ticket, and create, read, update and delete below a ticket.
//! It must not know the rules on direction and channel; those are the intake's.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, flag_of, text_of, time_of};
use super::super::paging::{Key, Paging, sorted};
use super::super::shape::{Field, Kind, may, must, or_null};
use super::super::show::{self, MessageView};
use super::super::store::Store;
use super::super::store::desk::Message;
use super::super::store::events::Subject;
use super::super::vocabulary::{CHANNELS, VIAS};
use super::intake::{self, ALONE, MESSAGE};
use super::{BY_CREATION, number, uri};

/// Messages on one numbered page.
const PER_PAGE: usize = 30;

/// An update takes a channel of the closed list; what it can change is a part of the create body.
const UPDATE: &[Field] = &[
    must("channel", Kind::OneOf(CHANNELS)),
    must("from_agent", Kind::Bool),
    may("via", Kind::OneOf(VIAS)),
    may("sender", Kind::Map),
    or_null("receiver", Kind::Map),
    or_null("source", Kind::Map),
    or_null("body_text", Kind::Text(0, usize::MAX)),
    or_null("body_html", Kind::Text(0, usize::MAX)),
    or_null("stripped_text", Kind::Text(0, usize::MAX)),
    or_null("stripped_html", Kind::Text(0, usize::MAX)),
    or_null("stripped_signature", Kind::Text(0, usize::MAX)),
    or_null("subject", Kind::Text(0, 998)),
    or_null("attachments", Kind::List(&Kind::Map, 0, 1_000)),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("message_id", Kind::Text(0, 1_024)),
    may("created_datetime", Kind::Time),
    or_null("sent_datetime", Kind::Time),
    or_null("opened_datetime", Kind::Time),
    or_null("failed_datetime", Kind::Time),
    or_null("deleted_datetime", Kind::Time),
    may("public", Kind::Bool),
    or_null("meta", Kind::Map),
];

/// Everything below `/tickets/{id}/messages`.
pub(super) fn route(store: &mut Store, ask: &Ask, ticket: u64, rest: &[&str]) -> Outcome {
    if store.desk.ticket(ticket).is_none() {
        return Err(Refusal::missing());
    }
    match (ask.method.as_str(), rest) {
        ("GET", []) => numbered(store, ask, ticket),
        ("POST", []) => create(store, ask, ticket),
        ("GET", [id]) => Reply::read(&view(store, find(store, ticket, id)?)),
        ("PUT", [id]) => {
            let id = find(store, ticket, id)?.id;
            update(store, ask, id)
        }
        ("DELETE", [id]) => {
            let id = find(store, ticket, id)?.id;
            store.open_context();
            store.desk.remove_message(id);
            store.note(ask.at, "ticket-message-deleted", Subject("TicketMessage", id), None);
            Reply::empty(204)
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

/// `GET /messages`: the only filter is the ticket.
pub(super) fn list_all(store: &Store, ask: &Ask) -> Outcome {
    if ask.method != "GET" {
        return Err(Refusal::method());
    }
    ask.only(&["cursor", "limit", "order_by", "ticket_id"])?;
    let paging = Paging::read(ask, BY_CREATION, store.quirks.cursor_ttl_ms)?;
    let keep = |id: u64| {
        store.desk.message(id).is_some_and(|message| store.is_listed(message.processed, ask))
    };
    let page = match ask.query_id("ticket_id")? {
        None => paging.cut(&store.desk.messages_created, keep),
        Some(ticket) => {
            let ids = store.desk.ticket(ticket).map_or(&[][..], |ticket| &ticket.messages);
            let place = |id: &u64| {
                store.desk.message(*id).map(|message| (Key::Number(message.created.0), *id))
            };
            paging.cut(&sorted(ids.iter().filter_map(place).collect()), keep)
        }
    };
    let messages = page.ids.iter().filter_map(|id| store.desk.message(*id));
    let views: Vec<MessageView> = messages.map(|message| view(store, message)).collect();
    Reply::read(&show::list(&uri(ask), &views, page.prev, page.next))
}

/// The deprecated list. A caller that waits for a cursor sees the first page and no more.
fn numbered(store: &Store, ask: &Ask, ticket: u64) -> Outcome {
    ask.only(&["page", "per_page", "limit", "cursor", "order_by"])?;
    let page = match ask.query("page").map(str::parse::<usize>) {
        None => 1,
        Some(Ok(page)) if page >= 1 => page,
        Some(_) => return Err(Refusal::field("page", "Not a valid integer.")),
    };
    let Some(ticket) = store.desk.ticket(ticket) else {
        return Err(Refusal::missing());
    };
    let thread = store.desk.thread(ticket);
    let on_page = thread.iter().skip((page - 1).saturating_mul(PER_PAGE)).take(PER_PAGE);
    let views: Vec<MessageView> = on_page.map(|message| view(store, message)).collect();
    Reply::read(&json!({
        "data": serde_json::to_value(&views).unwrap_or_default(),
        "object": "list",
        "uri": uri(ask),
        "meta": {
            "page": page, "per_page": PER_PAGE, "current_page": page,
            "item_count": thread.len(), "nb_pages": thread.len().div_ceil(PER_PAGE),
        },
    }))
}

fn create(store: &mut Store, ask: &Ask, ticket: u64) -> Outcome {
    ask.only(&["action"])?;
    if ask.query("action").is_some_and(|action| !["force", "retry", "cancel"].contains(&action)) {
        return Err(Refusal::field("action", "Must be one of: force, retry, cancel."));
    }
    ask.fits(&[MESSAGE, ALONE], store.strict, "Failed to create message")?;
    let draft = intake::plan(store, &ask.body, "")?;
    let imported = flag_of(&ask.body, "imported").unwrap_or_default();
    store.open_context();
    let id = intake::commit(store, &draft, ticket, imported, ask.at);
    let message = store.desk.message(id).expect("the message was stored a line above");
    let (created, is_received) = (message.created, !message.from_agent);
    store.desk.change_ticket(ticket, |ticket| {
        ticket.last_message = ticket.last_message.max(Some(created));
        if is_received {
            ticket.last_received = ticket.last_received.max(Some(created));
            ticket.is_unread = true;
        }
        ticket.updated = ask.at;
    });
    store.note(ask.at, "ticket-updated", Subject("Ticket", ticket), None);
    let message = store.desk.message(id).expect("the message was stored above");
    Reply::wrote(201, &view(store, message))
}

fn update(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&["action"])?;
    ask.fits(&[UPDATE], store.strict, "Failed to update message")?;
    let body = &ask.body;
    store.open_context();
    let channel = store.desk.word(text_of(body, "channel").unwrap_or_default());
    let foreign = intake::foreign_files(store, body);
    store.tally.foreign_files += foreign;
    if let Some(created) = time_of(body, "created_datetime") {
        store.desk.redate_message(id, created);
    }
    let message = store.desk.message_mut(id).expect("the caller has looked it up");
    message.channel = channel;
    message.from_agent = flag_of(body, "from_agent").unwrap_or(message.from_agent);
    change(message, body);
    // An incoming message without a sent time gets one as a side effect of any update.
    if message.sent.is_none() && !message.from_agent {
        message.sent = Some(message.created);
    }
    store.note(ask.at, "ticket-message-updated", Subject("TicketMessage", id), None);
    let message = store.desk.message(id).expect("the message was changed above");
    Reply::wrote(202, &view(store, message))
}

fn change(message: &mut Message, body: &Value) {
    let given = |name: &str| body.get(name);
    let text = |name: &str| text_of(body, name).map(Box::<str>::from);
    if given("via").is_some() {
        message.via = intake::via(body);
    }
    if given("external_id").is_some() {
        message.external_id = text("external_id");
    }
    if given("subject").is_some() {
        message.subject = text("subject");
    }
    if given("body_text").is_some() {
        message.body_text = text("body_text");
    }
    if given("body_html").is_some() {
        message.body_html = text("body_html");
    }
    if given("source").is_some() {
        message.source = intake::source(body);
    }
    if given("attachments").is_some() {
        message.attachments = intake::attachments(body);
    }
    if given("sent_datetime").is_some() {
        message.sent = time_of(body, "sent_datetime");
    }
    if let Some(public) = flag_of(body, "public") {
        message.public = public;
    }
    change_rare(message, body);
}

fn change_rare(message: &mut Message, body: &Value) {
    let owned = |name: &str| text_of(body, name).map(str::to_owned);
    if body.get("message_id").is_some() {
        message.rare_mut().message_id = owned("message_id");
    }
    if body.get("stripped_text").is_some() {
        message.rare_mut().stripped_text = owned("stripped_text");
    }
    if body.get("stripped_html").is_some() {
        message.rare_mut().stripped_html = owned("stripped_html");
    }
    if body.get("stripped_signature").is_some() {
        message.rare_mut().stripped_signature = owned("stripped_signature");
    }
    if body.get("opened_datetime").is_some() {
        message.rare_mut().opened = time_of(body, "opened_datetime");
    }
    if body.get("failed_datetime").is_some() {
        message.rare_mut().failed = time_of(body, "failed_datetime");
    }
    if body.get("deleted_datetime").is_some() {
        message.rare_mut().deleted = time_of(body, "deleted_datetime");
    }
    if let Some(meta) = body.get("meta") {
        message.rare_mut().meta = Some(meta.clone()).filter(|meta| !meta.is_null());
    }
}

fn find<'a>(store: &'a Store, ticket: u64, id: &str) -> Result<&'a Message, Refusal> {
    let message = store.desk.message(number(id)?).filter(|message| message.ticket == ticket);
    message.ok_or_else(Refusal::missing)
}

fn view<'a>(store: &'a Store, message: &'a Message) -> MessageView<'a> {
    MessageView { store, message, embedded: false }
}
