//! Plans are written in the words of Gorgias; here they become what the SQL of Crisp writes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parsed;
use crate::plan_tables::PlanTables;

/// The rows that the SQL of Crisp writes for the same records.
pub fn for_crisp(plan: &PlanTables) -> PlanTables {
    let has_address = |one: &&Value| one["email"].is_string();
    let people: BTreeMap<&str, &Value> = {
        let customers = plan.customers.iter().filter(has_address);
        customers.map(|one| (one["customer_id"].as_str().expect("is text"), one)).collect()
    };
    let known = |id: &Value| id.as_str().and_then(|id| people.get(id).copied());
    let mut crisp = PlanTables {
        agents: plan.agents.clone(),
        customers: people.values().map(|one| customer(one)).collect(),
        uploads: plan.uploads.clone(),
        forecast: plan.forecast.clone(),
        ..PlanTables::default()
    };
    for ticket in &plan.tickets {
        let person = known(&ticket["customer_id"]);
        let mut thread = ticket.clone();
        thread["customer_id"] = person.map_or(Value::Null, |one| one["customer_id"].clone());
        let state = if ticket["status"] == "closed" { "resolved" } else { "unresolved" };
        thread["status"] = json!(state);
        thread["channel"] = json!("chat");
        let mut meta = json!({
            "nickname": format!("Visitor of {}", ticket["ticket_id"].as_str().expect("is text")),
            "data": {"created_at": ticket["created_at"]}, "participants": [], "is_blocked": false,
            "phone": "+4930", "device": {"locales": ["de"]},
        });
        if let Some(person) = person {
            meta["email"] = person["email"].clone();
        }
        thread["meta"] = json!(meta.to_string());
        let own = plan.messages.iter().filter(|one| one["ticket_id"] == ticket["ticket_id"]);
        let messages = own.flat_map(|one| messages_of(one, &known)).collect();
        crisp.thread(thread, messages);
    }
    crisp
}

fn customer(one: &Value) -> Value {
    let mut customer = one.clone();
    let person = json!({"nickname": one["name"], "phone": one["phone"]});
    let data = json!({"language": one["language"], "visits": 3});
    let meta = json!({"person": person, "company": null, "segments": [], "data": data});
    customer["meta"] = json!(meta.to_string());
    for name in ["phone", "language", "timezone"] {
        customer[name] = Value::Null;
    }
    customer
}

/// A message, and each of its files as one of its own.
fn messages_of<'a>(one: &Value, known: &impl Fn(&Value) -> Option<&'a Value>) -> Vec<Value> {
    let id = one["message_id"].as_str().expect("is text");
    let row = |id: &str| {
        let mut row = one.clone();
        row["message_id"] = json!(id);
        row["in_create"] = json!(false);
        row["receiver_customer_id"] = Value::Null;
        row["source_to"] = json!("[]");
        if one["sender_kind"] == "customer" && known(&one["sender_id"]).is_none() {
            row["sender_id"] = Value::Null;
        }
        let meta = json!({"origin": "chat", "automated": false,
                          "properties": {"deskferry_id": id}});
        row["meta"] = json!(meta.to_string());
        row
    };
    let listed = parsed(&one["attachments"]);
    let files = listed.as_array().expect("a list").iter().enumerate();
    let is_public = one["public"] == true;
    let files = files.filter(|_| is_public).map(|(number, file)| {
        let mut row = row(&format!("{id}/file/{}", number + 1));
        row["attachments"] = json!(json!([file]).to_string());
        row["body_text"] = Value::Null;
        row["body_html"] = Value::Null;
        row
    });
    std::iter::once(row(id)).chain(files).collect()
}
