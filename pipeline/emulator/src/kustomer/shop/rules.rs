//! What makes the helpdesk act by itself or stands on its walls: service levels, workflows,
//! business rules, hooks, chat settings and saved searches.

use serde_json::{Value, json};

use super::super::store::{Record, Store};
use super::people::{team_id, user_id};
use super::{DAY_MS, FIRST_MS, id_of, linked, record};

pub(super) fn fill(store: &mut Store, seed: u64) {
    store.put("slas", vec![sla(seed)]);
    store.put("sla_versions", (1..=2).map(|version| sla_version(seed, version)).collect());
    store.put("workflows", (0..2).map(|place| workflow(seed, place)).collect());
    store.put("business_rules", (0..3).map(|place| business_rule(seed, place)).collect());
    store.put("email_hooks", vec![hook(seed, "email hook", "hooks/email", "Orders by mail")]);
    store.put("web_hooks", vec![hook(seed, "web hook", "hooks/web", "Shop events")]);
    store.put("chat_settings", vec![chat_settings(seed)]);
    store.put("pinned_searches", (0..3).map(|place| search(seed, place)).collect());
    store.put("search_positions", vec![positions(seed)]);
}

fn simple(seed: u64, kind: &str, path: &str, place: usize, attributes: Value) -> Record {
    let created_ms = FIRST_MS + place as i64 * DAY_MS;
    let times = (created_ms, created_ms + DAY_MS);
    record((kind, path), &id_of(seed, kind, place), times, attributes, json!({}))
}

fn sla(seed: u64) -> Record {
    simple(seed, "sla", "slas", 0, json!({ "currentVersion": 2, "enabled": true }))
}

fn sla_version(seed: u64, version: usize) -> Record {
    let attributes = json!({
        "name": "Standard", "description": "Answers within a working day", "version": version,
        "hours": { "type": "business" },
        "metrics": { "firstResponse": { "central": { "breachAt": 8 * version } } },
        "criteria": { "and": [{ "conversation_channels": { "contains": "email" } }] },
    });
    let mut version = simple(seed, "sla_version", "slas", version, attributes);
    version.value["relationships"]["sla"] = linked("sla", &id_of(seed, "sla", 0), "slas");
    version
}

fn workflow(seed: u64, place: usize) -> Record {
    let attributes = json!({
        "name": (["Close quiet conversations", "Thank new customers"])[place],
        "enabled": place == 0,
        "trigger": { "eventName": "kustomer.conversation.update" },
        "steps": [{ "id": "1", "action": "kustomer.conversation.update" }], "version": 3,
    });
    simple(seed, "workflow", "workflows", place, attributes)
}

fn business_rule(seed: u64, place: usize) -> Record {
    let attributes = json!({
        "name": (["Wholesale goes to its team", "Auto-reply at night", "Tag refunds"])[place],
        "enabled": place != 1,
        "events": ["conversation.create"],
        "criteria": { "and": [{ "customer_emails": { "contains": "wholesale" } }] },
        "actions": [{ "type": "assign-team", "team": team_id(seed, 2) }],
    });
    simple(seed, "business_rule", "business-rules", place, attributes)
}

fn hook(seed: u64, kind: &str, path: &str, name: &str) -> Record {
    let attributes = json!({
        "name": name, "description": null, "eventName": "shop.event", "hash": id_of(seed, kind, 7),
        "address": (kind == "email hook").then_some("in.4711@hooks.kustomer.example"),
    });
    simple(seed, kind, path, 0, attributes)
}

fn chat_settings(seed: u64) -> Record {
    let attributes = json!({
        "enabled": true, "widgetType": "chat", "teamName": "The Shop", "greeting": "Hello!",
        "offhoursMessage": "We are back at nine", "domainCriteria": ["shop.example"],
    });
    simple(seed, "chat_setting", "chat/settings", 0, attributes)
}

fn search(seed: u64, place: usize) -> Record {
    let attributes = json!({
        "name": (["Open e-mails", "VIP", "Breached"])[place], "pinned": true,
        "queryContext": "conversation",
        "query": { "and": [{ "conversation_status": { "equals": "open" } }] },
    });
    let mut search = simple(seed, "search", "customers/searches", place, attributes);
    search.value["relationships"]["createdBy"] = linked("user", &user_id(seed, place), "users");
    search
}

fn positions(seed: u64) -> Record {
    let ids: Vec<String> = (0..3).map(|place| id_of(seed, "search", place)).collect();
    simple(seed, "search_position", "customers/searches", 0, json!({ "positions": ids }))
}
