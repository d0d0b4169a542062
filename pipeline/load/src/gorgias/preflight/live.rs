//! What could act on imported records: rules, HTTP integrations, surveys, merging, assignment.
//! Reads what Gorgias answered and makes no calls.
//!
//! A fingerprint is over the fields that decide whether and how something acts, so that a changed
//! rule has to be acknowledged anew and a rule that merely ran has not.

use serde_json::{Map, Value, json};

use super::super::reply;
use super::{Seen, unseen};
use crate::preflight::{Observation, State};

/// Characters of a name that are shown.
const NAME_CHARS_MAX: usize = 60;

/// Each rule that is on, and how many there are.
pub(super) fn rules(seen: &Seen<Vec<Value>>) -> Vec<Observation> {
    let rules = match seen {
        Seen::No(status) => return vec![unseen("rules", "rules", *status)],
        Seen::Yes(rules) => rules,
    };
    let live: Vec<Observation> = rules.iter().filter(|rule| is_on(rule)).map(rule).collect();
    let what = format!("rules: {}, on: {}", rules.len(), live.len());
    let mut all = vec![Observation::new("rules", State::Fine, what)];
    if !live.is_empty() {
        all[0].state = State::Note;
    }
    all.extend(live);
    all
}

fn rule(rule: &Value) -> Observation {
    let events = text(rule, "event_types").unwrap_or("unknown events");
    let what = format!("the rule {} is on; it runs at {events}", name(rule));
    let state = picked(rule, &["id", "name", "code", "event_types", "priority"]);
    Observation::new(format!("rule:{}", id(rule)), State::Live, what)
        .hint("switch it off in Settings, Rules for the time of the load")
        .blocking(&state)
}

/// Each HTTP integration that would be called, and how many mailboxes are connected.
pub(super) fn integrations(seen: &Seen<Vec<Value>>) -> Vec<Observation> {
    let integrations = match seen {
        Seen::No(status) => return vec![unseen("integrations", "integrations", *status)],
        Seen::Yes(integrations) => integrations,
    };
    let is_of = |one: &&Value, kind: &str| text(one, "type") == Some(kind);
    let http = integrations.iter().filter(|one| is_of(one, "http"));
    let http: Vec<&Value> = http.collect();
    let live =
        http.iter().filter(|one| is_on(one) && triggers(one).is_none_or(|on| !on.is_empty()));
    let live: Vec<Observation> = live.map(|one| integration(one)).collect();
    let what = format!("HTTP integrations: {}, called: {}", http.len(), live.len());
    let state = if live.is_empty() { State::Fine } else { State::Note };
    let mut all = vec![Observation::new("integrations", state, what)];
    all.extend(live);
    let mailboxes = integrations.iter().filter(|one| is_mailbox(one) && is_on(one)).count();
    let what = format!("mailboxes connected: {mailboxes}");
    all.push(
        Observation::new("mailboxes", State::Note, what)
            .hint("mail that comes in meanwhile makes tickets of its own, which are left alone"),
    );
    all
}

fn integration(one: &Value) -> Observation {
    let events = match triggers(one) {
        Some(events) => events.join(", "),
        None => "events that cannot be seen".to_owned(),
    };
    let what = format!("the HTTP integration {} is called at {events}", name(one));
    // The headers hold secrets and do not decide whether it is called.
    let http = one.get("http").map(|http| picked(http, &["url", "method", "triggers", "form"]));
    let mut state = picked(one, &["id", "name", "type"]);
    state["http"] = http.unwrap_or_default();
    Observation::new(format!("integration:{}", id(one)), State::Live, what)
        .hint("deactivate it in Settings, HTTP integration for the time of the load")
        .blocking(&state)
}

/// The events at which an HTTP integration is called; `None` when it does not say in a form that
/// is known.
fn triggers(one: &Value) -> Option<Vec<String>> {
    match one.pointer("/http/triggers")? {
        Value::Object(events) => {
            let on =
                events.iter().filter(|(_, on)| !matches!(on, Value::Bool(false) | Value::Null));
            Some(on.map(|(event, _)| event.clone()).collect())
        }
        Value::Array(events) => {
            Some(events.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => None,
    }
}

fn is_mailbox(one: &Value) -> bool {
    matches!(text(one, "type"), Some("email" | "gmail" | "outlook"))
}

/// Surveys, merging, assignment and splitting.
pub(super) fn settings(seen: &Seen<Vec<Value>>) -> Vec<Observation> {
    let settings = match seen {
        Seen::No(status) => return vec![unseen("settings", "the account's settings", *status)],
        Seen::Yes(settings) => settings,
    };
    let data = |kind: &str| {
        let row = settings.iter().find(|row| text(row, "type") == Some(kind))?;
        row.get("data").and_then(Value::as_object)
    };
    let survey_hint = "switch satisfaction surveys off in Settings, Satisfaction survey";
    let merge_hint = "switch auto-merge off in Settings, Auto-merge";
    vec![
        switch("satisfaction-surveys", data("satisfaction-surveys"), survey_hint, |data| {
            let sent = data.iter().filter(|(name, _)| name.starts_with("send_survey_for_"));
            on_of(sent)
        }),
        switch("auto-merge", data("auto-merge"), merge_hint, |data| on_of(nested(data))),
        plain("auto-split", data("auto-split"), |data| on_of(nested(data))),
        plain("ticket-assignment", data("ticket-assignment"), |data| {
            let mut on = on_of(data.iter().filter(|(_, value)| value.is_boolean()));
            let channels = data.get("assignment_channels").and_then(Value::as_array);
            on.extend(channels.filter(|list| !list.is_empty()).map(|_| "assignment".to_owned()));
            on
        }),
    ]
}

/// A setting that stops a load while any of its switches is on. One that is not in the list was
/// never touched, and what holds then is not documented.
fn switch(
    kind: &str,
    data: Option<&Map<String, Value>>,
    hint: &str,
    on: impl Fn(&Map<String, Value>) -> Vec<String>,
) -> Observation {
    let subject = format!("setting:{kind}");
    let Some(data) = data else {
        let what = format!("{kind} is not among the account's settings; its default is not known");
        return Observation::new(subject, State::Unseen, what)
            .hint(format!("{hint}, or acknowledge"))
            .blocking(&json!({"missing": kind}));
    };
    let switches = on(data);
    if switches.is_empty() {
        return Observation::new(subject, State::Fine, format!("{kind} is off"));
    }
    let what = format!("{kind} is on: {}", switches.join(", "));
    Observation::new(subject, State::Live, what)
        .hint(format!("{hint} for the time of the load"))
        .blocking(&Value::Object(data.clone()))
}

/// A setting that may change imported tickets and sends nothing.
fn plain(
    kind: &str,
    data: Option<&Map<String, Value>>,
    on: impl Fn(&Map<String, Value>) -> Vec<String>,
) -> Observation {
    let subject = format!("setting:{kind}");
    let Some(data) = data else {
        let what = format!("{kind} is not among the account's settings");
        return Observation::new(subject, State::Note, what);
    };
    let switches = on(data);
    if switches.is_empty() {
        return Observation::new(subject, State::Fine, format!("{kind} is off"));
    }
    let what = format!("{kind} is on: {}", switches.join(", "));
    Observation::new(subject, State::Note, what)
        .hint("it may change tickets that are loaded; reconcile shows what it changed")
}

/// Macros wait for somebody to use them; only rules use them by themselves.
pub(super) fn macros(seen: &Seen<Vec<Value>>) -> Observation {
    match seen {
        Seen::No(status) => {
            let what = format!("macros cannot be seen (status {status})");
            Observation::new("macros", State::Unseen, what).hint("use the API key of an admin")
        }
        Seen::Yes(macros) => {
            let what = format!("macros: {}; only rules use them by themselves", macros.len());
            Observation::new("macros", State::Fine, what)
        }
    }
}

/// The switches among these that are on.
fn on_of<'a>(switches: impl Iterator<Item = (&'a String, &'a Value)>) -> Vec<String> {
    let on = switches.filter(|(_, value)| !matches!(value, Value::Bool(false) | Value::Null));
    on.map(|(name, _)| name.clone()).collect()
}

/// The `enabled` of each part of a setting, under the name of the part.
fn nested(data: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    data.iter().filter_map(|(part, inner)| Some((part, inner.get("enabled")?)))
}

fn is_on(record: &Value) -> bool {
    let is_empty = |name: &str| record.get(name).is_none_or(Value::is_null);
    is_empty("deactivated_datetime") && is_empty("deleted_datetime")
}

fn picked(record: &Value, names: &[&str]) -> Value {
    let fields =
        names.iter().filter_map(|name| Some(((*name).to_owned(), record.get(*name)?.clone())));
    Value::Object(fields.collect())
}

fn id(record: &Value) -> String {
    reply::id(record).unwrap_or_else(|| "unknown".to_owned())
}

fn name(record: &Value) -> String {
    let name = text(record, "name").unwrap_or("without a name");
    let short: String = name.chars().filter(|one| !one.is_control()).take(NAME_CHARS_MAX).collect();
    format!("{short:?}")
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(seen: &[Observation], subject: &str) -> (State, bool) {
        let one = seen.iter().find(|one| one.subject == subject).expect("is shown");
        (one.state, one.is_blocking())
    }

    #[test]
    fn a_rule_that_is_on_blocks_and_only_what_it_does_is_its_state() {
        let rule = |priority: u64, updated: &str, off: Value| {
            json!({
                "id": 7, "name": "Auto-reply", "code": "if (true) {}", "priority": priority,
                "event_types": "ticket-created", "updated_datetime": updated,
                "deactivated_datetime": off,
            })
        };
        let print = |rule: Value| rules(&Seen::Yes(vec![rule]))[1].fingerprint.clone();
        let first = print(rule(1, "2024-01-01T00:00:00", Value::Null));
        assert!(first.is_some());
        assert_eq!(first, print(rule(1, "2025-01-01T00:00:00", Value::Null)));
        assert_ne!(first, print(rule(2, "2024-01-01T00:00:00", Value::Null)));
        let off = rules(&Seen::Yes(vec![rule(1, "", json!("2024-01-01T00:00:00"))]));
        assert_eq!(off.len(), 1);
        assert_eq!(state_of(&off, "rules"), (State::Fine, false));
    }

    #[test]
    fn a_list_that_is_not_shown_is_never_fine() {
        assert_eq!(state_of(&rules(&Seen::No(403)), "rules"), (State::Unseen, true));
        let hidden = integrations(&Seen::No(404));
        assert_eq!(state_of(&hidden, "integrations"), (State::Unseen, true));
        assert_eq!(state_of(&settings(&Seen::No(403)), "settings"), (State::Unseen, true));
        let none = settings(&Seen::Yes(Vec::new()));
        assert_eq!(state_of(&none, "setting:satisfaction-surveys"), (State::Unseen, true));
        assert_eq!(state_of(&none, "setting:auto-merge"), (State::Unseen, true));
        assert_eq!(state_of(&none, "setting:auto-split"), (State::Note, false));
        assert_eq!(macros(&Seen::No(403)).state, State::Unseen);
    }

    #[test]
    fn an_integration_is_called_unless_it_says_that_no_event_calls_it() {
        let with = |http: Value| {
            let one = json!({"id": 5, "type": "http", "name": "ERP", "http": http});
            let seen = integrations(&Seen::Yes(vec![one]));
            seen.iter().filter(|one| one.is_blocking()).count()
        };
        assert_eq!(with(json!({"triggers": {"ticket-created": true}})), 1);
        assert_eq!(with(json!({"triggers": ["ticket-created"]})), 1);
        assert_eq!(with(json!({"url": "https://erp.example"})), 1, "it does not say");
        assert_eq!(with(json!({"triggers": {"ticket-created": false}})), 0);
        assert_eq!(with(json!({"triggers": []})), 0);
    }

    #[test]
    fn a_header_of_an_integration_is_no_part_of_its_state() {
        let print = |secret: &str, url: &str| {
            let http = json!({"url": url, "headers": {"x-key": secret}, "triggers": {"a": true}});
            let one = json!({"id": 5, "type": "http", "name": "ERP", "http": http});
            integrations(&Seen::Yes(vec![one]))[1].fingerprint.clone()
        };
        assert_eq!(print("one", "https://a.example"), print("two", "https://a.example"));
        assert_ne!(print("one", "https://a.example"), print("one", "https://b.example"));
    }

    #[test]
    fn surveys_and_merging_block_and_assignment_does_not() {
        let seen = settings(&Seen::Yes(vec![
            json!({"type": "satisfaction-surveys",
                   "data": {"send_survey_for_chat": true, "survey_interval": 24}}),
            json!({"type": "auto-merge", "data": {"tickets": {"enabled": true}}}),
            json!({"type": "ticket-assignment", "data": {"assignment_channels": ["chat"]}}),
            json!({"type": "auto-split", "data": {"email": {"enabled": false}}}),
        ]));
        assert_eq!(state_of(&seen, "setting:satisfaction-surveys"), (State::Live, true));
        assert_eq!(state_of(&seen, "setting:auto-merge"), (State::Live, true));
        assert_eq!(state_of(&seen, "setting:ticket-assignment"), (State::Note, false));
        assert_eq!(state_of(&seen, "setting:auto-split"), (State::Fine, false));
    }
}
