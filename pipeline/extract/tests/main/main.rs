//! Extractions from the stand-in for Crisp, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deskferry_extract::{Manifest, Options, Outcome, Progress, Standing, WhenUsedUp, extract};
use emulator::crisp::{self, Bound, Data, Emulator, Faults, PastEnd, Quirks};
use kernel::fault::Kind;
use kernel::retry::Policy;
use kernel::{Clock, Fault, Instant};
use landing::Warehouse;

mod completeness;
mod delta;
mod kustomer;
mod moving;
mod one_by_one;
mod quota;
mod vocabulary;

/// The clock of the machine.
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        let elapsed = std::time::UNIX_EPOCH.elapsed().expect("1970 is over");
        Instant::from_micros(elapsed.as_micros() as i64)
    }
}

/// Somebody who does not look.
struct Silent;

impl Progress for Silent {
    fn stream(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn standing(&self, _: &Standing) {}
}

fn source() -> crisp::Options {
    crisp::Options {
        data: Data::Shop { seed: 3, conversations: 60 },
        website_id: "w-1".into(),
        identifier: "who".into(),
        key: "k".into(),
        tier: "plugin".into(),
        ..crisp::Options::default()
    }
}

async fn serve(options: crisp::Options) -> (Emulator, String) {
    let emulator = Emulator::new(options).expect("the data can be served");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
    tokio::spawn(emulator.clone().serve(listener));
    (emulator, url)
}

fn options(manifest: &Manifest, url: &str) -> Options {
    let given = [("website_id", "w-1"), ("identifier", "who"), ("key", "k")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options {
        base_url: Some(url.to_owned()),
        settings: manifest.settle(given.into(), "source").expect("is complete"),
        private_hosts: vec!["127.0.0.1".to_owned()],
        is_delta: false,
        skip_streams: Default::default(),
        only_below: Default::default(),
        calls_per_day: Some(u64::MAX),
        when_used_up: WhenUsedUp::Wait,
        pace: None,
        policy: Policy { pause_first_ms: 1, pause_max_ms: 5, ..Policy::default() },
        timeout_ms: 10_000,
        flush_ms: 0,
        file_bytes_max: 1 << 20,
        tool: "test".to_owned(),
    }
}

async fn run(warehouse: &Warehouse, options: Options) -> Result<Outcome, Fault> {
    let manifest = Manifest::built_in("crisp").expect("reads");
    extract(warehouse, &manifest, &options, Arc::new(MachineClock), &Silent).await
}

async fn extracted(source: crisp::Options) -> (Emulator, Outcome) {
    let (emulator, url) = serve(source).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let outcome = run(&warehouse, options(&manifest, &url)).await.expect("extracts");
    (emulator, outcome)
}

/// The texts of a column of a landed table.
async fn texts(
    batches: impl futures::Stream<Item = kernel::Result<arrow::array::RecordBatch>>,
    column: &str,
) -> BTreeSet<String> {
    use arrow::array::AsArray;
    use futures::StreamExt;
    let batches: Vec<_> = batches.map(|batch| batch.expect("reads")).collect().await;
    let columns = batches.iter().map(|batch| batch.column_by_name(column).expect("is there"));
    columns
        .flat_map(|column| column.as_string::<i32>().iter().flatten().map(str::to_owned))
        .collect()
}

fn keys(outcome: &Outcome) -> BTreeMap<&str, u64> {
    let streams = outcome.facts.streams.iter();
    streams.map(|(name, facts)| (name.as_str(), facts.keys)).collect()
}

#[tokio::test]
async fn everything_that_the_workspace_holds_is_landed() {
    let (emulator, outcome) = extracted(source()).await;
    let (holdings, keys) = (emulator.counters().holdings, keys(&outcome));
    assert_eq!(keys["conversations"], holdings.conversations);
    assert_eq!(keys["messages"], holdings.messages);
    assert_eq!(keys["people"], holdings.people);
    assert_eq!(keys["operators"], holdings.operators);
    assert_eq!(emulator.counters().writes_attempted, 0);
    assert_eq!(emulator.counters().files_with_credentials, 0);
    assert!(outcome.facts.files > 0);
}

#[tokio::test]
async fn every_way_of_paging_that_the_documents_leave_open_gives_the_same_records() {
    let (_, usual) = extracted(source()).await;
    let odd = [
        Quirks { message_page: 20, bound: Bound::Inclusive, ..Quirks::default() },
        Quirks { past_end: PastEnd::NotFound, short_pages: true, ..Quirks::default() },
        Quirks { message_partial: false, list_partial: true, ..Quirks::default() },
        Quirks { extra_fields: true, touch_every: 2, ..Quirks::default() },
    ];
    for quirks in odd {
        let (_, outcome) = extracted(crisp::Options { quirks: quirks.clone(), ..source() }).await;
        assert_eq!(keys(&outcome), keys(&usual), "{quirks:?}");
    }
}

#[tokio::test]
async fn a_stream_that_may_not_be_read_is_a_gap_and_the_rest_is_landed() {
    let scopes = ["website:conversation:sessions", "website:conversation:messages"];
    let scopes = Some(scopes.map(str::to_owned).into());
    let (_, outcome) = extracted(crisp::Options { scopes, ..source() }).await;
    let gaps: Vec<&str> = outcome.facts.gaps.iter().map(|gap| gap.stream.as_str()).collect();
    assert!(gaps.contains(&"people") && gaps.contains(&"operators"), "{gaps:?}");
    assert!(keys(&outcome)["messages"] > 0);
}

#[tokio::test]
async fn files_on_a_private_host_are_refused_unless_the_host_is_named() {
    let (emulator, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let careful = Options { private_hosts: Vec::new(), ..options(&manifest, &url) };
    let outcome = run(&warehouse, careful).await.expect("extracts");
    assert_eq!(outcome.facts.files, 0);
    assert_eq!(emulator.counters().files_served, 0);
}

#[tokio::test]
async fn passing_faults_cost_calls_and_no_records() {
    let (_, calm) = extracted(source()).await;
    for seed in [1, 2, 3] {
        let faults = Faults {
            seed,
            too_many_429: 20,
            too_many_420: 20,
            server_5xx: 30,
            non_json: 20,
            truncated: 20,
            dropped: 20,
            ..Faults::default()
        };
        let (_, outcome) = extracted(crisp::Options { faults, ..source() }).await;
        assert_eq!(keys(&outcome), keys(&calm), "seed {seed}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_a_fault_of_the_configuration() {
    let (_, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let mut wrong = options(&manifest, &url);
    wrong.settings.insert("key".into(), "not-the-key".into());
    let fault = run(&warehouse, wrong).await.expect_err("is refused");
    assert_eq!(fault.kind(), Kind::FixConfig);
    assert!(!fault.to_string().contains("not-the-key"));
}
