//! Lists, cursors and searches.

use std::time::Duration;

use deskferry_emulator::gorgias::{Options, Quirks};
use serde_json::{Value, json};

use super::{id, incoming, options, serve, ticket};

#[tokio::test]
async fn cursors_visit_everything_once_and_belong_to_one_list() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    for number in 0..70 {
        desk.ticket(customer, &format!("t{number}")).await;
    }
    for order in ["created_datetime:asc", "updated_datetime:desc"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("tickets?limit=30&order_by={order}{cursor}");
            let (status, page) = desk.get(&path).await;
            assert_eq!(status, 200);
            seen.extend(page["data"].as_array().expect("a page has data").iter().map(id));
            match page["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((seen.len(), sorted.len()), (70, 70), "{order}");
    }
    let (_, first) = desk.get("tickets?limit=30").await;
    let next = first["meta"]["next_cursor"].as_str().expect("there is more");
    let (_, second) = desk.get(&format!("tickets?limit=30&cursor={next}")).await;
    let back = second["meta"]["prev_cursor"].as_str().expect("there was something before");
    let (_, again) = desk.get(&format!("tickets?limit=30&cursor={back}")).await;
    // Later work may have changed a ticket between the two readings, so the ids are compared.
    let ids = |page: &Value| -> Vec<u64> {
        page["data"].as_array().expect("a page has data").iter().map(id).collect()
    };
    assert_eq!(ids(&again), ids(&first));
    for path in [
        format!("customers?cursor={next}"),
        format!("tickets?cursor={next}&customer_id={customer}"),
        "tickets?cursor=nonsense".to_owned(),
        "tickets?limit=101".to_owned(),
        "tickets?limit=0".to_owned(),
        "tickets?page=2".to_owned(),
        "tickets?order_by=id:asc".to_owned(),
        "messages?external_id=m1".to_owned(),
        "events?object_type=Ticket".to_owned(),
        "customers?language=en&limit=10".to_owned(),
        "custom-fields".to_owned(),
    ] {
        assert_eq!(desk.get(&path).await.0, 400, "{path}");
    }
    assert_eq!(desk.control(json!({"quirks": {"cursor_ttl_ms": 0}})).await, 200);
    let (_, stale) = desk.get("tickets?limit=30").await;
    let stale = stale["meta"]["next_cursor"].as_str().expect("there is more");
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(desk.get(&format!("tickets?cursor={stale}")).await.0, 400);
}

#[tokio::test]
async fn the_message_list_of_a_ticket_pages_by_number() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let (_, made) = desk.post("tickets", ticket("t", vec![incoming(customer); 65])).await;
    let path = format!("tickets/{}/messages", id(&made));
    let (_, page) = desk.get(&format!("{path}?limit=100")).await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(30));
    assert_eq!(
        page["meta"],
        json!({
        "page": 1, "per_page": 30, "current_page": 1, "item_count": 65, "nb_pages": 3})
    );
    let (_, last) = desk.get(&format!("{path}?page=3")).await;
    assert_eq!(last["data"].as_array().map(Vec::len), Some(5));
    let (_, all) = desk.get(&format!("messages?ticket_id={}&limit=100", id(&made))).await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(65));
    assert_eq!(all["meta"]["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_search_by_external_id_sees_a_write_late_when_told_so() {
    let quirks = Quirks { lookup_lag_ms: 600, ..Quirks::default() };
    let desk = serve(Options { quirks, ..options() }).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "late").await;
    assert_eq!(desk.get("tickets?external_id=late").await.1["data"], json!([]));
    assert_eq!(desk.get(&format!("tickets/{}", id(&made))).await.0, 200);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(desk.get("tickets?external_id=late").await.1["data"][0]["id"], id(&made));
}

#[tokio::test]
async fn events_of_one_call_share_a_context_and_can_be_asked_by_time() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = desk.ticket(customer, "t").await;
    let (_, events) = desk.get("events?order_by=created_datetime:asc").await;
    let events = events["data"].as_array().expect("a page has data").clone();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        kinds,
        ["customer-created", "ticket-created", "ticket-message-created", "ticket-updated"]
    );
    assert_eq!(events[1]["context"], events[3]["context"]);
    assert_ne!(events[0]["context"], events[1]["context"]);
    assert!(events[0]["id"].as_u64() > Some(1 << 31));
    let path = format!("events?object_type=Ticket&object_id={}", id(&made));
    assert_eq!(desk.get(&path).await.1["data"].as_array().map(Vec::len), Some(2));
    let created = events[1]["created_datetime"].as_str().expect("it is a time");
    let created = created.replace('+', "%2B");
    let (_, later) = desk.get(&format!("events?created_datetime[gte]={created}")).await;
    assert_eq!(later["data"].as_array().map(Vec::len), Some(3));
    let (_, before) = desk.get(&format!("events?created_datetime[lt]={created}")).await;
    assert_eq!(before["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_view_lists_what_its_filter_lets_through() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    for number in 0..5 {
        let mut body = ticket(&format!("t{number}"), vec![incoming(customer)]);
        body["status"] = json!(if number % 2 == 0 { "open" } else { "closed" });
        desk.post("tickets", body).await;
    }
    assert_eq!(desk.post("views", json!({"name": "no slug"})).await.0, 400);
    let view = json!({"slug": "open", "filters": "eq(ticket.status, 'open')", "order_dir": "asc"});
    let (status, view) = desk.post("views", view).await;
    assert_eq!(status, 201);
    let (mut path, mut seen) = (format!("views/{}/items?limit=2", id(&view)), 0);
    loop {
        let (_, page) = desk.get(&path).await;
        seen += page["data"].as_array().map_or(0, Vec::len);
        let Some(next) = page["meta"]["next_items"].as_str() else {
            break;
        };
        path = format!("{}&limit=2", next.trim_start_matches("/api/"));
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn what_a_list_leaves_out_is_shown_by_the_record_alone() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let made = id(&desk.ticket(customer, "t").await);
    let definition = json!({"data_type": "text", "input_settings": {"input_type": "input"}});
    for (kind, record) in [("Ticket", made), ("Customer", customer)] {
        let body = json!({"object_type": kind, "label": "Size", "definition": definition});
        let (_, field) = desk.post("custom-fields", body).await;
        let path = format!("{}s/{record}", kind.to_lowercase());
        let value = json!([{"id": id(&field), "value": "large"}]);
        assert_eq!(desk.put(&format!("{path}/custom-fields"), value).await.0, 200);
        let (status, alone) = desk.get(&format!("{path}?relationships=custom_fields")).await;
        assert_eq!(status, 200);
        assert_eq!(alone["custom_fields"][id(&field).to_string()]["value"], "large");
    }
    let meta = json!({"meta": {"source": "crisp"}});
    assert_eq!(desk.put(&format!("tickets/{made}"), meta.clone()).await.0, 200);
    assert_eq!(desk.get(&format!("tickets/{made}")).await.1["meta"], meta["meta"]);
    let channels = desk.get(&format!("customers/{customer}")).await.1["channels"].clone();
    assert_eq!(channels[0]["address"], "grace@shop.example");
    let ticket = desk.get("tickets").await.1["data"][0].clone();
    let person = desk.get("customers").await.1["data"][0].clone();
    for (item, name) in [
        (&ticket, "meta"),
        (&ticket, "custom_fields"),
        (&person, "channels"),
        (&person, "custom_fields"),
    ] {
        assert!(item.get("id").is_some() && item.get(name).is_none(), "{name}: {item}");
    }
}
