//! Owns the values of custom fields on tickets and customers: what a definition admits, and the
//! endpoints below `/tickets/{id}/custom-fields` and `/customers/{id}/custom-fields`.
//! The definitions themselves are small records of the catalog.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, id_of, text_of};
use super::super::shape::{self, Field, Kind, must, or_null};
use super::super::show;
use super::super::store::Store;
use super::super::store::rows::{Kind as RowKind, Row};
use super::{number, uri};

/// One value in a request.
pub(super) const VALUE: &[Field] =
    &[must("id", Kind::Int(1, i64::MAX)), or_null("value", Kind::Any)];

/// Values below a ticket.
pub(super) fn of_ticket(store: &mut Store, ask: &Ask, id: u64, rest: &[&str]) -> Outcome {
    let ticket = store.desk.ticket(id).ok_or_else(Refusal::missing)?;
    let after = edited(store, ask, "Ticket", &ticket.fields, rest)?;
    let Some((after, status)) = after else {
        return Reply::read(&shown(store, ask, "Ticket", &ticket.fields));
    };
    store.open_context();
    let values = after.clone();
    store.desk.change_ticket(id, |ticket| {
        ticket.fields = after;
        ticket.updated = ask.at;
    });
    answer(store, ask, "Ticket", &values, status)
}

/// Values below a customer.
pub(super) fn of_customer(store: &mut Store, ask: &Ask, id: u64, rest: &[&str]) -> Outcome {
    let customer = store.people.customer(id).ok_or_else(Refusal::missing)?;
    let after = edited(store, ask, "Customer", &customer.fields, rest)?;
    let Some((after, status)) = after else {
        return Reply::read(&shown(store, ask, "Customer", &customer.fields));
    };
    store.open_context();
    let values = after.clone();
    store.people.change_customer(id, |customer| {
        customer.fields = after;
        customer.updated = ask.at;
    });
    answer(store, ask, "Customer", &values, status)
}

/// Values of a checked list; null takes a value away.
pub(super) fn values_of(list: Option<&Value>) -> Vec<(u64, Value)> {
    let mut values: Vec<(u64, Value)> = Vec::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = id_of(entry, "id") {
            put(&mut values, id, entry.get("value").cloned().unwrap_or_default());
        }
    }
    values
}

/// Does every value of a list fit its definition?
pub(super) fn check_values(
    store: &Store,
    list: &Value,
    object: &str,
    path: &str,
) -> Result<(), Refusal> {
    for (position, entry) in list.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}.{position}");
        let id = id_of(entry, "id").unwrap_or_default();
        let row = definition(store, id, object)
            .ok_or_else(|| Refusal::field(&format!("{path}.id"), "No such custom field."))?;
        let value = entry.get("value").unwrap_or(&Value::Null);
        if let Some(problem) = misfit(row, value) {
            return Err(Refusal::field(&format!("{path}.value"), problem));
        }
    }
    Ok(())
}

type Edited = Option<(Vec<(u64, Value)>, u16)>;

/// The values after a write and its status code; `None` for a read.
fn edited(
    store: &Store,
    ask: &Ask,
    object: &str,
    before: &[(u64, Value)],
    rest: &[&str],
) -> Result<Edited, Refusal> {
    ask.only(&["cursor", "limit", "order_by"])?;
    let mut after = before.to_vec();
    match (ask.method.as_str(), rest) {
        ("GET", []) => Ok(None),
        ("PUT", []) => {
            let kind = Kind::List(&Kind::Object(&[VALUE]), 0, 1_000);
            let problems = shape::check_kind(&kind, &ask.body, store.strict);
            Refusal::unless_empty(problems, "Failed to set custom fields")?;
            check_values(store, &ask.body, object, "body")?;
            for (id, value) in listed(&ask.body) {
                put(&mut after, id, value);
            }
            Ok(Some((after, 200)))
        }
        ("PUT", [id]) => {
            let id = number(id)?;
            // Documents disagree on the body: a bare value, or an object around it.
            let value = ask.body.get("value").unwrap_or(&ask.body).clone();
            let one = json!([{"id": id, "value": value}]);
            definition(store, id, object).ok_or_else(Refusal::missing)?;
            check_values(store, &one, object, "body")?;
            put(&mut after, id, value);
            Ok(Some((after, 200)))
        }
        ("DELETE", [id]) => {
            let id = number(id)?;
            definition(store, id, object).ok_or_else(Refusal::missing)?;
            after.retain(|(field, _)| *field != id);
            Ok(Some((after, 204)))
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn listed(body: &Value) -> Vec<(u64, Value)> {
    let entries = body.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| {
            Some((id_of(entry, "id")?, entry.get("value").cloned().unwrap_or_default()))
        })
        .collect()
}

fn put(values: &mut Vec<(u64, Value)>, id: u64, value: Value) {
    values.retain(|(field, _)| *field != id);
    if !value.is_null() {
        values.push((id, value));
    }
}

fn answer(store: &Store, ask: &Ask, object: &str, values: &[(u64, Value)], status: u16) -> Outcome {
    if status == 204 {
        return Reply::empty(204);
    }
    Reply::wrote(status, &shown(store, ask, object, values))
}

fn shown(store: &Store, ask: &Ask, object: &str, values: &[(u64, Value)]) -> Value {
    let show = |(id, value): &(u64, Value)| {
        let field = store.rows.get(RowKind::Field, *id);
        if object == "Ticket" {
            json!({"field": field, "prediction": null, "value": value})
        } else {
            json!({"field": field, "value": value})
        }
    };
    let data: Vec<Value> = values.iter().map(show).collect();
    show::list(&uri(ask), &data, None, None)
}

fn definition<'a>(store: &'a Store, id: u64, object: &str) -> Option<&'a Row> {
    let row = store.rows.get(RowKind::Field, id)?;
    (row.get("object_type").and_then(Value::as_str) == Some(object)).then_some(row)
}

fn misfit(row: &Row, value: &Value) -> Option<&'static str> {
    if value.is_null() {
        return None;
    }
    let definition = row.get("definition").unwrap_or(&Value::Null);
    let settings = definition.get("input_settings").unwrap_or(&Value::Null);
    match text_of(definition, "data_type") {
        Some("number") => {
            let Some(number) = value.as_f64() else {
                return Some("Not a valid number.");
            };
            let bound = |name: &str| settings.get(name).and_then(Value::as_f64);
            let inside = bound("min").is_none_or(|min| number >= min)
                && bound("max").is_none_or(|max| number <= max);
            (!inside).then_some("Out of bounds.")
        }
        Some("boolean") => (!value.is_boolean()).then_some("Not a valid boolean."),
        _ => {
            let Some(text) = value.as_str() else {
                return Some("Not a valid string.");
            };
            let choices = settings.get("choices").and_then(Value::as_array);
            let is_choice = choices
                .is_none_or(|choices| choices.iter().any(|choice| choice.as_str() == Some(text)));
            (!is_choice).then_some("Not one of the choices.")
        }
    }
}
