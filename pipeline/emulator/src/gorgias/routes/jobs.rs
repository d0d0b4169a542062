//! Owns jobs: asynchronous work that is pending first, then running, then done, and that a cancel
//! may reach too late. Only deleting tickets is carried out; other kinds end as errored.

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, text_of, time_of};
use super::super::instant::Instant;
use super::super::paging::{Key, Paging, sorted};
use super::super::shape::{Field, Kind, may, must, or_null};
use super::super::show;
use super::super::store::rows::{Kind as RowKind, object};
use super::super::store::{Chore, Store};
use super::super::vocabulary::{JOB_STATES, JOBS};
use super::{BY_CREATION, number, tickets, uri, views};

/// A job can be put off by this much at most.
const SCHEDULE_MS_MAX: u64 = 60 * 60 * 1_000;

const VIEW: &[Field] =
    &[or_null("filters", Kind::Text(0, 65_535)), or_null("search", Kind::Text(0, 1_024))];
const PARAMS: &[Field] = &[
    may("ticket_ids", Kind::List(&Kind::Int(1, i64::MAX), 0, 10_000)),
    may("view", Kind::Object(&[VIEW])),
    may("view_id", Kind::Int(1, i64::MAX)),
    may("updates", Kind::Map),
    may("macro_id", Kind::Int(1, i64::MAX)),
    may("apply_and_close", Kind::Bool),
    may("start_datetime", Kind::Time),
    may("end_datetime", Kind::Time),
    may("url", Kind::Text(0, 8_192)),
    may("context", Kind::Any),
];
const CREATE: &[Field] = &[
    must("type", Kind::OneOf(JOBS)),
    must("params", Kind::Object(&[PARAMS])),
    or_null("scheduled_datetime", Kind::Time),
    or_null("meta", Kind::Map),
];
const UPDATE: &[Field] = &[
    may("params", Kind::Object(&[PARAMS])),
    or_null("scheduled_datetime", Kind::Time),
    or_null("meta", Kind::Map),
];

/// Everything below `/jobs`.
pub(super) fn route(store: &mut Store, ask: &Ask, rest: &[&str]) -> Outcome {
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(store, ask),
        ("POST", []) => create(store, ask),
        ("GET" | "PUT" | "DELETE", [id]) => {
            ask.only(&[])?;
            let id = number(id)?;
            let Some(row) = store.rows.get(RowKind::Job, id) else {
                return Err(Refusal::missing());
            };
            match ask.method.as_str() {
                "GET" => Reply::read(row),
                "PUT" => update(store, ask, id),
                _ => cancel(store, ask, id),
            }
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

/// Takes a job one state further.
pub(in crate::gorgias) fn step(store: &mut Store, id: u64, due: Instant) {
    let Some(row) = store.rows.get(RowKind::Job, id) else {
        return;
    };
    let next_step = due.plus_ms(store.quirks.job_step_ms);
    let status = row.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    match status.as_str() {
        "pending" | "scheduled" => {
            store.rows.change(RowKind::Job, id, |row| {
                row.insert("status".to_owned(), json!("running"));
                row.insert("started_datetime".to_owned(), json!(due.text()));
            });
            store.later(next_step, Chore::Job(id));
        }
        // A request to cancel that comes while the job runs comes too late.
        "running" | "cancel_requested" => finish(store, id, due),
        _ => {}
    }
}

fn finish(store: &mut Store, id: u64, due: Instant) {
    let Some(row) = store.rows.get(RowKind::Job, id) else {
        return;
    };
    let is_deletion = row.get("type").and_then(Value::as_str) == Some("deleteTicket");
    let params = row.get("params").cloned().unwrap_or_default();
    let wanted = if is_deletion { targets(store, &params).ok() } else { None };
    store.open_context();
    let count = wanted.as_ref().map(Vec::len);
    for ticket in wanted.into_iter().flatten() {
        tickets::remove(store, ticket, due);
    }
    store.rows.change(RowKind::Job, id, |row| {
        let (status, when, info) = match count {
            Some(count) => ("done", "ended_datetime", json!({"progress_count": count})),
            None => ("errored", "failed_datetime", json!({"error": "not done by this stand-in"})),
        };
        row.insert("status".to_owned(), json!(status));
        row.insert(when.to_owned(), json!(due.text()));
        row.insert("info".to_owned(), info);
    });
}

/// Tickets that a job is about: listed ones that still exist, or those of a view.
fn targets(store: &Store, params: &Value) -> Result<Vec<u64>, Refusal> {
    let listed = params.get("ticket_ids").and_then(Value::as_array);
    if let Some(listed) = listed.filter(|listed| !listed.is_empty()) {
        let ids = listed.iter().filter_map(Value::as_u64);
        return Ok(ids.filter(|id| store.desk.ticket(*id).is_some()).collect());
    }
    let filter = match params.get("view_id").and_then(Value::as_u64) {
        Some(view) => views::filter_of(store, view)?,
        None => {
            let text = params.get("view").and_then(|view| text_of(view, "filters"));
            let missing = || Refusal::field("params", "Needs ticket_ids, view_id or view.");
            views::Filter::parse(text.filter(|text| !text.is_empty()).ok_or_else(missing)?)?
        }
    };
    let all = store.desk.created.iter().filter_map(|(_, id)| store.desk.ticket(*id));
    Ok(all.filter(|ticket| filter.matches(ticket)).map(|ticket| ticket.id).collect())
}

fn list(store: &Store, ask: &Ask) -> Outcome {
    ask.only(&["cursor", "limit", "order_by", "status", "type"])?;
    for (name, words) in [("status", JOB_STATES), ("type", JOBS)] {
        if ask.query(name).is_some_and(|word| !words.contains(&word)) {
            let problem = format!("Must be one of: {}.", words.join(", "));
            return Err(Refusal::field(name, &problem));
        }
    }
    let paging = Paging::read(ask, BY_CREATION, store.quirks.cursor_ttl_ms)?;
    let fits = |name: &str, row: &super::super::store::rows::Row| {
        let value = row.get(name).and_then(Value::as_str);
        ask.query(name).is_none_or(|wanted| value == Some(wanted))
    };
    let table = store.rows.table(RowKind::Job);
    let rows = table.iter().filter(|(_, row)| fits("status", row) && fits("type", row));
    let page =
        paging.cut(&sorted(rows.map(|(id, _)| (Key::Number(id as i64), id)).collect()), |_| true);
    let items: Vec<_> =
        page.ids.iter().filter_map(|id| store.rows.get(RowKind::Job, *id)).collect();
    Reply::read(&show::list(&uri(ask), &items, page.prev, page.next))
}

fn schedule(ask: &Ask) -> Result<Option<Instant>, Refusal> {
    let scheduled = time_of(&ask.body, "scheduled_datetime");
    if scheduled.is_some_and(|scheduled| scheduled > ask.at.plus_ms(SCHEDULE_MS_MAX)) {
        return Err(Refusal::field("scheduled_datetime", "At most 60 minutes ahead."));
    }
    Ok(scheduled)
}

fn create(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[CREATE], store.strict, "Failed to create job")?;
    let scheduled = schedule(ask)?;
    let kind = text_of(&ask.body, "type").unwrap_or_default();
    let params = ask.body.get("params").cloned().unwrap_or_default();
    if kind == "deleteTicket" {
        targets(store, &params)?;
    }
    let status = if scheduled.is_some() { "scheduled" } else { "pending" };
    let row = object(json!({
        "type": kind, "status": status, "params": params, "user_id": store.admin,
        "meta": ask.body.get("meta"), "info": null, "created_datetime": ask.at,
        "scheduled_datetime": show::time(scheduled), "started_datetime": null,
        "ended_datetime": null, "failed_datetime": null, "cancelled_datetime": null,
    }));
    let id = store.rows.add(RowKind::Job, row, ask.at);
    let due = scheduled.unwrap_or(ask.at).max(ask.at).plus_ms(store.quirks.job_step_ms);
    store.later(due, Chore::Job(id));
    Reply::wrote(201, &store.rows.get(RowKind::Job, id))
}

fn update(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.fits(&[UPDATE], store.strict, "Failed to update job")?;
    schedule(ask)?;
    let row = store.rows.get(RowKind::Job, id).ok_or_else(Refusal::missing)?;
    if row.get("status").and_then(Value::as_str) != Some("scheduled") {
        return Err(Refusal::new(409, "The job has already started."));
    }
    let fields = ask.body.as_object().cloned().unwrap_or_default();
    store.rows.change(RowKind::Job, id, |row| row.extend(fields));
    Reply::wrote(200, &store.rows.get(RowKind::Job, id))
}

fn cancel(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    store.rows.change(RowKind::Job, id, |row| match row.get("status").and_then(Value::as_str) {
        Some("pending" | "scheduled") => {
            row.insert("status".to_owned(), json!("canceled"));
            row.insert("cancelled_datetime".to_owned(), json!(ask.at.text()));
        }
        Some("running") => {
            row.insert("status".to_owned(), json!("cancel_requested"));
        }
        _ => {}
    });
    Reply::empty(204)
}
