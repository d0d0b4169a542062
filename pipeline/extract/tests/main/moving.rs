//! A workspace that changes while it is read: what was there all the time is never passed over.

use std::collections::{BTreeMap, BTreeSet};

use deskferry_extract::{Options, Outcome};
use emulator::crisp::{self, Moving, Quirks};
use landing::{Warehouse, chain};

use super::{Manifest, options, run, serve, source};

/// Seeds of the schedules; each is another workspace that moves in another way.
const SEEDS: std::ops::Range<u64> = 0..24;

/// What a snapshot holds of a stream, by key.
pub(crate) async fn landed(
    warehouse: &Warehouse,
    outcome: &Outcome,
    stream: &str,
) -> BTreeMap<String, String> {
    let chain = chain::chain(warehouse, &outcome.facts.id).await.expect("is whole");
    let rows = chain::as_of(warehouse, &chain, stream, |row| Some(row.raw.to_owned())).await;
    rows.expect("can be read")
}

/// Only what moves: every call moves the workspace on, and the other streams are many.
fn lean(manifest: &Manifest, url: &str) -> Options {
    let kept = ["operators", "conversations", "messages", "people"];
    let all = manifest.stream_names().into_iter();
    let skip_streams = all.filter(|name| !kept.contains(&name.as_str())).collect();
    Options { skip_streams, ..options(manifest, url) }
}

fn is_complete(outcome: &Outcome, stream: &str) -> bool {
    outcome.facts.streams[stream].complete
}

#[tokio::test]
async fn what_was_there_from_start_to_end_is_in_every_snapshot_that_claims_to_be_complete() {
    let mut claims: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in SEEDS {
        let moving = Moving { seed, rate: 150 + 30 * (seed as u32 % 10), ..Moving::default() };
        let quirks = Quirks {
            moving: Some(moving),
            short_pages: seed % 3 == 0,
            message_page: if seed % 2 == 0 { 40 } else { 20 },
            ..Quirks::default()
        };
        let data = crisp::Data::Shop { seed, conversations: 130 };
        let (emulator, url) = serve(crisp::Options { data, quirks, ..source() }).await;
        let warehouse = Warehouse::open("memory://").expect("opens");
        let manifest = Manifest::built_in("crisp").expect("reads");
        let before = emulator.inventory();
        let outcome = run(&warehouse, lean(&manifest, &url)).await.expect("extracts");
        let after = emulator.inventory();

        let conversations = landed(&warehouse, &outcome, "conversations").await;
        if is_complete(&outcome, "conversations") {
            *claims.entry("conversations").or_default() += 1;
            let stayed =
                before.conversations.keys().filter(|id| after.conversations.contains_key(*id));
            let missing: Vec<_> = stayed.filter(|id| !conversations.contains_key(*id)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}\n{:#?}", outcome.facts.evidence);
        }
        if is_complete(&outcome, "messages") {
            *claims.entry("messages").or_default() += 1;
            let messages = landed(&warehouse, &outcome, "messages").await;
            let stayed = before.messages.intersection(&after.messages);
            let keys = stayed.map(|(session, fingerprint)| format!("{session}/{fingerprint}"));
            let missing: Vec<_> = keys.filter(|key| !messages.contains_key(key)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}\n{:#?}", outcome.facts.evidence);
        }
        if is_complete(&outcome, "people") {
            *claims.entry("people").or_default() += 1;
            let people = landed(&warehouse, &outcome, "people").await;
            let missing: Vec<_> = before
                .people
                .intersection(&after.people)
                .filter(|id| !people.contains_key(*id))
                .collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}");
        }
    }
    // A claim that is never made proves nothing.
    let seeds = (SEEDS.end - SEEDS.start) as u32;
    assert!(claims["conversations"] > seeds / 2, "{claims:?}");
    assert!(claims["messages"] > seeds / 4, "{claims:?}");
}

#[tokio::test]
async fn a_list_of_many_pages_that_shrinks_under_the_reader_loses_nothing_that_stays() {
    let mut claims = 0;
    for seed in 0..12 {
        // Twenty events a call while the list is swept twice, and then rest.
        let moving = Moving { seed, rate: 20_000, events_max: Some(600), ..Moving::default() };
        let quirks = Quirks { moving: Some(moving), ..Quirks::default() };
        let data = crisp::Data::Shop { seed, conversations: 600 };
        let (emulator, url) = serve(crisp::Options { data, quirks, ..source() }).await;
        let warehouse = Warehouse::open("memory://").expect("opens");
        let manifest = Manifest::built_in("crisp").expect("reads");
        let all = manifest.stream_names().into_iter();
        let skip_streams = all.filter(|name| name != "conversations").collect();
        let before = emulator.inventory();
        let options = Options { skip_streams, ..options(&manifest, &url) };
        let outcome = run(&warehouse, options).await.expect("extracts");
        if is_complete(&outcome, "conversations") {
            claims += 1;
            let landed = landed(&warehouse, &outcome, "conversations").await;
            let after = emulator.inventory();
            let stayed =
                before.conversations.keys().filter(|id| after.conversations.contains_key(*id));
            let missing: Vec<_> = stayed.filter(|id| !landed.contains_key(*id)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}\n{:#?}", outcome.facts.evidence);
        }
    }
    assert!(claims > 6, "{claims} claims");
}

#[tokio::test]
async fn once_the_workspace_is_quiet_again_the_snapshot_is_what_it_holds() {
    for seed in 0..12 {
        let moving = Moving { seed, rate: 300, events_max: Some(60), ..Moving::default() };
        let quirks = Quirks { moving: Some(moving), ..Quirks::default() };
        let data = crisp::Data::Shop { seed, conversations: 100 };
        let (emulator, url) = serve(crisp::Options { data, quirks, ..source() }).await;
        let warehouse = Warehouse::open("memory://").expect("opens");
        let manifest = Manifest::built_in("crisp").expect("reads");
        let outcome = run(&warehouse, options(&manifest, &url)).await.expect("extracts");
        let now = emulator.inventory();
        let conversations = landed(&warehouse, &outcome, "conversations").await;
        let there: BTreeSet<&String> = now.conversations.keys().collect();
        let passed: Vec<_> = there.iter().filter(|id| !conversations.contains_key(**id)).collect();
        assert!(passed.is_empty(), "seed {seed}: passed over {passed:?}");
        let messages = landed(&warehouse, &outcome, "messages").await;
        let keys =
            now.messages.iter().map(|(session, fingerprint)| format!("{session}/{fingerprint}"));
        let missing: Vec<_> = keys.filter(|key| !messages.contains_key(key)).collect();
        assert!(missing.is_empty(), "seed {seed}: {missing:?}\n{:#?}", outcome.facts.evidence);
    }
}

#[tokio::test]
async fn messages_of_one_millisecond_across_a_page_edge_are_never_lost() {
    for (run_length, message_page) in [(7, 40), (45, 40), (40, 40), (60, 40), (25, 20), (34, 20)] {
        let quirks = Quirks { equal_ms_run: run_length, message_page, ..Quirks::default() };
        let data = crisp::Data::Shop { seed: 5, conversations: 150 };
        let (emulator, url) = serve(crisp::Options { data, quirks, ..source() }).await;
        let warehouse = Warehouse::open("memory://").expect("opens");
        let manifest = Manifest::built_in("crisp").expect("reads");
        let outcome = run(&warehouse, options(&manifest, &url)).await.expect("extracts");
        let messages = emulator.inventory().messages.len() as u64;
        assert_eq!(
            outcome.facts.streams["messages"].keys, messages,
            "{run_length}/{message_page} {:?}",
            outcome.facts.gaps
        );
        assert!(is_complete(&outcome, "messages"), "{run_length}/{message_page}");
    }
}

#[tokio::test]
async fn more_messages_of_one_millisecond_than_fit_on_two_pages_are_a_gap_and_never_silence() {
    let quirks = Quirks { equal_ms_run: 50, message_page: 20, ..Quirks::default() };
    let data = crisp::Data::Shop { seed: 5, conversations: 150 };
    let (emulator, url) = serve(crisp::Options { data, quirks, ..source() }).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let outcome = run(&warehouse, options(&manifest, &url)).await.expect("extracts");
    let is_missing =
        outcome.facts.streams["messages"].keys < emulator.inventory().messages.len() as u64;
    let gaps = outcome.facts.gaps.iter();
    let named = gaps.filter(|gap| gap.stream == "messages" && gap.key.is_some()).count();
    assert!(is_missing && named > 0, "{named} gaps");
    assert!(!is_complete(&outcome, "messages"));
}
