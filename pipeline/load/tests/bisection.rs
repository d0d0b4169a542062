//! Calls that the target refuses because of one message or of their size: every other message gets
//! in, in order and once.

use std::sync::Arc;
use std::time::Duration;

use deskferry_load::{Options, Outcome};
use emulator::gorgias::{Fault, Faults, Once, Options as Setting, Quirks};
use kernel::ledger::RecordKind;
use serde_json::json;

use crate::plan_tables::PlanTables;
use crate::shop::{asked, shop, ticket};
use crate::stage::{Stage, options};

/// Longer texts are refused.
const TEXT_BYTES_MAX: usize = 1_000;

fn strict() -> Quirks {
    Quirks { text_bytes_max: Some(TEXT_BYTES_MAX), ..Quirks::default() }
}

/// A closed ticket of so many messages, all of which are to travel in its create, apart from those
/// behind `packed`; the ones at `bad` are too long.
fn thread(messages: usize, packed: usize, bad: &[usize]) -> PlanTables {
    let mut plan = shop();
    let messages = (1..=messages).map(|place| {
        let mut message = asked(&format!("m5-{place}"), "c1", place <= packed);
        if bad.contains(&place) {
            message["body_text"] = "x".repeat(TEXT_BYTES_MAX + 1).into();
        }
        message
    });
    let messages = messages.collect();
    plan.thread(ticket("t5", "c1", "closed"), messages);
    plan
}

/// The ids of the messages of the fifth ticket, which must be there once.
async fn arrived(stage: &Stage) -> Vec<String> {
    let replayed = stage.replayed().await;
    let tickets = replayed["tickets"].as_array().expect("tickets");
    let found: Vec<_> = tickets.iter().filter(|one| one["id"] == "crisp:t5").collect();
    assert_eq!(found.len(), 1, "the ticket is there once");
    assert_eq!(found[0]["status"], "closed");
    let messages = found[0]["messages"].as_array().expect("messages");
    messages.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The ids of so many messages without the bad ones.
fn good(messages: usize, bad: &[usize]) -> Vec<String> {
    let places = (1..=messages).filter(|place| !bad.contains(place));
    places.map(|place| format!("m5-{place}")).collect()
}

fn refused(outcome: &Outcome) -> Vec<String> {
    let messages = outcome.findings.iter().filter(|one| one.kind == RecordKind::Message);
    messages.map(|one| one.source_id.clone()).collect()
}

fn only() -> Options {
    Options { only: vec!["t5".into()], ..options() }
}

#[tokio::test]
async fn a_bad_message_stays_out_and_every_other_one_gets_in_wherever_it_stands() {
    for bad in [vec![1], vec![2], vec![7], vec![16], vec![1, 2], vec![1, 9], vec![3, 4, 15]] {
        let plan = thread(16, 16, &bad);
        let stage = Stage::new(&plan, Setting { quirks: strict(), ..Setting::default() }).await;
        let outcome = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect("goes on");
        assert_eq!(arrived(&stage).await, good(16, &bad), "{bad:?}");
        let mut expected: Vec<String> = bad.iter().map(|place| format!("m5-{place}")).collect();
        expected.sort();
        assert_eq!(refused(&outcome), expected, "{bad:?}");
        assert_eq!(outcome.settled[&(RecordKind::Message, "refused")], bad.len() as u64);
        stage.assert_quiet();
        let again = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect("loads");
        assert_eq!(again.calls_now.len(), 0, "{bad:?}: nothing is tried again");
    }
}

#[tokio::test]
async fn a_ticket_that_begins_with_one_bad_message_begins_with_the_next() {
    let plan = thread(3, 1, &[1]);
    let stage = Stage::new(&plan, Setting { quirks: strict(), ..Setting::default() }).await;
    let outcome = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect("goes on");
    assert_eq!(outcome.calls["tickets_create"], 2);
    assert_eq!(outcome.calls["messages_append"], 1);
    assert_eq!(arrived(&stage).await, ["m5-2", "m5-3"]);
    assert_eq!(refused(&outcome), ["m5-1"]);
}

#[tokio::test]
async fn a_ticket_that_is_bad_itself_is_given_up_after_a_few_calls() {
    let mut plan = thread(64, 64, &[]);
    plan.tickets[4]["via"] = json!("carrier-pigeon");
    let stage = Stage::new(&plan, Setting::default()).await;
    let outcome = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect("goes on");
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "refused")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Message, "refused")], 64);
    // 64, 32, … 1, then twice the rest and one alone.
    assert_eq!(outcome.calls["tickets_create"], 7 + 4);
}

#[tokio::test]
async fn a_call_that_is_too_large_is_halved_until_it_is_taken() {
    let plan = thread(100, 100, &[]);
    let quirks = Quirks { body_bytes_max: 15_000, ..Quirks::default() };
    let stage = Stage::new(&plan, Setting { quirks, ..Setting::default() }).await;
    let outcome = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect("goes on");
    assert_eq!(arrived(&stage).await, good(100, &[]));
    assert_eq!(outcome.settled.get(&(RecordKind::Message, "refused")), None);
    let ticket = outcome.findings.iter().find(|one| one.kind == RecordKind::Ticket);
    let reason = ticket.expect("it is said").reason.as_str();
    assert_eq!(reason, "status 413; created with 25 of 100 messages; the others were appended");
    assert_eq!(outcome.calls["tickets_create"], 3);
    assert_eq!(outcome.calls["messages_append"], 75);
}

#[tokio::test]
async fn a_reply_lost_at_any_step_of_the_halving_doubles_nothing() {
    let bad = [6];
    let plan = thread(16, 16, &bad);
    let client = Stage::new(&plan, Setting::default()).await.client.clone();
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::FailAfter, Fault::Truncate] {
        for (path, skip) in [
            ("/api/tickets", 0),
            ("/api/tickets", 1),
            ("/api/tickets", 2),
            ("/api/tickets/", 0),
            ("/api/tickets/", 1),
            ("/api/tickets/", 2),
        ] {
            let (method, path) = ("POST".to_owned(), path.to_owned());
            let case = format!("{fault:?} on {path} after {skip}");
            let once = vec![Once { fault, method, path, skip, count: 1 }];
            let faults = Faults { once, ..Faults::default() };
            let setting = Setting { faults, quirks: strict(), ..Setting::default() };
            let stage = Stage::called_by(client.clone(), &plan, setting).await;
            let outcome = stage.load_with(&only(), Arc::new(stage.gorgias())).await.expect(&case);
            assert_eq!(arrived(&stage).await, good(16, &bad), "{case}");
            assert_eq!(refused(&outcome), ["m5-6"], "{case}");
            stage.assert_quiet();
        }
    }
}

#[tokio::test]
async fn a_replay_that_is_stopped_while_it_halves_loses_nothing_and_doubles_nothing() {
    for (packed, bad) in [(16, vec![1]), (16, vec![6]), (1, vec![1]), (2, vec![1, 2])] {
        let plan = thread(16, packed, &bad);
        let client = Stage::new(&plan, Setting::default()).await.client.clone();
        for first_ms in [3, 7, 13] {
            let setting = Setting { quirks: strict(), ..Setting::default() };
            let stage = Stage::called_by(client.clone(), &plan, setting).await;
            let (some, mut span_ms) = (only(), first_ms);
            let outcome = loop {
                assert!(span_ms < 60_000, "{first_ms} ms does not end");
                let session = stage.load_with(&some, Arc::new(stage.gorgias()));
                let span = Duration::from_millis(span_ms);
                if let Ok(Ok(outcome)) = tokio::time::timeout(span, session).await {
                    break outcome;
                }
                span_ms += span_ms / 4 + 1;
            };
            assert_eq!(arrived(&stage).await, good(16, &bad), "{bad:?}, {first_ms} ms");
            let refused = outcome.settled[&(RecordKind::Message, "refused")];
            assert_eq!(refused, bad.len() as u64, "{bad:?}, {first_ms} ms");
            stage.assert_quiet();
        }
    }
}
