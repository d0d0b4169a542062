//! Lost replies, trouble on the other side, throttling and slow indexes: nothing is lost, nothing
//! is doubled, nobody gets a message.

use std::sync::Arc;
use std::time::Duration;

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

const FAULTS: [Fault; 6] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::FailBefore,
    Fault::FailAfter,
    Fault::Truncate,
    Fault::Throttle,
];

#[tokio::test]
async fn one_fault_on_any_kind_of_call_changes_nothing_about_the_result() {
    let (expected, client) = calm().await;
    for fault in FAULTS {
        for (method, path) in [
            ("GET", "/api/users"),
            ("GET", "/api/tags"),
            ("POST", "/api/customers"),
            ("POST", "/api/tags"),
            ("POST", "/api/upload"),
            ("POST", "/api/tickets"),
            ("POST", "/api/tickets/"),
            ("PUT", "/api/tickets/"),
        ] {
            let (method, path) = (method.to_owned(), path.to_owned());
            let case = format!("{fault:?} on {method} {path}");
            let once = vec![Once { fault, method, path, skip: 0, count: 1 }];
            let faults = Faults { once, throttle_says: RetryAfter::Missing, ..Faults::default() };
            let stage =
                Stage::called_by(client.clone(), &shop(), Setting { faults, ..Setting::default() })
                    .await;
            let outcome = stage.load().await.expect(&case);
            assert!(outcome.complete, "{case}");
            assert_eq!(stage.replayed().await, expected, "{case}");
            stage.assert_quiet();
            let throttled = outcome.calls.get("throttled").copied().unwrap_or_default();
            assert_eq!(throttled, u64::from(fault == Fault::Throttle), "{case}");
        }
    }
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

/// Numbers that follow from a seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Set when building, replays one seed: `DESKFERRY_SEED=7 cargo test a_storm`.
fn seeds() -> Vec<u64> {
    match option_env!("DESKFERRY_SEED").and_then(|text| text.parse().ok()) {
        Some(seed) => vec![seed],
        None => vec![1, 2, 3, chrono::Utc::now().timestamp_micros() as u64],
    }
}

#[tokio::test]
async fn a_storm_of_faults_and_stops_loses_nothing_and_doubles_nothing() {
    let (expected, client) = calm().await;
    for seed in seeds() {
        println!("seed {seed}");
        let rate = 0.04;
        let faults = Faults {
            seed,
            drop_before: rate,
            drop_after: rate,
            fail_before: rate,
            fail_after: rate,
            throttle: rate,
            throttle_says: RetryAfter::Missing,
            truncate: rate,
            ..Faults::default()
        };
        let quirks = Quirks { lookup_lag_ms: 10, ..Quirks::default() };
        let stage = Stage::called_by(
            client.clone(),
            &shop(),
            Setting { faults, quirks, ..Setting::default() },
        )
        .await;
        let patience = Patience { looks: 4, pause_first_ms: 4 };
        let storm = Options { lookup: patience, ..options() };
        let mut numbers = Numbers(seed | 1);
        let mut sessions = 0;
        let outcome = loop {
            sessions += 1;
            assert!(sessions < 500, "seed {seed} does not end");
            let session = stage.load_with(&storm, Arc::new(stage.gorgias()));
            let span = Duration::from_millis(5 + numbers.next(150) + 5 * sessions);
            if let Ok(Ok(outcome)) = tokio::time::timeout(span, session).await {
                break outcome;
            }
        };
        assert!(outcome.complete, "seed {seed}");
        assert_eq!(stage.replayed().await, expected, "seed {seed}");
        stage.assert_quiet();
    }
}
