//! Extractions from the stand-in for Kustomer: every record of every stream, exactly once, whatever
//! the real service does where its documents are silent.

mod organisation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deskferry_extract::{Options, ProbeOutcome, probe};
use emulator::kustomer;
use emulator::kustomer::{Faults, Quirks, RateHeaders};
use emulator::plain::{Answer, Plain};
use kernel::fault::Kind;
use landing::{Warehouse, layout, table};

use super::moving::landed;
use super::{MachineClock, keys, texts};
use organisation::{
    OTHERS, SHELVES, assert_whole, extracted, gaps, manifest, only, options, quirky, run, serve,
    source,
};

#[tokio::test]
async fn every_record_of_every_stream_is_landed_exactly_once() {
    let (emulator, outcome, warehouse) = extracted(source()).await;
    assert_whole(&emulator, &outcome, &warehouse, "no quirk").await;
    let listed: BTreeSet<String> = manifest(&[]).stream_names().into_iter().collect();
    let compared = SHELVES.iter().map(|(stream, _)| *stream).chain(OTHERS.iter().copied());
    assert_eq!(listed, compared.map(str::to_owned).collect(), "a stream is not compared");
    // A disabled klass has no metadata.
    assert_eq!(gaps(&outcome), [("klass_metadata", "status 404")]);
    let counters = emulator.counters();
    assert_eq!((counters.writes_attempted, counters.files_with_credentials), (0, 0));
    assert_eq!(counters.files_expired, 0);
    assert!(outcome.facts.files > 0);
}

#[tokio::test]
async fn every_quirk_gives_the_same_records() {
    let quirks = Quirks::default;
    let odd = [
        Quirks { totals: false, rate_headers: RateHeaders::Never, ..quirks() },
        Quirks { endless_links: true, metadata_as_list: true, stale_lists: true, ..quirks() },
        Quirks { archive_before_ms: Some(0), masked: false, ..quirks() },
        Quirks {
            archive_before_ms: Some(i64::MAX),
            shared_updated_at: 0,
            rate_headers: RateHeaders::ResetWhenLimited,
            ..quirks()
        },
    ];
    for quirks in odd {
        let (emulator, outcome, warehouse) = extracted(quirky(quirks.clone())).await;
        assert_whole(&emulator, &outcome, &warehouse, &format!("{quirks:?}")).await;
        assert_eq!(gaps(&outcome).len(), 1, "{quirks:?}");
    }
}

#[tokio::test]
async fn passing_faults_cost_calls_and_no_records() {
    let faults = Faults { seed: 5, too_many_429: 15, server_5xx: 30, truncated: 20, non_json: 15 };
    let calm = Quirks { rate_headers: RateHeaders::Never, ..Quirks::default() };
    let source = kustomer::Options { faults, ..quirky(calm) };
    let (emulator, outcome, warehouse) = extracted(source).await;
    assert_whole(&emulator, &outcome, &warehouse, "faults").await;
}

#[tokio::test]
async fn thirty_thousand_conversations_behind_the_wall_come_once_each() {
    let middle_ms = 1_717_200_000_000;
    let quirks =
        Quirks { shared_updated_at: 250, archive_before_ms: Some(middle_ms), ..Quirks::default() };
    let source = kustomer::Options { conversations: 30_000, messages_max: 1, ..quirky(quirks) };
    let (emulator, url) = serve(source).await;
    let held = emulator.inventory()["conversations"].clone();
    let manifest = manifest(&[(
        "page = \"{{ next_page_token }}\", pageSize = \"500\"",
        "page = \"{{ next_page_token }}\", pageSize = \"100\"",
    )]);
    let options = only(&["conversations"], options(&manifest, &url), &manifest);
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = run(&warehouse, &manifest, &options).await.expect("extracts");
    let landed = landed(&warehouse, &outcome, "conversations").await;
    let old = landed.values().filter(|raw| is_before(raw, middle_ms)).count();
    assert!((12_000..18_000).contains(&old), "{old} are archived");
    assert_eq!(landed.into_keys().collect::<BTreeSet<_>>(), held);
    let facts = &outcome.facts.streams["conversations"];
    assert_eq!((facts.records, facts.keys), (30_000, 30_000));
    assert!(facts.complete && gaps(&outcome).is_empty(), "{:?}", gaps(&outcome));
    let windows: Vec<&String> =
        outcome.facts.evidence.iter().filter(|line| line.contains(" windows")).collect();
    assert_eq!(windows.len(), 2, "{:?}", outcome.facts.evidence);
    assert_eq!(
        emulator.counters().statuses.get(&400),
        None,
        "no page behind the wall was asked for"
    );
}

fn is_before(raw: &str, ms: i64) -> bool {
    let record: serde_json::Value = serde_json::from_str(raw).expect("is JSON");
    let text = record["attributes"]["updatedAt"].as_str().expect("is there");
    kernel::Instant::parse(text).expect("is a time") < kernel::Instant::from_millis(ms)
}

#[tokio::test]
async fn more_of_one_moment_than_there_are_pages_is_a_named_gap() {
    let quirks = Quirks { shared_updated_at: 30, search_pages_max: 4, ..Quirks::default() };
    let source = kustomer::Options { conversations: 90, messages_max: 1, ..quirky(quirks) };
    let (emulator, url) = serve(source).await;
    let small = (
        "page = \"{{ next_page_token }}\", pageSize = \"500\"",
        "page = \"{{ next_page_token }}\", pageSize = \"5\"",
    );
    let manifest = manifest(&[small, ("pages_max = 100", "pages_max = 4")]);
    let options = only(&["conversations"], options(&manifest, &url), &manifest);
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = run(&warehouse, &manifest, &options).await.expect("extracts");
    let gaps = gaps(&outcome);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].1.contains("more records share attributes.updatedAt"), "{gaps:?}");
    let facts = &outcome.facts.streams["conversations"];
    assert!(!facts.complete);
    assert_eq!(facts.keys, 90 - 30 + 20, "all others, and what the pages give of that moment");
    assert_eq!(emulator.counters().statuses.get(&400), None);
}

#[tokio::test]
async fn what_is_updated_or_deleted_while_it_is_read_hides_nothing_else() {
    for (touch_every, delete_every) in [(1, 0), (3, 0), (0, 2), (2, 5)] {
        let quirks = Quirks { shared_updated_at: 10, search_pages_max: 4, ..Quirks::default() };
        let source =
            kustomer::Options { conversations: 90, messages_max: 1, ..quirky(quirks.clone()) };
        let (emulator, url) = serve(source).await;
        let before = emulator.inventory()["conversations"].clone();
        emulator.set_quirks(Quirks { touch_every, delete_every, ..quirks });
        let small = (
            "page = \"{{ next_page_token }}\", pageSize = \"500\"",
            "page = \"{{ next_page_token }}\", pageSize = \"5\"",
        );
        let lookback = ("lookback_window_s = 60", "lookback_window_s = 0");
        let manifest = manifest(&[small, lookback, ("pages_max = 100", "pages_max = 4")]);
        let options = only(&["conversations"], options(&manifest, &url), &manifest);
        let warehouse = Warehouse::open("memory://").expect("opens");
        let outcome = run(&warehouse, &manifest, &options).await.expect("extracts");
        let after = emulator.inventory()["conversations"].clone();
        let landed = landed(&warehouse, &outcome, "conversations").await;
        let stayed: Vec<&String> = before.intersection(&after).collect();
        let missing: Vec<_> = stayed.iter().filter(|id| !landed.contains_key(**id)).collect();
        let facts = &outcome.facts;
        assert!(missing.is_empty() || !facts.streams["conversations"].complete, "{missing:?}");
        assert!(
            missing.is_empty(),
            "{touch_every} {delete_every}: {missing:?} {:#?}",
            facts.evidence
        );
    }
}

#[tokio::test]
async fn a_next_link_to_another_host_stops_the_run_and_the_key_never_gets_there() {
    let foreign = Plain::new(|_| Answer::json(&serde_json::json!({ "data": [] })));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("is bound"));
    tokio::spawn(foreign.clone().serve(listener));
    let quirks = Quirks { link_origin: Some(origin), endless_links: true, ..Quirks::default() };
    let (emulator, url) = serve(quirky(quirks)).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = manifest(&[]);
    let options = options(&manifest, &url);
    let fault = run(&warehouse, &manifest, &options).await.expect_err("leads elsewhere");
    assert_eq!(fault.kind(), Kind::FixData, "{fault}");
    assert_eq!(foreign.asked(), []);
    // The same command goes on where it stopped once the links are mended.
    emulator.set_quirks(Quirks::default());
    let outcome = run(&warehouse, &manifest, &options).await;
    let fault = outcome.expect_err("the journal remembers the page that leads elsewhere");
    assert_eq!(fault.kind(), Kind::FixData, "{fault}");
}

#[tokio::test]
async fn searches_wait_for_their_own_limit_and_lists_do_not() {
    let source = kustomer::Options {
        searches_per_window: Some(20),
        calls_per_window: Some(10_000),
        window_ms: 1_000,
        ..source()
    };
    let (emulator, url) = serve(source).await;
    let manifest = manifest(&[(
        "calls_per_window = 100\nwindow_s = 60",
        "calls_per_window = 100\nwindow_s = 1",
    )]);
    let warehouse = Warehouse::open("memory://").expect("opens");
    let began = std::time::Instant::now();
    let outcome = run(&warehouse, &manifest, &options(&manifest, &url)).await.expect("extracts");
    assert_whole(&emulator, &outcome, &warehouse, "limited").await;
    let counters = emulator.counters();
    let searches: u64 =
        counters.calls.iter().filter(|(name, _)| name.starts_with("POST")).map(|(_, n)| n).sum();
    let least_s = (searches - counters.searches_limited) / 20 - 1;
    assert!(began.elapsed().as_secs() >= least_s, "{searches} searches were too fast");
    assert!(counters.statuses.get(&429).copied().unwrap_or(0) <= counters.searches_limited);
    let spread: BTreeMap<&str, u64> = keys(&outcome);
    assert!(spread["attachments"] > 0);
}

#[tokio::test]
async fn a_signed_address_that_is_too_old_is_asked_for_once_more_and_its_file_is_kept() {
    let quirks = Quirks { stale_lists: true, ..Quirks::default() };
    let (emulator, outcome, warehouse) = extracted(quirky(quirks)).await;
    let path = layout::in_snapshot(&outcome.facts.id, "data/downloads/part-00000.parquet");
    let reasons = texts(table::read(&warehouse, &path).await.expect("opens"), "reason").await;
    assert_eq!(reasons, BTreeSet::new());
    let hashes = texts(table::read(&warehouse, &path).await.expect("opens"), "sha256").await;
    let held = emulator.records("attachments").expect("is a shelf");
    let with_address = held.as_array().expect("is a list").iter();
    let with_address = with_address.filter(|one| one["links"].get("related").is_some()).count();
    assert!(with_address > 0 && hashes.len() >= with_address, "{} of {with_address}", hashes.len());
    let counters = emulator.counters();
    assert!(counters.files_expired >= with_address as u64);
    assert_eq!(counters.files_with_credentials, 0);
}

#[tokio::test]
async fn one_stream_that_may_not_be_read_is_a_gap_and_the_rest_is_landed() {
    let refuse = ["GET /v1/shortcuts", "GET /v1/kb/routes", "search note"];
    let refuse = refuse.map(str::to_owned).to_vec();
    let (_, outcome, _) = extracted(quirky(Quirks { refuse, ..Quirks::default() })).await;
    let refused: BTreeSet<&str> = gaps(&outcome)
        .into_iter()
        .filter(|(_, reason)| *reason == "status 403")
        .map(|(stream, _)| stream)
        .collect();
    assert_eq!(refused, BTreeSet::from(["kb_routes", "notes", "shortcuts"]));
    let keys = keys(&outcome);
    assert_eq!((keys["shortcuts"], keys["notes"]), (0, 0));
    assert!(keys["messages"] > 0 && keys["kb_articles"] > 0);
    assert!(!outcome.facts.streams["notes"].complete);
    assert!(outcome.facts.streams["messages"].complete);
}

#[tokio::test]
async fn bodies_come_because_they_are_asked_for_and_masked_values_stay_masked() {
    let (_, outcome, warehouse) = extracted(source()).await;
    let articles = landed(&warehouse, &outcome, "kb_articles").await;
    let english = articles.iter().filter(|(key, _)| key.starts_with("en_us/"));
    assert!(english.clone().count() > 0);
    assert!(english.into_iter().all(|(_, raw)| raw.contains("htmlBody")));
    let customers = landed(&warehouse, &outcome, "customers").await;
    assert!(customers.values().all(|raw| raw.contains("\"ssnStr\":\"********\"")));
    let mut shapes = BTreeSet::new();
    for raw in landed(&warehouse, &outcome, "messages").await.into_values() {
        let message: serde_json::Value = serde_json::from_str(&raw).expect("is JSON");
        shapes.insert(match &message["attributes"]["meta"]["to"] {
            serde_json::Value::String(_) => "text",
            serde_json::Value::Array(_) => "list",
            serde_json::Value::Object(_) => "object",
            _ => "none",
        });
    }
    assert_eq!(shapes, BTreeSet::from(["list", "none", "object", "text"]));
}

#[tokio::test]
async fn a_delta_brings_what_was_touched_and_nothing_that_was_only_signed_anew() {
    let (emulator, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = manifest(&[]);
    let full = options(&manifest, &url);
    run(&warehouse, &manifest, &full).await.expect("extracts");
    let touched = emulator.inventory()["conversations"].first().cloned().expect("is there");
    let deleted = emulator.inventory()["tags"].first().cloned().expect("is there");
    assert!(emulator.touch("conversations", &touched) && emulator.delete("tags", &deleted));
    let delta = Options { is_delta: true, ..full };
    let outcome = run(&warehouse, &manifest, &delta).await.expect("extracts");
    let changes = |stream: &str| outcome.facts.streams[stream].changes.clone();
    assert_eq!(changes("conversations"), BTreeMap::from([("edited".to_owned(), 1)]));
    assert_eq!(changes("messages"), BTreeMap::new());
    assert_eq!(changes("attachments"), BTreeMap::new());
    assert_eq!(changes("tags"), BTreeMap::from([("deleted".to_owned(), 1)]));
}

#[tokio::test]
async fn business_rules_without_a_file_are_a_gap_and_a_file_that_is_odd_is_a_fault() {
    let (_, url) = serve(source()).await;
    let manifest = manifest(&[]);
    let with = |file: &str| {
        let mut options = only(&["business_rules"], options(&manifest, &url), &manifest);
        options.settings.insert("business_rules".to_owned(), file.to_owned());
        options
    };
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = run(&warehouse, &manifest, &with("")).await.expect("extracts");
    assert_eq!(gaps(&outcome), [("business_rules", "no file is given: business_rules names none")]);
    assert!(!outcome.facts.streams["business_rules"].complete);
    let odd = concat!(env!("CARGO_TARGET_TMPDIR"), "/odd_rules.json");
    std::fs::write(odd, "{\"rules\": []}").expect("can be written");
    for (file, kind) in [("nowhere.json", Kind::FixConfig), (odd, Kind::FixData)] {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let fault = run(&warehouse, &manifest, &with(file)).await.expect_err("cannot be read");
        assert_eq!(fault.kind(), kind, "{fault}");
        assert!(!fault.to_string().contains(file), "{fault}");
    }
}

#[tokio::test]
async fn an_extraction_that_is_dropped_again_and_again_lands_the_same_records() {
    let (emulator, url) = serve(source()).await;
    let manifest = manifest(&[]);
    let options = options(&manifest, &url);
    let warehouse = Warehouse::open("memory://").expect("opens");
    let calls = || emulator.counters().calls.values().sum::<u64>();
    let mut drops = 0;
    let outcome = loop {
        let wanted = calls() + 40 + 37 * drops;
        let enough = async {
            while calls() < wanted {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            outcome = run(&warehouse, &manifest, &options) => break outcome.expect("extracts"),
            () = enough => drops += 1,
        }
    };
    assert!(drops >= 2 && outcome.resumed > 0, "{drops} {}", outcome.resumed);
    assert_whole(&emulator, &outcome, &warehouse, "dropped").await;
}

#[tokio::test]
async fn no_snapshot_holds_the_key() {
    let (_, outcome, warehouse) = extracted(source()).await;
    let path = layout::in_snapshot(&outcome.facts.id, "data/exchanges/part-00000.parquet");
    for column in ["url", "headers", "request_key"] {
        let Ok(batches) = table::read(&warehouse, &path).await else { panic!("opens") };
        let found = texts(batches, column).await;
        assert!(found.iter().all(|text| !text.contains(kustomer::DEMO_API_KEY)), "{column}");
    }
    let facts = serde_json::to_string(&outcome.facts).expect("is JSON");
    assert!(!facts.contains(kustomer::DEMO_API_KEY));
}

#[tokio::test]
async fn a_check_asks_every_stream_once_and_names_what_is_only_assumed() {
    let (emulator, url) = serve(source()).await;
    let manifest = manifest(&[]);
    let probed = probe(&manifest, &options(&manifest, &url), Arc::new(MachineClock)).await;
    let probed = probed.expect("answers");
    assert_eq!(probed.len(), manifest.stream_names().len());
    for probed in &probed {
        let is_fine = matches!(probed.outcome, ProbeOutcome::Readable { records } if records > 0);
        // The first klass that the list names may be the disabled one.
        let may_lack = matches!(
            probed.stream.as_str(),
            "attachments"
                | "business_rules"
                | "kobjects"
                | "klass_metadata"
                | "satisfaction_responses"
        );
        assert!(is_fine || may_lack, "{}: {:?}", probed.stream, probed.outcome);
        assert!(probed.evidence.is_some(), "{}", probed.stream);
    }
    let assumed = |stream: &str| {
        let found = probed.iter().find(|probed| probed.stream == stream).expect("is there");
        found.evidence.as_ref().is_some_and(|evidence| evidence.contains("assumed"))
    };
    assert!(assumed("workflows") && assumed("conversations") && !assumed("tags"));
    assert_eq!(emulator.counters().writes_attempted, 0);
}
