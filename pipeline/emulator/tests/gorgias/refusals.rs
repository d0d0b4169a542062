//! What is refused, and how.

use deskferry_emulator::gorgias::{Options, Quirks};
use reqwest::Method;
use serde_json::{Value, json};

use super::{field_errors, incoming, options, parts, serve, ticket};

#[tokio::test]
async fn a_wrong_key_is_refused_with_the_recorded_body() {
    let desk = serve(options()).await;
    let url = format!("{}/api/account", desk.origin);
    for request in [
        desk.client.get(&url),
        desk.client.get(&url).basic_auth("admin@shop.example", Some("wrong")),
        desk.client.get(&url).bearer_auth("demo-gorgias-key"),
    ] {
        let response = request.send().await.expect("it answers");
        assert!(response.headers().contains_key("x-gorgias-account-api-call-limit"));
        let (status, body) = parts(response).await;
        assert_eq!((status, body), (401, json!({"error": {"msg": "Unauthorized."}})));
    }
    assert_eq!(desk.get("account").await.0, 200);
}

/// What is put where in a sound ticket, and the field that must be named.
fn unfit(customer: u64, agent: u64) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/messages/0/imported", json!(true), "messages.0.imported"),
        ("/messages/0/channel", Value::Null, "messages.0.channel"),
        ("/messages/0/receiver", json!({"id": customer}), "messages.0.receiver"),
        ("/messages/0/source", json!({"type": "contact_form"}), "messages.0.source.type"),
        ("/messages/0/sender", json!({"id": agent}), "messages.0.sender.id"),
        ("/messages/0/sent_datetime", json!("yesterday"), "messages.0.sent_datetime"),
        ("/messages", json!([]), "messages"),
        ("/status", json!("pending"), "status"),
        ("/priority", json!("urgent"), "priority"),
        ("/via", json!("gorgias_chat"), "via"),
        ("/language", json!("deu"), "language"),
        ("/subject", json!("x".repeat(999)), "subject"),
        ("/external_id", json!("x".repeat(256)), "external_id"),
        ("/tags", json!([{"name": "x".repeat(257)}]), "tags.0.name"),
        ("/tags", json!([{"name": "nobody made me"}]), "tags"),
        ("/assignee_user", json!({"id": customer}), "assignee_user.id"),
        ("/custom_fields", json!([{"id": 1, "value": "x"}]), "custom_fields.0.id"),
        ("/extra", json!(1), "extra"),
    ]
}

#[tokio::test]
async fn what_the_schema_does_not_know_or_allow_is_refused_by_name() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let base = ticket("t", vec![incoming(customer)]);
    let before = desk.emulator.counters().records;
    for (pointer, value, name) in unfit(customer, agent) {
        let mut body = base.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        body.pointer_mut(parent).expect("the parent is there")[key] = value;
        let (status, refusal) = desk.post("tickets", body).await;
        assert_eq!((status, field_errors(&refusal)), (400, vec![name]), "{pointer}: {refusal}");
        assert!(refusal["error"]["data"][name][0].is_string());
    }
    assert_eq!(desk.emulator.counters().records, before, "a refused call leaves no trace");
    let mut five_hundred_and_one = base.clone();
    five_hundred_and_one["messages"] = json!(vec![incoming(customer); 501]);
    assert_eq!(desk.post("tickets", five_hundred_and_one).await.0, 400);
    let mut five_hundred = base;
    five_hundred["messages"] = json!(vec![incoming(customer); 500]);
    assert_eq!(desk.post("tickets", five_hundred).await.0, 201);
}

#[tokio::test]
async fn older_schemas_are_enforced_in_strict_mode_only() {
    for (strict, expected) in [(true, 400), (false, 201)] {
        let desk = serve(Options { strict, ..options() }).await;
        let customer = desk.customer("grace@shop.example").await;
        let message = json!({"channel": "api", "from_agent": false, "sender": {"id": customer}});
        let (status, body) = desk.post("tickets", json!({"messages": [message]})).await;
        assert_eq!(status, expected, "{body}");
    }
}

#[tokio::test]
async fn an_email_address_belongs_to_one_customer_and_one_user() {
    let desk = serve(options()).await;
    desk.customer("grace@shop.example").await;
    for body in [
        json!({"channels": [{"type": "email", "address": "GRACE@shop.example"}]}),
        json!({"email": "grace@SHOP.example", "channels": []}),
    ] {
        let (status, refusal) = desk.post("customers", body).await;
        assert_eq!(status, 409);
        assert_eq!(refusal["error"]["msg"], "The resource already exists.");
    }
    let user = json!({"email": "Ada@shop.example", "name": "A", "role": {"name": "agent"}});
    assert_eq!(desk.post("users", user).await.0, 409);
    for (name, value) in [("active", json!(false)), ("role", json!({"name": "bot"}))] {
        let mut user = json!({"email": "b@shop.example", "name": "B", "role": {"name": "agent"}});
        user[name] = value;
        assert_eq!(desk.post("users", user).await.0, 400, "{name}");
    }
    let body = json!({"channels": [], "data": {"plan": "pro"}});
    assert_eq!(field_errors(&desk.post("customers", body).await.1), ["data"]);
}

#[tokio::test]
async fn too_large_a_body_or_upload_is_413() {
    let quirks = Quirks { body_bytes_max: 2_000, upload_bytes_max: 1_000, ..Quirks::default() };
    let desk = serve(Options { quirks, ..options() }).await;
    let customer = desk.customer("grace@shop.example").await;
    let mut message = incoming(customer);
    message["body_text"] = json!("x".repeat(3_000));
    assert_eq!(desk.post("tickets", ticket("t", vec![message])).await.0, 413);
    let part = reqwest::multipart::Part::bytes(vec![0; 1_001]).file_name("a.bin");
    let form = reqwest::multipart::Form::new().part("file", part);
    let sent = desk.request(Method::POST, "upload").multipart(form).send().await;
    assert_eq!(sent.expect("it answers").status().as_u16(), 413);
}

#[tokio::test]
async fn quotas_and_proxies_can_be_switched_on() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    assert_eq!(
        desk.control(json!({"quirks": {"message_quota": 1, "proxy_codes": true}})).await,
        200
    );
    assert_eq!(desk.control(json!({"quirks": {"no_such_quirk": 1}})).await, 400);
    let body = ticket("t", vec![incoming(customer)]);
    assert_eq!(desk.post("tickets", body.clone()).await.0, 200);
    let (status, refusal) = desk.post("tickets", body).await;
    assert_eq!(status, 403);
    assert!(refusal["error"]["msg"].as_str().is_some_and(|msg| msg.contains("quota exceeded")));
}
