//! Owns the tags of a ticket: which names are known, and adding, replacing and removing.
//! The tags themselves are small records of the catalog.

use serde_json::{Value, json};

use super::super::super::ask::{Ask, Outcome, Refusal, Reply};
use super::super::super::instant::Instant;
use super::super::super::shape::{Field, Kind, may};
use super::super::super::show;
use super::super::super::store::Store;
use super::super::super::store::events::Subject;
use super::super::super::store::rows::{self, Kind as RowKind};
use super::super::uri;
use super::ID;

const TAG_IDS: &[Field] = &[
    may("ids", Kind::List(&ID, 0, 1_000)),
    may("names", Kind::List(&Kind::Text(1, 256), 0, 1_000)),
];

/// Everything below `/tickets/{id}/tags`.
pub(super) fn tags(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    let Some(ticket) = store.desk.ticket(id) else {
        return Err(Refusal::missing());
    };
    if ask.method == "GET" {
        return Reply::read(&show::list(&uri(ask), &show::tags(store, ticket), None, None));
    }
    let mut after = ticket.tags.clone();
    ask.fits(&[TAG_IDS], store.strict, "Failed to change tags")?;
    let ids = ask.body.get("ids").and_then(Value::as_array).into_iter().flatten();
    let mut wanted: Vec<u64> = ids.filter_map(Value::as_u64).collect();
    if wanted.iter().any(|id| store.rows.get(RowKind::Tag, *id).is_none()) {
        return Err(Refusal::field("ids", "No such tag."));
    }
    let names = ask.body.get("names").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    if ask.method != "DELETE" {
        known_tags(store, names.iter().copied(), "names")?;
        wanted.extend(tag_ids(store, &names, ask.at));
    } else {
        wanted.extend(names.iter().filter_map(|name| store.rows.tag_named(name)));
    }
    let (status, event) = match ask.method.as_str() {
        "POST" => (201, "ticket-tags-added"),
        "PUT" => (202, "ticket-tags-added"),
        _ => (204, "ticket-tags-removed"),
    };
    match ask.method.as_str() {
        "DELETE" => after.retain(|tag| !wanted.contains(tag)),
        "PUT" => after.clear(),
        _ => {}
    }
    if ask.method != "DELETE" {
        for tag in wanted {
            if !after.contains(&tag) {
                after.push(tag);
            }
        }
    }
    store.open_context();
    store.desk.change_ticket(id, |ticket| {
        ticket.tags = after;
        ticket.updated = ask.at;
    });
    store.note(ask.at, event, Subject("Ticket", id), None);
    Reply::empty(status)
}

/// Refuses unknown names unless they are to be made.
pub(super) fn known_tags<'a>(
    store: &Store,
    mut names: impl Iterator<Item = &'a str>,
    path: &str,
) -> Result<(), Refusal> {
    let unknown = names.any(|name| store.rows.tag_named(name).is_none());
    if unknown && !store.quirks.tags_auto_create {
        return Err(Refusal::field(path, "No such tag."));
    }
    Ok(())
}

/// Ids of tags by name; unknown ones are made, which the caller has checked to be allowed.
pub(super) fn tag_ids(store: &mut Store, names: &[&str], at: Instant) -> Vec<u64> {
    let mut ids = Vec::new();
    for name in names {
        let id = store.rows.tag_named(name).unwrap_or_else(|| {
            let row = rows::object(json!({
                "name": name, "description": null, "decoration": {"color": "#8D8D8D"},
                "usage": 0, "deleted_datetime": null,
            }));
            store.rows.add(RowKind::Tag, row, at)
        });
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}
