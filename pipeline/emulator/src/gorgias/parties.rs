//! Owns the vendor's rule on nested people: only an id (or only an e-mail address) refers to a
//! record, any further field changes that record, and an unknown address makes a customer.
//! It must not know in which object the person is nested.

use serde_json::Value;

use super::ask::{Refusal, id_of, text_of};
use super::instant::Instant;
use super::shape::{Field, Kind, may, must, or_null};
use super::store::Store;
use super::store::events::Subject;
use super::store::people::{Channel, Customer, Person};

/// Longest channel slug accepted; the vendor names no number.
const SLUG_CHARS_MAX: usize = 255;

/// An address of a person, as a request gives it.
pub(super) const CHANNEL: &[Field] = &[
    must("type", Kind::Text(1, SLUG_CHARS_MAX)),
    must("address", Kind::Text(1, 320)),
    may("preferred", Kind::Bool),
];

/// A sender or receiver.
pub(super) const PERSON: &[Field] = &[
    may("id", Kind::Int(1, i64::MAX)),
    or_null("email", Kind::Email),
    or_null("name", Kind::Text(0, 1024)),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("note", Kind::Text(0, 65_535)),
    or_null("timezone", Kind::Zone),
    or_null("language", Kind::Language),
    or_null("meta", Kind::Map),
    may("channels", Kind::List(&Kind::Object(&[CHANNEL]), 0, 100)),
];

/// The customer of a ticket.
pub(super) const TICKET_CUSTOMER: &[Field] = &[
    may("id", Kind::Int(1, i64::MAX)),
    or_null("email", Kind::Email),
    or_null("name", Kind::Text(0, 1024)),
];

/// Whom a nested object means.
#[derive(Debug)]
pub(super) enum Party {
    /// A record that exists.
    Known(u64),
    /// Somebody to be made a customer.
    Unknown,
}

/// Which side of the conversation the person is on; it decides who is looked for first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The company.
    Agent,
    /// The public.
    Customer,
}

/// Finds whom a nested object means, without changing anything.
pub(super) fn resolve(
    store: &Store,
    given: &Value,
    side: Side,
    path: &str,
) -> Result<Party, Refusal> {
    if let Some(id) = id_of(given, "id") {
        let known = store.people.customer(id).is_some() || store.people.user(id).is_some();
        if !known {
            return Err(Refusal::field(&format!("{path}.id"), "No such customer or user."));
        }
        if let Some(email) = text_of(given, "email") {
            let owner = store.people.customer_by_email(email);
            if store.people.user(id).is_none() && owner.is_some_and(|owner| owner != id) {
                return Err(Refusal::exists());
            }
        }
        return Ok(Party::Known(id));
    }
    if let Some(id) = find(store, given, side) {
        return Ok(Party::Known(id));
    }
    let named = text_of(given, "email").is_some() || first_channel(given).is_some();
    if named || !store.strict {
        return Ok(Party::Unknown);
    }
    Err(Refusal::field(path, "An id, an email or a channel is required."))
}

/// Carries out what a nested object implies and gives back the id it means.
pub(super) fn settle(
    store: &mut Store,
    given: &Value,
    party: &Party,
    side: Side,
    at: Instant,
) -> u64 {
    // Somebody unknown may have been made a moment ago by another part of the same request.
    let id = match party {
        Party::Known(id) => Some(*id),
        Party::Unknown => find(store, given, side),
    };
    match id {
        Some(id) => {
            if edit(store, id, given, at) {
                store.tally.nested_mutations += 1;
            }
            id
        }
        None => create(store, given, at),
    }
}

/// Channels of a request as they are stored; the first of each type is preferred unless said.
pub(super) fn channels(store: &mut Store, given: &Value, at: Instant) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for entry in given.as_array().into_iter().flatten() {
        let (Some(kind), Some(address)) = (text_of(entry, "type"), text_of(entry, "address"))
        else {
            continue;
        };
        let is_first = !channels.iter().any(|channel| &*channel.kind == kind);
        let preferred = entry.get("preferred").and_then(Value::as_bool).unwrap_or(is_first);
        channels.push(Channel {
            id: store.people.channel_id(),
            kind: kind.into(),
            address: address.into(),
            preferred,
            created: at,
        });
    }
    channels
}

/// A customer without anything.
pub(super) fn blank(at: Instant) -> Customer {
    Customer {
        id: 0,
        external_id: None,
        email: None,
        name: None,
        language: None,
        timezone: None,
        created: at,
        updated: at,
        channels: Vec::new(),
        note: None,
        name_by_agent: false,
        external_data: None,
        data_version: None,
        fields: Vec::new(),
    }
}

fn find(store: &Store, given: &Value, side: Side) -> Option<u64> {
    if let Some(email) = text_of(given, "email") {
        let user = store.people.user_by_email(email);
        let customer = store.people.customer_by_email(email);
        return if side == Side::Agent { user.or(customer) } else { customer.or(user) };
    }
    let (kind, address) = first_channel(given)?;
    if kind == "email" {
        return store.people.customer_by_email(address);
    }
    store.people.by_channel(kind, address).first().copied()
}

fn first_channel(given: &Value) -> Option<(&str, &str)> {
    let entry = given.get("channels")?.as_array()?.first()?;
    Some((text_of(entry, "type")?, text_of(entry, "address")?))
}

fn create(store: &mut Store, given: &Value, at: Instant) -> u64 {
    let mut customer = blank(at);
    customer.channels = channels(store, given.get("channels").unwrap_or(&Value::Null), at);
    let from_channel = customer.channels.iter().find(|channel| &*channel.kind == "email");
    let from_channel = from_channel.map(|channel| channel.address.clone());
    customer.email = text_of(given, "email").map(Into::into).or(from_channel);
    let has_mail = customer.channels.iter().any(|channel| &*channel.kind == "email");
    if let Some(email) = customer.email.clone().filter(|_| !has_mail) {
        let id = store.people.channel_id();
        let kind = "email".into();
        customer.channels.push(Channel { id, kind, address: email, preferred: true, created: at });
    }
    fill(&mut customer, given);
    let id = store.people.add_customer(customer);
    store.tally.customers_by_mention += 1;
    store.note(at, "customer-created", Subject("Customer", id), None);
    id
}

fn edit(store: &mut Store, id: u64, given: &Value, at: Instant) -> bool {
    match store.people.person(id) {
        Some(Person::User(user)) => {
            let name = text_of(given, "name").filter(|name| *name != user.name).map(str::to_owned);
            let Some(name) = name else { return false };
            store.people.change_user(id, |user| {
                user.name = name;
                user.updated = at;
            });
            true
        }
        Some(Person::Customer(before)) => {
            let before: &Customer = before;
            let mut after = before.clone();
            fill(&mut after, given);
            let by_id = id_of(given, "id").is_some();
            if let Some(email) = text_of(given, "email").filter(|_| by_id) {
                let same =
                    after.email.as_deref().is_some_and(|old| old.eq_ignore_ascii_case(email));
                if !same {
                    after.email = Some(email.into());
                }
            }
            let changed = after.name != before.name
                || after.email != before.email
                || after.external_id != before.external_id
                || after.language != before.language
                || after.timezone != before.timezone
                || after.note != before.note;
            if changed {
                after.updated = at;
                store.people.change_customer(id, |customer| *customer = after);
                store.note(at, "customer-updated", Subject("Customer", id), None);
            }
            changed
        }
        _ => false,
    }
}

fn fill(customer: &mut Customer, given: &Value) {
    let set = |slot: &mut Option<Box<str>>, name: &str| {
        if let Some(text) = text_of(given, name) {
            *slot = Some(text.into());
        }
    };
    set(&mut customer.name, "name");
    set(&mut customer.external_id, "external_id");
    set(&mut customer.language, "language");
    set(&mut customer.timezone, "timezone");
    set(&mut customer.note, "note");
}
