//! Rate limit, injected faults, and a restart after a kill.

use std::path::Path;
use std::time::Duration;

use deskferry_emulator::gorgias::{Bucket, Fault, Faults, Once, Options, RetryAfter};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, id, incoming, note, options, outgoing, parts, serve, ticket};

#[tokio::test]
async fn the_bucket_refuses_a_burst_and_says_how_full_it_is() {
    let bucket = Some(Bucket { calls: 4, window_ms: 8_000 });
    let desk = serve(Options { bucket, ..options() }).await;
    for used in 1..=4 {
        let response = desk.request(Method::GET, "account").send().await.expect("it answers");
        let headers = response.headers();
        assert_eq!(headers["x-gorgias-account-api-call-limit"], format!("{used}/4"));
        assert!(!headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")));
    }
    let refused = desk.request(Method::GET, "account").send().await.expect("it answers");
    assert_eq!(refused.status().as_u16(), 429);
    let wait = refused.headers()["retry-after"].to_str().ok().and_then(|wait| wait.parse().ok());
    let wait: u64 = wait.expect("it is a number of seconds");
    assert!((1..=2).contains(&wait), "a full bucket of 4 in 8 s has room within 2 s");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(desk.get("account").await.0, 200);
    assert_eq!(desk.emulator.counters().throttled, 1);
}

#[tokio::test]
async fn a_lost_reply_leaves_the_write_behind_and_a_dropped_call_does_not() {
    let desk = serve(options()).await;
    let customer = desk.customer("grace@shop.example").await;
    let cases = [
        (Fault::DropBefore, 0, None),
        (Fault::DropAfter, 1, None),
        (Fault::FailBefore, 0, Some(503)),
        (Fault::FailAfter, 1, Some(502)),
        (Fault::Truncate, 1, None),
        (Fault::Throttle, 0, Some(429)),
    ];
    for (fault, written, status) in cases {
        let name = format!("{fault:?}");
        let once = Once {
            fault,
            method: "POST".to_owned(),
            path: "/api/tickets".to_owned(),
            skip: 0,
            count: 1,
        };
        assert_eq!(desk.control(json!({"once": [once]})).await, 200);
        let body = ticket(&name, vec![incoming(customer)]);
        let sent = desk.request(Method::POST, "tickets").json(&body).send().await;
        match status {
            Some(status) => {
                assert_eq!(sent.expect("it answers").status().as_u16(), status, "{name}");
            }
            None => match sent {
                Err(_) => assert_ne!(fault, Fault::Truncate, "half a reply has a head"),
                Ok(reply) => {
                    assert_eq!(fault, Fault::Truncate, "{name} must not answer");
                    assert!(reply.bytes().await.is_err(), "the body breaks off");
                }
            },
        }
        let (_, found) = desk.get(&format!("tickets?external_id={name}")).await;
        assert_eq!(found["data"].as_array().map(Vec::len), Some(written), "{name}");
    }
}

#[tokio::test]
async fn a_call_can_be_carried_out_twice_or_long_after_its_connection_broke() {
    let faults = Faults { late_ms: 60, ..Faults::default() };
    let desk = serve(Options { faults, ..options() }).await;
    let customer = desk.customer("grace@shop.example").await;
    for (fault, at_once, later) in [(Fault::Duplicate, 2, 2), (Fault::Late, 0, 1)] {
        let name = format!("{fault:?}");
        let (method, path) = ("POST".to_owned(), "/api/tickets".to_owned());
        let once = Once { fault, method, path, skip: 0, count: 1 };
        assert_eq!(desk.control(json!({"once": [once]})).await, 200);
        let body = ticket(&name, vec![incoming(customer)]);
        let sent = desk.request(Method::POST, "tickets").json(&body).send().await;
        assert_eq!(sent.is_err(), fault == Fault::Late, "{name}");
        let count = || {
            let records = desk.emulator.records();
            let tickets = records["tickets"].as_array().expect("a list").clone();
            let same = tickets.iter().filter(|ticket| ticket["external_id"] == name.as_str());
            same.count()
        };
        assert_eq!(count(), at_once, "{name}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(count(), later, "{name}");
    }
}

#[tokio::test]
async fn a_storm_of_429_can_say_nothing_or_nonsense_about_waiting() {
    for (says, expected) in [
        (RetryAfter::Sane, Some("1")),
        (RetryAfter::Missing, None),
        (RetryAfter::Absurd, Some("86400000")),
        (RetryAfter::Garbled, Some("soon")),
    ] {
        let faults = Faults { throttle: 1.0, throttle_says: says, ..Faults::default() };
        let desk = serve(Options { faults, ..options() }).await;
        let refused = desk.request(Method::GET, "account").send().await.expect("it answers");
        assert_eq!(refused.status().as_u16(), 429);
        let wait = refused.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
        assert_eq!(wait, expected);
    }
}

async fn everything(desk: &Desk) -> Vec<Value> {
    let mut found = Vec::new();
    for path in [
        "customers?limit=100",
        "users?limit=100",
        "tickets?limit=100",
        "messages?limit=100",
        "tags?limit=100",
        "teams?limit=100",
        "custom-fields?object_type=Ticket&limit=100",
        "events?limit=100",
        "satisfaction-surveys",
        "jobs",
        "account",
    ] {
        let (status, mut page) = desk.get(path).await;
        assert_eq!(status, 200, "{path}");
        if let Some(items) = page["data"].as_array_mut() {
            // The address of a user names the port, which is another one after a restart.
            items.iter_mut().for_each(|item| item["uri"] = Value::Null);
        }
        page["meta"] = Value::Null;
        found.push(page);
    }
    found
}

async fn at_state(state: &Path) -> Desk {
    serve(Options { state: Some(state.to_owned()), ..options() }).await
}

/// One of everything that writes; gives back the address of an uploaded file.
async fn fill(desk: &Desk) -> String {
    let (customer, agent) = (desk.customer("grace@shop.example").await, desk.agent().await);
    let mut unsent = outgoing(agent, customer);
    unsent.as_object_mut().expect("an object").remove("sent_datetime");
    desk.post("tickets", ticket("a", vec![incoming(customer), unsent, note(1)])).await;
    let pretty = serde_json::to_vec_pretty(&ticket("b", vec![incoming(customer)]));
    let sent = desk.request(Method::POST, "tickets").header("content-type", "application/json");
    let sent = sent.body(pretty.expect("it is JSON")).send().await.expect("it answers");
    let second = id(&parts(sent).await.1);
    desk.put(&format!("tickets/{second}"), json!({"status": "closed"})).await;
    desk.post("tags", json!({"name": "x"})).await;
    desk.post("teams", json!({"name": "Roasters", "members": [{"id": agent}]})).await;
    desk.post("tickets", json!({"messages": []})).await;
    desk.post("jobs", json!({"type": "deleteTicket", "params": {"ticket_ids": [second]}})).await;
    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(b"beans".as_slice()).file_name("a.txt"));
    let sent = desk.request(Method::POST, "upload").multipart(form).send().await;
    let (_, files) = parts(sent.expect("it answers")).await;
    files[0]["url"].as_str().expect("it has an address").to_owned()
}

#[tokio::test]
async fn a_restart_on_the_same_file_gives_the_same_records() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let state = folder.path().join("gorgias.jsonl");
    let (before, counters, url) = {
        let desk = at_state(&state).await;
        let url = fill(&desk).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let path = url.replace(&desk.origin, "");
        (everything(&desk).await, desk.emulator.counters(), path)
    };
    // A kill in the middle of a write leaves half a line.
    let mut bytes = std::fs::read(&state).expect("the state file is there");
    bytes.extend_from_slice(b"{\"call\":{\"at\":17");
    std::fs::write(&state, bytes).expect("the state file can be written");
    for _ in 0..2 {
        let desk = at_state(&state).await;
        assert_eq!(everything(&desk).await, before);
        let after = desk.emulator.counters();
        assert_eq!(after.records, counters.records);
        assert_eq!((after.outbox, after.reattributed_notes), (1, 1));
        let file = desk.client.get(format!("{}{url}", desk.origin)).send().await;
        assert_eq!(file.expect("it answers").text().await.expect("it is text"), "beans");
    }
}
