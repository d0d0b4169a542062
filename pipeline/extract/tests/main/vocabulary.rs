//! Each word of the manifest language against a server that needs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use deskferry_extract::{Manifest, Outcome, ProbeOutcome, extract, probe};
use emulator::crisp;
use emulator::plain::{Answer, Asked, Plain};
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant};
use landing::{Warehouse, layout, table};
use serde_json::{Value, json};

use super::{MachineClock, Silent, keys, serve, source, texts};

/// A clock that moves by a second with each look at it.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

fn manifest(authenticator: &str, streams: &str) -> Manifest {
    let text = format!(
        "format = 1\nplatform = \"plain\"\nname = \"Plain\"\ndocs = \"none\"\nurl_base = \"https://plain.example\"\n\
         authenticator = {authenticator}\n[spec.key]\nmeaning = \"m\"\nsecret = true\n{streams}"
    );
    Manifest::parse(&text, "plain.toml").expect("reads")
}

/// A stream without anybody who must be recognized.
fn open(streams: &str) -> Manifest {
    manifest("{ type = \"NoAuth\" }", streams)
}

fn options(manifest: &Manifest, url: &str) -> deskferry_extract::Options {
    let settings = [("key".to_owned(), "s3cr3t".to_owned())].into();
    deskferry_extract::Options { settings, ..super::options(manifest, url) }
}

async fn start(plain: &Plain) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
    tokio::spawn(plain.clone().serve(listener));
    url
}

async fn run(manifest: &Manifest, plain: &Plain) -> (Result<Outcome, Fault>, Warehouse) {
    let url = start(plain).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let clock = Arc::new(Ticking::default());
    let outcome = extract(&warehouse, manifest, &options(manifest, &url), clock, &Silent).await;
    (outcome, warehouse)
}

fn rows(ids: impl Iterator<Item = u64>) -> Value {
    json!({ "data": ids.map(|id| json!({ "id": id })).collect::<Vec<_>>() })
}

/// A stream `s` at `/s` with these further lines.
fn stream(more: &str) -> String {
    format!("[[streams]]\nname = \"s\"\npath = \"/s\"\nkey = [\"{{{{ record.id }}}}\"]\n{more}\n")
}

fn number(asked: &Asked, name: &str) -> u64 {
    asked.query.get(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn an_offset_grows_by_the_limit_until_a_page_is_empty() {
    let manifest = open(&stream("paginator = { type = \"offset\", limit = 10 }"));
    let plain = Plain::new(|asked| {
        let (offset, limit) = (number(asked, "offset"), number(asked, "limit"));
        Answer::json(&rows(offset..(offset + limit).min(25)))
    });
    let (outcome, _) = run(&manifest, &plain).await;
    assert_eq!(keys(&outcome.expect("extracts"))["s"], 25);
    let asked = plain.asked();
    let offsets: Vec<u64> = asked.iter().map(|asked| number(asked, "offset")).collect();
    assert_eq!(offsets, [0, 10, 20, 30]);
}

#[tokio::test]
async fn a_relative_next_link_is_followed_to_its_end() {
    let manifest =
        open(&stream("paginator = { type = \"json_link\", next_url_path = \"links.next\" }"));
    let plain = Plain::new(|asked| {
        let page = number(asked, "page");
        let mut reply = rows(page * 3..page * 3 + 3);
        reply["links"] = json!({ "next": (page < 4).then(|| format!("/v1/s?page={}", page + 1)) });
        Answer::json(&reply)
    });
    let (outcome, _) = run(&manifest, &plain).await;
    assert_eq!(keys(&outcome.expect("extracts"))["s"], 15);
    assert_eq!(plain.asked().len(), 5);
}

#[tokio::test]
async fn a_list_that_links_on_for_ever_ends_at_an_empty_page_or_is_a_fault() {
    let endless = |has_records: fn(u64) -> bool| {
        Plain::new(move |asked| {
            let page = number(asked, "page");
            let mut reply = rows(0..if has_records(page) { 3 } else { 0 });
            reply["next"] = json!(format!("?page={}", page + 1));
            Answer::json(&reply)
        })
    };
    let paged = |more: &str| {
        let line = format!("type = \"json_link\", next_url_path = \"next\"{more}");
        open(&stream(&format!("paginator = {{ {line} }}")))
    };
    let ends = endless(|page| page < 4);
    let (outcome, _) = run(&paged(", stop_after_empty_page = true"), &ends).await;
    assert_eq!(keys(&outcome.expect("extracts"))["s"], 3);
    assert_eq!(ends.asked().len(), 5);
    let never = endless(|_| true);
    let (outcome, _) = run(&paged(""), &never).await;
    assert_eq!(outcome.expect_err("has no end").kind(), Kind::FixData);
    assert!(never.asked().len() < 200);
}

#[tokio::test]
async fn a_linked_list_of_several_pages_is_read_again_until_it_stood_still() {
    let manifest = open(&stream(
        "paginator = { type = \"json_link\", next_url_path = \"next\", sweeps_max = 5 }",
    ));
    // The first record goes away after the first page was read, so the fourth one is passed over.
    let reads = AtomicU64::new(0);
    let plain = Plain::new(move |asked| {
        let gone = u64::from(reads.fetch_add(1, Ordering::Relaxed) > 0);
        let page = number(asked, "page");
        let mut reply = rows((gone + page * 3..gone + page * 3 + 3).filter(|id| *id < 9));
        reply["next"] = json!((page < 2).then(|| format!("?page={}", page + 1)));
        Answer::json(&reply)
    });
    let (outcome, _) = run(&manifest, &plain).await;
    let outcome = outcome.expect("extracts");
    assert_eq!(keys(&outcome)["s"], 9, "the one passed over came, and the one that went is kept");
    assert!(outcome.facts.streams["s"].complete);
    let changes = &outcome.facts.streams["s"].changes;
    assert_eq!(changes.clone(), [("deleted".to_owned(), 1)].into(), "the one that went is known");
    let (still, _) = run(&manifest, &Plain::new(|_| Answer::json(&rows(0..3)))).await;
    assert_eq!(keys(&still.expect("extracts"))["s"], 3, "one page is whole at once");
}

#[tokio::test]
async fn a_search_sends_its_window_and_a_list_beside_the_records_may_be_absent() {
    let search = "http_method = \"POST\"\n\
         request_parameters = { page = \"{{ next_page_token }}\" }\n\
         request_body_json = { and = [{ at = { gte = \"{{ stream_interval.start_time }}\" } }, { at = { lt = \"{{ stream_interval.end_time }}\" } }] }\n\
         field_path = [\"beside\"]\nfield_path_optional = true\n\
         paginator = { type = \"PageIncrement\", start_from_page = 1, pages_max = 3, sweeps_max = 3 }\n\
         incremental_sync = { cursor_field = \"at\", cursor_datetime_format = \"%ms\" }";
    let plain = Plain::new(|_| Answer::json(&json!({ "data": [] })));
    let (outcome, warehouse) = run(&open(&stream(search)), &plain).await;
    let facts = outcome.expect("extracts").facts;
    assert_eq!(facts.streams["s"].keys, 0);
    let asked = plain.asked();
    assert!(asked.iter().all(|asked| asked.method == "POST"));
    assert_eq!(number(&asked[0], "page"), 3, "the last page that the API gives comes first");
    let body: Value = serde_json::from_slice(&asked[0].body).expect("is JSON");
    let bounds = body["and"].as_array().expect("is a list");
    assert_eq!(bounds.len(), 1, "a window without a beginning has no lower bound: {body}");
    assert!(bounds[0]["at"]["lt"].is_string());
    let path = layout::in_snapshot(&facts.id, "data/exchanges/part-00000.parquet");
    let methods = texts(table::read(&warehouse, &path).await.expect("opens"), "method").await;
    assert_eq!(methods.into_iter().collect::<Vec<_>>(), ["POST"]);
}

#[tokio::test]
async fn a_next_link_to_another_server_is_refused_and_the_key_never_gets_there() {
    let bearer = "{ type = \"bearer\", token = \"{{ config.key }}\" }";
    let paged = stream("paginator = { type = \"json_link\", next_url_path = \"next\" }");
    let foreign = Plain::new(|_| Answer::json(&rows(0..1)));
    let address = start(&foreign).await;
    let plain = Plain::new(move |_| {
        Answer::json(&json!({ "data": [{ "id": 1 }], "next": format!("{address}/s?page=2") }))
    });
    let (outcome, _) = run(&manifest(bearer, &paged), &plain).await;
    let fault = outcome.expect_err("leads elsewhere");
    assert_eq!(fault.kind(), Kind::FixData, "{fault}");
    assert_eq!(foreign.asked(), []);
    assert_eq!(plain.asked()[0].headers["authorization"], "Bearer s3cr3t");
}

#[tokio::test]
async fn a_key_in_the_query_reaches_the_server_and_no_address_that_is_landed() {
    let auth = "{ type = \"ApiKeyAuthenticator\", api_token = \"{{ config.key }}\", inject_into = \"request_parameter\", field_name = \"auth\" }";
    let paged = stream("paginator = { type = \"json_link\", next_url_path = \"next\" }");
    let plain = Plain::new(|asked| {
        if asked.query.get("auth").map(String::as_str) != Some("s3cr3t") {
            return Answer::status(401, "{}");
        }
        // Some servers repeat the whole query in their links.
        let next = (number(asked, "page") == 0).then_some("?auth=s3cr3t&page=1");
        let page = number(asked, "page");
        Answer::json(&json!({ "data": [{ "id": page }], "next": next }))
    });
    let (outcome, warehouse) = run(&manifest(auth, &paged), &plain).await;
    let facts = outcome.expect("extracts").facts;
    assert_eq!(facts.streams["s"].keys, 2);
    let path = layout::in_snapshot(&facts.id, "data/exchanges/part-00000.parquet");
    let urls = texts(table::read(&warehouse, &path).await.expect("opens"), "url").await;
    assert_eq!(urls.len(), 2, "{urls:?}");
    assert!(urls.iter().all(|url| !url.contains("s3cr3t")), "{urls:?}");
}

#[tokio::test]
async fn a_token_that_is_refused_halfway_is_replaced_and_nothing_is_missing() {
    let auth = "{ type = \"OAuthAuthenticator\", token_refresh_endpoint = \"/token\", client_id = \"i\", client_secret = \"{{ config.key }}\" }";
    let paged = stream(
        "request_parameters = { page = \"{{ next_page_token }}\" }\n\
         paginator = { type = \"PageIncrement\", start_from_page = 1 }",
    );
    let (tokens, calls) = (AtomicU64::new(0), AtomicU64::new(0));
    let plain = Plain::new(move |asked| {
        if asked.path == "/v1/token" {
            let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
            return Answer::json(
                &json!({ "access_token": format!("t{number}"), "expires_in": 1e9 }),
            );
        }
        let is_late = calls.fetch_add(1, Ordering::Relaxed) >= 3;
        let good = format!("Bearer t{}", if is_late { 2 } else { 1 });
        match asked.headers.get("authorization") {
            Some(token) if *token == good => {
                let page = number(asked, "page");
                Answer::json(&rows(page * 2..if page > 5 { page * 2 } else { page * 2 + 2 }))
            }
            _ => Answer::status(401, "{}"),
        }
    });
    let (outcome, _) = run(&manifest(auth, &paged), &plain).await;
    assert_eq!(keys(&outcome.expect("extracts"))["s"], 10);
    let asked = plain.asked();
    let tokens: Vec<&Asked> = asked.iter().filter(|asked| asked.path == "/v1/token").collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0].body, "grant_type=client_credentials&client_id=i&client_secret=s3cr3t");
}

#[tokio::test]
async fn children_are_asked_for_where_the_parent_fits_and_hand_their_fields_down() {
    let streams = "\
        [[streams]]\nname = \"shops\"\npath = \"/{{ stream_partition.kind }}\"\nkey = [\"{{ stream_partition.kind }}/{{ record.id }}\"]\n\
        partition_router = { type = \"ListPartitionRouter\", cursor_field = \"kind\", values = [\"a\", \"b\"] }\n\
        [[streams]]\nname = \"shelves\"\npath = \"/{{ stream_partition.kind }}/{{ stream_partition.shop }}\"\nkey = [\"{{ record_sha256 }}\"]\n\
        partition_router = { type = \"SubstreamPartitionRouter\", parent_stream = \"shops\", partition_fields = { shop = \"id\" }, when = { state = [\"open\", \"new\"] } }\n\
        [[streams]]\nname = \"books\"\npath = \"/{{ stream_partition.kind }}/{resources.shelves.shelf}\"\nkey = [\"{{ record.id }}\"]\n";
    let plain = Plain::new(|asked| match asked.path.as_str() {
        "/v1/a" => Answer::json(&json!({ "data": [
            { "id": 1, "state": "open" }, { "id": 2, "state": "shut" }, { "id": 3 },
        ] })),
        "/v1/b" => Answer::json(&json!({ "data": [{ "id": 1, "state": "new" }] })),
        "/v1/a/1" | "/v1/b/1" => Answer::json(&json!({ "data": [{ "shelf": "x/y" }] })),
        "/v1/a/x%2Fy" => Answer::json(&json!({ "data": [{ "id": "p" }, { "id": "q" }] })),
        "/v1/b/x%2Fy" => Answer::json(&json!({ "data": { "id": "r" } })),
        other => Answer::status(500, other.to_owned()),
    });
    let (outcome, _) = run(&open(streams), &plain).await;
    let outcome = outcome.expect("extracts");
    let keys = keys(&outcome);
    assert_eq!((keys["shops"], keys["books"]), (4, 3), "{keys:?}");
    let mut paths: Vec<String> = plain.asked().into_iter().map(|asked| asked.path).collect();
    paths.sort();
    assert_eq!(paths, ["/v1/a", "/v1/a/1", "/v1/a/x%2Fy", "/v1/b", "/v1/b/1", "/v1/b/x%2Fy"]);
}

#[tokio::test]
async fn the_text_of_a_refusal_decides_what_it_means() {
    let rules = "error_handler = [{ http_codes = [400], error_message_contains = \"NOT_FOUND\", action = \"IGNORE\" }]";
    let two = format!("{}{}", stream(""), stream("").replace("\"s\"", "\"t\"").replace("/s", "/t"));
    let auth = format!("{{ type = \"NoAuth\" }}\n{rules}");
    let plain = |second: &'static str| {
        Plain::new(move |asked| match asked.path.as_str() {
            "/v1/s" => Answer::json(&rows(0..2)),
            _ => Answer::status(400, second),
        })
    };
    let (outcome, _) = run(&manifest(&auth, &two), &plain("{\"code\":\"NOT_FOUND\"}")).await;
    assert_eq!(keys(&outcome.expect("extracts"))["t"], 0);
    let (outcome, _) = run(&manifest(&auth, &two), &plain("{\"code\":\"BAD\"}")).await;
    assert_eq!(outcome.expect_err("is refused").kind(), Kind::Refused);
}

#[tokio::test]
async fn a_check_asks_each_stream_once_and_says_what_came_of_it() {
    let names = ["fine", "refused", "missing", "odd", "empty", "busy"];
    let mut streams: String = names
        .iter()
        .map(|name| {
            stream("").replace("\"s\"", &format!("{name:?}")).replace("/s", &format!("/{name}"))
        })
        .collect();
    for (child, parent) in [("child", "fine"), ("orphan", "empty"), ("grandchild", "orphan")] {
        let line = format!(
            "evidence = \"assumed\"\npartition_router = {{ type = \"SubstreamPartitionRouter\", parent_stream = \"{parent}\", partition_fields = {{ id = \"id\" }} }}"
        );
        let text = stream(&line).replace("\"s\"", &format!("{child:?}"));
        streams += &text.replace("/s", &format!("/{child}/{{{{ stream_partition.id }}}}"));
    }
    let plain = Plain::new(|asked| match asked.path.as_str() {
        "/v1/fine" => Answer::json(&rows(7..9)),
        "/v1/child/7" => Answer::json(&rows(0..1)),
        "/v1/empty" => Answer::json(&rows(0..0)),
        "/v1/refused" => Answer::status(403, "{}"),
        "/v1/odd" => Answer::status(200, "<html>"),
        "/v1/busy" => Answer::status(429, "{}"),
        _ => Answer::status(404, "{}"),
    });
    let url = start(&plain).await;
    let manifest = open(&streams);
    let probed = probe(&manifest, &options(&manifest, &url), Arc::new(MachineClock)).await;
    let probed = probed.expect("answers");
    let outcome = |name: &str| {
        let found = probed.iter().find(|probed| probed.stream == name).expect(name);
        (found.calls, found.outcome.clone())
    };
    assert_eq!(outcome("fine"), (1, ProbeOutcome::Readable { records: 2 }));
    assert_eq!(outcome("child"), (1, ProbeOutcome::Readable { records: 1 }));
    assert_eq!(outcome("refused"), (1, ProbeOutcome::Refused(403)));
    assert_eq!(outcome("missing"), (1, ProbeOutcome::Missing(404)));
    assert!(matches!(outcome("odd"), (1, ProbeOutcome::Unreadable(_))));
    assert!(matches!(outcome("busy"), (1, ProbeOutcome::Unreadable(_))));
    let reason = |name: &str| match outcome(name) {
        (0, ProbeOutcome::NotAsked(reason)) => reason,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(reason("orphan"), "follows empty, which brought no record");
    assert_eq!(reason("grandchild"), "follows orphan, which could not be read");
    assert_eq!(plain.asked().len(), 7);
    assert_eq!(probed.last().expect("is there").evidence.as_deref(), Some("assumed"));
}

#[tokio::test]
async fn a_check_of_the_invented_shop_finds_every_stream_and_names_missing_scopes() {
    let quirks = crisp::Quirks { helpdesk: crisp::Helpdesk::New, ..Default::default() };
    let refuse = vec!["inboxes/list/{page}".to_owned()];
    let quirks = crisp::Quirks { refuse, ..quirks };
    let (emulator, url) = serve(crisp::Options { quirks, ..source() }).await;
    let manifest = Manifest::built_in("crisp").expect("reads");
    let checked = super::options(&manifest, &url);
    let probed = probe(&manifest, &checked, Arc::new(MachineClock)).await.expect("answers");
    assert_eq!(probed.len(), manifest.stream_names().len());
    for probed in &probed {
        let is_older = ["categories", "sections", "article"]
            .iter()
            .any(|word| probed.stream.starts_with("helpdesk_") && probed.stream.contains(word));
        match (&probed.outcome, probed.stream.as_str()) {
            (ProbeOutcome::Refused(403), "inboxes") => {}
            (ProbeOutcome::Missing(404) | ProbeOutcome::NotAsked(_), _) if is_older => {}
            // On the first page of conversations no message need have one.
            (ProbeOutcome::NotAsked(_), "originals" | "conversation_files") => {}
            // Not everybody left one.
            (ProbeOutcome::Readable { .. }, "people_events") => {}
            (ProbeOutcome::Readable { records }, _) if *records > 0 => {}
            (outcome, stream) => panic!("{stream}: {outcome:?}"),
        }
        assert!(probed.evidence.is_some(), "{}", probed.stream);
    }
    let calls: u64 = probed.iter().map(|probed| probed.calls).sum();
    assert_eq!(emulator.counters().calls.values().sum::<u64>(), calls);
    assert_eq!(emulator.counters().writes_attempted, 0);
}

#[tokio::test]
async fn a_check_with_wrong_credentials_stops_at_once() {
    let (emulator, url) = serve(source()).await;
    let manifest = Manifest::built_in("crisp").expect("reads");
    let mut wrong = super::options(&manifest, &url);
    wrong.settings.insert("key".into(), "not-the-key".into());
    let fault = probe(&manifest, &wrong, Arc::new(MachineClock)).await.expect_err("is refused");
    assert_eq!(fault.kind(), Kind::FixConfig);
    assert!(!format!("{fault:?}").contains("not-the-key"));
    assert!(emulator.counters().statuses[&401] == 1);
}
