//! What becomes of tickets and messages, and what would reach a person.

use std::time::Duration;

use deskferry_emulator::gorgias::{Options, Quirks};
use serde_json::{Value, json};

use super::{id, incoming, note, options, outgoing, parts, serve, ticket};

#[tokio::test]
async fn a_whole_ticket_comes_back_as_it_was_sent() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let messages = vec![incoming(customer), outgoing(agent, customer), note(agent)];
    let (status, made) = desk.post("tickets", ticket("conv-1", messages)).await;
    assert_eq!(status, 201);
    let (status, read) = desk.get(&format!("tickets/{}", id(&made))).await;
    assert_eq!(status, 200);
    assert!(id(&read) > 1 << 31);
    assert_eq!(read["created_datetime"], "2024-03-01T10:00:00.000000+00:00");
    assert_eq!(read["last_message_datetime"], "2024-03-01T12:00:00.000000+00:00");
    assert_eq!(read["last_received_message_datetime"], "2024-03-01T10:00:00.000000+00:00");
    assert_eq!(read["customer"]["id"], customer);
    let texts: Vec<&Value> = read["messages"]
        .as_array()
        .expect("messages are embedded")
        .iter()
        .map(|message| &message["body_text"])
        .collect();
    assert_eq!(texts, ["where is my coffee", "on its way", "be kind"]);
    assert_eq!(read["messages"][2]["public"], false);
    assert_eq!(read["messages"][2]["sender"]["id"], agent);
    assert_eq!(read["messages"][0]["sender"]["firstname"], "Grace");
    assert_eq!(read["messages"][0]["sender"]["lastname"], "Hopper");
    assert_eq!(desk.emulator.outbox(), 0);
    let (_, list) = desk.get("tickets?external_id=conv-1").await;
    assert_eq!(list["data"][0]["id"], id(&made));
    assert!(list["data"][0].get("messages").is_none(), "a list carries no messages");
    assert_eq!(list["data"][0]["messages_count"], 3);
}

#[tokio::test]
async fn a_repeated_post_makes_a_second_ticket() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let first = desk.ticket(customer, "twin").await;
    let second = desk.ticket(customer, "twin").await;
    assert_ne!(id(&first), id(&second));
    let (_, found) = desk.get("tickets?external_id=twin").await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_agent_message_without_a_sent_time_is_counted_as_sent() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let made = desk.ticket(customer, "t").await;
    let path = format!("tickets/{}/messages", id(&made));
    let mut message = outgoing(agent, customer);
    message.as_object_mut().expect("an object").remove("sent_datetime");
    message["imported"] = json!(true);
    assert_eq!(desk.post(&path, message).await.0, 201);
    let mut quiet = note(agent);
    quiet.as_object_mut().expect("an object").remove("sent_datetime");
    assert_eq!(desk.post(&path, quiet).await.0, 201);
    assert_eq!(desk.emulator.outbox(), 1, "the note is never sent, the message is");
    let url = format!("{}/_emulator/outbox", desk.origin);
    let (_, outbox) = parts(desk.client.get(url).send().await.expect("it answers")).await;
    assert_eq!(outbox, json!({"outbox": 1, "messages": 1, "surveys": 0}));
}

#[tokio::test]
async fn closing_a_ticket_sends_a_survey_only_when_surveys_are_on() {
    for (surveys_on, imported, sent) in [(false, false, 0), (true, true, 0), (true, false, 1)] {
        let quirks = Quirks { surveys_on, ..Quirks::default() };
        let desk = serve(Options { quirks, ..options() }).await;
        let customer = desk.customer("grace@shop.example").await;
        let mut body = ticket("t", vec![incoming(customer)]);
        body["channel"] = json!("chat");
        body["status"] = json!("closed");
        body["imported"] = json!(imported);
        assert_eq!(desk.post("tickets", body).await.0, 201);
        assert_eq!(desk.emulator.outbox(), sent, "surveys {surveys_on}, imported {imported}");
    }
}

#[tokio::test]
async fn an_email_message_needs_a_from_address() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let made = desk.ticket(customer, "t").await;
    let path = format!("tickets/{}/messages", id(&made));
    let mut message = outgoing(agent, customer);
    message["channel"] = json!("email");
    for source in [json!({"type": "email"}), json!({"type": "email", "from": {"name": "x"}})] {
        message["source"] = source;
        let (status, body) = desk.post(&path, message.clone()).await;
        assert_eq!(status, 400);
        assert_eq!(body["error"]["msg"], "From field is missing or empty");
    }
    message["source"]["from"] = json!({"address": "support@shop.example"});
    message["source"]["to"] = json!([{"address": "grace@shop.example"}]);
    assert_eq!(desk.post(&path, message).await.0, 201);
}

#[tokio::test]
async fn a_note_from_an_unknown_agent_becomes_the_bots() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let path = format!("tickets/{}/messages", id(&made));
    let mut message = note(1);
    message["sender"] = json!({"email": "left@shop.example"});
    let (status, stored) = desk.post(&path, message.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(stored["sender"]["name"], "Gorgias Bot");
    assert_eq!(desk.emulator.counters().reattributed_notes, 1);
    message["from_agent"] = json!(false);
    assert_eq!(desk.post(&path, message).await.0, 400);
}

#[tokio::test]
async fn a_nested_person_with_more_than_an_id_changes_that_person() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let path = format!("tickets/{}/messages", id(&made));
    let mut message = incoming(customer);
    message["sender"] = json!({"id": customer, "name": "Visitor 42"});
    assert_eq!(desk.post(&path, message.clone()).await.0, 201);
    let (_, read) = desk.get(&format!("customers/{customer}")).await;
    assert_eq!(read["name"], "Visitor 42");
    message["sender"] = json!({"email": "Nobody@Shop.example"});
    assert_eq!(desk.post(&path, message.clone()).await.0, 201);
    message["sender"] = json!({"email": "nobody@shop.example"});
    assert_eq!(desk.post(&path, message).await.0, 201);
    let counters = desk.emulator.counters();
    assert_eq!(counters.nested_mutations, 1);
    assert_eq!(counters.customers_by_mention, 1, "the case of an address does not matter");
    assert_eq!(counters.records["customers"], 2);
}

#[tokio::test]
async fn an_update_of_an_incoming_message_stamps_its_sent_time() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let (_, made) = desk.post("tickets", ticket("t", vec![outgoing(agent, customer)])).await;
    let message = id(&made["messages"][0]);
    let path = format!("tickets/{}/messages/{message}", id(&made));
    let body = json!({"channel": "api", "from_agent": false, "sent_datetime": null});
    let (status, changed) = desk.put(&path, body).await;
    assert_eq!(status, 202);
    assert_eq!(changed["sent_datetime"], changed["created_datetime"]);
    assert_eq!(desk.put(&path, json!({"body_text": "x"})).await.0, 400);
    assert_eq!(desk.delete(&path).await.0, 204);
    assert_eq!(desk.get(&path).await.0, 404);
}

#[tokio::test]
async fn later_work_changes_a_ticket_behind_the_loaders_back() {
    let quirks = Quirks { background_ms: 50, ..Quirks::default() };
    let desk = serve(Options { quirks, ..options() }).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    assert_eq!(made["language"], Value::Null);
    assert!(made.get("custom_fields").is_none());
    tokio::time::sleep(Duration::from_millis(80)).await;
    let (_, later) = desk.get(&format!("tickets/{}", id(&made))).await;
    assert_eq!(later["language"], "en");
    assert_eq!(later["custom_fields"].as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(later["messages"][0]["intents"].as_array().map(Vec::len), Some(1));
}
