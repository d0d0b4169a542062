//! Owns create, read, update and delete of the small records: tags, teams, custom fields, rules,
//! macros, integrations, views and surveys. One table says what each of them takes.
//! It must not know tickets; what refers to a small record does so by its id.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, id_of, text_of};
use super::super::paging::{Key, Paging, sorted};
use super::super::show;
use super::super::store::Store;
use super::super::store::events::Subject;
use super::super::store::rows::{Kind as RowKind, Row};
use super::super::vocabulary::RULE_EVENTS;
use super::{BY_CREATION, number, uri};

mod forms;
mod many;

use forms::form;

/// Everything below the path of one kind.
pub(super) fn route(store: &mut Store, ask: &Ask, kind: RowKind, rest: &[&str]) -> Outcome {
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(store, ask, kind),
        ("POST", []) => create(store, ask, kind),
        ("DELETE", []) if kind == RowKind::Tag => many::delete_tags(store, ask),
        ("PUT", []) if kind == RowKind::Field => many::update_fields(store, ask),
        ("PUT", [id, "merge"]) if kind == RowKind::Tag => many::merge_tags(store, ask, number(id)?),
        ("PUT", ["archive" | "unarchive"]) if kind == RowKind::Macro => {
            many::archive(store, ask, rest[0])
        }
        ("POST", ["priorities"]) if kind == RowKind::Rule => many::prioritize(store, ask),
        ("GET", [id]) => {
            ask.only(&[])?;
            Reply::read(find(store, kind, number(id)?)?)
        }
        ("PUT", [id]) => {
            ask.only(&[])?;
            update(store, ask, kind, number(id)?)
        }
        ("DELETE", [id]) if !matches!(kind, RowKind::Field | RowKind::Survey) => {
            ask.only(&[])?;
            delete(store, ask, kind, number(id)?)
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn find(store: &Store, kind: RowKind, id: u64) -> Result<&Row, Refusal> {
    store.rows.get(kind, id).ok_or_else(Refusal::missing)
}

fn list(store: &Store, ask: &Ask, kind: RowKind) -> Outcome {
    let (orders, filters) = (orders(kind), filters(kind));
    ask.only(&[&["cursor", "limit", "order_by"], filters].concat())?;
    if kind == RowKind::Field && !matches!(ask.query("object_type"), Some("Ticket" | "Customer")) {
        return Err(Refusal::field("object_type", "Must be one of: Ticket, Customer."));
    }
    let ticket = ask.query_id("ticket_id")?;
    let paging = Paging::read(ask, orders, store.quirks.cursor_ttl_ms)?;
    let keep = |id: u64| store.rows.get(kind, id).is_some_and(|row| is_wanted(row, ask));
    let table = store.rows.table(kind);
    let page = match (paging.attribute(), ticket) {
        (_, Some(ticket)) => {
            let survey = store.rows.survey_of(ticket);
            paging.cut(&survey.map(|id| (Key::Number(0), id)).into_iter().collect::<Vec<_>>(), keep)
        }
        ("created_datetime", None) => paging.cut(&table.created, keep),
        (attribute, None) => {
            let key = |row: &Row| match row.get(attribute) {
                Some(Value::String(text)) => Key::Text(text.clone()),
                other => Key::Number(other.and_then(Value::as_i64).unwrap_or_default()),
            };
            paging.cut(&sorted(table.iter().map(|(id, row)| (key(row), id)).collect()), keep)
        }
    };
    let rows: Vec<&Row> = page.ids.iter().filter_map(|id| store.rows.get(kind, *id)).collect();
    Reply::read(&show::list(&uri(ask), &rows, page.prev, page.next))
}

/// The orders of a list; the first is the default.
fn orders(kind: RowKind) -> &'static [&'static str] {
    match kind {
        RowKind::Tag => &[
            "created_datetime:desc",
            "created_datetime:asc",
            "name:asc",
            "name:desc",
            "usage:desc,name:desc",
            "usage:asc,name:asc",
        ],
        RowKind::Team | RowKind::Macro | RowKind::View | RowKind::Rule => {
            &["created_datetime:desc", "created_datetime:asc", "name:asc", "name:desc"]
        }
        RowKind::Field => &["priority:desc", "priority:asc"],
        _ => BY_CREATION,
    }
}

/// The filters of a list besides paging.
fn filters(kind: RowKind) -> &'static [&'static str] {
    match kind {
        RowKind::Tag => &["search"],
        RowKind::Field => &["object_type", "search", "archived"],
        RowKind::Macro => &["search", "archived"],
        RowKind::Survey => &["ticket_id"],
        RowKind::Integration => &["type"],
        RowKind::View => &["type"],
        _ => &[],
    }
}

fn is_wanted(row: &Row, ask: &Ask) -> bool {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let same = |name: &str| ask.query(name).is_none_or(|wanted| text(name) == Some(wanted));
    let is_found = ask.query("search").is_none_or(|search| {
        let label = text("name").or(text("label")).unwrap_or_default();
        label.to_lowercase().contains(&search.to_lowercase())
    });
    let archived = |name: &str| row.get(name).is_some_and(|time| !time.is_null());
    let is_archived = archived("deactivated_datetime") || archived("archived_datetime");
    let fits_archive = match ask.query("archived") {
        Some("true") => is_archived,
        Some("false") => !is_archived,
        _ => true,
    };
    same("object_type") && same("type") && is_found && fits_archive
}

fn create(store: &mut Store, ask: &Ask, kind: RowKind) -> Outcome {
    ask.only(&[])?;
    let form = form(kind);
    ask.fits(form.create, store.strict, &format!("Failed to create {}", form.noun))?;
    check(store, kind, &ask.body, None)?;
    let mut row = (form.blank)(ask.at);
    row.extend(ask.body.as_object().cloned().unwrap_or_default());
    shape_row(store, kind, &mut row);
    store.open_context();
    if kind == RowKind::Survey && is_to_be_sent(&row) {
        store.tally.surveys_sent += 1;
    }
    let id = store.rows.add(kind, row, ask.at);
    if let Some((made, object)) = form.events {
        store.note(ask.at, made, Subject(object, id), None);
    }
    Reply::wrote(201, find(store, kind, id)?)
}

fn update(store: &mut Store, ask: &Ask, kind: RowKind, id: u64) -> Outcome {
    find(store, kind, id)?;
    let form = form(kind);
    ask.fits(form.update, store.strict, &format!("Failed to update {}", form.noun))?;
    check(store, kind, &ask.body, Some(id))?;
    let mut row = find(store, kind, id)?.clone();
    row.extend(ask.body.as_object().cloned().unwrap_or_default());
    if row.contains_key("updated_datetime") {
        row.insert("updated_datetime".to_owned(), json!(ask.at));
    }
    shape_row(store, kind, &mut row);
    store.rows.change(kind, id, |slot| *slot = row);
    Reply::wrote(200, find(store, kind, id)?)
}

/// A survey with a time to send it and none at which it was sent goes to the customer.
fn is_to_be_sent(row: &Row) -> bool {
    let has = |name: &str| row.get(name).is_some_and(|time| !time.is_null());
    has("should_send_datetime") && !has("sent_datetime")
}

/// What must hold between a body and other records.
fn check(store: &Store, kind: RowKind, body: &Value, own: Option<u64>) -> Result<(), Refusal> {
    let is_other = |id: u64| Some(id) != own;
    match kind {
        RowKind::Tag => {
            let owner = text_of(body, "name").and_then(|name| store.rows.tag_named(name));
            if owner.is_some_and(is_other) { Err(Refusal::exists()) } else { Ok(()) }
        }
        RowKind::Team => {
            let members = body.get("members").and_then(Value::as_array).into_iter().flatten();
            let mut ids = members.filter_map(|member| id_of(member, "id"));
            if ids.any(|id| store.people.user(id).is_none()) {
                return Err(Refusal::field("members", "No such user."));
            }
            Ok(())
        }
        RowKind::Survey => {
            let ticket = id_of(body, "ticket_id").unwrap_or_default();
            let customer = id_of(body, "customer_id").unwrap_or_default();
            if store.desk.ticket(ticket).is_none() {
                return Err(Refusal::field("ticket_id", "No such ticket."));
            }
            if store.people.customer(customer).is_none() {
                return Err(Refusal::field("customer_id", "No such customer."));
            }
            let owner = store.rows.survey_of(ticket);
            if owner.is_some_and(is_other) { Err(Refusal::exists()) } else { Ok(()) }
        }
        RowKind::Rule => {
            let events = text_of(body, "event_types").unwrap_or_default();
            let mut words = events.split(',').map(str::trim).filter(|word| !word.is_empty());
            if words.any(|word| !RULE_EVENTS.contains(&word)) {
                let problem = format!("Must be of: {}.", RULE_EVENTS.join(", "));
                return Err(Refusal::field("event_types", &problem));
            }
            Ok(())
        }
        RowKind::View => {
            let filters = text_of(body, "filters").unwrap_or_default();
            super::views::Filter::parse(filters).map(|_| ())
        }
        RowKind::Field => {
            let wrong = body.get("managed_type").is_some_and(|managed| {
                let is_customer = text_of(body, "object_type") == Some("Customer");
                !managed.is_null() && own.is_none() && is_customer != (managed == "customer_type")
            });
            let problem = "Does not fit the object type.";
            if wrong { Err(Refusal::field("managed_type", problem)) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// Brings a row into the form it is shown in.
fn shape_row(store: &Store, kind: RowKind, row: &mut Row) {
    match kind {
        RowKind::Team => {
            let members = row.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
            let ids = members.iter().filter_map(|member| id_of(member, "id"));
            let shown: Vec<Value> = ids.map(|id| show::mention(store, id)).collect();
            row.insert("members".to_owned(), Value::Array(shown));
        }
        RowKind::Field => {
            // The vendor numbers priorities anew; the lowest comes back as ten.
            if row.get("priority").and_then(Value::as_i64) == Some(0) {
                row.insert("priority".to_owned(), json!(10));
            }
            let required = row.get("required").and_then(Value::as_bool).unwrap_or_default();
            let requirement = if required { "required" } else { "visible" };
            row.entry("requirement_type").or_insert_with(|| json!(requirement));
        }
        RowKind::Tag if row.get("decoration").is_none_or(Value::is_null) => {
            row.insert("decoration".to_owned(), json!({"color": "#8D8D8D"}));
        }
        _ => {}
    }
    for value in row.values_mut() {
        normalize_time(value);
    }
}

/// Times are answered in the vendor's form whatever form they came in.
fn normalize_time(value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let looks_dated = text.len() >= 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    if looks_dated && let Some(time) = super::super::instant::Instant::parse(text) {
        *value = Value::String(time.text());
    }
}

fn delete(store: &mut Store, ask: &Ask, kind: RowKind, id: u64) -> Outcome {
    let row = find(store, kind, id)?;
    if row.get("category").and_then(Value::as_str) == Some("system") {
        return Err(Refusal::new(
            403,
            "You do not have enough permissions to perform this action.",
        ));
    }
    if matches!(kind, RowKind::Macro | RowKind::Tag) && is_used_by_rule(store, kind, row, id) {
        return Err(Refusal::new(409, "The resource is used by a rule."));
    }
    store.open_context();
    remove(store, kind, id);
    if kind == RowKind::Tag {
        store.note(ask.at, "tag-deleted", Subject("Tag", id), None);
    }
    Reply::empty(204)
}

fn remove(store: &mut Store, kind: RowKind, id: u64) {
    store.rows.remove(kind, id);
    if kind == RowKind::Tag {
        replace_tag(store, id, None);
    }
}

/// Takes a tag off every ticket, or puts another one in its place.
fn replace_tag(store: &mut Store, id: u64, by: Option<u64>) {
    let all = store.desk.created.iter().map(|(_, ticket)| *ticket);
    let is_tagged =
        |ticket: &u64| store.desk.ticket(*ticket).is_some_and(|ticket| ticket.tags.contains(&id));
    let tagged: Vec<u64> = all.filter(is_tagged).collect();
    for ticket in tagged {
        store.desk.change_ticket(ticket, |ticket| {
            ticket.tags.retain(|tag| *tag != id);
            ticket.tags.extend(by.filter(|by| !ticket.tags.contains(by)));
        });
    }
}

fn is_used_by_rule(store: &Store, kind: RowKind, row: &Row, id: u64) -> bool {
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    store.rows.table(RowKind::Rule).iter().any(|(_, rule)| {
        let is_on = rule.get("deactivated_datetime").is_none_or(Value::is_null);
        let code = rule.get("code").and_then(Value::as_str).unwrap_or_default();
        let by_name = kind == RowKind::Tag && code.contains(&format!("'{name}'"));
        is_on && (code.contains(&id.to_string()) || by_name)
    })
}
