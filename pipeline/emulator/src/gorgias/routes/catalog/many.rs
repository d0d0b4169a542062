//! Owns the calls that change several small records at once: bulk delete and merge of tags, bulk
//! update of custom fields, archiving macros, ordering rules.

use serde_json::{Value, json};

use super::super::super::ask::{Ask, Outcome, Refusal, Reply, id_of};
use super::super::super::shape;
use super::super::super::show;
use super::super::super::store::Store;
use super::super::super::store::events::Subject;
use super::super::super::store::rows::Kind as RowKind;
use super::super::uri;
use super::{find, forms, is_used_by_rule, remove, replace_tag, shape_row};

pub(super) fn delete_tags(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[forms::IDS], store.strict, "Failed to delete tags")?;
    let ids = ids_in(&ask.body, "ids");
    for id in &ids {
        let row = find(store, RowKind::Tag, *id)?;
        if is_used_by_rule(store, RowKind::Tag, row, *id) {
            return Err(Refusal::new(409, "The resource is used by a rule."));
        }
    }
    store.open_context();
    for id in ids {
        remove(store, RowKind::Tag, id);
        store.note(ask.at, "tag-deleted", Subject("Tag", id), None);
    }
    Reply::empty(204)
}

pub(super) fn merge_tags(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.only(&[])?;
    find(store, RowKind::Tag, id)?;
    ask.fits(&[forms::SOURCE_TAGS], store.strict, "Failed to merge tags")?;
    let sources = ids_in(&ask.body, "source_tags_ids");
    if sources.contains(&id) {
        return Err(Refusal::field("source_tags_ids", "A tag cannot be merged into itself."));
    }
    for source in &sources {
        find(store, RowKind::Tag, *source)?;
    }
    store.open_context();
    for source in sources {
        store.rows.remove(RowKind::Tag, source);
        replace_tag(store, source, Some(id));
    }
    Reply::wrote(200, find(store, RowKind::Tag, id)?)
}

pub(super) fn update_fields(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    let problems = shape::check_kind(&forms::FIELDS, &ask.body, store.strict);
    Refusal::unless_empty(problems, "Failed to update custom fields")?;
    let bodies: Vec<Value> = ask.body.as_array().cloned().unwrap_or_default();
    for body in &bodies {
        find(store, RowKind::Field, id_of(body, "id").unwrap_or_default())?;
    }
    let mut shown = Vec::new();
    for body in bodies {
        let id = id_of(&body, "id").unwrap_or_default();
        let mut row = find(store, RowKind::Field, id)?.clone();
        row.extend(body.as_object().cloned().unwrap_or_default());
        row.insert("updated_datetime".to_owned(), json!(ask.at));
        shape_row(store, RowKind::Field, &mut row);
        shown.push(Value::Object(row.clone()));
        store.rows.change(RowKind::Field, id, |slot| *slot = row);
    }
    Reply::wrote(200, &show::list(&uri(ask), &shown, None, None))
}

pub(super) fn archive(store: &mut Store, ask: &Ask, what: &str) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[forms::MACRO_IDS], store.strict, "Failed to archive macros")?;
    let ids = ids_in(&ask.body, "ids");
    for id in &ids {
        find(store, RowKind::Macro, *id)?;
    }
    let time = if what == "archive" { json!(ask.at) } else { Value::Null };
    for id in ids {
        store.rows.change(RowKind::Macro, id, |row| {
            row.insert("archived_datetime".to_owned(), time.clone());
        });
    }
    Reply::empty(202)
}

pub(super) fn prioritize(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[forms::PRIORITIES], store.strict, "Failed to order rules")?;
    let list = ask.body.get("priorities").and_then(Value::as_array).cloned().unwrap_or_default();
    for entry in &list {
        find(store, RowKind::Rule, id_of(entry, "id").unwrap_or_default())?;
    }
    for entry in list {
        let priority = entry.get("priority").cloned().unwrap_or_default();
        store.rows.change(RowKind::Rule, id_of(&entry, "id").unwrap_or_default(), |row| {
            row.insert("priority".to_owned(), priority);
        });
    }
    Reply::empty(202)
}

fn ids_in(body: &Value, name: &str) -> Vec<u64> {
    let list = body.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_u64).collect()
}
