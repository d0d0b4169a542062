//! Owns what a ticket sets off: rules when it is created, a survey when it is closed. Nothing is
//! really sent; it is counted.

use serde_json::{Value, json};

use super::super::super::ask::flag_of;
use super::super::super::instant::Instant;
use super::super::super::store::Store;
use super::super::super::store::events::Subject;
use super::super::super::store::rows::{self, Kind as RowKind};

/// Notes what active rules would have done with a new ticket.
pub(super) fn run_rules(store: &mut Store, id: u64, at: Instant) {
    let imported = store.desk.ticket(id).is_some_and(|ticket| ticket.imported);
    if imported && store.quirks.imported_is_quiet {
        return;
    }
    let is_due = |row: &rows::Row| {
        let is_on = row.get("deactivated_datetime").is_none_or(Value::is_null);
        let events = row.get("event_types").and_then(Value::as_str).unwrap_or_default();
        is_on && events.split(',').any(|event| event.trim() == "ticket-created")
    };
    let table = store.rows.table(RowKind::Rule);
    let due: Vec<u64> = table.iter().filter(|(_, row)| is_due(row)).map(|(id, _)| id).collect();
    for rule in due {
        store.tally.rules_run += 1;
        let data = json!({"id": rule});
        store.note(at, "rule-executed", Subject("Ticket", id), Some(data));
    }
}

/// Closing a ticket may send a satisfaction survey.
pub(super) fn after_close(store: &mut Store, id: u64, at: Instant) {
    store.note(at, "ticket-closed", Subject("Ticket", id), None);
    let Some(ticket) = store.desk.ticket(id) else {
        return;
    };
    let switch = match &*ticket.channel {
        "chat" => "send_survey_for_chat",
        "email" => "send_survey_for_email",
        "contact_form" => "send_survey_for_contact_form",
        "help-center" => "send_survey_for_help_center",
        _ => return,
    };
    let is_on = store.rows.setting("satisfaction-surveys").and_then(|data| flag_of(data, switch));
    let is_quiet = ticket.imported && store.quirks.imported_is_quiet;
    let has_one = store.rows.survey_of(id).is_some();
    let hidden = ticket.spam || ticket.trashed.is_some() || ticket.customer.is_none();
    if is_on == Some(true) && !is_quiet && !has_one && !hidden {
        store.tally.surveys_sent += 1;
        store.note(at, "satisfaction-survey-sent", Subject("Ticket", id), None);
    }
}
