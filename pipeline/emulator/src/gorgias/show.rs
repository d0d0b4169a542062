//! Owns the shapes of tickets, messages, customers and users as the vendor answers them.
//! It reads the store and never changes it, and must not know which call asked.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::instant::Instant;
use super::store::Store;
use super::store::desk::{Message, Rare, Ticket};
use super::store::people::{Customer, Person, User, split_name};
use super::store::rows::Kind;

/// Key under which customer data of this API key's application answers; the vendor uses the id of
/// an OAuth client there.
const DATA_APP: &str = "api-key";

/// A person as mentioned inside another object.
pub(super) fn mention(store: &Store, id: u64) -> Value {
    let (email, name, meta) = match store.people.person(id) {
        Some(Person::Customer(customer)) => {
            (customer.email.as_deref(), customer.name.as_deref(), name_meta(customer))
        }
        Some(Person::User(user)) => {
            (Some(user.email.as_str()), Some(user.name.as_str()), user_meta(user))
        }
        Some(Person::Merged(into)) => return mention(store, *into),
        Some(Person::Gone) | None => (None, None, Value::Null),
    };
    let (firstname, lastname) = split_name(name);
    json!({
        "id": id, "email": email, "name": name.unwrap_or_default(), "firstname": firstname,
        "lastname": lastname, "meta": meta,
    })
}

/// A user.
pub(super) fn user(user: &User, origin: &str) -> Value {
    let (firstname, lastname) = split_name(Some(&user.name));
    json!({
        "id": user.id, "active": true, "bio": user.bio, "created_datetime": user.created,
        "country": user.country, "deactivated_datetime": null, "email": user.email,
        "external_id": user.external_id, "firstname": firstname, "lastname": lastname,
        "has_password": user.role != "bot", "has_2fa_enabled": false, "language": user.language,
        "meta": user_meta(user), "name": user.name, "role": {"name": user.role},
        "timezone": user.timezone, "updated_datetime": user.updated, "client_id": null,
        "uri": format!("{origin}/api/users/{}/", user.id),
    })
}

/// Which form of a customer is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CustomerForm {
    /// In a list: no channels, no integrations.
    Item,
    /// After a write.
    Written,
    /// On its own or inside a ticket.
    Full,
}

/// A customer.
pub(super) fn customer(customer: &Customer, form: CustomerForm) -> Value {
    let (firstname, lastname) = split_name(customer.name.as_deref());
    let mut shown = json!({
        "id": customer.id, "external_id": customer.external_id, "active": true,
        "email": customer.email, "name": customer.name, "firstname": firstname,
        "lastname": lastname, "language": customer.language, "timezone": customer.timezone,
        "created_datetime": customer.created, "updated_datetime": customer.updated,
        "meta": name_meta(customer), "data": null, "note": customer.note,
    });
    if form == CustomerForm::Item {
        return shown;
    }
    shown["channels"] = channels(customer);
    shown["customer"] = Value::Null;
    shown["integrations"] = json!({});
    shown["custom_fields"] = Value::Object(field_values(&customer.fields));
    if form == CustomerForm::Full {
        let data = customer.external_data.as_deref().map(|data| {
            let mut data = data.clone();
            data.insert("__app_name__".to_owned(), json!("API key"));
            json!({DATA_APP: data})
        });
        shown["external_data"] = data.unwrap_or_else(|| json!({}));
        shown["ecommerce_data"] = json!({});
    }
    shown
}

/// Values of custom fields by definition id.
pub(super) fn field_values(fields: &[(u64, Value)]) -> Map<String, Value> {
    let show = |(id, value): &(u64, Value)| (id.to_string(), json!({"id": id, "value": value}));
    fields.iter().map(show).collect()
}

/// A message; inside a ticket it has no `headers`.
pub(super) struct MessageView<'a> {
    /// Where the people are.
    pub store: &'a Store,
    /// What is shown.
    pub message: &'a Message,
    /// Inside a ticket.
    pub embedded: bool,
}

impl Serialize for MessageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let MessageView { store, message, embedded } = self;
        let none = Rare::default();
        let rare = message.rare.as_deref().unwrap_or(&none);
        let person = |id: Option<u64>| id.map(|id| mention(store, id));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &message.id)?;
        let uri = format!("/api/tickets/{}/messages/{}/", message.ticket, message.id);
        map.serialize_entry("uri", &uri)?;
        map.serialize_entry("message_id", &rare.message_id)?;
        map.serialize_entry("ticket_id", &message.ticket)?;
        map.serialize_entry("external_id", &message.external_id)?;
        map.serialize_entry("public", &message.public)?;
        map.serialize_entry("channel", &*message.channel)?;
        map.serialize_entry("via", message.via)?;
        map.serialize_entry("source", &raw(message.source.as_deref()))?;
        map.serialize_entry("sender", &person(message.sender))?;
        map.serialize_entry("auth_customer_identity", &())?;
        map.serialize_entry("integration_id", &rare.integration)?;
        map.serialize_entry("intents", &intents(message))?;
        map.serialize_entry("rule_id", &())?;
        map.serialize_entry("from_agent", &message.from_agent)?;
        map.serialize_entry("receiver", &person(message.receiver))?;
        map.serialize_entry("subject", &message.subject)?;
        map.serialize_entry("body_text", &message.body_text)?;
        map.serialize_entry("body_html", &message.body_html)?;
        map.serialize_entry("stripped_text", &rare.stripped_text)?;
        map.serialize_entry("stripped_html", &rare.stripped_html)?;
        map.serialize_entry("stripped_signature", &rare.stripped_signature)?;
        map.serialize_entry("attachments", &raw(message.attachments.as_deref()))?;
        map.serialize_entry("macros", rare.macros.as_ref().unwrap_or(&json!([])))?;
        map.serialize_entry("actions", &rare.actions)?;
        if !embedded {
            map.serialize_entry("headers", &rare.headers)?;
        }
        map.serialize_entry("imported", &message.imported)?;
        map.serialize_entry("meta", &rare.meta)?;
        map.serialize_entry("created_datetime", &message.created)?;
        map.serialize_entry("processed_datetime", &message.processed)?;
        map.serialize_entry("deleted_datetime", &rare.deleted)?;
        map.serialize_entry("sent_datetime", &message.sent)?;
        map.serialize_entry("failed_datetime", &rare.failed)?;
        map.serialize_entry("opened_datetime", &rare.opened)?;
        map.serialize_entry("last_sending_error", &rare.last_sending_error)?;
        map.serialize_entry("is_retriable", &rare.last_sending_error.is_some())?;
        map.end()
    }
}

/// A ticket with everything in it.
pub(super) struct TicketView<'a> {
    /// Where everything else is.
    pub store: &'a Store,
    /// What is shown.
    pub ticket: &'a Ticket,
}

impl Serialize for TicketView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TicketView { store, ticket } = self;
        let mut map = serializer.serialize_map(None)?;
        basics(store, ticket, &mut map)?;
        let whole = ticket.customer.and_then(|id| store.people.customer(id));
        let whole = whole.map(|whole| customer(whole, CustomerForm::Full));
        map.serialize_entry("events", &[(); 0])?;
        map.serialize_entry("imported", &ticket.imported)?;
        map.serialize_entry("customer", &whole)?;
        map.serialize_entry("requester", &whole)?;
        map.serialize_entry("summary", &())?;
        map.serialize_entry("meta", &ticket.meta)?;
        if !ticket.fields.is_empty() {
            map.serialize_entry("custom_fields", &field_values(&ticket.fields))?;
        }
        let thread = store.desk.thread(ticket);
        let messages: Vec<MessageView> =
            thread.iter().map(|message| MessageView { store, message, embedded: true }).collect();
        map.serialize_entry("messages", &messages)?;
        map.serialize_entry("processed_datetime", &ticket.processed)?;
        let survey = store.rows.survey_of(ticket.id);
        let survey = survey.and_then(|id| store.rows.get(Kind::Survey, id));
        map.serialize_entry("satisfaction_survey", &survey)?;
        let options = json!({&*ticket.channel: {"answerable": true}});
        map.serialize_entry("reply_options", &options)?;
        map.end()
    }
}

/// A ticket in a list: no messages.
pub(super) struct TicketItem<'a> {
    /// Where everything else is.
    pub store: &'a Store,
    /// What is shown.
    pub ticket: &'a Ticket,
}

impl Serialize for TicketItem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TicketItem { store, ticket } = self;
        let mut map = serializer.serialize_map(None)?;
        basics(store, ticket, &mut map)?;
        let person = ticket.customer.map(|id| mention(store, id));
        map.serialize_entry("customer", &person)?;
        map.serialize_entry("requester", &person)?;
        let thread = store.desk.thread(ticket);
        let last = thread.iter().rev().find(|message| message.public);
        let excerpt: Option<String> = last
            .and_then(|message| message.body_text.as_deref())
            .map(|text| text.chars().take(EXCERPT_CHARS).collect());
        map.serialize_entry("excerpt", &excerpt)?;
        map.serialize_entry("integrations", &[(); 0])?;
        map.serialize_entry("messages_count", &ticket.messages.len())?;
        let failed = thread.iter().any(|message| {
            message.rare.as_ref().is_some_and(|rare| rare.last_sending_error.is_some())
        });
        map.serialize_entry("last_sent_message_not_delivered", &failed)?;
        map.end()
    }
}

/// How much of the last message a list shows.
const EXCERPT_CHARS: usize = 200;

fn basics<M: SerializeMap>(store: &Store, ticket: &Ticket, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("id", &ticket.id)?;
    map.serialize_entry("uri", &format!("/api/tickets/{}/", ticket.id))?;
    map.serialize_entry("external_id", &ticket.external_id)?;
    map.serialize_entry("status", if ticket.is_closed { "closed" } else { "open" })?;
    map.serialize_entry("priority", ticket.priority)?;
    map.serialize_entry("channel", &*ticket.channel)?;
    map.serialize_entry("via", ticket.via)?;
    map.serialize_entry("from_agent", &ticket.from_agent)?;
    map.serialize_entry("spam", &ticket.spam)?;
    map.serialize_entry("assignee_user", &ticket.assignee_user.map(|id| mention(store, id)))?;
    map.serialize_entry("assignee_user_id", &ticket.assignee_user)?;
    let team = ticket.assignee_team.and_then(|id| store.rows.get(Kind::Team, id));
    let team = team.map(|row| {
        json!({"id": row.get("id"), "name": row.get("name"), "decoration": row.get("decoration")})
    });
    map.serialize_entry("assignee_team", &team)?;
    map.serialize_entry("assignee_team_id", &ticket.assignee_team)?;
    map.serialize_entry("language", &ticket.language)?;
    map.serialize_entry("subject", &ticket.subject)?;
    map.serialize_entry("tags", &tags(store, ticket))?;
    map.serialize_entry("is_unread", &ticket.is_unread)?;
    map.serialize_entry("created_datetime", &ticket.created)?;
    map.serialize_entry("opened_datetime", &ticket.opened)?;
    map.serialize_entry("last_received_message_datetime", &ticket.last_received)?;
    map.serialize_entry("last_message_datetime", &ticket.last_message)?;
    map.serialize_entry("updated_datetime", &ticket.updated)?;
    map.serialize_entry("closed_datetime", &ticket.closed)?;
    map.serialize_entry("trashed_datetime", &ticket.trashed)?;
    map.serialize_entry("snooze_datetime", &ticket.snooze)
}

/// The tags of a ticket.
pub(super) fn tags(store: &Store, ticket: &Ticket) -> Vec<Value> {
    let rows = ticket.tags.iter().filter_map(|id| store.rows.get(Kind::Tag, *id));
    rows.map(|row| {
        json!({"id": row.get("id"), "name": row.get("name"), "decoration": row.get("decoration")})
    })
    .collect()
}

fn channels(customer: &Customer) -> Value {
    let owner = json!({"id": customer.id, "name": customer.name});
    let show = |channel: &super::store::people::Channel| {
        json!({
            "id": channel.id, "type": channel.kind, "address": channel.address,
            "preferred": channel.preferred, "created_datetime": channel.created,
            "updated_datetime": channel.created, "deleted_datetime": null,
            "user": owner, "customer": owner,
        })
    };
    Value::Array(customer.channels.iter().map(show).collect())
}

fn intents(message: &Message) -> Value {
    if message.has_intents {
        json!([{"name": "other/question", "is_user_feedback": false, "rejected": false}])
    } else {
        json!([])
    }
}

fn name_meta(customer: &Customer) -> Value {
    if customer.name_by_agent { json!({"name_set_via": "agent"}) } else { Value::Null }
}

fn user_meta(user: &User) -> Value {
    json!({"sso": null, "profile_picture_url": user.picture})
}

fn raw(text: Option<&str>) -> Option<&RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

/// The list envelope.
pub(super) fn list(
    uri: &str,
    data: &impl Serialize,
    prev: Option<String>,
    next: Option<String>,
) -> Value {
    let data = serde_json::to_value(data).unwrap_or_default();
    json!({
        "data": data, "object": "list", "uri": uri,
        "meta": {"prev_cursor": prev, "next_cursor": next},
    })
}

/// A time that may be missing, as JSON.
pub(super) fn time(value: Option<Instant>) -> Value {
    value.map_or(Value::Null, |time| Value::String(time.text()))
}
