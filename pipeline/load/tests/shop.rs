//! The plan of a small invented shop that has one of everything.

use landing::exchange::sha256;
use serde_json::{Value, json};

use crate::plan_tables::PlanTables;

/// The files that the plan of [`shop`] uploads.
pub fn files() -> Vec<(String, &'static [u8])> {
    let contents: [&'static [u8]; 2] = [b"a picture of a cup", b"an invoice over two cups"];
    contents.map(|bytes| (sha256(bytes), bytes)).to_vec()
}

pub fn customer(id: &str, email: Option<&str>) -> Value {
    json!({"customer_id": id, "external_id": id, "email": email, "name": format!("Name of {id}")})
}

pub fn ticket(id: &str, customer_id: &str, status: &str) -> Value {
    json!({
        "ticket_id": id, "external_id": format!("crisp:{id}"), "customer_id": customer_id,
        "subject": format!("About {id}"), "status": status, "channel": "chat", "via": "api",
        "from_agent": false, "tags": "[\"migrated\"]", "spam": false,
        "created_at": "2024-03-01T10:00:00.000001Z", "updated_at": "2024-03-03T10:00:00Z",
        "closed_at": (status == "closed").then_some("2024-03-02T10:00:00Z"),
        "last_message_at": "2024-03-01T11:00:00Z", "meta": "{\"source\":\"crisp\"}",
    })
}

/// A message of a customer.
pub fn asked(id: &str, customer_id: &str, in_create: bool) -> Value {
    json!({
        "message_id": id, "in_create": in_create, "channel": "chat", "via": "api",
        "from_agent": false, "public": true, "sender_kind": "customer", "sender_id": customer_id,
        "source_type": "chat", "source_from_name": "Somebody", "source_from_address": customer_id,
        "source_to": "[{\"name\":\"Shop\",\"address\":\"shop\"}]",
        "body_text": format!("text of {id}"), "sent_at": "2024-03-01T10:00:00.000001Z",
        "attachments": "[]", "mention_agent_ids": "[]", "meta": "{\"fingerprint\":\"1\"}",
        "bytes": 400,
    })
}

/// A message of an agent to a customer.
pub fn answered(id: &str, agent_id: &str, customer_id: &str, in_create: bool) -> Value {
    let mut message = asked(id, customer_id, in_create);
    message["from_agent"] = json!(true);
    message["sender_kind"] = json!("agent");
    message["sender_id"] = json!(agent_id);
    message["receiver_customer_id"] = json!(customer_id);
    message
}

/// A note of an agent.
pub fn noted(id: &str, agent_id: &str, in_create: bool) -> Value {
    let mut note = answered(id, agent_id, "", in_create);
    note["public"] = json!(false);
    note["channel"] = json!("internal-note");
    note["source_type"] = json!("internal-note");
    note["receiver_customer_id"] = Value::Null;
    note
}

/// A small shop that has one of everything.
pub fn shop() -> PlanTables {
    let mut plan = PlanTables {
        agents: vec![
            json!({"agent_id": "op-anna", "email": "anna@shop.example", "name": "Anna"}),
            json!({"agent_id": "op-bo", "email": "bo@shop.example", "name": "Bo"}),
        ],
        tags: vec![json!({"name": "VIP"}), json!({"name": "migrated"}), json!({"name": "vip"})],
        customers: vec![
            customer("c1", Some("ada@people.example")),
            customer("c2", Some("ben@people.example")),
            customer("c3", None),
        ],
        forecast: vec![
            json!({"phase": "agents_read", "calls": 1}),
            json!({"phase": "agents_create", "calls": 0}),
            json!({"phase": "tags_read", "calls": 1}),
            json!({"phase": "tags_create", "calls": 3}),
            json!({"phase": "customers_create", "calls": 3}),
            json!({"phase": "files_upload", "calls": 2}),
            json!({"phase": "tickets_read", "calls": 1}),
            json!({"phase": "tickets_create", "calls": 4}),
            json!({"phase": "messages_append", "calls": 5}),
            json!({"phase": "tickets_update", "calls": 1}),
        ],
        ..PlanTables::default()
    };
    plan.customers[1]["phone"] = json!("+49301234567");
    plan.customers[1]["language"] = json!("de");
    let names = ["cup & saucer.png", "Rechnung März.pdf"];
    let types = ["image/png", "application/pdf"];
    for (place, (sha256, bytes)) in files().into_iter().enumerate() {
        plan.uploads.push(json!({
            "seq": place, "sha256": sha256, "name": names[place], "content_type": types[place],
            "bytes": bytes.len(), "is_too_large": false,
        }));
    }
    add_threads(&mut plan);
    plan
}

fn add_threads(plan: &mut PlanTables) {
    let attached = |place: usize, url: &str| {
        let upload = &plan.uploads[place];
        json!({
            "sha256": upload["sha256"], "name": upload["name"], "bytes": upload["bytes"],
            "content_type": upload["content_type"], "url": url, "inline": place == 0,
        })
    };
    let cup = "https://files.example/cup.png?a=1&b=2";
    let mut picture = asked("m1-1", "c1", true);
    picture["attachments"] =
        json!([attached(0, cup), attached(1, "https://files.example/r.pdf")]).to_string().into();
    picture["body_text"] = format!("look ![cup]({cup})").into();
    picture["body_html"] =
        format!("<p>look <img src=\"{}\"></p>", cup.replace('&', "&amp;")).into();
    let mut note = noted("m1-3", "op-anna", true);
    note["mention_agent_ids"] = json!("[\"op-anna\",\"op-bo\"]");
    let mut first = ticket("t1", "c1", "open");
    first["assignee_agent_id"] = json!("op-anna");
    first["tags"] = json!("[\"VIP\",\"vip\",\"migrated\"]");
    plan.thread(first, vec![picture, answered("m1-2", "op-anna", "c1", true), note]);
    plan.thread(
        ticket("t2", "c2", "closed"),
        vec![
            asked("m2-1", "c2", true),
            answered("m2-2", "op-bo", "c2", true),
            asked("m2-3", "c2", false),
            answered("m2-4", "op-anna", "c2", false),
            noted("m2-5", "op-bo", false),
        ],
    );
    let mut legacy = answered("m3-1", "", "c3", true);
    legacy["sender_kind"] = json!("legacy");
    legacy["sender_id"] = Value::Null;
    let mut third = ticket("t3", "c3", "closed");
    third["from_agent"] = json!(true);
    plan.thread(third, vec![legacy]);
    let mut fourth = ticket("t4", "c1", "open");
    fourth["spam"] = json!(true);
    plan.thread(
        fourth,
        vec![asked("m4-1", "c1", true), asked("m4-2", "c1", false), asked("m4-3", "c1", false)],
    );
}
