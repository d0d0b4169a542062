//! A run that is taken back out of the target, wherever that is stopped and whatever was touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskferry_load::Patience;
use deskferry_load::rollback::{self, Fate, Removal, Undo, rollback};
use emulator::gorgias::{Fault, Once, Options as Setting};
use http::{Body, Request};
use kernel::ledger::RecordKind;
use kernel::{BuildId, Instant, Mapping, Order, Result, RunId};
use landing::Warehouse;
use landing::run::{FORMAT, RunFacts};
use serde_json::{Value, json};

use crate::double::{Double, RemoveTicket};
use crate::shop::shop;
use crate::stage::{RUN, Silent, Stage, SystemClock, options};

pub fn taking_back(run: RunId, execute: bool) -> rollback::Options {
    rollback::Options {
        run,
        mapping: Mapping::default(),
        execute,
        with_adopted: false,
        in_flight: 4,
        patience: Patience { looks: 3, pause_first_ms: 2 },
    }
}

impl Stage {
    async fn roll_back(&self, execute: bool) -> rollback::Outcome {
        let target = Arc::new(self.gorgias());
        self.roll_back_with(&taking_back(RUN, execute), target).await.expect("is taken back")
    }

    async fn roll_back_with(
        &self,
        options: &rollback::Options,
        target: Arc<dyn Undo>,
    ) -> Result<rollback::Outcome> {
        rollback(&self.warehouse, target, options, Arc::new(SystemClock), &Silent).await
    }

    async fn call(&self, method: &'static str, path: &str, body: Value) {
        let request = Request::json(method, format!("{}{path}", self.origin), body.to_string());
        let reply = self.client.send(&request).await.expect("a reply");
        assert!(reply.is_success(), "{method} {path}: {} {:?}", reply.status, reply.body);
    }

    async fn delete(&self, path: &str) {
        let (method, url) = ("DELETE", format!("{}{path}", self.origin));
        let request = Request { method, url, headers: Vec::new(), body: Body::Empty };
        assert!(self.client.send(&request).await.expect("a reply").is_success());
    }

    async fn emulate(&self, setting: Value) {
        self.post("/_emulator/faults", setting).await;
    }

    /// The ticket with an id of the plan.
    async fn ticket(&self, ticket_id: &str) -> Value {
        let tickets = self.all("/api/tickets").await;
        let external_id = format!("crisp:{ticket_id}");
        let hit = tickets.into_iter().find(|ticket| ticket["external_id"] == external_id.as_str());
        hit.expect("the ticket is there")
    }

    fn holds(&self) -> BTreeMap<String, u64> {
        let mut records = self.emulator.counters().records;
        records.retain(|kind, _| ["tickets", "messages", "customers", "tags"].contains(&&**kind));
        records
    }
}

fn fates(outcome: &rollback::Outcome) -> Vec<(RecordKind, Fate, u64)> {
    let counted = outcome.fates.iter().filter(|(_, count)| **count > 0);
    counted.map(|((kind, fate), count)| (*kind, *fate, *count)).collect()
}

pub fn left(outcome: &rollback::Outcome) -> Vec<String> {
    let lines = outcome.left.iter().map(|left| {
        format!("{} {}: {}", left.kind.word(), left.source_id, left.reasons.join(", "))
    });
    lines.collect()
}

#[tokio::test]
async fn a_run_is_taken_back_whole_and_the_same_plan_loads_again() {
    let mut setting = Setting::default();
    setting.quirks.background_ms = 0;
    let stage = Stage::new(&shop(), setting).await;
    let empty = stage.holds();
    stage.load().await.expect("loads");
    let (loaded, replayed) = (stage.holds(), stage.replayed().await);
    let dry = stage.roll_back(false).await;
    assert_eq!(stage.holds(), loaded, "a dry run removes nothing");
    let of = |fate| {
        let counts = [(RecordKind::Tag, 3), (RecordKind::Customer, 3), (RecordKind::Ticket, 4)];
        let mut all: Vec<_> = counts.map(|(kind, count)| (kind, fate, count)).into();
        all.extend([
            (RecordKind::Agent, Fate::NotOurs, 2),
            (RecordKind::Upload, Fate::Permanent, 2),
        ]);
        all.sort();
        all
    };
    assert_eq!(fates(&dry), of(Fate::ToRemove));
    assert!(!dry.calls_now.contains_key("rollback_delete"), "{:?}", dry.calls_now);
    let done = stage.roll_back(true).await;
    assert_eq!((fates(&done), left(&done)), (of(Fate::Removed), vec![]));
    assert_eq!(done.calls_now["rollback_delete"], 10);
    assert_eq!(stage.holds(), empty);
    let again = stage.roll_back(true).await;
    assert_eq!(fates(&again)[1], (RecordKind::Tag, Fate::Gone, 3));
    assert!(!again.calls_now.contains_key("rollback_delete"), "{:?}", again.calls_now);
    let outcome = stage.load().await.expect("loads again");
    assert!(outcome.complete, "{:?}", outcome.findings);
    assert_eq!(stage.replayed().await, replayed);
    assert_eq!(outcome.calls_now.get("files_upload"), None, "the files are still there");
    stage.assert_quiet();
}

#[tokio::test]
async fn what_somebody_touched_stays_with_everything_that_it_needs() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    stage.load().await.expect("loads");
    let second = stage.ticket("t2").await;
    let fourth = stage.ticket("t4").await["id"].clone();
    stage.call("PUT", &format!("/api/tickets/{fourth}"), json!({"priority": "high"})).await;
    let reply = json!({
        "channel": "chat", "via": "api", "from_agent": false, "body_text": "and one more thing",
        "sender": {"id": second["customer"]["id"]}, "public": true,
    });
    stage.post(&format!("/api/tickets/{}/messages", second["id"]), reply).await;
    let third = stage.all("/api/customers").await;
    let third = third.iter().find(|one| one["external_id"] == "c3").expect("is there").clone();
    let path = format!("/api/customers/{}", third["id"]);
    stage.call("PUT", &path, json!({"name": "Carla"})).await;
    for execute in [false, true, true] {
        let outcome = stage.roll_back(execute).await;
        assert_eq!(
            left(&outcome),
            ["customer c3: name", "ticket t2: 1 message added", "ticket t4: priority",],
            "{execute}"
        );
        assert_eq!(outcome.fates[&(RecordKind::Customer, Fate::InUse)], 2, "c1 and c2");
        assert_eq!(outcome.fates[&(RecordKind::Tag, Fate::InUse)], 1, "migrated");
    }
    let holds = stage.holds();
    assert_eq!((holds["tickets"], holds["customers"], holds["tags"]), (2, 3, 1));
    assert_eq!(stage.ticket("t2").await["messages_count"], 6);
    // What is gone comes back; what stayed is not made twice.
    let outcome = stage.load().await.expect("loads again");
    assert!(outcome.complete, "{:?}", outcome.findings);
    let holds = stage.holds();
    assert_eq!((holds["tickets"], holds["customers"], holds["tags"]), (4, 3, 3));
}

#[tokio::test]
async fn each_field_that_somebody_changes_is_a_touch_by_its_name() {
    let ticket_changes = [
        (json!({"subject": "Another"}), "subject"),
        (json!({"status": "closed"}), "status"),
        (json!({"spam": true}), "spam"),
        (json!({"tags": [{"name": "VIP"}]}), "tags"),
        (json!({"assignee_user": {"id": null}}), "assignee"),
        (json!({"snooze_datetime": "2030-01-01T00:00:00Z"}), "snoozed"),
        (json!({"external_id": "mine"}), "external_id"),
    ];
    let message_changes = [
        (json!({"body_text": "x"}), "1 message with another body_text"),
        (json!({"body_html": "<p>no <b>look</b></p>"}), "1 message with another body_html"),
        (json!({"sent_datetime": "2024-03-01T10:00:00Z"}), "1 message with another sent_datetime"),
        (json!({"attachments": []}), "1 message with another attachments"),
        (json!({"external_id": "x"}), "1 message added, 1 message removed"),
    ];
    let client = crate::stage::client(crate::stage::KEY);
    for (change, expected) in ticket_changes.into_iter().chain(message_changes) {
        let stage = Stage::called_by(client.clone(), &shop(), Setting::default()).await;
        stage.load().await.expect("loads");
        let id = stage.ticket("t1").await["id"].clone();
        let mut path = format!("/api/tickets/{id}");
        let mut body = change.clone();
        if expected.contains("message") {
            let ticket = stage.get(&path).await;
            path = format!("{path}/messages/{}", ticket["messages"][0]["id"]);
            body["channel"] = json!("chat");
            body["from_agent"] = json!(false);
        }
        stage.call("PUT", &path, body).await;
        let outcome = stage.roll_back(false).await;
        assert_eq!(left(&outcome), [format!("ticket t1: {expected}")], "{change}");
    }
}

#[tokio::test]
async fn tickets_that_somebody_deleted_or_threw_into_the_bin_are_no_obstacle() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let empty = stage.holds();
    stage.load().await.expect("loads");
    let (first, second) = (stage.ticket("t1").await, stage.ticket("t2").await);
    stage.delete(&format!("/api/tickets/{}", first["id"])).await;
    let bin = json!({"trashed_datetime": "2026-01-01T00:00:00Z"});
    stage.call("PUT", &format!("/api/tickets/{}", second["id"]), bin).await;
    let outcome = stage.roll_back(true).await;
    assert_eq!(left(&outcome), Vec::<String>::new());
    assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::Gone)], 1);
    assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::Removed)], 3);
    assert_eq!(stage.holds(), empty);
    assert!(stage.load().await.expect("loads again").complete);
    assert_eq!(stage.holds()["tickets"], 4);
}

#[tokio::test]
async fn lost_replies_and_throttling_do_not_keep_anything_from_being_removed() {
    for fault in [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::FailBefore,
        Fault::FailAfter,
        Fault::Throttle,
        Fault::Truncate,
    ] {
        let stage = Stage::new(&shop(), Setting::default()).await;
        let empty = stage.holds();
        stage.load().await.expect("loads");
        let (method, path) = ("DELETE".to_owned(), "/api/".to_owned());
        let once = vec![json!(Once { fault, method, path, skip: 1, count: 4 })];
        stage.emulate(json!({ "once": once })).await;
        let outcome = stage.roll_back(true).await;
        assert_eq!(left(&outcome), Vec::<String>::new(), "{fault:?}");
        assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::Removed)], 4, "{fault:?}");
        assert_eq!(stage.holds(), empty, "{fault:?}");
    }
}

#[tokio::test]
async fn what_an_earlier_run_made_stays_unless_it_is_asked_for() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let empty = stage.holds();
    stage.load().await.expect("loads");
    let loaded = stage.holds();
    let run = RunId(2);
    for run in [RUN, run] {
        note_run(&stage.warehouse, run, None).await;
    }
    shop().write(&stage.warehouse, run).await;
    let again = deskferry_load::Options { run, ..options() };
    stage.load_with(&again, Arc::new(stage.gorgias())).await.expect("recognizes");
    let outcome = stage.roll_back_with(&taking_back(run, true), Arc::new(stage.gorgias())).await;
    let outcome = outcome.expect("is taken back");
    assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::NotOurs)], 4);
    assert_eq!(stage.holds(), loaded);
    let all = rollback::Options { with_adopted: true, ..taking_back(run, true) };
    let outcome = stage.roll_back_with(&all, Arc::new(stage.gorgias())).await;
    assert_eq!(outcome.expect("is taken back").fates[&(RecordKind::Ticket, Fate::Removed)], 4);
    let holds = stage.holds();
    assert_eq!((holds["tickets"], holds["customers"]), (empty["tickets"], empty["customers"]));
}

/// Gorgias, as it may be: what is deleted goes into the bin, and lists go on showing it.
fn into_bin(stage: &Stage) -> RemoveTicket {
    let (origin, client) = (stage.origin.clone(), stage.client.clone());
    Box::new(move |id| {
        let url = format!("{origin}/api/tickets/{id}");
        let body = json!({"trashed_datetime": "2026-01-01T00:00:00Z"}).to_string();
        let client = client.clone();
        Box::pin(async move {
            let reply = client.send(&Request::json("PUT", url, body)).await.expect("a reply");
            assert!(reply.is_success());
            Ok(Removal::Gone)
        })
    })
}

#[tokio::test]
async fn deleted_tickets_that_lie_in_the_bin_are_not_taken_for_the_new_ones() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    stage.load().await.expect("loads");
    let target = Double::removing(stage.gorgias(), into_bin(&stage));
    let outcome = stage.roll_back_with(&taking_back(RUN, true), Arc::new(target)).await;
    let outcome = outcome.expect("is taken back");
    assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::Removed)], 4);
    assert_eq!(outcome.fates[&(RecordKind::Customer, Fate::Removed)], 3);
    assert_eq!(stage.holds()["tickets"], 4, "all in the bin");
    // A reply that is lost is asked for by the ids that the bin still shows.
    let path = "/api/tickets".to_owned();
    let fault = Fault::FailBefore;
    let once = json!([Once { fault, method: "POST".to_owned(), path, skip: 0, count: 1 }]);
    stage.emulate(json!({ "once": once })).await;
    let run = RunId(2);
    for run in [RUN, run] {
        note_run(&stage.warehouse, run, None).await;
    }
    shop().write(&stage.warehouse, run).await;
    let new = deskferry_load::Options { run, ..options() };
    let outcome = stage.load_with(&new, Arc::new(stage.gorgias())).await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    assert_eq!(outcome.calls_now["tickets_create"], 5, "one of them twice");
    assert_eq!(stage.holds()["tickets"], 8, "four in the bin, four new ones");
    // The run that was taken back can be loaded again as well, once the other one is gone.
    let back = stage.roll_back_with(&taking_back(run, true), Arc::new(stage.gorgias())).await;
    assert_eq!(left(&back.expect("is taken back")), Vec::<String>::new());
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    assert_eq!(stage.holds()["tickets"], 8);
    stage.assert_quiet();
}

/// Notes a run into the one target that a stand has.
pub async fn note_run(warehouse: &Warehouse, run: RunId, follows: Option<RunId>) {
    let facts = RunFacts {
        format: FORMAT,
        run,
        build: BuildId("0".into()),
        snapshots: Vec::new(),
        target_platform: "gorgias".into(),
        target_address: "the target".to_owned(),
        plan_hash: String::new(),
        filters: Vec::new(),
        mapping: Vec::new(),
        order: Order::default(),
        follows,
        plan_files: Vec::new(),
        forecast: Vec::new(),
        forecast_time: None,
        planned_at: Instant::from_millis(0),
        took_ms: None,
    };
    landing::run::create(warehouse, &facts).await.expect("is noted");
}

#[tokio::test]
async fn a_load_that_was_stopped_halfway_is_taken_back_as_well() {
    let client = crate::stage::client(crate::stage::KEY);
    for skip in 0..4 {
        let stage = Stage::called_by(client.clone(), &shop(), Setting::default()).await;
        let empty = stage.holds();
        // Every look-up fails as well, so that the load stops with a ticket that may be there.
        let (fault, method) = (Fault::FailAfter, "POST".to_owned());
        let once = [
            json!(Once { fault, method, path: "/api/tickets".into(), skip, count: 1 }),
            json!(Once {
                fault: Fault::FailBefore,
                method: "GET".into(),
                path: "/api/tickets".into(),
                skip: 1,
                count: 100,
            }),
        ];
        stage.emulate(json!({ "once": once })).await;
        let loaded = stage.load().await;
        stage.emulate(json!({"faults": {}})).await;
        let outcome = stage.roll_back(true).await;
        assert_eq!(left(&outcome), Vec::<String>::new(), "{skip}: {loaded:?}");
        assert_eq!(stage.holds(), empty, "{skip}: {loaded:?}");
        assert!(stage.load().await.expect("loads").complete);
    }
}
