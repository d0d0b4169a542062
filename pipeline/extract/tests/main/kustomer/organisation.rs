//! The stand-in's organisation as an extraction meets it: served, read by the program's manifest, and
//! compared stream by stream with what was landed.

use std::collections::BTreeSet;
use std::sync::Arc;

use deskferry_extract::{Manifest, Options, Outcome, extract};
use emulator::kustomer;
use emulator::kustomer::{Emulator, Quirks};
use kernel::Fault;
use landing::Warehouse;

use crate::moving::landed;
use crate::{MachineClock, Silent, keys};

/// Streams, and the shelves of the stand-in that hold their records.
pub const SHELVES: &[(&str, &str)] = &[
    ("attachments", "attachments"),
    ("brands", "brands"),
    ("business_rules", "business_rules"),
    ("chat_settings", "chat_settings"),
    ("companies", "companies"),
    ("conversations", "conversations"),
    ("customers", "customers"),
    ("email_hooks", "email_hooks"),
    ("kb_categories", "kb_categories"),
    ("kb_forms", "kb_forms"),
    ("kb_routes", "kb_routes"),
    ("kb_tags", "kb_tags"),
    ("kb_templates", "kb_templates"),
    ("kb_themes", "kb_themes"),
    ("klasses", "klasses"),
    ("kobjects", "kobjects"),
    ("messages", "messages"),
    ("notes", "notes"),
    ("pinned_searches", "pinned_searches"),
    ("queues", "queues"),
    ("satisfaction_forms", "satisfaction_forms"),
    ("satisfaction_responses", "satisfaction_responses"),
    ("search_positions", "search_positions"),
    ("shortcuts", "shortcuts"),
    ("sla_versions", "sla_versions"),
    ("slas", "slas"),
    ("sub_statuses", "sub_statuses"),
    ("tags", "tags"),
    ("teams", "teams"),
    ("web_hooks", "web_hooks"),
    ("workflows", "workflows"),
];
/// Streams whose keys are made of more than the id, or that share a shelf.
pub const OTHERS: &[&str] =
    &["deleted_users", "kb_articles", "klass_metadata", "metadata", "users"];

pub fn source() -> kustomer::Options {
    kustomer::Options { seed: 3, conversations: 40, ..kustomer::Options::default() }
}

pub fn quirky(quirks: Quirks) -> kustomer::Options {
    kustomer::Options { quirks, ..source() }
}

pub async fn serve(options: kustomer::Options) -> (Emulator, String) {
    let emulator = Emulator::new(options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
    tokio::spawn(emulator.clone().serve(listener));
    (emulator, url)
}

/// The manifest that comes with the program, with some of its text replaced.
pub fn manifest(changes: &[(&str, &str)]) -> Manifest {
    let text = include_str!("../../../sources/kustomer.toml");
    let changed = changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the manifest");
        text.replace(from, to)
    });
    Manifest::parse(&changed, "kustomer.toml").expect("reads")
}

/// What an administrator wrote down of the business rules of the shop with this seed.
pub fn rules_file() -> String {
    let rules = Emulator::new(kustomer::Options { conversations: 1, ..source() }).business_rules();
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/business_rules.json");
    std::fs::write(path, rules.to_string()).expect("can be written");
    path.to_owned()
}

pub fn options(manifest: &Manifest, url: &str) -> Options {
    let given = [
        ("org", "acme"),
        ("api_key", kustomer::DEMO_API_KEY),
        ("kb_languages", "en_us, fr"),
        ("business_rules", &rules_file()),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options {
        settings: manifest.settle(given.into(), "source").expect("is complete"),
        base_url: Some(url.to_owned()),
        ..crate::options(&Manifest::built_in("crisp").expect("reads"), url)
    }
}

/// Only these streams.
pub fn only(kept: &[&str], options: Options, manifest: &Manifest) -> Options {
    let all = manifest.stream_names().into_iter();
    let skip_streams = all.filter(|name| !kept.contains(&name.as_str())).collect();
    Options { skip_streams, ..options }
}

pub async fn run(
    warehouse: &Warehouse,
    manifest: &Manifest,
    options: &Options,
) -> Result<Outcome, Fault> {
    extract(warehouse, manifest, options, Arc::new(MachineClock), &Silent).await
}

pub async fn extracted(source: kustomer::Options) -> (Emulator, Outcome, Warehouse) {
    let (emulator, url) = serve(source).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    // Without headers nobody tells that the stand-in has no limit.
    let budgets = ["calls_per_window = 300\n", "calls_per_window = 100\n"];
    let manifest = manifest(&budgets.map(|from| (from, "calls_per_window = 1000000\n")));
    let outcome = run(&warehouse, &manifest, &options(&manifest, &url)).await.expect("extracts");
    (emulator, outcome, warehouse)
}

/// Compares every stream with what the stand-in holds.
pub async fn assert_whole(
    emulator: &Emulator,
    outcome: &Outcome,
    warehouse: &Warehouse,
    why: &str,
) {
    let inventory = emulator.inventory();
    for (stream, shelf) in SHELVES {
        let landed = landed(warehouse, outcome, stream).await;
        let landed: BTreeSet<String> = landed.into_keys().collect();
        let held = match *stream {
            "chat_settings" => BTreeSet::from(["settings".to_owned()]),
            _ => inventory[*shelf].clone(),
        };
        assert_eq!(landed, held, "{stream}: {why}");
        let facts = &outcome.facts.streams[*stream];
        assert_eq!(facts.records, facts.keys, "{stream} was landed more than once: {why}");
    }
    let keys = keys(outcome);
    let users = keys["users"] + keys["deleted_users"];
    assert_eq!(users, inventory["users"].len() as u64, "{why}");
    assert_eq!(keys["deleted_users"], 1, "{why}");
    assert_eq!(keys["kb_articles"], 2 * inventory["kb_articles"].len() as u64, "{why}");
    assert_eq!(keys["metadata"], 4, "{why}");
    assert_eq!(keys["klass_metadata"], 2, "{why}");
}

pub fn gaps(outcome: &Outcome) -> Vec<(&str, &str)> {
    let gaps = outcome.facts.gaps.iter();
    gaps.map(|gap| (gap.stream.as_str(), gap.reason.as_str())).collect()
}
