//! Owns the customer endpoints: list and search, create, read, update, delete, merge and the free
//! data of an application. It must not know tickets beyond moving them when customers merge.

use serde_json::{Map, Value};

use super::super::ask::{Ask, Outcome, Refusal, Reply, text_of, time_of};
use super::super::paging::{Key, Paging, sorted};
use super::super::parties::{self, CHANNEL};
use super::super::shape::{Field, Kind, may, must, or_null, should};
use super::super::show::{self, CustomerForm};
use super::super::store::Store;
use super::super::store::events::Subject;
use super::super::store::people::{Channel, Customer, Person};
use super::{BY_CREATION_OR_CHANGE, fields, number, uri};

const CHANNELS: Kind = Kind::List(&Kind::Object(&[CHANNEL]), 0, 1_000);
const SHARED: &[Field] = &[
    or_null("email", Kind::Email),
    or_null("name", Kind::Text(0, 1_024)),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("language", Kind::Language),
    or_null("timezone", Kind::Zone),
];
const CREATE: &[Field] = &[should("channels", CHANNELS)];
const UPDATE: &[Field] = &[may("channels", CHANNELS)];
const DATA: &[Field] = &[must("data", Kind::Any), or_null("version", Kind::Time)];
const IDS: &[Field] = &[must("ids", Kind::List(&Kind::Int(1, i64::MAX), 1, 1_000))];

/// Everything below `/customers`.
pub(super) fn route(store: &mut Store, ask: &Ask, rest: &[&str]) -> Outcome {
    let method = ask.method.as_str();
    match (method, rest) {
        ("GET", []) => list(store, ask),
        ("POST", []) => create(store, ask),
        ("DELETE", []) => delete_many(store, ask),
        ("PUT", ["merge"]) => merge(store, ask),
        (_, [] | ["merge"]) => Err(Refusal::method()),
        (_, [id, rest @ ..]) => {
            let id = number(id)?;
            present(store, id)?;
            match (method, rest) {
                ("GET", []) => {
                    ask.only(&["relationships"])?;
                    Reply::read(&view(store, id, CustomerForm::Full))
                }
                ("PUT", []) => update(store, ask, id),
                ("DELETE", []) => {
                    ask.only(&[])?;
                    store.open_context();
                    delete(store, ask, id);
                    Reply::empty(204)
                }
                ("PUT", ["data"]) => set_data(store, ask, id),
                (_, [] | ["data"]) => Err(Refusal::method()),
                (_, ["custom-fields", rest @ ..]) => fields::of_customer(store, ask, id, rest),
                _ => Err(Refusal::missing()),
            }
        }
    }
}

/// A customer that is there; one that was merged answers with where it went.
fn present(store: &Store, id: u64) -> Result<(), Refusal> {
    match store.people.person(id) {
        Some(Person::Customer(_)) => Ok(()),
        Some(Person::Merged(into)) => {
            let mut last = *into;
            while let Some(Person::Merged(next)) = store.people.person(last) {
                last = *next;
            }
            Err(Refusal::moved(format!("/api/customers/{last}/")))
        }
        _ => Err(Refusal::missing()),
    }
}

fn list(store: &Store, ask: &Ask) -> Outcome {
    ask.only(&[
        "cursor",
        "limit",
        "order_by",
        "email",
        "external_id",
        "name",
        "language",
        "timezone",
        "view_id",
        "channel_type",
        "channel_address",
    ])?;
    let paged = ["cursor", "limit", "order_by"].iter().any(|name| ask.query(name).is_some());
    for name in ["language", "timezone"] {
        if paged && ask.query(name).is_some() {
            return Err(Refusal::field(name, "Cannot be combined with cursor, limit or order_by."));
        }
    }
    if ask.query("channel_type").is_some() != ask.query("channel_address").is_some() {
        return Err(Refusal::field("channel_type", "Needs channel_address, and the reverse."));
    }
    let paging = Paging::read(ask, BY_CREATION_OR_CHANGE, store.quirks.cursor_ttl_ms)?;
    let by_change = paging.attribute() == "updated_datetime";
    let keep = |id: u64| store.people.customer(id).is_some_and(|customer| fits(customer, ask));
    let page = match narrowed(store, ask) {
        None if by_change => paging.cut(&store.people.customers_updated, keep),
        None => paging.cut(&store.people.customers_created, keep),
        Some(ids) => {
            let place = |id: &u64| {
                let customer = store.people.customer(*id)?;
                let time = if by_change { customer.updated } else { customer.created };
                Some((Key::Number(time.0), *id))
            };
            paging.cut(&sorted(ids.iter().filter_map(place).collect()), keep)
        }
    };
    let found = page.ids.iter().filter_map(|id| store.people.customer(*id));
    let items: Vec<Value> =
        found.map(|customer| show::customer(customer, CustomerForm::Item)).collect();
    Reply::read(&show::list(&uri(ask), &items, page.prev, page.next))
}

/// The few customers that an exact filter leaves; `None` means all.
fn narrowed(store: &Store, ask: &Ask) -> Option<Vec<u64>> {
    if let Some(external_id) = ask.query("external_id") {
        let ids = store.people.by_external(external_id).iter().copied();
        let is_indexed = |id: &u64| {
            let customer = store.people.customer(*id);
            customer.is_some_and(|customer| store.is_indexed(customer.created, ask))
        };
        return Some(ids.filter(is_indexed).collect());
    }
    if let Some(email) = ask.query("email") {
        return Some(store.people.customer_by_email(email).into_iter().collect());
    }
    let (kind, address) = (ask.query("channel_type")?, ask.query("channel_address")?);
    Some(store.people.by_channel(kind, address).to_vec())
}

fn fits(customer: &Customer, ask: &Ask) -> bool {
    let same = |name: &str, value: Option<&str>| {
        ask.query(name).is_none_or(|wanted| value == Some(wanted))
    };
    let has_email = ask.query("email").is_none_or(|wanted| {
        let mails = customer.channels.iter().filter(|channel| &*channel.kind == "email");
        let mails = mails.map(|channel| &*channel.address).chain(customer.email.as_deref());
        mails.into_iter().any(|mail| mail.to_lowercase() == wanted.to_lowercase())
    });
    has_email
        && same("external_id", customer.external_id.as_deref())
        && same("name", customer.name.as_deref())
        && same("language", customer.language.as_deref())
        && same("timezone", customer.timezone.as_deref())
}

fn create(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[SHARED, CREATE], store.strict, "Failed to create customer")?;
    check_addresses(store, &ask.body, None)?;
    store.open_context();
    let channels = ask.body.get("channels").unwrap_or(&Value::Null);
    let mut customer = parties::blank(ask.at);
    customer.channels = parties::channels(store, channels, ask.at);
    change(&mut customer, &ask.body);
    complete(store, &mut customer);
    let id = store.people.add_customer(customer);
    store.note(ask.at, "customer-created", Subject("Customer", id), None);
    Reply::wrote(201, &view(store, id, CustomerForm::Written))
}

fn update(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[SHARED, UPDATE], store.strict, "Failed to update customer")?;
    check_addresses(store, &ask.body, Some(id))?;
    store.open_context();
    let Some(mut customer) = store.people.customer(id).cloned() else {
        return Err(Refusal::missing());
    };
    if let Some(channels) = ask.body.get("channels") {
        customer.channels = parties::channels(store, channels, ask.at);
    }
    change(&mut customer, &ask.body);
    complete(store, &mut customer);
    customer.updated = ask.at;
    store.people.change_customer(id, |slot| *slot = customer);
    store.note(ask.at, "customer-updated", Subject("Customer", id), None);
    Reply::wrote(200, &view(store, id, CustomerForm::Written))
}

/// An e-mail address belongs to one customer, whatever its case.
fn check_addresses(store: &Store, body: &Value, own: Option<u64>) -> Result<(), Refusal> {
    let is_taken =
        |email: &str| store.people.customer_by_email(email).is_some_and(|owner| Some(owner) != own);
    if text_of(body, "email").is_some_and(is_taken) {
        return Err(Refusal::exists());
    }
    let entries = body.get("channels").and_then(Value::as_array).into_iter().flatten();
    for (position, entry) in entries.enumerate() {
        let kind = text_of(entry, "type").unwrap_or_default();
        let address = text_of(entry, "address").unwrap_or_default();
        if kind == "email" && !address.contains('@') {
            let path = format!("channels.{position}.address");
            return Err(Refusal::field(&path, "Not a valid email address."));
        }
        let phone = kind == "phone" && store.quirks.unique_phones;
        let owners = store.people.by_channel(kind, address);
        if kind == "email" && is_taken(address)
            || phone && owners.iter().any(|owner| Some(*owner) != own)
        {
            return Err(Refusal::exists());
        }
    }
    Ok(())
}

fn change(customer: &mut Customer, body: &Value) {
    let set = |slot: &mut Option<Box<str>>, name: &str| {
        if body.get(name).is_some() {
            *slot = text_of(body, name).map(Box::from);
        }
    };
    set(&mut customer.email, "email");
    set(&mut customer.name, "name");
    set(&mut customer.external_id, "external_id");
    set(&mut customer.language, "language");
    set(&mut customer.timezone, "timezone");
    customer.name_by_agent |= text_of(body, "name").is_some();
}

/// The address and the first e-mail channel follow each other.
fn complete(store: &mut Store, customer: &mut Customer) {
    let mut mails = customer.channels.iter().filter(|channel| &*channel.kind == "email");
    let Some(email) = &customer.email else {
        customer.email = mails.next().map(|channel| channel.address.clone());
        return;
    };
    if !mails.any(|channel| channel.address.eq_ignore_ascii_case(email)) {
        let is_first = !customer.channels.iter().any(|channel| &*channel.kind == "email");
        customer.channels.push(Channel {
            id: store.people.channel_id(),
            kind: "email".into(),
            address: email.clone(),
            preferred: is_first,
            created: customer.updated,
        });
    }
}

fn merge(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&["source_id", "target_id"])?;
    let wanted = |name: &str| -> Result<u64, Refusal> {
        let missing = || Refusal::field(name, "Missing data for required field.");
        ask.query_id(name)?.ok_or_else(missing)
    };
    let (source, target) = (wanted("source_id")?, wanted("target_id")?);
    ask.fits(&[SHARED, UPDATE], store.strict, "Failed to merge customers")?;
    present(store, source)?;
    present(store, target)?;
    if source == target {
        return Err(Refusal::new(409, "A customer cannot be merged into itself."));
    }
    let Some(from) = store.people.customer(source).cloned() else {
        return Err(Refusal::missing());
    };
    store.open_context();
    store.people.remove_customer(source, Some(target));
    let tickets = store.desk.by_customer(source).to_vec();
    for ticket in tickets {
        store.desk.change_ticket(ticket, |ticket| ticket.customer = Some(target));
    }
    // A name in the body does not reach the target, as recordings show; the rest is assumed not to
    // either, because the answer showed the target as it was.
    store.people.change_customer(target, |customer| {
        customer.channels.extend(from.channels);
        customer.email = customer.email.take().or(from.email);
        for (field, value) in from.fields {
            if !customer.fields.iter().any(|(known, _)| *known == field) {
                customer.fields.push((field, value));
            }
        }
        customer.updated = ask.at;
    });
    store.note(ask.at, "customer-deleted", Subject("Customer", source), None);
    let data = serde_json::json!({"source_customer_id": source});
    store.note(ask.at, "customer-merged", Subject("Customer", target), Some(data));
    Reply::wrote(200, &view(store, target, CustomerForm::Written))
}

fn set_data(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[DATA], store.strict, "Failed to set customer data")?;
    let version = time_of(&ask.body, "version");
    let data = ask.body.get("data").cloned().unwrap_or_default();
    store.people.change_customer(id, |customer| {
        // An older version than the stored one is ignored without a word.
        if version.is_some() && version < customer.data_version {
            return;
        }
        customer.data_version = version.or(customer.data_version);
        customer.external_data = match data {
            Value::Null => None,
            Value::Object(fields) => Some(Box::new(fields)),
            other => Some(Box::new(Map::from_iter([("value".to_owned(), other)]))),
        };
        customer.updated = ask.at;
    });
    Reply::empty(202)
}

fn delete_many(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[IDS], store.strict, "Failed to delete customers")?;
    let ids = ask.body.get("ids").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<u64> = ids.filter_map(Value::as_u64).collect();
    if ids.iter().any(|id| store.people.customer(*id).is_none()) {
        return Err(Refusal::missing());
    }
    store.open_context();
    for id in ids {
        delete(store, ask, id);
    }
    Reply::empty(204)
}

fn delete(store: &mut Store, ask: &Ask, id: u64) {
    store.people.remove_customer(id, None);
    let tickets = store.desk.by_customer(id).to_vec();
    for ticket in tickets {
        store.desk.change_ticket(ticket, |ticket| ticket.customer = None);
    }
    store.note(ask.at, "customer-deleted", Subject("Customer", id), None);
}

fn view(store: &Store, id: u64, form: CustomerForm) -> Value {
    let customer = store.people.customer(id).expect("the caller has looked the customer up");
    show::customer(customer, form)
}
