//! Streams that read single records: for all of their parent's records, or for those that are named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deskferry_extract::{Manifest, Options, Outcome, extract};
use emulator::plain::{Answer, Plain};
use kernel::Fault;
use landing::Warehouse;
use serde_json::{Value, json};

use super::{MachineClock, Silent, extracted, keys, options, run, serve, source};

/// Gorgias with customers 1 to 3 and tickets 81 and 82; what `odd` says of a path comes first.
fn helpdesk(odd: impl Fn(&str) -> Option<u16> + Send + Sync + 'static) -> Plain {
    let list = |ids: &[u64]| {
        let data: Vec<Value> = ids.iter().map(|id| json!({"id": id, "data": null})).collect();
        Answer::json(&json!({"data": data, "meta": {"next_cursor": null}}))
    };
    Plain::new(move |asked| {
        if let Some(status) = odd(&asked.path) {
            return Answer::status(status, "{}");
        }
        match asked.path.as_str() {
            "/api/customers" => list(&[1, 2, 3]),
            "/api/tickets" => list(&[81, 82]),
            "/api/users" | "/api/messages" | "/api/tags" => list(&[]),
            path => {
                let id = path.rsplit('/').next().expect("has an id");
                Answer::json(&json!({"id": id, "data": null, "meta": {}}))
            }
        }
    })
}

async fn start(plain: &Plain) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    tokio::spawn(plain.clone().serve(listener));
    url
}

fn below(named: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    named.iter().map(|(name, wanted)| ((*name).to_owned(), keys(wanted))).collect()
}

async fn read(
    warehouse: &Warehouse,
    url: &str,
    only_below: BTreeMap<String, BTreeSet<String>>,
) -> Result<Outcome, Fault> {
    let manifest = Manifest::built_in("gorgias").expect("reads");
    let settings = [("email", "a@shop.example"), ("api_key", "k")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let crisp = Manifest::built_in("crisp").expect("reads");
    let options = Options { settings, only_below, ..options(&crisp, url) };
    extract(warehouse, &manifest, &options, Arc::new(MachineClock), &Silent).await
}

fn asked(plain: &Plain, beginning: &str) -> BTreeSet<String> {
    let asked = plain.asked().into_iter().filter(|asked| asked.path.starts_with(beginning));
    asked.map(|asked| asked.path[beginning.len()..].to_owned()).collect()
}

#[tokio::test]
async fn a_stream_is_read_below_the_named_records_only_and_the_snapshot_says_so() {
    let plain = helpdesk(|_| None);
    let url = start(&plain).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let wanted = below(&[("customer_details", &["1", "3", "9"]), ("ticket_details", &[])]);
    let outcome = read(&warehouse, &url, wanted).await.expect("extracts");
    assert_eq!(asked(&plain, "/api/customers/"), ["1", "3"].map(str::to_owned).into());
    assert_eq!(asked(&plain, "/api/tickets/"), BTreeSet::new());
    let single = plain.asked().into_iter().find(|asked| asked.path == "/api/customers/1");
    assert_eq!(single.expect("was asked").query["relationships"], "custom_fields");
    assert_eq!(keys(&outcome)["customer_details"], 2);
    assert!(!outcome.facts.streams["customer_details"].complete);
    assert!(outcome.facts.streams["customers"].complete);
    let said = &outcome.facts.filters["only_below"];
    assert_eq!(said, "customer_details: 3 records, ticket_details: 0 records");
}

#[tokio::test]
async fn as_a_source_every_record_is_read_alone() {
    let plain = helpdesk(|_| None);
    let url = start(&plain).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = read(&warehouse, &url, BTreeMap::new()).await.expect("extracts");
    let keys = keys(&outcome);
    assert_eq!((keys["customer_details"], keys["ticket_details"]), (3, 2));
    assert!(outcome.facts.streams["ticket_details"].complete);
    assert!(!outcome.facts.filters.contains_key("only_below"));
}

#[tokio::test]
async fn a_record_that_went_or_was_merged_meanwhile_does_not_fail_the_reading() {
    let plain = helpdesk(|path| match path {
        "/api/customers/1" => Some(404),
        "/api/customers/2" => Some(301),
        _ => None,
    });
    let url = start(&plain).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let outcome = read(&warehouse, &url, BTreeMap::new()).await.expect("extracts");
    assert_eq!(keys(&outcome)["customer_details"], 1);
    let gaps: Vec<_> =
        outcome.facts.gaps.iter().map(|gap| (gap.stream.as_str(), gap.key.as_deref())).collect();
    assert_eq!(gaps, [("customer_details", Some("2"))], "the first one is known to be gone");
    assert_eq!(outcome.facts.streams["customers"].changes["deleted"], 1);
}

#[tokio::test]
async fn an_interrupted_reading_goes_on_with_other_records_and_keeps_what_it_had() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = broken.clone();
    let plain = helpdesk(move |path| {
        let is_broken = is_broken.load(std::sync::atomic::Ordering::Relaxed);
        (path == "/api/tickets/81" && is_broken).then_some(400)
    });
    let url = start(&plain).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = below(&[("customer_details", &["1"]), ("ticket_details", &["81"])]);
    read(&warehouse, &url, first).await.expect_err("a ticket is refused");
    broken.store(false, std::sync::atomic::Ordering::Relaxed);
    let second = below(&[("customer_details", &["2"]), ("ticket_details", &["81"])]);
    let outcome = read(&warehouse, &url, second).await.expect("goes on");
    assert!(outcome.resumed > 0);
    let keys = keys(&outcome);
    assert_eq!((keys["customer_details"], keys["ticket_details"]), (2, 1));
    let times = plain.asked().iter().filter(|asked| asked.path == "/api/customers/1").count();
    assert_eq!(times, 1, "what was answered is not asked again");
}

#[tokio::test]
async fn any_stream_that_follows_another_can_be_restricted_and_no_other() {
    let (_, url) = serve(source()).await;
    let (_, whole) = extracted(source()).await;
    let manifest = Manifest::built_in("crisp").expect("reads");
    let warehouse = Warehouse::open("memory://").expect("opens");
    let only_below = below(&[("people_data", &[]), ("people_events", &[])]);
    let outcome = run(&warehouse, Options { only_below, ..options(&manifest, &url) }).await;
    let outcome = outcome.expect("extracts");
    assert_eq!(keys(&outcome)["people_data"], 0);
    assert_eq!(keys(&outcome)["messages"], keys(&whole)["messages"]);
    for wrong in ["people", "people_dta"] {
        let only_below = below(&[(wrong, &[])]);
        let fault = run(&warehouse, Options { only_below, ..options(&manifest, &url) }).await;
        let fault = fault.expect_err("follows nothing");
        assert!(fault.to_string().contains(wrong), "{fault}");
    }
}
