//! Everything that the API gives is landed, and what it does not give is named.

use deskferry_extract::Options;
use emulator::crisp::{self, Helpdesk, Quirks};
use landing::{Warehouse, chain, snapshot};

use super::{Manifest, extracted, keys, options, run, serve, source};

async fn with(quirks: Quirks) -> (crisp::Emulator, deskferry_extract::Outcome, Warehouse) {
    let (emulator, url) = serve(crisp::Options { quirks, ..source() }).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let outcome = run(&warehouse, options(&manifest, &url)).await.expect("extracts");
    (emulator, outcome, warehouse)
}

/// Streams with gaps, sorted, without those that the shop has on purpose: some of its mails are gone.
fn gaps(outcome: &deskferry_extract::Outcome) -> Vec<&str> {
    let gaps = outcome.facts.gaps.iter().map(|gap| gap.stream.as_str());
    let mut gaps: Vec<&str> = gaps.filter(|stream| *stream != "originals").collect();
    gaps.sort();
    gaps
}

#[tokio::test]
async fn every_stream_of_the_invented_shop_brings_records() {
    let (_, outcome) = extracted(source()).await;
    let empty: Vec<&str> = keys(&outcome)
        .into_iter()
        .filter(|(stream, count)| *count == 0 && !stream.starts_with("helpdesk"))
        .map(|(stream, _)| stream)
        .collect();
    assert_eq!(empty, Vec::<&str>::new());
    assert_eq!(gaps(&outcome), Vec::<&str>::new());
    let streams = outcome.facts.streams.iter();
    let doubtful: Vec<_> =
        streams.filter(|(name, facts)| !facts.complete && *name != "originals").collect();
    assert!(doubtful.is_empty(), "{doubtful:?} {:#?}", outcome.facts.unproven);
}

#[tokio::test]
async fn the_helpdesk_of_either_generation_is_read_and_the_other_one_is_no_gap() {
    for (helpdesk, brought, absent) in [
        (Helpdesk::Legacy, "helpdesk_article_bodies", "helpdesk_page_contents"),
        (Helpdesk::New, "helpdesk_page_contents", "helpdesk_article_bodies"),
    ] {
        let (_, outcome, _) = with(Quirks { helpdesk, ..Quirks::default() }).await;
        let keys = keys(&outcome);
        assert!(keys[brought] > 0, "{helpdesk:?} {keys:?}");
        assert_eq!(keys[absent], 0, "{helpdesk:?}");
        assert_eq!(gaps(&outcome), Vec::<&str>::new(), "{helpdesk:?}");
    }
}

#[tokio::test]
async fn a_stream_that_may_not_be_read_is_a_named_gap() {
    let refuse = vec!["conversations/spams/{page}".to_owned(), "inboxes/list/{page}".to_owned()];
    let (_, outcome, _) = with(Quirks { refuse, ..Quirks::default() }).await;
    assert_eq!(gaps(&outcome), ["inboxes", "spams"]);
    let refused = outcome.facts.gaps.iter().filter(|gap| gap.key.is_none());
    assert!(refused.map(|gap| &gap.reason).all(|reason| reason.contains("403")));
    assert!(!outcome.facts.streams["spams"].complete);
    assert!(!outcome.facts.streams["spam_contents"].complete, "its parent is not whole");
    assert!(outcome.facts.streams["messages"].complete);
}

#[tokio::test]
async fn a_stream_can_be_left_out_and_the_snapshot_says_so() {
    let (_, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let skip_streams = ["people".to_owned()].into();
    let outcome = run(&warehouse, Options { skip_streams, ..options(&manifest, &url) }).await;
    let outcome = outcome.expect("extracts");
    let left_out = &outcome.facts.filters["skip_streams"];
    assert!(left_out.contains("people") && left_out.contains("people_data"), "{left_out}");
    assert!(!outcome.facts.streams["people"].complete);
    let wrong = ["poeple".to_owned()].into();
    let fault = run(&warehouse, Options { skip_streams: wrong, ..options(&manifest, &url) }).await;
    let fault = fault.expect_err("is not known");
    assert!(fault.advice().contains("people"), "{}", fault.advice());
}

#[tokio::test]
async fn bytes_that_no_parser_would_give_back_survive() {
    let (_, outcome, warehouse) = with(Quirks { odd_bytes: true, ..Quirks::default() }).await;
    let (_, usual) = extracted(source()).await;
    assert_eq!(keys(&outcome)["conversations"], keys(&usual)["conversations"]);
    let chain = chain::chain(&warehouse, &outcome.facts.id).await.expect("is whole");
    let rows = chain::as_of(&warehouse, &chain, "messages", |row| Some(row.raw.to_owned())).await;
    let raw: Vec<String> = rows.expect("reads").into_values().collect();
    assert!(raw.iter().any(|raw| raw.contains('\u{fffd}')), "broken UTF-8 was landed");
    assert!(raw.iter().any(|raw| raw.contains("\\ud8")), "a lone surrogate was landed");
    let verdict = snapshot::verify(&warehouse, &outcome.facts.id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());
}

#[tokio::test]
async fn files_that_do_not_simply_arrive_become_rows_with_the_reason() {
    let quirks = Quirks { odd_files: true, slow_file_ms: 50, ..Quirks::default() };
    let (_, outcome, warehouse) = with(quirks).await;
    let id = &outcome.facts.id;
    let path = landing::layout::in_snapshot(id, "data/downloads/part-00000.parquet");
    let batches = landing::table::read(&warehouse, &path).await.expect("opens");
    let reasons = super::texts(batches, "reason").await;
    for reason in
        ["expired", "forbidden", "missing", "oversized", "redirect_loop", "private_address"]
    {
        assert!(reasons.contains(reason), "{reason} is not in {reasons:?}");
    }
    assert!(outcome.facts.files > 0, "the slow, the moved and the flaky one arrived");
}
