//! Records that no vendor should send: every stream, every field, in every wrong shape. Each is
//! staged, quarantined or dropped by a rule, and none stops a build.

use deskferry_transform::{Models, Scope, catalog, select, stage};
use kernel::{Mapping, SnapshotId};
use landing::Warehouse;
use serde_json::{Map, Value, json};

use crate::answers::lines;
use crate::fixture::{File, Record, land};
use crate::shop;

/// What stands where something else belongs.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(9_223_372_036_854_775_807_i64),
        json!(1.5e300),
        json!(""),
        json!("\u{0}<script>x</script>\u{202e}"),
        json!([]),
        json!([null, 7, {"a": [[]]}, "x"]),
        json!({}),
        json!({"": {"a": null}}),
    ]
}

/// Texts that are no document.
const NO_DOCUMENTS: [&str; 9] =
    ["", "{", "{\"a\":", "[]", "[{\"a\":1}]", "7", "null", "\"text\"", "{} {}"];

/// A whole record of each stream that is read field by field: stream, field of its id, document.
fn whole_records() -> Vec<(&'static str, &'static str, Value)> {
    let url = format!("{}/a/cup.png", shop::FILES);
    vec![
        (
            "conversations",
            "session_id",
            json!({"session_id": "", "people_id": "p1", "state": "resolved", "inbox_id": "i1",
                "assigned": {"user_id": "op-ada"}, "participants": [{"type": "email",
                "target": "a@b.example"}], "mentions": ["op-ada"], "is_blocked": false,
                "is_verified": true, "topic": "x", "created_at": 1704070000000_i64,
                "updated_at": 1704070000000_i64, "waiting_since": 1704070000000_i64,
                "meta": {"nickname": "n", "email": "n@b.example", "phone": "+33700000001",
                    "subject": "s", "origin": "chat", "segments": ["a"], "data": {"k": "v"},
                    "device": {"locales": ["en"], "geolocation": {"country": "FR"}}}}),
        ),
        (
            "messages",
            "fingerprint",
            json!({"session_id": "session_a", "fingerprint": 0, "type": "text", "from": "user",
                "origin": "chat", "content": format!("![x]({url})"), "preview": [], "read": "",
                "delivered": "", "ignored": {}, "mentions": ["op-ada"], "edited": false,
                "translated": false, "automated": false, "stamped": true,
                "timestamp": 1704070000000_i64, "references": [], "properties": {},
                "original": {"original_id": "o"},
                "user": {"type": "website", "user_id": "u", "nickname": "n", "avatar": "a"}}),
        ),
        (
            "messages",
            "fingerprint",
            json!({"session_id": "session_a", "fingerprint": 0, "type": "picker",
                "from": "operator", "timestamp": 1704070000000_i64,
                "content": {"id": "i", "text": "t", "required": true, "choices": [{"value": "v",
                    "icon": "i", "label": "l", "selected": true, "action": {"type": "link"}}]}}),
        ),
        (
            "messages",
            "fingerprint",
            json!({"session_id": "session_a", "fingerprint": 0, "type": "carousel",
                "from": "operator", "timestamp": 1704070000000_i64,
                "content": {"text": "t", "targets": [{"title": "t", "description": "d",
                    "image": url, "actions": [{"label": "l", "url": url}]}]}}),
        ),
        (
            "messages",
            "fingerprint",
            json!({"session_id": "session_a", "fingerprint": 0, "type": "audio", "from": "user",
                "timestamp": 1704070000000_i64,
                "content": {"url": url, "type": "audio/mpeg", "duration": 7, "name": "n"}}),
        ),
        (
            "messages",
            "fingerprint",
            json!({"session_id": "session_a", "fingerprint": 0, "type": "field", "from": "user",
                "timestamp": 1704070000000_i64,
                "content": {"id": "i", "text": "t", "explain": "e", "value": "v"}}),
        ),
        (
            "originals",
            "original_id",
            json!({"session_id": "session_a", "original_id": "", "type": "text/html",
                "headers": {"Subject": "s", "Message-ID": "m"}, "content": "<p>c</p>",
                "timestamp": 1704070000000_i64}),
        ),
        (
            "people",
            "people_id",
            json!({"people_id": "", "email": "x@b.example", "notepad": "n", "segments": ["s"],
                "score": 3, "active": {"last": 1704070000000_i64},
                "created_at": 1704070000000_i64, "updated_at": 1704070000000_i64,
                "person": {"nickname": "n", "phone": "1", "locales": ["en"], "timezone": 60,
                    "gender": "g", "employment": {"name": "e"}, "profiles": [{"type": "t"}],
                    "geolocation": {"country": "FR", "coordinates": {"latitude": 1.5}}},
                "company": {"name": "c", "domain": "c.example", "phones": ["1"],
                    "metrics": {"employees": 5}}}),
        ),
        ("people_data", "people_id", json!({"people_id": "", "data": {"plan": "pro", "n": 7}})),
        (
            "operators",
            "type",
            json!({"type": "operator", "details": {"user_id": "op",
                "email": "op@b.example", "first_name": "f", "last_name": "l", "role": "member"}}),
        ),
    ]
}

/// The document with each of its fields, also inner ones, replaced by `wrong` in turn.
fn spoiled(document: &Value, wrong: &Value) -> Vec<Value> {
    let mut variants = Vec::new();
    match document {
        Value::Object(fields) => {
            for (name, inner) in fields {
                for value in spoiled(inner, wrong) {
                    let mut fields: Map<String, Value> = fields.clone();
                    fields.insert(name.clone(), value);
                    variants.push(Value::Object(fields));
                }
            }
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                for value in spoiled(inner, wrong) {
                    let mut items = items.clone();
                    items[place] = value;
                    variants.push(Value::Array(items));
                }
            }
        }
        _ => {}
    }
    variants.push(wrong.clone());
    variants
}

/// Bodies that are too long for a target, or nested more deeply than anybody writes.
fn heavy_records() -> Vec<Record> {
    let mail = r#""from":"user","origin":"email","original":{"original_id":"or"}"#;
    let long = serde_json::to_string(&"👩‍👩‍👧‍👦".repeat(50_000)).expect("is text");
    let original = |number: i64, page: String| {
        let raw = json!({"original_id": "or", "type": "text/html", "content": page}).to_string();
        Record::new("originals", &format!("session_a/or-{number}"), raw)
            .of(&format!("session_a/{number}"))
    };
    let deep = format!("{}words", "<div>".repeat(90_000));
    vec![
        shop::message("a", 2, "text", &long, ""),
        shop::message("a", 3, "text", r#""long page""#, mail),
        shop::message("a", 4, "text", r#""deep page""#, mail),
        shop::message("a", 5, "text", "\"\"", mail),
        original(3, "<p>words</p>".repeat(90_000)),
        original(4, deep.clone()),
        original(5, deep),
    ]
}

/// Every stream of Crisp, each with texts that are no document, and the streams whose fields are
/// read with every field in every wrong shape.
fn records() -> Vec<Record> {
    let mut records = vec![
        shop::conversation("a", "p1", "unresolved", ""),
        shop::message("a", 1, "text", r#""still here""#, ""),
        shop::person("p1", "ann@mail.example", "Ann", ""),
    ];
    records.extend(heavy_records());
    let mut number = 1_000_000;
    for (stream, id, document) in whole_records() {
        for wrong in wrong_values() {
            for mut variant in spoiled(&document, &wrong) {
                number += 1;
                let key = if stream == "messages" {
                    format!("session_a/{number}")
                } else {
                    format!("odd-{number}")
                };
                // An id that is not what was spoiled is one of its own.
                if stream != "operators" && variant.get(id) == document.get(id) {
                    variant[id] =
                        json!(if stream == "messages" { json!(number) } else { json!(key) });
                }
                if stream == "operators" && variant["details"]["user_id"] == "op" {
                    variant["details"]["user_id"] = json!(key);
                }
                if stream == "operators" && variant["details"]["email"] == "op@b.example" {
                    variant["details"]["email"] = json!(format!("{key}@b.example"));
                }
                let record = Record::new(stream, &key, variant.to_string());
                records.push(record.of("session_a").at(20, number));
            }
        }
    }
    for stream in STREAMS {
        for (place, text) in NO_DOCUMENTS.iter().enumerate() {
            let key = format!("none-{place}");
            records.push(Record::new(stream, &key, *text).of("none").at(30, place as i32));
        }
    }
    records
}

const STREAMS: [&str; 32] = [
    "operators",
    "inboxes",
    "teams",
    "people_stats",
    "conversation_segments",
    "conversation_data_keys",
    "people_segments",
    "people_data_keys",
    "people_event_names",
    "conversations",
    "messages",
    "originals",
    "conversation_files",
    "spams",
    "spam_contents",
    "blocked_visitors",
    "people",
    "people_data",
    "people_events",
    "campaigns",
    "helpdesk",
    "helpdesk_redirections",
    "helpdesk_locales",
    "helpdesk_categories",
    "helpdesk_sections",
    "helpdesk_articles",
    "helpdesk_article_bodies",
    "helpdesk_article_categories",
    "helpdesk_tree",
    "helpdesk_pages",
    "helpdesk_page_contents",
    "helpdesk_page_metadata",
];

#[tokio::test]
async fn no_bad_record_stops_a_build_and_each_is_accounted_for() {
    let warehouse = Warehouse::open("memory://").expect("a warehouse in memory opens");
    let records = records();
    assert!(records.len() > 1_000, "{}", records.len());
    let files = [File::stored(&format!("{}/a/cup.png", shop::FILES), b"a cup", "image/png")];
    let id = land(&warehouse, "crisp", 1, &records, &files).await;
    let build = stage(&warehouse, "crisp", &[id], &Mapping::default(), &Models::embedded())
        .await
        .expect("nothing stops the build");
    // Paths that nobody decided about are found, as they should be; nothing else is.
    let findings = build.findings.iter().map(|finding| (&finding.check, &finding.offenders));
    let others: Vec<_> =
        findings.filter(|(check, _)| !check.ends_with("path_is_decided.sql")).collect();
    assert_eq!(others, [], "{:#?}", build.findings);
    let scope = Scope {
        snapshots: vec![SnapshotId { platform: "crisp".to_owned(), number: 1 }],
        build: Some(build.id.clone()),
        ..Scope::default()
    };
    let session = catalog(&warehouse, &scope).await.expect("the catalog opens");
    let ask = async |sql: &str| {
        let rows = select(&session, sql).await.expect("the question is answered");
        lines(&rows)
    };
    let unbalanced = "select stream from accounting
        where received <> staged + quarantined + dropped order by stream";
    assert_eq!(ask(unbalanced).await, [""; 0]);
    let untouched = "select body_text from messages where message_id = 'session_a/1'";
    assert_eq!(ask(untouched).await, ["still here"]);
    let heavy = "select message_id, octet_length(body_text) <= 1000000 as fits,
            octet_length(body_text) > 900000 as is_long, is_text_cut, is_html_dropped,
            body_html is null as has_no_html,
            char_length(replace(body_text, '👩‍👩‍👧‍👦', '')) as rest
        from messages
        where message_id in ('session_a/2', 'session_a/3', 'session_a/4', 'session_a/5')
        order by message_id";
    assert_eq!(
        ask(heavy).await,
        [
            "session_a/2 | true | true | true | true | true | 23",
            "session_a/3 | true | false | false | true | true | 9",
            "session_a/4 | true | false | false | true | true | 9",
            "session_a/5 | true | false | false | true | true | 5",
        ]
    );
    let silent = "select stream, source_key from quarantine
        where coalesce(rule, '') = '' or offending is null or char_length(offending) > 2000";
    assert_eq!(ask(silent).await, [""; 0]);
    let no_documents = format!(
        "select count(distinct stream) as streams, count(*) as rows from quarantine
         where source_key like 'none-%' and rule = 'not_an_object'
         having count(*) = {}",
        STREAMS.len() * NO_DOCUMENTS.len()
    );
    assert_eq!(
        ask(&no_documents).await.len(),
        1,
        "{:?}",
        ask("select stream, rule, count(*) as rows from quarantine where source_key like 'none-%'
         group by stream, rule order by stream, rule")
        .await
    );
}
