//! Owns the account and its settings. The survey settings matter to others: they decide whether
//! closing a ticket would send a survey.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, text_of};
use super::super::shape::{Field, Kind, must};
use super::super::show;
use super::super::store::Store;
use super::super::store::rows::{Kind as RowKind, Row, object};
use super::{number, uri};

const TYPES: &[&str] = &[
    "satisfaction-surveys",
    "business-hours",
    "ticket-assignment",
    "views-ordering",
    "views-visibility",
    "access",
    "auto-merge",
    "auto-split",
    "default-integration",
    "limits",
    "agent-costs",
];
const SETTING: &[Field] = &[must("type", Kind::OneOf(TYPES)), must("data", Kind::Map)];

/// Everything below `/account`.
pub(super) fn route(store: &mut Store, ask: &Ask, rest: &[&str]) -> Outcome {
    match (ask.method.as_str(), rest) {
        ("GET", []) => {
            ask.only(&[])?;
            account(store)
        }
        ("GET", ["settings"]) => {
            ask.only(&["type"])?;
            let rows = settings(store, ask.query("type"));
            Reply::read(&show::list(&uri(ask), &rows, None, None))
        }
        ("POST", ["settings"]) => {
            ask.only(&[])?;
            ask.fits(&[SETTING], store.strict, "Failed to create setting")?;
            let kind = text_of(&ask.body, "type").unwrap_or_default();
            if store.rows.setting(kind).is_some() {
                return Err(Refusal::exists());
            }
            let row = object(json!({"type": kind, "data": ask.body.get("data")}));
            let id = store.rows.add(RowKind::Setting, row, ask.at);
            Reply::wrote(201, &shown(store, id))
        }
        ("PUT", ["settings", id]) => {
            ask.only(&[])?;
            let id = number(id)?;
            let row = store.rows.get(RowKind::Setting, id).ok_or_else(Refusal::missing)?;
            ask.fits(&[SETTING], store.strict, "Failed to update setting")?;
            if row.get("type").and_then(Value::as_str) != text_of(&ask.body, "type") {
                return Err(Refusal::field("type", "The type of a setting cannot change."));
            }
            let data = ask.body.get("data").cloned().unwrap_or_default();
            store.rows.change(RowKind::Setting, id, |row| {
                row.insert("data".to_owned(), data);
            });
            Reply::wrote(200, &shown(store, id))
        }
        (_, [] | ["settings"] | ["settings", _]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn account(store: &Store) -> Outcome {
    let owner = store.people.user(store.admin);
    let created = owner.map(|owner| owner.created.text());
    let domain = owner.and_then(|owner| owner.email.split(['@', '.']).nth(1));
    Reply::read(&json!({
        "domain": domain, "created_datetime": created, "deactivated_datetime": null,
        "status": {"status": "active"}, "settings": settings(store, None),
    }))
}

fn settings(store: &Store, kind: Option<&str>) -> Vec<Value> {
    let table = store.rows.table(RowKind::Setting);
    let is_wanted =
        |row: &Row| kind.is_none_or(|kind| row.get("type").and_then(Value::as_str) == Some(kind));
    let rows = table.iter().filter(|(_, row)| is_wanted(row));
    rows.map(|(id, _)| shown(store, id)).collect()
}

fn shown(store: &Store, id: u64) -> Value {
    let row = store.rows.get(RowKind::Setting, id);
    let part = |name: &str| row.and_then(|row| row.get(name));
    json!({"id": id, "type": part("type"), "data": part("data")})
}
