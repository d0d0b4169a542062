//! Lost replies, trouble on the other side, throttling and slow indexes: nothing is lost, nothing
//! is doubled, nobody gets a message.

use std::sync::Arc;

use deskferry_load::{Options, Patience};
use emulator::gorgias::{Fault, Faults, Once, Options as Setting, Quirks, RetryAfter};
use http::Client;
use serde_json::{Value, json};

use crate::shop::{asked, shop, ticket};
use crate::stage::{Stage, options};

/// What a replay that nothing disturbs leaves, and a client for the others.
async fn calm() -> (Value, Client) {
    let calm = Stage::new(&shop(), Setting::default()).await;
    calm.load().await.expect("loads");
    (calm.replayed().await, calm.client.clone())
}

#[tokio::test]
async fn a_record_that_the_index_shows_late_is_waited_for_and_not_made_again() {
    let (expected, client) = calm().await;
    for path in ["/api/customers", "/api/tickets"] {
        let fault = Fault::DropAfter;
        let (method, path) = ("POST".to_owned(), path.to_owned());
        let once = vec![Once { fault, method, path, skip: 0, count: 1 }];
        let faults = Faults { once, ..Faults::default() };
        let quirks = Quirks { lookup_lag_ms: 400, ..Quirks::default() };
        let stage = Stage::called_by(
            client.clone(),
            &shop(),
            Setting { faults, quirks, ..Setting::default() },
        )
        .await;
        let patient = Patience { looks: 8, pause_first_ms: 5 };
        let patient = Options { lookup: patient, ..options() };
        let outcome = stage.load_with(&patient, Arc::new(stage.gorgias())).await.expect("loads");
        assert!(outcome.calls["lookups"] > 1, "{:?}", outcome.calls);
        assert_eq!(stage.replayed().await, expected);
    }
}

#[tokio::test]
async fn a_ticket_that_is_there_with_a_part_of_its_messages_gets_the_others_and_is_closed() {
    let mut plan = shop();
    let messages = ["m5-1", "m5-2", "m5-3"].map(|id| asked(id, "c1", true)).to_vec();
    plan.thread(ticket("t5", "c1", "closed"), messages);
    let stage = Stage::new(&plan, Setting::default()).await;
    let message = json!({
        "channel": "api", "via": "api", "from_agent": false, "public": true, "body_text": "x",
        "created_datetime": "2020-01-01T00:00:00+00:00",
        "external_id": "m5-1", "sender": {"email": "x@people.example"},
        "sent_datetime": "2020-01-01T00:00:00+00:00",
    });
    let body = json!({
        "external_id": "crisp:t5", "via": "api", "channel": "api", "imported": true,
        "customer": {"email": "x@people.example"}, "messages": [message],
    });
    stage.post("/api/tickets", body).await;
    let only = Options { only: vec!["t5".into()], ..options() };
    let outcome = stage.load_with(&only, Arc::new(stage.gorgias())).await.expect("loads");
    assert_eq!(outcome.calls["messages_append"], 2);
    assert_eq!(outcome.calls["tickets_update"], 1);
    let replayed = stage.replayed().await;
    let tickets = replayed["tickets"].as_array().expect("tickets");
    assert_eq!(tickets.len(), 1);
    let messages = tickets[0]["messages"].as_array().expect("messages");
    let ids: Vec<_> = messages.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["m5-1", "m5-2", "m5-3"]);
    assert_eq!(tickets[0]["status"], "closed");
}

#[tokio::test]
async fn headers_that_ask_for_an_absurd_wait_are_bounded() {
    let (expected, client) = calm().await;
    for throttle_says in [RetryAfter::Sane, RetryAfter::Absurd, RetryAfter::Garbled] {
        let faults = Faults { seed: 7, throttle: 0.3, throttle_says, ..Faults::default() };
        let stage =
            Stage::called_by(client.clone(), &shop(), Setting { faults, ..Setting::default() })
                .await;
        while stage.load().await.is_err() {}
        assert_eq!(stage.replayed().await, expected);
    }
}
