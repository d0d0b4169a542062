//! Records that the target refuses, quotas, credentials, and what must never leave at all.

use std::sync::Arc;

use deskferry_load::{Gorgias, Options};
use emulator::gorgias::{Fault, Faults, Once, Options as Setting, Quirks};
use kernel::Mapping;
use kernel::fault::Kind;
use kernel::ledger::RecordKind;
use serde_json::{Value, json};

use crate::shop::{asked, files, shop, ticket};
use crate::stage::{ADMIN, QUICK, Stage, client, options, snapshot};

fn with_quirks(quirks: Quirks) -> Setting {
    Setting { quirks, ..Setting::default() }
}

fn reasons(findings: &[deskferry_load::Finding], kind: RecordKind) -> Vec<(&str, &str)> {
    let chosen = findings.iter().filter(|finding| finding.kind == kind);
    chosen.map(|finding| (finding.source_id.as_str(), finding.reason.as_str())).collect()
}

#[tokio::test]
async fn a_plan_with_a_sent_time_in_the_future_stops_before_the_ticket_leaves() {
    for in_create in [true, false] {
        let mut plan = shop();
        let mut future = asked("m5-2", "c1", in_create);
        future["sent_at"] = json!("2999-01-01T00:00:00Z");
        plan.thread(ticket("t5", "c1", "open"), vec![asked("m5-1", "c1", true), future]);
        let stage = Stage::new(&plan, Setting::default()).await;
        let fault = stage.load().await.expect_err("stops");
        assert_eq!(fault.kind(), Kind::FixData);
        assert!(fault.to_string().contains("m5-2"), "{fault}");
        assert!(fault.advice().contains("clock"), "{fault}");
        stage.assert_quiet();
        let replayed = stage.replayed().await.to_string();
        assert!(!replayed.contains("m5-2"));
        assert_eq!(replayed.contains("m5-1"), !in_create);
    }
}

#[tokio::test]
async fn a_refused_ticket_is_found_and_the_others_go_on() {
    let mut plan = shop();
    let mut bad = ticket("t5", "c1", "open");
    bad["via"] = json!("carrier-pigeon");
    let messages = vec![asked("m5-1", "c1", true), asked("m5-2", "c1", false)];
    plan.thread(bad, messages);
    let stage = Stage::new(&plan, Setting::default()).await;
    let outcome = stage.load().await.expect("goes on");
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "done")], 4);
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "refused")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Message, "refused")], 2);
    let tickets = reasons(&outcome.findings, RecordKind::Ticket);
    assert_eq!(tickets, [("t5", "status 400: via")]);
    assert!(outcome.complete, "refused is settled");
    let again = stage.load().await.expect("goes on");
    assert_eq!(again.findings, outcome.findings);
    assert_eq!(again.calls_now.len(), 0);
}

#[tokio::test]
async fn one_bad_message_does_not_keep_the_rest_of_its_ticket_out() {
    let mut plan = shop();
    let mut huge = asked("m5-2", "c1", true);
    huge["body_text"] = "x".repeat(5_000).into();
    let messages = vec![asked("m5-1", "c1", true), huge, asked("m5-3", "c1", true)];
    plan.thread(ticket("t5", "c1", "closed"), messages);
    let quirks = Quirks { text_bytes_max: Some(1_000), ..Quirks::default() };
    let stage = Stage::new(&plan, with_quirks(quirks)).await;
    let outcome = stage.load().await.expect("goes on");
    assert_eq!(outcome.settled[&(RecordKind::Message, "refused")], 1);
    let replayed = stage.replayed().await;
    let tickets = replayed["tickets"].as_array().expect("tickets");
    let found = tickets.iter().find(|one| one["id"] == "crisp:t5").expect("replayed");
    let ids: Vec<&Value> =
        found["messages"].as_array().expect("list").iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["m5-1", "m5-3"]);
    assert_eq!(found["status"], "closed");
    let refused = reasons(&outcome.findings, RecordKind::Message);
    assert!(matches!(refused.as_slice(), [("m5-2", _)]), "{refused:?}");
}

#[tokio::test]
async fn a_ticket_whose_messages_went_one_by_one_is_closed_even_if_a_reply_was_lost() {
    let mut plan = shop();
    let mut huge = asked("m5-2", "c1", true);
    huge["body_text"] = "x".repeat(5_000).into();
    let messages = vec![asked("m5-1", "c1", true), huge, asked("m5-3", "c1", true)];
    plan.thread(ticket("t5", "c1", "closed"), messages);
    // The fifth ticket is refused whole, and the reply to its lean form is lost.
    let (method, path) = ("POST".to_owned(), "/api/tickets".to_owned());
    let once = vec![Once { fault: Fault::DropAfter, method, path, skip: 1, count: 1 }];
    let faults = Faults { once, ..Faults::default() };
    let quirks = Quirks { text_bytes_max: Some(1_000), ..Quirks::default() };
    let stage = Stage::new(&plan, Setting { faults, ..with_quirks(quirks) }).await;
    let only = Options { only: vec!["t5".into()], ..options() };
    let outcome = stage.load_with(&only, Arc::new(stage.gorgias())).await.expect("goes on");
    assert_eq!(outcome.calls["tickets_create"], 2);
    assert_eq!(outcome.calls["tickets_update"], 1);
    let again = stage.load().await.expect("goes on");
    assert_eq!(again.calls["tickets_update"], 2, "t5 once and t2");
    stage.assert_quiet();
}

#[tokio::test]
async fn a_file_that_is_refused_or_was_never_landed_is_said_in_the_text() {
    let quirks = Quirks { upload_bytes_max: 20, ..Quirks::default() };
    let stage = Stage::new(&shop(), with_quirks(quirks)).await;
    let nowhere = Options { snapshots: Vec::new(), ..options() };
    let outcome = stage.load().await.expect("goes on");
    let refused = reasons(&outcome.findings, RecordKind::Upload);
    assert!(matches!(refused.as_slice(), [(_, "status 413")]), "{refused:?}");
    let replayed = stage.replayed().await.to_string();
    assert!(replayed.contains("UPLOAD) [attachment not available: Rechnung März.pdf]"));
    stage.assert_quiet();

    let other = Stage::new(&shop(), Setting::default()).await;
    let outcome = other.load_with(&nowhere, Arc::new(other.gorgias())).await.expect("goes on");
    assert_eq!(outcome.settled[&(RecordKind::Upload, "refused")], 2);
    assert_eq!(outcome.calls.get("files_upload"), None);
    assert!(other.replayed().await.to_string().contains("[attachment not available: cup &"));
}

#[tokio::test]
async fn a_damaged_file_stops_the_replay() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let (sha256, _) = files()[0].clone();
    let path = landing::layout::file(&snapshot(), &sha256);
    stage.warehouse.put(&path, "something else").await.expect("written over");
    let fault = stage.load().await.expect_err("stops");
    assert_eq!(fault.kind(), Kind::FixData);
}

#[tokio::test]
async fn a_customer_is_sent_without_what_the_target_objects_to() {
    let mut plan = shop();
    plan.customers[1]["language"] = json!("xx");
    plan.customers[0]["phone"] = json!("+49301234567");
    let quirks = Quirks { unique_phones: true, ..Quirks::default() };
    let stage = Stage::new(&plan, with_quirks(quirks)).await;
    let outcome = stage.load().await.expect("goes on");
    assert_eq!(outcome.settled[&(RecordKind::Customer, "done")], 3);
    let thinned = reasons(&outcome.findings, RecordKind::Customer);
    assert!(thinned.iter().any(|(id, reason)| *id == "c2" && reason.contains("without phone")));
    assert!(outcome.complete);
}

#[tokio::test]
async fn a_used_up_quota_stops_the_run_and_the_same_run_ends_it_later() {
    let quirks = Quirks { message_quota: Some(2), ..Quirks::default() };
    let stage = Stage::new(&shop(), with_quirks(quirks)).await;
    let fault = stage.load().await.expect_err("stops");
    assert_eq!(fault.kind(), Kind::Wait);
    assert!(fault.to_string().contains("quota"), "{fault}");
    assert_eq!(stage.all("/api/tickets").await.len(), 2);
}

#[tokio::test]
async fn wrong_credentials_stop_the_run() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let wrong = Gorgias::new(client("wrong"), &stage.origin, ADMIN).with_policy(QUICK);
    let fault = stage.load_with(&options(), Arc::new(wrong)).await.expect_err("stops");
    assert_eq!(fault.kind(), Kind::FixConfig);
}

#[tokio::test]
async fn a_legacy_agent_that_the_target_lacks_is_a_mistake_in_the_configuration() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let mut mapping = Mapping::default();
    mapping.set("legacy_agent", "nobody@shop.example").expect("an address");
    let chosen = Options { mapping, ..options() };
    let fault = stage.load_with(&chosen, Arc::new(stage.gorgias())).await.expect_err("stops");
    assert_eq!(fault.kind(), Kind::FixConfig);
    assert!(!fault.to_string().contains('@'), "{fault}");
}

#[tokio::test]
async fn two_records_where_one_is_expected_stop_that_record_and_no_other() {
    let method = "POST".to_owned();
    let path = "/api/tickets".to_owned();
    let once = vec![Once { fault: Fault::DropBefore, method, path, skip: 2, count: 1 }];
    let faults = Faults { once, ..Faults::default() };
    let stage = Stage::new(&shop(), Setting { faults, ..Setting::default() }).await;
    for _ in 0..2 {
        let message = json!({
            "channel": "api", "via": "api", "from_agent": false, "public": true,
            "sender": {"email": "x@people.example"}, "body_text": "x",
            "sent_datetime": "2020-01-01T00:00:00+00:00",
        });
        let body = json!({
            "external_id": "crisp:t1", "via": "api", "channel": "api",
            "customer": {"email": "x@people.example"}, "messages": [message], "imported": true,
        });
        stage.post("/api/tickets", body).await;
    }
    let in_order = Options { tickets_in_flight: 1, ..options() };
    let outcome = stage.load_with(&in_order, Arc::new(stage.gorgias())).await.expect("goes on");
    assert!(!outcome.complete);
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "unknown")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Ticket, "done")], 3);
    let said = [("t1", "the target has more than one of it: 2")];
    assert_eq!(reasons(&outcome.findings, RecordKind::Ticket), said);
    assert_eq!(stage.all("/api/tickets").await.len(), 5, "none was added");
}
