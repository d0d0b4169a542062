//! What is known only from the target: a ledger that was lost, and what an earlier run left.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskferry_load::{Options, Outcome, Stop};
use emulator::gorgias::Options as Setting;
use kernel::RunId;
use kernel::ledger::RecordKind;
use landing::{layout, ledger_log};
use serde_json::json;

use crate::campaign::town::{self, town};
use crate::plan_tables::PlanTables;
use crate::stage::{RUN, Stage, options, snapshot};

async fn stage_of(plan: &PlanTables) -> Stage {
    let stage = Stage::new(plan, Setting::default()).await;
    for (_, _, bytes) in town::files() {
        stage.land(bytes).await;
    }
    stage
}

async fn load(stage: &Stage, options: &Options) -> Outcome {
    stage.load_with(options, Arc::new(stage.gorgias())).await.expect("loads")
}

fn anew() -> Options {
    Options { rebuild_ledger: true, ..options() }
}

/// Ids in the target by kind and id in the plan, of everything but the agents and tags, which are
/// there before.
async fn known(stage: &Stage) -> BTreeMap<(RecordKind, String), Option<String>> {
    let (lines, _) = ledger_log::read(&stage.warehouse, &RUN).await.expect("reads");
    let entries = lines.into_iter().filter_map(|line| match line {
        ledger_log::Line::Entry(entry) => Some(entry),
        _ => None,
    });
    let ours = entries.filter(|entry| !matches!(entry.kind, RecordKind::Agent | RecordKind::Tag));
    ours.map(|entry| ((entry.kind, entry.source_id), entry.target_id)).collect()
}

#[tokio::test]
async fn a_ledger_that_was_lost_is_made_anew_without_a_call_that_writes() {
    let stage = stage_of(&town(16, false)).await;
    let first = load(&stage, &options()).await;
    assert!(first.complete);
    let before = known(&stage).await;
    let folder = layout::ledger(&RUN);
    for keeps_some in [true, false] {
        let segments = stage.warehouse.list(&folder).await.expect("lists");
        for segment in segments.iter().skip(usize::from(keeps_some)) {
            stage.warehouse.remove(segment).await.expect("is removed");
        }
        let again = load(&stage, &anew()).await;
        assert!(again.complete, "{:?}", again.findings);
        assert_eq!(again.findings, []);
        let made = again.calls_now.keys().filter(|phase| !phase.ends_with("_read"));
        assert_eq!(made.collect::<Vec<_>>(), ["lookups"], "the messages are asked for");
        assert_eq!(known(&stage).await, before, "files too are found, in the messages");
        let last = load(&stage, &options()).await;
        assert_eq!(last.calls_now, BTreeMap::new());
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_made_anew_stays_as_it_is() {
    let stage = stage_of(&town(4, false)).await;
    load(&stage, &options()).await;
    let before = ledger_log::read(&stage.warehouse, &RUN).await.expect("reads");
    let faults = json!({"faults": {"drop_before": 1.0}});
    stage.emulator.control(&faults).expect("is possible");
    stage.load_with(&anew(), Arc::new(stage.gorgias())).await.expect_err("nobody answers");
    assert_eq!(ledger_log::read(&stage.warehouse, &RUN).await.expect("reads"), before);
}

#[tokio::test]
async fn a_ticket_in_the_trash_is_not_made_again_and_somebody_is_told() {
    let stage = stage_of(&town(4, false)).await;
    load(&stage, &options()).await;
    let tickets = stage.emulator.records()["tickets"].clone();
    let ticket = tickets[1].clone();
    let path = format!("/api/tickets/{}", ticket["id"]);
    let body = json!({"trashed_datetime": "2026-01-01T00:00:00Z"});
    stage.put(&path, body).await;
    for options in [anew(), options(), options()] {
        let again = load(&stage, &options).await;
        assert_eq!(again.findings.len(), 1, "{:?}", again.findings);
        assert!(again.findings[0].reason.contains("trash"), "{:?}", again.findings);
        let external_id = format!("crisp:{}", again.findings[0].source_id);
        assert_eq!(ticket["external_id"], external_id.as_str());
        assert_eq!(again.calls_now.get("tickets_create"), None);
    }
    assert_eq!(stage.emulator.records()["tickets"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn people_without_an_address_are_recognized_by_a_new_run_also_before_the_first_ticket() {
    let plan = town(9, false);
    let stage = stage_of(&plan).await;
    let next = RunId(RUN.0 + 1);
    plan.write(&stage.warehouse, next).await;
    for run in [RUN, next] {
        let facts = json!({
            "format": 1, "run": run, "build": "b", "snapshots": [snapshot()], "order": "recent",
            "target_platform": "gorgias", "target_address": stage.origin, "plan_hash": "p",
            "forecast": [], "planned_at": 0, "plan_files": {},
        });
        stage.warehouse.put_json(&layout::run_facts(&run), &facts).await.expect("writes");
    }
    // Stopped as soon as the people are there.
    let stop = Stop::default();
    let first = Options { stop: stop.clone(), ..options() };
    let people = || stage.emulator.counters().records["customers"];
    let asks = async {
        while people() < plan.customers.len() as u64 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        stop.ask();
    };
    let (ended, ()) = tokio::join!(load(&stage, &first), asks);
    assert!(ended.stopped && !ended.complete);
    assert_eq!(stage.emulator.counters().records["tickets"], 0);
    let again = load(&stage, &Options { run: next, ..options() }).await;
    assert!(again.complete, "{:?}", again.findings);
    assert_eq!(people(), plan.customers.len() as u64);
    assert_eq!(again.calls_now.get("customers_create"), None);
}

#[tokio::test]
async fn a_sample_is_taken_from_everywhere_and_a_later_full_load_recognizes_it() {
    let plan = town(20, false);
    let stage = stage_of(&plan).await;
    let sample = |count| Options { sample: Some(count), ..options() };
    let trial = load(&stage, &sample(6)).await;
    assert!(!trial.complete);
    let taken = || {
        let records = stage.emulator.records();
        let tickets = records["tickets"].as_array().expect("a list").clone();
        let ids = tickets.iter().map(|ticket| ticket["external_id"].to_string());
        let kinds = tickets
            .iter()
            .map(|ticket| format!("{} {} {}", ticket["channel"], ticket["status"], ticket["spam"]));
        (ids.collect::<Vec<_>>(), kinds.collect::<std::collections::BTreeSet<_>>())
    };
    let (ids, kinds) = taken();
    assert_eq!(ids.len(), 6);
    assert!(kinds.len() >= 4, "{kinds:?}");
    assert_eq!(load(&stage, &sample(6)).await.calls_now, BTreeMap::new(), "the same ones");
    load(&stage, &sample(9)).await;
    let (more, _) = taken();
    assert_eq!(more.len(), 9, "a larger sample holds the smaller one");
    assert!(ids.iter().all(|id| more.contains(id)));
    let whole = load(&stage, &options()).await;
    assert!(whole.complete);
    assert_eq!(whole.calls_now["tickets_create"], 11);
    let straight = stage_of(&plan).await;
    load(&straight, &options()).await;
    assert_eq!(stage.replayed().await, straight.replayed().await);
}
