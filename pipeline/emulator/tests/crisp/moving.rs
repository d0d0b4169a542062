//! A workspace that moves by itself: repeatable, consistent, and still when it is told to be.

use std::collections::{BTreeMap, BTreeSet};

use deskferry_emulator::crisp::{Emulator, Inventory, Moving, Options, Quirks};
use serde_json::Value;

use super::{Desk, ids, text_at};

fn moving(moving: Moving) -> Options {
    let quirks = Quirks { moving: Some(moving), ..Quirks::default() };
    Options { quirks, ..Options::default() }
}

/// Calls the same route so many times and tells what has happened by then.
async fn run(options: Options, calls: usize) -> (BTreeMap<String, u64>, Inventory, Desk) {
    let desk = Desk::open(options).await;
    for _ in 0..calls {
        desk.get("people/stats").await;
    }
    let events = desk.emulator.counters().events;
    (events, desk.emulator.inventory(), desk)
}

/// An inventory without the times, which are the clock's.
fn keys(inventory: Inventory) -> (Vec<String>, BTreeSet<(String, i64)>, BTreeSet<String>) {
    (inventory.conversations.into_keys().collect(), inventory.messages, inventory.people)
}

#[tokio::test]
async fn the_same_seed_moves_the_same_records() {
    let with_seed = |seed| moving(Moving { seed, rate: 600, ..Moving::default() });
    let (events, first, _) = run(with_seed(3), 300).await;
    let (again, second, _) = run(with_seed(3), 300).await;
    let (_, other, _) = run(with_seed(4), 300).await;
    assert_eq!(events, again);
    let (first, second, other) = (keys(first), keys(second), keys(other));
    assert_eq!(first, second);
    assert_ne!(first, other);
}

#[tokio::test]
async fn every_kind_of_event_happens_about_as_often_as_the_rate_says() {
    let (events, ..) = run(moving(Moving { seed: 1, rate: 2_500, ..Moving::default() }), 400).await;
    assert_eq!(events.len(), 10, "{events:?}");
    let made: u64 = events.values().sum();
    assert!((900..1_100).contains(&made), "{made} events of 1,000");
    assert!(events["touch"] > events["delete_profile"]);
}

#[tokio::test]
async fn without_births_and_deaths_the_records_stay_and_their_times_change() {
    let still = Emulator::new(Options::default()).expect("a shop").inventory();
    let quiet = Moving { seed: 2, rate: 1_000, newborn: false, deletions: false, events_max: None };
    let (events, after, _) = run(moving(quiet), 150).await;
    assert!(events.keys().all(|name| !name.contains("create") && !name.contains("delete")));
    assert_eq!(after.people, still.people);
    assert!(after.messages.is_superset(&still.messages));
    assert!(after.messages.len() > still.messages.len());
    assert_ne!(after.conversations, still.conversations);
    assert!(after.conversations.keys().eq(still.conversations.keys()));
}

#[tokio::test]
async fn the_workspace_is_still_after_the_last_event() {
    let few = Moving { seed: 5, rate: 1_000, events_max: Some(7), ..Moving::default() };
    let (events, inventory, desk) = run(moving(few), 40).await;
    assert_eq!(events.values().sum::<u64>(), 7);
    desk.get("people/stats").await;
    assert_eq!(desk.emulator.inventory(), inventory);
}

#[tokio::test]
async fn after_many_events_every_list_agrees_with_the_inventory() {
    let (.., desk) = run(moving(Moving { seed: 8, rate: 3_000, ..Moving::default() }), 300).await;
    assert_eq!(desk.control("faults", r#"{"quirks":{"moving":null}}"#).await.status, 200);
    let inventory = desk.emulator.inventory();
    for (query, field) in [("", "updated_at"), ("&order_date_created=1", "created_at")] {
        let rows = desk.walk("conversations", &format!("include_empty=1{query}")).await;
        let times: Vec<_> = rows.iter().map(|row| row[field].as_i64().expect("a time")).collect();
        assert!(times.is_sorted_by(|left, right| left >= right), "{field}");
        let listed: BTreeMap<_, _> = rows
            .iter()
            .map(|row| (text_at(row, "session_id"), row["updated_at"].as_i64().expect("a time")))
            .collect();
        assert_eq!(listed, inventory.conversations);
        assert_eq!(rows.len(), listed.len());
    }
    let people = ids(&desk.walk("people/profiles", "").await, "people_id");
    assert_eq!(people.len(), inventory.people.len());
    assert_eq!(people.into_iter().collect::<BTreeSet<_>>(), inventory.people);
    let mut messages = BTreeSet::new();
    for session in inventory.conversations.keys() {
        let found = desk.messages(session).await;
        let item = desk.data(&format!("conversation/{session}")).await;
        let shown = |message: &&Value| message["type"] != "note" && message["type"] != "event";
        let newest = found.values().filter(shown).filter_map(|found| found["timestamp"].as_i64());
        let print = item["preview_message"]["fingerprint"].as_i64();
        let card = print.map(|print| found[&print]["timestamp"].clone());
        assert_eq!(card.and_then(|time| time.as_i64()), newest.max(), "{session}");
        messages.extend(found.into_keys().map(|print| (session.clone(), print)));
    }
    assert_eq!(messages, inventory.messages);
    let holdings = desk.emulator.counters().holdings;
    assert_eq!(holdings.messages, messages.len() as u64);
    assert_eq!(holdings.conversations, inventory.conversations.len() as u64);
    assert_eq!(desk.data("people/stats").await["total"], inventory.people.len());
    let url = format!("{}/_emulator/inventory", desk.origin);
    let told = desk.http.get(url).send().await.expect("a reply").text().await.expect("a body");
    assert_eq!(super::json(&told), serde_json::json!(inventory));
}
