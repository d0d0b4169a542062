//! Owns the items of a view and the filter expressions that select them, such as
//! `eq(ticket.status, 'open') && gte(ticket.updated_datetime, '2026-01-01T00:00:00')`.
//! It must not know how views themselves are stored; they are small records of the catalog.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply, text_of};
use super::super::instant::Instant;
use super::super::paging::Paging;
use super::super::store::Store;
use super::super::store::desk::Ticket;
use super::super::store::rows::Kind as RowKind;
use super::{number, tickets};

/// Comparisons and the paths they may be made on.
const COMPARISONS: &[&str] = &["eq", "neq", "gt", "gte", "lt", "lte"];
const PATHS: &[&str] = &[
    "ticket.status",
    "ticket.priority",
    "ticket.channel",
    "ticket.language",
    "ticket.via",
    "ticket.spam",
    "ticket.customer.id",
    "ticket.assignee_user.id",
    "ticket.assignee_team.id",
    "ticket.tags.id",
    "ticket.created_datetime",
    "ticket.updated_datetime",
];

/// A filter: any of several groups, of which every condition holds.
pub(super) struct Filter(Vec<Vec<Condition>>);

struct Condition {
    comparison: &'static str,
    path: &'static str,
    value: String,
}

impl Filter {
    /// Reads an expression; an empty one lets everything through.
    pub(super) fn parse(text: &str) -> Result<Filter, Refusal> {
        if text.trim().is_empty() {
            return Ok(Filter(vec![Vec::new()]));
        }
        let group = |part: &str| part.split("&&").map(Condition::parse).collect();
        let groups: Option<Vec<Vec<Condition>>> = text.split("||").map(group).collect();
        groups.map(Filter).ok_or_else(|| Refusal::field("filters", "Invalid filters."))
    }

    /// Does a ticket pass?
    pub(super) fn matches(&self, ticket: &Ticket) -> bool {
        self.0.iter().any(|group| group.iter().all(|condition| condition.holds(ticket)))
    }
}

impl Condition {
    fn parse(text: &str) -> Option<Condition> {
        let (name, rest) = text.trim().split_once('(')?;
        let (path, value) = rest.strip_suffix(')')?.split_once(',')?;
        let comparison = COMPARISONS.iter().find(|known| **known == name.trim())?;
        let path = PATHS.iter().find(|known| **known == path.trim())?;
        let value = value.trim().trim_matches(['\'', '"']).to_owned();
        Some(Condition { comparison, path, value })
    }

    fn holds(&self, ticket: &Ticket) -> bool {
        if self.path == "ticket.tags.id" {
            let is_tagged = ticket.tags.iter().any(|tag| tag.to_string() == self.value);
            return is_tagged == (self.comparison == "eq");
        }
        let order = match self.path {
            "ticket.created_datetime" => self.against_time(ticket.created),
            "ticket.updated_datetime" => self.against_time(ticket.updated),
            _ => self.against_text(ticket),
        };
        match (self.comparison, order) {
            ("eq", order) => order == Some(Ordering::Equal),
            ("neq", order) => order != Some(Ordering::Equal),
            ("gt", Some(order)) => order.is_gt(),
            ("gte", Some(order)) => order.is_ge(),
            ("lt", Some(order)) => order.is_lt(),
            ("lte", Some(order)) => order.is_le(),
            _ => false,
        }
    }

    fn against_time(&self, time: Instant) -> Option<Ordering> {
        Instant::parse(&self.value).map(|value| time.cmp(&value))
    }

    fn against_text(&self, ticket: &Ticket) -> Option<Ordering> {
        let id = |id: Option<u64>| id.map(|id| id.to_string());
        let text = match self.path {
            "ticket.status" => Some(if ticket.is_closed { "closed" } else { "open" }.to_owned()),
            "ticket.priority" => Some(ticket.priority.to_owned()),
            "ticket.channel" => Some(ticket.channel.to_string()),
            "ticket.via" => Some(ticket.via.to_owned()),
            "ticket.spam" => Some(ticket.spam.to_string()),
            "ticket.language" => ticket.language.as_deref().map(str::to_owned),
            "ticket.customer.id" => id(ticket.customer),
            "ticket.assignee_user.id" => id(ticket.assignee_user),
            _ => id(ticket.assignee_team),
        };
        text.map(|text| text.as_str().cmp(&self.value))
    }
}

/// The filter of a stored view.
pub(super) fn filter_of(store: &Store, view: u64) -> Result<Filter, Refusal> {
    let row = store.rows.get(RowKind::View, view).ok_or_else(Refusal::missing)?;
    Filter::parse(row.get("filters").and_then(Value::as_str).unwrap_or_default())
}

/// `GET /views/{id}/items`, and `PUT` with a view in the body for a search that is not stored.
pub(super) fn items(store: &Store, ask: &Ask, id: &str) -> Outcome {
    ask.only(&["cursor", "limit", "direction", "ignored_item"])?;
    let id = number(id)?;
    let given = ask.body.get("view").and_then(|view| text_of(view, "filters"));
    let filter = match (ask.method.as_str(), given) {
        ("GET", _) | ("PUT", None) => filter_of(store, id)?,
        ("PUT", Some(filters)) => Filter::parse(filters)?,
        _ => return Err(Refusal::method()),
    };
    let row = store.rows.get(RowKind::View, id);
    let part = |name: &str| row.and_then(|row| row.get(name)).and_then(Value::as_str);
    let is_ascending = part("order_dir") == Some("asc");
    let by_creation = part("order_by") == Some("created_datetime");
    let order = match (by_creation, is_ascending) {
        (true, true) => "created_datetime:asc",
        (true, false) => "created_datetime:desc",
        (false, true) => "updated_datetime:asc",
        (false, false) => "updated_datetime:desc",
    };
    let plain = Ask {
        method: ask.method.clone(),
        path: ask.path.clone(),
        query: ask
            .query
            .iter()
            .filter(|(name, _)| PAGE.contains(&name.as_str()))
            .cloned()
            .collect(),
        body: Value::Null,
        raw: ask.raw.clone(),
        at: ask.at,
    };
    let paging = Paging::read(&plain, &[order], store.quirks.cursor_ttl_ms)?;
    let list = if by_creation { &store.desk.created } else { &store.desk.updated };
    let keep = |id: u64| store.desk.ticket(id).is_some_and(|ticket| filter.matches(ticket));
    let page = paging.cut(list, keep);
    let link = |cursor: Option<String>, direction: &str, ignored: Option<&u64>| {
        cursor.zip(ignored).map(|(cursor, ignored)| {
            let path = format!("/api/views/{id}/items");
            // A public client reads this as a bare query string, which works because the cursor is
            // never the first parameter.
            format!("{path}?direction={direction}&cursor={cursor}&ignored_item={ignored}")
        })
    };
    Reply::read(&json!({
        "data": serde_json::to_value(tickets::items(store, &page.ids)).unwrap_or_default(),
        "object": "list",
        "uri": format!("/api/views/{id}/items"),
        "meta": {
            "prev_items": link(page.prev, "prev", page.ids.first()),
            "next_items": link(page.next, "next", page.ids.last()),
            "current_cursor": ask.query("cursor"),
        },
    }))
}

/// The query parameters that choose a page of a view.
const PAGE: [&str; 2] = ["cursor", "limit"];
