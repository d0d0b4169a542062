//! What should be in the target against what is.

use datafusion::arrow::util::pretty::pretty_format_batches;
use deskferry_transform::{
    Models, Reconciled, Scope, TableCounts, catalog, plan, reconcile, select, stage,
};
use kernel::{BuildId, Mapping, RunId};
use landing::Warehouse;
use serde_json::{Value, json};

use crate::fixture::{land, recipe};
use crate::replay::Target;
use crate::shop;

const RUN: RunId = RunId(1);

struct Move {
    warehouse: Warehouse,
    build: BuildId,
    target: Target,
}

async fn moved() -> Move {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let (mapping, models) = (Mapping::default(), Models::embedded());
    let id = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let build = stage(&warehouse, "crisp", &[id], &mapping, &models).await.expect("is staged");
    let recipe = recipe(&build.id, &mapping, &models);
    plan(&warehouse, recipe, &RUN).await.expect("is planned");
    let target = Target::replay(&warehouse, &build.id, RUN).await;
    Move { warehouse, build: build.id, target }
}

impl Move {
    async fn reconciled(&self, number: u32) -> Reconciled {
        let id = land(&self.warehouse, "gorgias", number, &self.target.records(), &[]).await;
        let (mapping, models) = (Mapping::default(), Models::embedded());
        let reconciled =
            reconcile(&self.warehouse, &self.build, &RUN, "gorgias", &[id], &mapping, &models)
                .await
                .expect("is compared");
        assert_eq!(reconciled.findings, []);
        reconciled
    }

    async fn differences(&self) -> Vec<String> {
        let scope = Scope { run: Some(RUN), ..Scope::default() };
        let session = catalog(&self.warehouse, &scope).await.expect("opens");
        let sql = "select \"table\", source_id, field, expected, found, verdict, rule \
                   from reconcile.differences order by 1, 2, 3";
        let rows = select(&session, sql).await.expect("answers");
        let table = pretty_format_batches(&rows).expect("can be shown").to_string();
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
        lines
            .map(|line| {
                let cells = line.trim_matches('|').split('|').map(str::trim);
                cells.collect::<Vec<_>>().join(" | ")
            })
            .collect()
    }
}

fn by_id<'a>(values: &'a mut [Value], id: &str) -> &'a mut Value {
    let found = values.iter_mut().find(|value| value["external_id"] == id);
    found.expect("the record is there")
}

#[tokio::test]
async fn a_faultless_replay_has_no_difference_that_is_not_explained() {
    let moved = moved().await;
    let reconciled = moved.reconciled(1).await;
    assert_eq!(reconciled.unexplained, 0, "{:#?}", moved.differences().await);
    assert_eq!(
        moved.differences().await,
        ["messages | session_a/5 | sender | op-gone | 7 | by_rule | agent_not_in_target"]
    );
    assert_eq!(reconciled.explained, 1);
    let tickets = reconciled.counts.iter().find(|row| row.table == "tickets");
    let expected = TableCounts {
        table: "tickets".to_owned(),
        staged: 6,
        planned: 5,
        in_target: 5,
        lost_by_rule: 1,
        ..TableCounts::default()
    };
    assert_eq!(tickets, Some(&expected));
    a_run_without_a_plan_is_refused(&moved).await;
}

#[tokio::test]
async fn every_kind_of_damage_is_found_and_nothing_else() {
    let mut moved = moved().await;
    let target = &mut moved.target;
    by_id(&mut target.customers, "person:p4")["name"] = json!("Joseph");
    target.customers.retain(|customer| customer["external_id"] != "person:p8");
    by_id(&mut target.tickets, "session_a")["status"] = json!("open");
    by_id(&mut target.tickets, "session_b")["tags"] = json!([{"name": "migrated-from-crisp"}]);
    by_id(&mut target.tickets, "session_mail")["subject"] = json!("Parcel");
    let doubled = by_id(&mut target.tickets, "session_c").clone();
    target.tickets.push(with_id(doubled, 3_900_000_001));
    target.tickets.push(json!({"id": 9, "external_id": "not ours", "tags": []}));
    let message = by_id(&mut target.messages, "session_a/2").clone();
    target.messages.push(with_id(message, 3_900_000_002));
    target.messages.retain(|message| message["external_id"] != "session_d/2");
    by_id(&mut target.messages, "session_a/1")["body_text"] = json!("Hello");
    by_id(&mut target.messages, "session_a/3")["public"] = json!(true);
    by_id(&mut target.messages, "session_a/4")["attachments"] = Value::Null;
    let picture = by_id(&mut target.messages, "session_a/5");
    let old = format!("{}/a/cup.png", shop::FILES);
    picture["body_text"] =
        json!(format!("See ![cup]({old}) and [image not available: x, missing]"));
    by_id(&mut target.messages, "session_c/2")["sent_datetime"] = json!("2024-01-01T00:00:00");
    by_id(&mut target.messages, "session_b/1")["sent_datetime"] = Value::Null;
    let reconciled = moved.reconciled(1).await;
    let differences = moved.differences().await;
    let unexplained: Vec<String> = differences
        .iter()
        .filter(|line| line.contains("unexplained"))
        .map(|line| line.split(" | ").take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        unexplained,
        [
            "customers person:p4 name",
            "customers person:p8 existence",
            "messages session_a/1 body_text",
            "messages session_a/2 existence",
            "messages session_a/3 public",
            "messages session_a/4 attachments",
            "messages session_a/5 pictures",
            "messages session_b/1 sent_at",
            "messages session_c/1 order",
            "messages session_c/2 order",
            "messages session_c/2 sent_at",
            "messages session_d/2 existence",
            "tickets session_a status",
            "tickets session_b tags",
            "tickets session_c existence",
            "tickets session_mail subject",
        ],
        "{differences:#?}"
    );
    assert_eq!(reconciled.unexplained, unexplained.len() as u64);
    let tickets = reconciled.counts.iter().find(|row| row.table == "tickets");
    assert_eq!(tickets.map(|row| row.others), Some(1));
}

fn with_id(mut value: Value, id: u64) -> Value {
    value["id"] = json!(id);
    value
}

async fn a_run_without_a_plan_is_refused(moved: &Move) {
    let (mapping, models) = (Mapping::default(), Models::embedded());
    let fault =
        reconcile(&moved.warehouse, &moved.build, &RunId(2), "gorgias", &[], &mapping, &models)
            .await
            .expect_err("run 2 has no plan");
    assert!(fault.to_string().contains("0002"), "{fault}");
}
