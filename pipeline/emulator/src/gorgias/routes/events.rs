//! Owns the event endpoints, which can only be read. This is the one list with a time filter.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply};
use super::super::instant::Instant;
use super::super::paging::Paging;
use super::super::show;
use super::super::store::Store;
use super::super::store::events::Event;
use super::super::store::uuid;
use super::{BY_CREATION, number, uri};

/// Everything below `/events`.
pub(super) fn route(store: &Store, ask: &Ask, rest: &[&str]) -> Outcome {
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(store, ask),
        ("GET", [id]) => {
            let event = store.log.get(number(id)?).ok_or_else(Refusal::missing)?;
            Reply::read(&view(store, event))
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn list(store: &Store, ask: &Ask) -> Outcome {
    ask.only(&[
        "cursor",
        "limit",
        "order_by",
        "object_id",
        "object_type",
        "types",
        "user_ids",
        "created_datetime[gt]",
        "created_datetime[gte]",
        "created_datetime[lt]",
        "created_datetime[lte]",
    ])?;
    let object = ask.query_id("object_id")?;
    if ask.query("object_type").is_some() && object.is_none() {
        return Err(Refusal::field("object_type", "Needs object_id."));
    }
    let (from, before) = window(ask)?;
    let types: Vec<&str> = ask.query_all("types").collect();
    let mut users = Vec::new();
    for text in ask.query_all("user_ids") {
        let bad = || Refusal::field("user_ids", "Not a valid integer.");
        users.push(text.parse::<u64>().map_err(|_| bad())?);
    }
    let paging = Paging::read(ask, BY_CREATION, store.quirks.cursor_ttl_ms)?;
    let keep = |id: u64| {
        store.log.get(id).is_some_and(|event| {
            from <= event.created
                && event.created < before
                && (types.is_empty() || types.contains(&event.kind))
                && (users.is_empty() || users.contains(&event.user))
                && ask.query("object_type").is_none_or(|wanted| wanted == event.on.0)
        })
    };
    let page = match object {
        Some(object) => paging.cut(&store.log.about(object), keep),
        None => paging.cut(&store.log.between(from, before), keep),
    };
    let events = page.ids.iter().filter_map(|id| store.log.get(*id));
    let items: Vec<Value> = events.map(|event| view(store, event)).collect();
    Reply::read(&show::list(&uri(ask), &items, page.prev, page.next))
}

/// The half-open stretch of time that the four comparisons leave.
fn window(ask: &Ask) -> Result<(Instant, Instant), Refusal> {
    let (mut from, mut before) = (Instant(i64::MIN), Instant(i64::MAX));
    for (comparison, is_lower, shift_us) in
        [("gt", true, 1), ("gte", true, 0), ("lt", false, 0), ("lte", false, 1)]
    {
        let name = format!("created_datetime[{comparison}]");
        let Some(text) = ask.query(&name) else {
            continue;
        };
        let time =
            Instant::parse(text).ok_or_else(|| Refusal::field(&name, "Not a valid datetime."))?;
        let edge = Instant(time.0.saturating_add(shift_us));
        if is_lower {
            from = from.max(edge);
        } else {
            before = before.min(edge);
        }
    }
    Ok((from, before))
}

fn view(store: &Store, event: &Event) -> Value {
    json!({
        "id": event.id, "context": uuid(1, event.context), "created_datetime": event.created,
        "data": store.log.data(event.id), "object_id": event.on.1, "object_type": event.on.0,
        "type": event.kind, "user_id": event.user, "uri": format!("/api/events/{}/", event.id),
    })
}
