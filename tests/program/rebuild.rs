//! What has no equal in the target comes out as a kit from which a person makes it again.

use std::collections::{BTreeMap, BTreeSet};

use emulator::kustomer::{self, Emulator};
use serde_json::Value;

use crate::program::Bench;

/// Streams whose records are documents, with the kinds that they become.
const KINDS: &[(&str, &str)] = &[
    ("brands", "brand"),
    ("business_rules", "automation"),
    ("chat_settings", "channel"),
    ("email_hooks", "webhook"),
    ("kb_forms", "help_center_form"),
    ("kb_routes", "help_center_redirection"),
    ("kb_tags", "help_center_tag"),
    ("kb_templates", "help_center_template"),
    ("kb_themes", "help_center_theme"),
    ("klass_metadata", "custom_object_attributes"),
    ("klasses", "custom_object_schema"),
    ("kobjects", "custom_object_record"),
    ("pinned_searches", "view"),
    ("queues", "queue"),
    ("satisfaction_forms", "survey"),
    ("satisfaction_responses", "survey_response"),
    ("search_positions", "view_order"),
    ("shortcuts", "macro"),
    ("sla_versions", "sla_version"),
    ("slas", "sla"),
    ("sub_statuses", "sub_status"),
    ("web_hooks", "webhook"),
    ("workflows", "automation"),
];

/// An organisation that was extracted and staged.
struct Shop {
    emulator: Emulator,
    bench: Bench,
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Shop {
    fn staged() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let options = kustomer::Options { conversations: 30, ..kustomer::Options::default() };
        let emulator = Emulator::new(options);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port is free");
        let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
        runtime.spawn(emulator.clone().serve(listener));
        let bench = Bench::bare("");
        // The real limits would take the test minutes.
        let manifest = include_str!("../../pipeline/extract/sources/kustomer.toml");
        let manifest = manifest
            .replace("calls_per_window = 300\n", "calls_per_window = 1000000\n")
            .replace("calls_per_window = 100\n", "calls_per_window = 1000000\n");
        std::fs::write(bench.path("kustomer.toml"), manifest).expect("can be written");
        std::fs::write(bench.path("api_key"), kustomer::DEMO_API_KEY).expect("can be written");
        let rules = emulator.business_rules().to_string();
        std::fs::write(bench.path("rules.json"), rules).expect("can be written");
        let shop = Self { emulator, bench, url, _runtime: runtime };
        shop.configure("");
        // A class that is switched off has no metadata, which is a gap.
        let ended = shop.bench.run(&["extract"]);
        assert!(ended.code <= 1, "{}", ended.stderr);
        let ended = shop.bench.run(&["transform"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        shop
    }

    fn configure(&self, target: &str) {
        let folder = self.bench.folder.path().display();
        self.bench.configure(&format!(
            "[warehouse]\nurl = \"file://{folder}/warehouse\"\n\
             [source]\nplatform = \"kustomer\"\nmanifest = \"kustomer.toml\"\n\
             base_url = \"{}\"\norg = \"acme\"\napi_key = {{ file = \"api_key\" }}\n\
             kb_languages = \"en_us, fr\"\nbusiness_rules = \"rules.json\"\n\
             private_hosts = [\"127.0.0.1\"]\n{target}",
            self.url
        ));
    }

    /// The kit as JSON, things by kind.
    fn kit(&self) -> BTreeMap<String, Vec<Value>> {
        let ended = self.bench.run(&["report", "--rebuild", "--as", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let kit: Value = serde_json::from_str(&ended.stdout).expect("is one JSON document");
        let groups = kit["groups"].as_array().expect("there are groups").iter();
        let things = |group: &Value| group["things"].as_array().cloned().unwrap_or_default();
        groups.map(|group| (group["kind"].as_str().unwrap_or("").into(), things(group))).collect()
    }
}

const CRISP: &str = "[target]\nplatform = \"crisp\"\nwebsite_id = \"w\"\n\
    identifier = { file = \"api_key\" }\nkey = { file = \"api_key\" }\ntier = \"plugin\"\n";
const GORGIAS: &str = "[target]\nplatform = \"gorgias\"\nbase_url = \"http://127.0.0.1:9\"\n\
    email = \"a@shop.example\"\napi_key = { file = \"api_key\" }\n";

#[test]
fn everything_that_nobody_moves_is_in_the_kit_and_leads_to_its_landed_record() {
    let shop = Shop::staged();
    let kit = shop.kit();
    let held: BTreeMap<&str, usize> = [("agent", 6), ("team", 3)].into();
    for (kind, count) in held {
        assert_eq!(kit[kind].len(), count, "{kind}");
    }
    let inventory = shop.emulator.inventory();
    for (stream, kind) in KINDS {
        let of_stream = kit[*kind].iter().filter(|thing| thing["stream"] == *stream);
        let keys: BTreeSet<&str> = of_stream.clone().filter_map(|it| it["key"].as_str()).collect();
        assert!(!keys.is_empty(), "{stream} is not in the kit");
        let landed = shop.bench.ask(&format!("select key from landing.{stream}"));
        let landed: BTreeSet<&str> = landed.iter().filter_map(|row| row["key"].as_str()).collect();
        assert_eq!(keys, landed, "{stream}");
        if let Some(held) = inventory.get(*stream).filter(|_| *stream != "chat_settings") {
            assert_eq!(keys.len(), held.len(), "{stream}");
        }
        for thing in of_stream {
            assert!(thing["reason_not_migrated"].is_string(), "{stream}: {thing}");
            assert_eq!(thing["snapshot"], "kustomer/0001", "{stream}");
            assert!(thing["definition"].is_object(), "{stream}: {thing}");
        }
    }
    let undecided = "select count(*) from coverage where fate = 'undecided'";
    assert_eq!(shop.bench.number(undecided), 0);
    let macros = kit["macro"].iter().filter_map(|thing| thing["content"].as_str());
    let macros: Vec<&str> = macros.collect();
    assert_eq!(macros.len(), 7);
    for text in macros {
        assert!(text.starts_with("Hello {{customer.name}},\n"), "{text}");
        assert!(text.contains("](https://shop.example/help)"), "{text}");
    }
}

#[test]
fn the_knowledge_base_is_staged_as_markdown_with_its_pictures_and_nothing_internal_is_public() {
    let shop = Shop::staged();
    let articles = shop.bench.ask(
        "select article_id, locale, status, visibility, body_rule, body_markdown, category_id \
         from kb_articles",
    );
    // Nine articles, one of them deleted, three of them in French too, of which one is deleted.
    assert_eq!(articles.len(), 11);
    for article in &articles {
        assert_eq!(article["body_rule"], "html_to_markdown");
        let text = article["body_markdown"].as_str().expect("has a text");
        for part in [
            "## ",
            "First **read** the [label](https://shop.example/a?b=1&c=2).",
            "\n* Wash at 30°\n",
            "![the label](http://127.0.0.1:",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('<'), "{text}");
    }
    let count = |sql: &str| shop.bench.number(sql);
    assert_eq!(count("select count(*) from kb_articles where visibility = 'internal'"), 2);
    assert_eq!(count("select count(*) from kb_files where fetch_status = 'stored'"), 11);
    let homeless = "select count(*) from kb_articles left anti join kb_categories \
                    on kb_articles.category_id = kb_categories.category_id";
    assert_eq!(count(homeless), 0);
    assert_eq!(count("select count(*) from kb_categories"), 6, "three, in two languages");
    assert_eq!(count("select count(*) from losses where stream = 'kb_articles'"), 7);
}

#[test]
fn a_person_reads_it_as_markdown_or_html_and_finds_the_way_of_the_target() {
    let shop = Shop::staged();
    shop.configure(CRISP);
    let ended = shop.bench.run(&["report", "--rebuild"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in [
        "From kustomer (kustomer/0001) to crisp: ",
        "## Saved replies: 7\n",
        "Make a shortcut with the same text in the app",
        "### Close quiet conversations\n",
        "* Original: snapshot kustomer/0001, stream workflows, key ",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("Articles of the help center"), "they are carried");
    let ended = shop.bench.run(&["report", "--rebuild", "--as", "html", "--out", "kit"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let read = |name: &str| std::fs::read_to_string(shop.bench.path("kit").join(name));
    let (html, json) = (read("rebuild.html"), read("rebuild.json").expect("is there"));
    let html = html.expect("is there");
    assert!(html.starts_with("<!doctype html>") && html.contains("<h2>Saved replies: 7</h2>"));
    assert!(read("rebuild.md").is_err(), "only what was asked for");

    // What would let anybody send into the helpdesk stays in the snapshot.
    let secrets =
        "select key, raw from landing.records where stream in ('web_hooks', 'email_hooks')";
    for row in shop.bench.ask(secrets) {
        let raw: Value = serde_json::from_str(row["raw"].as_str().expect("is text")).expect("is");
        let secret = raw["attributes"]["hash"].as_str().expect("a hook has one").to_owned();
        assert!(!html.contains(&secret) && !json.contains(&secret));
    }

    shop.configure(GORGIAS);
    let ended = shop.bench.run(&["report", "--rebuild"]);
    assert!(ended.stdout.contains("Make a macro with the same text"), "{}", ended.stdout);
    assert!(ended.stdout.contains("## Articles of the help center: 11\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("First **read** the"), "{}", ended.stdout);
    let ended = shop.bench.run(&["report", "--rebuild", "--format", "csv"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("hint: --as markdown"), "{}", ended.stderr);
    let ended = shop.bench.run(&["report"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--rebuild"), "{}", ended.stderr);
}

#[test]
fn without_staged_tables_the_report_says_what_makes_them() {
    let bench = Bench::bare("");
    let folder = bench.folder.path().display().to_string();
    bench.configure(&format!("[warehouse]\nurl = \"file://{folder}/warehouse\"\n"));
    let ended = bench.run(&["report", "--rebuild"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing is staged yet"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: deskferry transform"), "{}", ended.stderr);
}
