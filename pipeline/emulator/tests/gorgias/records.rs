//! Customers, tags, fields, surveys, jobs, views and uploads.

use std::time::Duration;

use deskferry_emulator::gorgias::{Options, Quirks};
use reqwest::Method;
use serde_json::{Value, json};

use super::{field_errors, id, options, outgoing, parts, serve, ticket};

#[tokio::test]
async fn customer_data_answers_as_external_data() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let path = format!("customers/{customer}/data");
    let body = json!({"data": {"plan": "pro"}, "version": "2024-01-02T00:00:00Z"});
    assert_eq!(desk.put(&path, body).await, (202, Value::Null));
    let older = json!({"data": {"plan": "old"}, "version": "2024-01-01T00:00:00Z"});
    assert_eq!(desk.put(&path, older).await.0, 202);
    let (_, read) = desk.get(&format!("customers/{customer}")).await;
    assert_eq!(read["data"], Value::Null);
    let apps = read["external_data"].as_object().expect("it is an object");
    assert_eq!(apps.values().next().map(|data| &data["plan"]), Some(&json!("pro")));
}

#[tokio::test]
async fn a_merged_customer_answers_with_where_it_went() {
    let desk = serve(options()).await;
    let (from, into) =
        (desk.customer("a@shop.example").await, desk.customer("b@shop.example").await);
    let made = desk.ticket(from, "t").await;
    let path = format!("customers/merge?source_id={from}&target_id={into}");
    let (status, merged) = desk.put(&path, json!({"name": "Ignored"})).await;
    assert_eq!((status, id(&merged)), (200, into));
    assert_eq!(merged["name"], "Grace Brewster Hopper");
    let response = desk.request(Method::GET, &format!("customers/{from}")).send().await;
    let response = response.expect("it answers");
    assert_eq!(response.status().as_u16(), 301);
    let location = response.headers()["location"].to_str().expect("it is text").to_owned();
    assert_eq!(location, format!("/api/customers/{into}/"));
    let (_, read) = desk.get(&format!("tickets/{}", id(&made))).await;
    assert_eq!(read["customer"]["id"], into);
    let (_, found) = desk.get("customers?email=a@shop.example").await;
    assert_eq!(found["data"][0]["id"], into);
}

#[tokio::test]
async fn updates_are_partial_but_lists_replace() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    for name in ["one", "two", "Two"] {
        let (status, tag) = desk.post("tags", json!({"name": name})).await;
        assert_eq!(status, 201, "{tag}");
    }
    assert_eq!(desk.post("tags", json!({"name": "two"})).await.0, 409);
    let made = desk.ticket(customer, "t").await;
    let path = format!("tickets/{}", id(&made));
    let (status, body) = desk.put(&path, json!({"created_datetime": "2020-01-01T00:00:00Z"})).await;
    assert_eq!((status, field_errors(&body)), (400, vec!["created_datetime"]));
    desk.put(&path, json!({"tags": [{"name": "one"}], "subject": "s"})).await;
    let (status, after) = desk.put(&path, json!({"tags": [{"name": "Two"}]})).await;
    assert_eq!(status, 200);
    assert_eq!((after["tags"][0]["name"].as_str(), &after["tags"][1]), (Some("Two"), &Value::Null));
    assert_eq!(after["subject"], "s");
    let (_, tags) = desk.get("tags?search=one").await;
    let one = id(&tags["data"][0]);
    let tags_path = format!("{path}/tags");
    assert_eq!(desk.post(&tags_path, json!({"ids": [one]})).await, (201, Value::Null));
    let (_, both) = desk.get(&tags_path).await;
    assert_eq!(both["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(desk.put(&tags_path, json!({"ids": [one]})).await, (202, Value::Null));
    assert_eq!(desk.get(&tags_path).await.1["data"].as_array().map(Vec::len), Some(1));
    let (_, closed) = desk.put(&path, json!({"status": "closed"})).await;
    assert!(closed["closed_datetime"].is_string());
    let channels = json!({"channels": [{"type": "phone", "address": "+4912345"}], "email": null});
    let (_, person) = desk.put(&format!("customers/{customer}"), channels).await;
    assert_eq!(person["channels"].as_array().map(Vec::len), Some(1));
    assert_eq!(person["name"], "Grace Brewster Hopper");
    assert_eq!(desk.delete(&path).await, (204, Value::Null));
    assert_eq!(desk.get(&path).await.0, 404);
}

#[tokio::test]
async fn custom_fields_take_what_their_definition_allows() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let definition = json!({"data_type": "text", "input_settings": {
        "input_type": "dropdown", "choices": ["Coffee::Beans", "Tea"]}});
    let body = json!({"object_type": "Ticket", "label": "Product", "priority": 0,
        "definition": definition});
    let (status, field) = desk.post("custom-fields", body).await;
    assert_eq!((status, &field["priority"]), (201, &json!(10)));
    let path = format!("tickets/{}/custom-fields", id(&made));
    let value = |value: Value| json!([{"id": id(&field), "value": value}]);
    assert_eq!(desk.put(&path, value(json!("Water"))).await.0, 400);
    assert_eq!(desk.put(&path, value(json!(3))).await.0, 400);
    let (status, set) = desk.put(&path, value(json!("Coffee::Beans"))).await;
    assert_eq!(status, 200);
    assert_eq!(set["data"][0]["field"]["label"], "Product");
    assert_eq!(desk.delete(&format!("custom-fields/{}", id(&field))).await.0, 405);
    let (_, read) = desk.get(&format!("tickets/{}", id(&made))).await;
    assert_eq!(read["custom_fields"][id(&field).to_string()]["value"], "Coffee::Beans");
    assert_eq!(desk.delete(&format!("{path}/{}", id(&field))).await.0, 204);
    let customers = format!("customers/{customer}/custom-fields");
    assert_eq!(desk.put(&customers, value(json!("Tea"))).await.0, 400, "it is a ticket field");
}

#[tokio::test]
async fn a_ticket_takes_one_survey() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let survey = |score: i64| {
        json!({"ticket_id": id(&made), "customer_id": customer, "score": score,
            "scored_datetime": "2024-03-02T00:00:00Z", "should_send_datetime": null})
    };
    assert_eq!(desk.post("satisfaction-surveys", survey(6)).await.0, 400);
    let (status, made_survey) = desk.post("satisfaction-surveys", survey(5)).await;
    assert_eq!(status, 201);
    assert_eq!(made_survey["scored_datetime"], "2024-03-02T00:00:00.000000+00:00");
    assert_eq!(desk.post("satisfaction-surveys", survey(4)).await.0, 409);
    let (_, found) = desk.get(&format!("satisfaction-surveys?ticket_id={}", id(&made))).await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(desk.emulator.outbox(), 0);
    let mut due = survey(3);
    due["ticket_id"] = json!(id(&desk.ticket(customer, "u").await));
    due["should_send_datetime"] = json!("2024-03-02T00:00:00Z");
    assert_eq!(desk.post("satisfaction-surveys", due).await.0, 201);
    assert_eq!(desk.emulator.outbox(), 1, "a survey that is due goes to the customer");
}

#[tokio::test]
async fn uploads_get_a_new_address_each_time_and_foreign_files_are_counted() {
    let desk = serve(options()).await;
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let form = || {
        let part = |bytes: &'static [u8], name: &'static str| {
            let part = reqwest::multipart::Part::bytes(bytes).file_name(name);
            part.mime_str("text/plain").expect("the type is sound")
        };
        reqwest::multipart::Form::new()
            .part("file", part(b"beans", "häß lich.txt"))
            .part("second", part(b"tea", "b.txt"))
    };
    let mut urls = Vec::new();
    for _ in 0..2 {
        let sent = desk.request(Method::POST, "upload?type=attachment").multipart(form()).send();
        let (status, files) = parts(sent.await.expect("it answers")).await;
        assert_eq!((status, files.as_array().map(Vec::len)), (201, Some(2)));
        assert_eq!(files[0]["name"], "häß lich.txt");
        assert_eq!(files[0]["size"], 5);
        urls.push(files[0]["url"].as_str().expect("a file has an address").to_owned());
    }
    assert_ne!(urls[0], urls[1]);
    let file = desk.client.get(&urls[1]).send().await.expect("it answers");
    assert_eq!(file.headers()["content-type"], "text/plain");
    assert_eq!(file.text().await.expect("it is text"), "beans");
    let path = urls[0].replace(&format!("{}/uploads/", desk.origin), "attachment/download/");
    let redirect = desk.request(Method::GET, &path).send().await.expect("it answers");
    assert_eq!(redirect.status().as_u16(), 307);

    let mut message = outgoing(agent, customer);
    message["attachments"] =
        json!([{"url": urls[0], "name": "a", "content_type": "text/plain", "size": 5}]);
    message["body_html"] = json!(format!("<img src='{}'>", urls[1]));
    assert_eq!(desk.post("tickets", ticket("a", vec![message.clone()])).await.0, 201);
    assert_eq!(desk.emulator.counters().foreign_files, 0);
    message["attachments"][0]["url"] = json!("https://storage.crisp.chat/a.txt");
    message["body_html"] = json!("<p><img alt=\"x\" src=\"https://image.crisp.chat/b.png\"></p>");
    let (_, made) = desk.post("tickets", ticket("b", vec![message])).await;
    assert_eq!(desk.emulator.counters().foreign_files, 2);
    assert_eq!(made["messages"][0]["attachments"][0]["url"], "https://storage.crisp.chat/a.txt");
}

#[tokio::test]
async fn a_deletion_job_is_pending_first_and_cannot_be_called_back_late() {
    let quirks = Quirks { job_step_ms: 400, ..Quirks::default() };
    let desk = serve(Options { quirks, ..options() }).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let far = json!({"type": "deleteTicket", "params": {"ticket_ids": [id(&made)]},
        "scheduled_datetime": "2099-01-01T00:00:00Z"});
    assert_eq!(desk.post("jobs", far).await.0, 400);
    let body = json!({"type": "deleteTicket", "params": {"ticket_ids": [id(&made)]}});
    let (status, job) = desk.post("jobs", body).await;
    assert_eq!((status, &job["status"]), (201, &json!("pending")));
    assert_eq!(desk.get(&format!("tickets/{}", id(&made))).await.0, 200);
    let path = format!("jobs/{}", id(&job));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(desk.get(&path).await.1["status"], "running");
    assert_eq!(desk.delete(&path).await.0, 204);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(desk.get(&path).await.1["status"], "done");
    assert_eq!(desk.get(&format!("tickets/{}", id(&made))).await.0, 404);
}
