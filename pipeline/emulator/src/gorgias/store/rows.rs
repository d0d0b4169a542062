//! Owns the small records: tags, teams, custom fields, rules, macros, integrations, views, jobs,
//! surveys and settings, each kept in the form it is shown in.
//! It must not know which of their fields a request may set.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::super::instant::Instant;

/// A small record as it is shown.
pub(in crate::gorgias) type Row = Map<String, Value>;

/// Kinds of small record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gorgias) enum Kind {
    Tag,
    Team,
    Field,
    Rule,
    Macro,
    Integration,
    View,
    Job,
    Survey,
    Setting,
}

/// Every kind: path below `/api` and first id.
const KINDS: [(Kind, &str, u64); 10] = [
    (Kind::Tag, "tags", 2_510_000_001),
    (Kind::Team, "teams", 2_520_000_001),
    (Kind::Field, "custom-fields", 2_530_000_001),
    (Kind::Rule, "rules", 2_540_000_001),
    (Kind::Macro, "macros", 2_550_000_001),
    (Kind::Integration, "integrations", 2_560_000_001),
    (Kind::View, "views", 2_570_000_001),
    (Kind::Job, "jobs", 2_580_000_001),
    (Kind::Survey, "satisfaction-surveys", 4_100_000_001),
    (Kind::Setting, "account/settings", 2_590_000_001),
];

/// Records of one kind.
#[derive(Default)]
pub(in crate::gorgias) struct Table {
    next: u64,
    rows: BTreeMap<u64, Row>,
    /// By creation, for the default order.
    pub created: BTreeSet<(i64, u64)>,
}

/// All small records.
pub(in crate::gorgias) struct Rows {
    tables: Vec<Table>,
    tags_by_name: HashMap<String, u64>,
    survey_by_ticket: HashMap<u64, u64>,
}

impl Kind {
    /// Path below `/api`.
    pub(in crate::gorgias) fn path(self) -> &'static str {
        KINDS[self as usize].1
    }
}

impl Default for Rows {
    fn default() -> Rows {
        let table = |(_, _, from): &(Kind, &str, u64)| Table { next: *from, ..Table::default() };
        Rows {
            tables: KINDS.iter().map(table).collect(),
            tags_by_name: HashMap::new(),
            survey_by_ticket: HashMap::new(),
        }
    }
}

impl Table {
    /// All rows in order of id.
    pub(in crate::gorgias) fn iter(&self) -> impl Iterator<Item = (u64, &Row)> {
        self.rows.iter().map(|(id, row)| (*id, row))
    }
}

impl Rows {
    /// The records of one kind.
    pub(in crate::gorgias) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// One record.
    pub(in crate::gorgias) fn get(&self, kind: Kind, id: u64) -> Option<&Row> {
        self.table(kind).rows.get(&id)
    }

    /// Adds a record; `id` and `uri` go first. Rows without a creation time are dated now.
    pub(in crate::gorgias) fn add(&mut self, kind: Kind, fields: Row, at: Instant) -> u64 {
        let table = &mut self.tables[kind as usize];
        let id = table.next;
        table.next += 1;
        let mut row = Row::new();
        row.insert("id".to_owned(), json!(id));
        row.insert("uri".to_owned(), json!(format!("/api/{}/{id}/", kind.path())));
        row.extend(fields);
        row.entry("created_datetime").or_insert_with(|| json!(at.text()));
        self.index(kind, id, &row);
        self.tables[kind as usize].rows.insert(id, row);
        id
    }

    /// Changes a record and keeps every index true.
    pub(in crate::gorgias) fn change(&mut self, kind: Kind, id: u64, edit: impl FnOnce(&mut Row)) {
        let Some(mut row) = self.tables[kind as usize].rows.remove(&id) else {
            return;
        };
        self.unindex(kind, id, &row);
        edit(&mut row);
        self.index(kind, id, &row);
        self.tables[kind as usize].rows.insert(id, row);
    }

    /// Takes a record out.
    pub(in crate::gorgias) fn remove(&mut self, kind: Kind, id: u64) -> bool {
        let Some(row) = self.tables[kind as usize].rows.remove(&id) else {
            return false;
        };
        self.unindex(kind, id, &row);
        true
    }

    /// The tag with exactly this name.
    pub(in crate::gorgias) fn tag_named(&self, name: &str) -> Option<u64> {
        self.tags_by_name.get(name).copied()
    }

    /// The survey of a ticket.
    pub(in crate::gorgias) fn survey_of(&self, ticket: u64) -> Option<u64> {
        self.survey_by_ticket.get(&ticket).copied()
    }

    /// Is there an e-mail integration with this address?
    pub(in crate::gorgias) fn has_mailbox(&self, address: &str) -> bool {
        self.table(Kind::Integration).rows.values().any(|row| {
            let mailbox = row.get("meta").and_then(|meta| meta.get("address"));
            mailbox
                .and_then(Value::as_str)
                .is_some_and(|mailbox| mailbox.eq_ignore_ascii_case(address))
        })
    }

    /// The data of the account setting of one type.
    pub(in crate::gorgias) fn setting(&self, name: &str) -> Option<&Value> {
        let mut rows = self.table(Kind::Setting).rows.values();
        rows.find(|row| row.get("type").and_then(Value::as_str) == Some(name))?.get("data")
    }

    /// How many records of each kind there are.
    pub(in crate::gorgias) fn sizes(&self) -> BTreeMap<String, u64> {
        let size = |(kind, path, _): &(Kind, &str, u64)| {
            (path.replace(['-', '/'], "_"), self.table(*kind).rows.len() as u64)
        };
        KINDS.iter().map(size).collect()
    }

    /// What an account has from the start; gives back the id of the AI-managed ticket field.
    pub(in crate::gorgias) fn seed(&mut self, at: Instant, email: &str, surveys_on: bool) -> u64 {
        let domain = email.rsplit_once('@').map_or("shop.example", |(_, domain)| domain);
        self.add(Kind::Integration, mailbox(&format!("support@{domain}"), at), at);
        self.add(Kind::View, all_tickets(), at);
        for (name, data) in settings(surveys_on) {
            self.add(Kind::Setting, object(json!({"type": name, "data": data})), at);
        }
        self.add(Kind::Field, ai_field(at), at)
    }

    fn index(&mut self, kind: Kind, id: u64, row: &Row) {
        self.tables[kind as usize].created.insert((created(row), id));
        match kind {
            Kind::Tag => {
                if let Some(name) = row.get("name").and_then(Value::as_str) {
                    self.tags_by_name.insert(name.to_owned(), id);
                }
            }
            Kind::Survey => {
                if let Some(ticket) = row.get("ticket_id").and_then(Value::as_u64) {
                    self.survey_by_ticket.insert(ticket, id);
                }
            }
            _ => {}
        }
    }

    fn unindex(&mut self, kind: Kind, id: u64, row: &Row) {
        self.tables[kind as usize].created.remove(&(created(row), id));
        match kind {
            Kind::Tag => {
                if let Some(name) = row.get("name").and_then(Value::as_str) {
                    self.tags_by_name.remove(name);
                }
            }
            Kind::Survey => {
                if let Some(ticket) = row.get("ticket_id").and_then(Value::as_u64) {
                    self.survey_by_ticket.remove(&ticket);
                }
            }
            _ => {}
        }
    }
}

/// The fields of a JSON object literal.
pub(in crate::gorgias) fn object(value: Value) -> Row {
    match value {
        Value::Object(fields) => fields,
        _ => Row::new(),
    }
}

fn created(row: &Row) -> i64 {
    let text = row.get("created_datetime").and_then(Value::as_str);
    text.and_then(Instant::parse).map_or(0, |time| time.0)
}

fn mailbox(address: &str, at: Instant) -> Row {
    object(json!({
        "type": "email", "name": "Support", "description": null,
        "meta": {"address": address}, "user": null,
        "created_datetime": at.text(), "updated_datetime": at.text(),
        "deactivated_datetime": null, "locked_datetime": null, "deleted_datetime": null,
    }))
}

fn all_tickets() -> Row {
    object(json!({
        "name": "All", "slug": "all", "type": "ticket-list", "category": "system",
        "visibility": "public", "filters": "", "order_by": "updated_datetime",
        "order_dir": "desc", "display_order": 0, "fields": [], "shared_with_users": [],
        "shared_with_teams": [], "deactivated_datetime": null,
    }))
}

fn ai_field(at: Instant) -> Row {
    object(json!({
        "external_id": null, "object_type": "Ticket", "label": "AI Intent",
        "description": null, "priority": 1, "required": false, "requirement_type": "visible",
        "managed_type": "ai_intent",
        "definition": {"data_type": "text", "input_settings": {
            "input_type": "dropdown", "choices": ["Other::No Reply"]}},
        "created_datetime": at.text(), "updated_datetime": at.text(),
        "deactivated_datetime": null,
    }))
}

fn settings(surveys_on: bool) -> [(&'static str, Value); 4] {
    [
        (
            "satisfaction-surveys",
            json!({
                "send_survey_for_chat": surveys_on, "send_survey_for_email": surveys_on,
                "send_survey_for_contact_form": surveys_on,
                "send_survey_for_help_center": surveys_on, "survey_interval": 24,
            }),
        ),
        ("business-hours", json!({"timezone": "UTC", "business_hours": []})),
        (
            "ticket-assignment",
            json!({
                "assignment_channels": [], "auto_assign_to_teams": false,
                "unassign_on_reply": false,
            }),
        ),
        ("auto-merge", json!({"tickets": {"enabled": false, "merging_window_days": 5}})),
    ]
}
