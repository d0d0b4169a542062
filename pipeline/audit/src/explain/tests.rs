//! Ids of the target that are not plainly ours, in a warehouse that holds a run and nothing else.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{BuildId, Instant, Result, RunId};
use landing::ledger_log::{LedgerLog, Line};
use landing::run::{FORMAT, RunFacts};
use landing::{Warehouse, layout, run, table};
use transform::{Models, Scope};

use super::{Explanation, explain};

const RUN: RunId = RunId(1);

/// Rows of a table of texts in the read-back.
async fn read_back(warehouse: &Warehouse, name: &str, rows: &[(&str, Option<&str>)]) {
    let ids: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>());
    let external: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
    let columns = [("target_id", ids, false), ("external_id", external, true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("two columns");
    let path = layout::report_table(&RUN, &format!("readback/{name}"));
    let (schema, batches) = (batch.schema(), futures::stream::iter([Ok(batch)]));
    table::write(warehouse, &path, schema, batches).await.expect("writes");
}

fn entry(kind: RecordKind, source_id: &str, target_id: &str) -> Line {
    let (source_id, target_id) = (source_id.to_owned(), Some(target_id.to_owned()));
    let at = Instant::from_millis(1_700_000_000_000);
    Line::Entry(Entry { kind, source_id, state: State::Done, target_id, at, detail: None })
}

async fn warehouse() -> Warehouse {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let facts = RunFacts {
        format: FORMAT,
        run: RUN,
        build: BuildId("b".to_owned()),
        snapshots: Vec::new(),
        target_platform: "gorgias".to_owned(),
        target_address: "https://desk.example".to_owned(),
        plan_hash: String::new(),
        follows: None,
        filters: Vec::new(),
        mapping: Vec::new(),
        order: kernel::Order::Recent,
        plan_files: Vec::new(),
        forecast: Vec::new(),
        forecast_time: None,
        planned_at: Instant::from_millis(0),
        took_ms: None,
    };
    run::create(&warehouse, &facts).await.expect("is created");
    let (mut ledger, _) = LedgerLog::open(&warehouse, RUN).await.expect("opens");
    let lines = [entry(RecordKind::Ticket, "a", "77"), entry(RecordKind::Message, "a/1", "77")];
    ledger.append(&lines).await.expect("is written");
    read_back(&warehouse, "tickets", &[("77", Some("a"))]).await;
    read_back(&warehouse, "customers", &[("9", None), ("10", Some("somebody's"))]).await;
    warehouse
}

async fn asked(id: &str) -> Result<Explanation> {
    let scope = Scope { run: Some(RUN), ..Scope::default() };
    explain(&warehouse().await, &scope, &Models::embedded(), id).await
}

#[tokio::test]
async fn a_record_of_the_target_that_is_not_ours_is_shown_as_such() {
    for id in ["9", "customer:9", "10"] {
        let explanation = asked(id).await.expect("is there");
        assert_eq!((explanation.kind.as_str(), explanation.received.len()), ("customer", 0));
        assert_eq!(explanation.target.rows["readback.customers"].len(), 1);
        let note = explanation.notes.iter().find(|note| note.contains("no ledger says"));
        assert!(note.is_some(), "{:?}", explanation.notes);
        assert!(explanation.in_words().contains("it is not in the plan"));
    }
    assert!(asked("ticket:9").await.is_err(), "a customer is no ticket");
}

#[tokio::test]
async fn an_id_of_two_kinds_is_told_apart_and_a_loaded_record_is_found_without_its_staged_row() {
    let fault = asked("77").await.expect_err("a ticket and a message have it");
    assert_eq!(fault.advice(), "say which one: ticket:77, message:77");
    let ticket = asked("ticket:77").await.expect("is there");
    assert_eq!((ticket.kind.as_str(), ticket.id.as_str()), ("ticket", "a"));
    assert_eq!(ticket.ledger[0].state, "done");
    assert_eq!(ticket.target.rows["readback.tickets"].len(), 1);
    let message = asked("a/1").await.expect("the ledger knows it");
    assert_eq!(message.found_by, "ledger.records.source_id");
    assert_eq!(message.target.target_id.as_deref(), Some("77"));
}
