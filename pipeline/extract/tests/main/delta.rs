//! Snapshots on top of snapshots: a delta holds what changed, and the chain is the whole.

use std::collections::BTreeMap;

use deskferry_extract::{Options, Outcome};
use emulator::crisp::{self, Change, Emulator, Moving, Quirks};
use kernel::fault::Kind;
use landing::{Warehouse, chain, snapshot};

use super::{Manifest, options, run, serve, source};

const STREAMS: [&str; 6] =
    ["conversations", "messages", "originals", "operators", "people", "people_data"];

async fn add(warehouse: &Warehouse, url: &str, is_delta: bool) -> Outcome {
    let manifest = Manifest::built_in("crisp").expect("reads");
    let options = Options { is_delta, ..options(&manifest, url) };
    run(warehouse, options).await.expect("extracts")
}

/// Every stream as of a snapshot: SHA-256 by key.
async fn as_of(warehouse: &Warehouse, outcome: &Outcome) -> BTreeMap<String, String> {
    let chain = chain::chain(warehouse, &outcome.facts.id).await.expect("is whole");
    let mut all = BTreeMap::new();
    for stream in STREAMS {
        let rows = chain::as_of(warehouse, &chain, stream, |row| Some(row.sha256.to_owned())).await;
        let rows = rows.expect("can be read");
        all.extend(rows.into_iter().map(|(key, sha256)| (format!("{stream} {key}"), sha256)));
    }
    all
}

/// A full extraction of this very moment, elsewhere.
async fn full(url: &str) -> BTreeMap<String, String> {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = add(&warehouse, url, false).await;
    as_of(&warehouse, &outcome).await
}

fn say(emulator: &Emulator, session_id: &str, fingerprint: i64) {
    let message = serde_json::json!({
        "session_id": session_id, "website_id": "w-1", "type": "text", "from": "user",
        "origin": "chat", "content": "one more thing", "fingerprint": fingerprint,
        "timestamp": 1_790_000_000_000_i64 + fingerprint,
        "user": { "user_id": session_id, "nickname": "visitor" },
    });
    let message = serde_json::value::to_raw_value(&message).expect("is JSON");
    emulator.change(&Change::Say { message }).expect("is said");
}

#[tokio::test]
async fn a_delta_holds_each_class_of_change_and_nothing_else() {
    let (emulator, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = add(&warehouse, &url, false).await;
    let sessions: Vec<String> = emulator.inventory().conversations.into_keys().collect();
    let messages: Vec<(String, i64)> = emulator.inventory().messages.into_iter().collect();
    say(&emulator, &sessions[0], 77);
    let (session_id, fingerprint) = messages
        .iter()
        .find(|(id, _)| *id == sessions[3])
        .cloned()
        .unwrap_or_else(|| messages[0].clone());
    let content = serde_json::json!("corrected");
    emulator.change(&Change::Edit { session_id, fingerprint, content }).expect("is edited");
    emulator.change(&Change::Delete { session_id: sessions[5].clone() }).expect("is deleted");
    let state =
        emulator::crisp::Change::State { session_id: sessions[7].clone(), state: "pending".into() };
    emulator.change(&state).expect("is changed");

    let delta = add(&warehouse, &url, true).await;
    let facts = &delta.facts;
    assert_eq!(facts.parent.as_ref(), Some(&first.facts.id));
    let fingerprint = snapshot::fingerprint(&warehouse, &first.facts.id).await.expect("is sealed");
    assert_eq!(facts.parent_sha256.as_ref(), Some(&fingerprint));
    let class =
        |stream: &str, class: &str| facts.streams[stream].changes.get(class).copied().unwrap_or(0);
    assert_eq!(class("messages", "appended"), 1, "{:?}", facts.streams);
    assert_eq!(class("messages", "edited"), 1, "{:?}", facts.streams);
    assert_eq!(class("conversations", "deleted"), 1, "{:?}", facts.streams);
    assert_eq!(class("conversations", "state_changed"), 1, "{:?}", facts.streams);
    assert_eq!(class("conversations", "edited"), 2, "the two whose messages changed");
    assert_eq!(class("conversations", "new"), 0);
    assert_eq!(facts.streams["people"].records, 0, "nobody changed");
    assert_eq!(facts.streams["operators"].records, 0);
    assert!(delta.calls < first.calls / 2, "{} of {} calls", delta.calls, first.calls);
    assert_eq!(as_of(&warehouse, &delta).await, full(&url).await);
}

#[tokio::test]
async fn a_delta_of_nothing_is_empty_and_the_chain_stays_what_it_was() {
    let (_, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = add(&warehouse, &url, false).await;
    let before = as_of(&warehouse, &first).await;
    let delta = add(&warehouse, &url, true).await;
    let records: u64 = STREAMS.iter().map(|stream| delta.facts.streams[*stream].records).sum();
    assert_eq!(records, 0, "{:?}", delta.facts.streams);
    assert_eq!(as_of(&warehouse, &delta).await, before);
}

#[tokio::test]
async fn a_chain_of_deltas_is_the_same_as_a_full_extraction_of_the_moment() {
    for seed in 0..6 {
        let (emulator, url) = serve(source()).await;
        let warehouse = Warehouse::open("memory://").expect("opens");
        add(&warehouse, &url, false).await;
        for step in 0..3 {
            // The workspace moves while a full extraction elsewhere reads it, and then rests.
            let moving = Moving { seed: seed * 10 + step, rate: 400, ..Moving::default() };
            emulator.set_quirks(Quirks { moving: Some(moving), ..Quirks::default() });
            full(&url).await;
            emulator.set_quirks(Quirks::default());
            let delta = add(&warehouse, &url, true).await;
            let (chain, whole) = (as_of(&warehouse, &delta).await, full(&url).await);
            let differing: Vec<_> = chain
                .iter()
                .filter(|(key, sha256)| whole.get(*key) != Some(sha256))
                .chain(whole.iter().filter(|(key, _)| !chain.contains_key(*key)))
                .map(|(key, _)| (key, chain.contains_key(key), whole.contains_key(key)))
                .collect();
            assert!(differing.is_empty(), "seed {seed} step {step}: {differing:#?}");
        }
    }
}

#[tokio::test]
async fn a_delta_needs_something_to_add_to() {
    let (_, url) = serve(crisp::Options { ..source() }).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let options = Options { is_delta: true, ..options(&manifest, &url) };
    let fault = run(&warehouse, options).await.expect_err("there is no snapshot");
    assert_eq!(fault.kind(), Kind::FixConfig);
    assert!(fault.advice().contains("without --delta"), "{}", fault.advice());
}
