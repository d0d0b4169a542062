//! Custom fields: made or found, and filled.

use std::sync::Arc;

use deskferry_load::Options;
use emulator::gorgias::{Fault, Faults, Once, Options as Setting};
use kernel::ledger::RecordKind;
use serde_json::{Value, json};

use crate::plan_tables::PlanTables;
use crate::shop::{asked, shop, ticket};
use crate::stage::{Stage, options};

fn field(id: &str, data_type: &str) -> Value {
    let (object, label) = id.split_once(':').expect("object and name");
    json!({"field_id": id, "object": object, "label": label, "data_type": data_type})
}

/// The shop with custom fields on its second customer and on a fifth ticket.
fn shop_with_fields(order: &Value) -> PlanTables {
    let mut plan = shop();
    plan.fields = vec![
        field("customer:plan", "text"),
        field("ticket:guest", "boolean"),
        field("ticket:order", "number"),
    ];
    plan.customers[1]["custom_fields"] = json!("[{\"field\":\"customer:plan\",\"value\":\"pro\"}]");
    let mut fifth = ticket("t5", "c1", "open");
    let values = json!([
        {"field": "ticket:guest", "value": true}, {"field": "ticket:order", "value": order},
    ]);
    fifth["custom_fields"] = json!(values.to_string());
    plan.thread(fifth, vec![asked("m5-1", "c1", true), asked("m5-2", "c1", true)]);
    plan.forecast.push(json!({"phase": "customers_update", "calls": 1}));
    plan
}

/// The values of a record, by the external id of their field.
async fn values_of(stage: &Stage, list: &str, external_id: &str) -> Value {
    let objects = if list == "tickets" { "Ticket" } else { "Customer" };
    let fields = stage.all(&format!("/api/custom-fields?object_type={objects}")).await;
    let found = stage.all(&format!("/api/{list}?external_id={external_id}")).await;
    let whole = stage.get(&format!("/api/{list}/{}", found[0]["id"])).await;
    let values = whole["custom_fields"].as_object().cloned().unwrap_or_default();
    let named = values.into_iter().filter_map(|(id, value)| {
        let field = fields.iter().find(|field| field["id"].as_u64() == id.parse().ok())?;
        Some((field["external_id"].as_str()?.to_owned(), value["value"].clone()))
    });
    Value::Object(named.collect())
}

#[tokio::test]
async fn custom_fields_are_made_once_and_filled() {
    let stage = Stage::new(&shop_with_fields(&json!(7.5)), Setting::default()).await;
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete && outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.calls["fields_read"], 2);
    assert_eq!(outcome.calls["fields_create"], 3);
    assert_eq!(outcome.calls["customers_update"], 1);
    let ticket = values_of(&stage, "tickets", "crisp:t5").await;
    assert_eq!(ticket, json!({"ticket:guest": true, "ticket:order": 7.5}));
    assert_eq!(values_of(&stage, "customers", "c2").await, json!({"customer:plan": "pro"}));
    let again = stage.load().await.expect("loads");
    assert_eq!(again.calls_now.len(), 0);
    stage.assert_quiet();
}

#[tokio::test]
async fn a_reply_lost_on_the_way_of_a_custom_field_makes_no_second_one() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::FailAfter] {
        for (method, path) in [("POST", "/api/custom-fields"), ("PUT", "/api/customers/")] {
            let case = format!("{fault:?} on {method} {path}");
            let (method, path) = (method.to_owned(), path.to_owned());
            let once = vec![Once { fault, method, path, skip: 0, count: 1 }];
            let faults = Faults { once, ..Faults::default() };
            let setting = Setting { faults, ..Setting::default() };
            let stage = Stage::new(&shop_with_fields(&json!(7)), setting).await;
            let outcome = stage.load().await.expect(&case);
            assert!(outcome.complete, "{case}");
            let fields = stage.all("/api/custom-fields?object_type=Ticket").await;
            let ours = fields.iter().filter(|field| field["external_id"].is_string());
            assert_eq!(ours.count(), 2, "{case}");
            let plan = values_of(&stage, "customers", "c2").await;
            assert_eq!(plan, json!({"customer:plan": "pro"}), "{case}");
        }
    }
}

#[tokio::test]
async fn a_value_that_the_target_refuses_does_not_keep_the_ticket_out() {
    let stage = Stage::new(&shop_with_fields(&json!("no number")), Setting::default()).await;
    let only = Options { only: vec!["t5".into()], ..options() };
    let outcome = stage.load_with(&only, Arc::new(stage.gorgias())).await.expect("goes on");
    let finding = outcome.findings.iter().find(|one| one.kind == RecordKind::Ticket);
    let reason = &finding.expect("it is said").reason;
    assert!(reason.ends_with("created without its custom fields"), "{reason}");
    assert_eq!(values_of(&stage, "tickets", "crisp:t5").await, json!({}));
    let replayed = stage.replayed().await.to_string();
    assert!(replayed.contains("m5-1") && replayed.contains("m5-2"));
}
