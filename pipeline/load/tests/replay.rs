//! A replay that nothing disturbs: what arrives, in how many calls, and what a second run does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use deskferry_load::{Gorgias, Options, Progress};
use emulator::gorgias::{Options as Setting, Quirks};
use kernel::Mapping;
use kernel::fault::Kind;
use kernel::ledger::RecordKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::shop::shop;
use crate::stage::{ADMIN, KEY, QUICK, RUN, Stage, SystemClock, client, options};

#[tokio::test]
async fn everything_arrives_once_in_order_and_in_as_many_calls_as_forecast() {
    let plan = shop();
    let stage = Stage::new(&plan, Setting::default()).await;
    let outcome = stage.load().await.expect("loads");
    stage.assert_quiet();
    assert!(outcome.complete);
    for row in &plan.forecast {
        let phase = row["phase"].as_str().expect("text");
        let made = outcome.calls.get(phase).copied().unwrap_or_default();
        assert_eq!(json!(made), row["calls"], "{phase}");
    }
    assert_eq!(outcome.calls.get("lookups"), None);
    assert_eq!(outcome.calls, outcome.calls_now);
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "done")], 4);
    assert_eq!(outcome.settled[&(RecordKind::Message, "done")], 12);
    assert_eq!(outcome.settled[&(RecordKind::Upload, "done")], 2);
    assert_eq!(outcome.findings, []);

    let replayed = stage.replayed().await;
    let tickets = replayed["tickets"].as_array().expect("tickets");
    let ids: Vec<_> = tickets.iter().map(|one| one["id"].as_str().expect("text")).collect();
    assert_eq!(ids.len(), 4);
    let by_id = |id: &str| tickets.iter().find(|one| one["id"] == id).expect("replayed").clone();
    let order = |ticket: &Value| -> Vec<Value> {
        ticket["messages"].as_array().expect("list").iter().map(|one| one["id"].clone()).collect()
    };
    let (first, second) = (by_id("crisp:t1"), by_id("crisp:t2"));
    assert_eq!(order(&first), ["m1-1", "m1-2", "m1-3"]);
    assert_eq!(order(&second), ["m2-1", "m2-2", "m2-3", "m2-4", "m2-5"]);
    assert_eq!(first["assignee"], "Anna");
    assert_eq!(first["tags"], json!(["VIP", "migrated", "vip"]));
    assert_eq!(first["created"], "2024-03-01T10:00:00.000001+00:00");
    assert_eq!(second["status"], "closed");
    assert_eq!(second["closed"], "2024-03-02T10:00:00.000000+00:00");
    assert_eq!(second["messages"][3]["sender"], "Anna");
    assert_eq!(second["messages"][3]["receiver"], "Name of c2");
    assert_eq!(by_id("crisp:t4")["spam"], true);
}

#[tokio::test]
async fn files_get_the_targets_addresses_in_the_list_and_in_the_text() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    stage.load().await.expect("loads");
    let replayed = stage.replayed().await;
    let tickets = replayed["tickets"].as_array().expect("tickets");
    let ticket = tickets.iter().find(|one| one["id"] == "crisp:t1").expect("replayed");
    let message = &ticket["messages"][0];
    assert_eq!(message["text"], "look ![cup](UPLOAD)");
    assert_eq!(message["html"], "<p>look <img src=\"UPLOAD\"></p>");
    let expected = json!([
        ["cup & saucer.png", "image/png", 18, true],
        ["Rechnung März.pdf", "application/pdf", 24, true],
    ]);
    assert_eq!(message["files"], expected);
}

#[tokio::test]
async fn a_second_run_makes_no_call_at_all() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let first = stage.load().await.expect("loads");
    let again = stage.load().await.expect("loads");
    assert_eq!(again.calls_now, BTreeMap::new());
    assert_eq!(again.calls, first.calls);
    assert_eq!(again.settled, first.settled);
    assert_eq!(again.findings, first.findings);
    assert!(again.complete);
}

#[tokio::test]
async fn a_trial_brings_what_its_tickets_need_and_the_full_run_the_rest() {
    let whole = Stage::new(&shop(), Setting::default()).await;
    whole.load().await.expect("loads");
    let stage = Stage::new(&shop(), Setting::default()).await;
    let trial = Options { only: vec!["t2".into()], ..options() };
    let outcome = stage.load_with(&trial, Arc::new(stage.gorgias())).await.expect("loads");
    assert!(!outcome.complete);
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "done")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Customer, "done")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Tag, "done")], 1);
    assert_eq!(outcome.calls.get("files_upload"), None);
    let front = Options { limit: Some(1), ..options() };
    let outcome = stage.load_with(&front, Arc::new(stage.gorgias())).await.expect("loads");
    assert_eq!(outcome.calls_now["tickets_create"], 1);
    assert_eq!(outcome.settled[&(RecordKind::Upload, "done")], 2);
    let outcome = stage.load().await.expect("loads");
    assert_eq!(outcome.calls_now["tickets_create"], 2);
    assert!(outcome.complete);
    assert_eq!(stage.replayed().await, whole.replayed().await);

    let typo = Options { only: vec!["t9".into()], ..options() };
    let fault = stage.load_with(&typo, Arc::new(stage.gorgias())).await.expect_err("no t9");
    assert_eq!(fault.kind(), Kind::FixConfig);
}

#[tokio::test]
async fn what_the_target_has_already_is_used_and_left_as_it_is() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let email = "Ada@people.example";
    let channels = json!([{"type": "email", "address": email, "preferred": true}]);
    let body = json!({"name": "Ada before", "email": email, "channels": channels});
    stage.post("/api/customers", body).await;
    stage.post("/api/tags", json!({"name": "vip"})).await;
    let outcome = stage.load().await.expect("loads");
    stage.assert_quiet();
    assert_eq!(outcome.settled[&(RecordKind::Customer, "matched")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Tag, "matched")], 1);
    assert_eq!(outcome.calls["tags_create"], 2);
    let replayed = stage.replayed().await;
    let customers = replayed["customers"].to_string();
    assert!(customers.contains("Ada before") && !customers.contains("Name of c1"), "{customers}");
    assert_eq!(replayed["customers"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn missing_agents_are_created_when_the_mapping_says_so() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let mut mapping = Mapping::default();
    mapping.set("missing_agent", "create").expect("a value of the key");
    let create = Options { mapping, ..options() };
    let outcome = stage.load_with(&create, Arc::new(stage.gorgias())).await.expect("loads");
    assert_eq!(outcome.calls["agents_create"], 1);
    assert_eq!(outcome.findings, []);
    let replayed = stage.replayed().await;
    assert!(replayed.to_string().contains("\"sender\":\"Bo\""));
}

#[tokio::test]
async fn success_codes_of_a_proxy_and_later_changes_by_the_vendor_do_no_harm() {
    let quirks = Quirks { proxy_codes: true, background_ms: 0, ..Quirks::default() };
    let stage = Stage::new(&shop(), Setting { quirks, ..Setting::default() }).await;
    assert!(stage.load().await.expect("loads").complete);
    stage.assert_quiet();
}

#[derive(Default)]
struct Noted(Mutex<BTreeMap<String, (u64, u64)>>);

impl Progress for Noted {
    fn phase(&self, phase: &str, total: u64) {
        self.0.lock().expect("whole").insert(phase.to_owned(), (total, 0));
    }

    fn advance(&self, phase: &str, by: u64) {
        self.0.lock().expect("whole").get_mut(phase).expect("begun before").1 += by;
    }
}

#[tokio::test]
async fn progress_ends_where_it_said_it_would() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let noted = Noted::default();
    let target = Arc::new(stage.gorgias());
    deskferry_load::load(&stage.warehouse, target, &options(), Arc::new(SystemClock), &noted)
        .await
        .expect("loads");
    for (phase, (total, done)) in noted.0.lock().expect("whole").iter() {
        assert_eq!(total, done, "{phase}");
    }
}

#[tokio::test]
async fn a_gorgias_is_recognized_and_anything_else_is_not() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    stage.gorgias().recognize().await.expect("a Gorgias");
    let wrong = Gorgias::new(client("wrong"), &stage.origin, ADMIN).with_policy(QUICK);
    let fault = wrong.recognize().await.expect_err("a wrong key");
    assert!(fault.to_string().contains("credentials"), "{fault}");

    for (status, body) in [
        ("404 Not Found", "<html>no such tenant</html>"),
        ("200 OK", "<html>welcome</html>"),
        ("200 OK", "{\"data\":[{\"id\":1}]}"),
        ("302 Found", ""),
    ] {
        let origin = serve_always(status, body).await;
        let other = Gorgias::new(client(KEY), &origin, ADMIN).with_policy(QUICK);
        let fault = other.recognize().await.expect_err("no Gorgias");
        assert!(fault.to_string().contains("not a Gorgias"), "{fault}");
        assert_eq!(fault.kind(), Kind::FixConfig);
    }
}

/// A server that gives the same answer to everything.
async fn serve_always(status: &'static str, body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    origin
}

#[tokio::test]
async fn the_ledger_names_every_record_with_its_id_in_the_target() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    stage.load().await.expect("loads");
    let table =
        landing::ledger_log::read_tables(&stage.warehouse, &RUN).await.expect("reads").records;
    let column = table.column_by_name("target_id").expect("a column");
    assert_eq!(column.null_count(), 0);
    // 3 agents with the one who stands in, 3 tags, 3 customers, 2 files, 4 tickets, 12 messages.
    assert_eq!(table.num_rows(), 27);
}
