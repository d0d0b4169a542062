//! What should be in the target against what is.

use datafusion::arrow::util::pretty::pretty_format_batches;
use deskferry_transform::{
    Models, Reconciled, Scope, TableCounts, catalog, plan, read_alone, reconcile, select, stage,
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
        let (records, files) = (self.target.records(), &self.target.files);
        let id = land(&self.warehouse, "gorgias", number, &records, files).await;
        let (mapping, models) = (Mapping::default(), Models::embedded());
        let reconciled =
            reconcile(&self.warehouse, &self.build, &RUN, "gorgias", &[id], &mapping, &models)
                .await
                .expect("is compared");
        assert_eq!(reconciled.findings, []);
        reconciled
    }

    async fn differences(&self) -> Vec<String> {
        self.lines(
            "select \"table\", source_id, field, expected, found, verdict, rule \
             from reconcile.differences where rule is distinct from 'line_ends_changed' \
             order by 1, 2, 3",
        )
        .await
    }

    async fn lines(&self, sql: &str) -> Vec<String> {
        let scope = Scope { run: Some(RUN), ..Scope::default() };
        let session = catalog(&self.warehouse, &scope).await.expect("opens");
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
        [
            "attachments | session_a/5#2 | existence | once | missing | dropped | \
             attachment_not_available",
            "attachments | session_b/3#1 | existence | once | missing | dropped | \
             attachment_not_available",
            "customers | person:p8 | language |  | fr | changed_by_vendor | filled_by_vendor",
            "messages | session_a/5 | sender | op-gone | 7 | lossy | agent_not_in_target",
        ]
    );
    assert_eq!(reconciled.lagging, 0);
    every_value_has_one_verdict(&moved).await;
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
    target.tags.pop();
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
            "attachments session_a/4#1 existence",
            "customers person:p4 name",
            "customers person:p8 existence",
            "messages session_a/1 body_text",
            "messages session_a/2 existence",
            "messages session_a/3 public",
            "messages session_a/5 body_text",
            "messages session_b/1 sent_at",
            "messages session_c/1 order",
            "messages session_c/2 order",
            "messages session_c/2 sent_at",
            "messages session_d/2 existence",
            "tags migrated-from-crisp existence",
            "tickets session_a status",
            "tickets session_b tags",
            "tickets session_c existence",
            "tickets session_mail subject",
        ],
        "{differences:#?}"
    );
    assert_eq!(reconciled.unexplained, unexplained.len() as u64);
    assert_eq!(reconciled.lagging, 3, "a customer, a message and a tag");
    let tickets = reconciled.counts.iter().find(|row| row.table == "tickets");
    assert_eq!(tickets.map(|row| row.others), Some(1));
}

/// For each kind of record and field, the verdicts make up the records there are.
async fn every_value_has_one_verdict(moved: &Move) {
    let sums = "select verdicts.\"table\", verdicts.field, sum(verdicts.records) as records, \
                case when verdicts.field = 'existence' then max(counts.staged) \
                else max(counts.in_target) end as wanted \
                from reconcile.verdicts \
                inner join reconcile.counts on verdicts.\"table\" = counts.\"table\" \
                where verdicts.field not in \
                ('language', 'intents', 'meta', 'mentions', 'phone', 'profile') \
                group by verdicts.\"table\", verdicts.field order by 1, 2";
    let lines = moved.lines(sums).await;
    assert!(lines.len() > 45, "{lines:#?}");
    for line in lines {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert_eq!(cells[2], cells[3], "{line}");
    }
}

#[tokio::test]
async fn few_records_are_all_read_alone_and_none_when_none_is_wanted() {
    let mut moved = moved().await;
    let wanted = moved
        .lines(
            "select unlisted.stream, records.target_id from plan.unlisted \
             inner join ledger.records on unlisted.external_id = records.source_id \
             and unlisted.\"table\" = concat(records.kind, 's') order by 1, 2",
        )
        .await;
    assert!(wanted.len() > 5, "{wanted:#?}");
    let chosen = read_alone(&moved.warehouse, &RUN, 1).await.expect("is chosen");
    let chosen = chosen.iter().flat_map(|(stream, keys)| {
        keys.iter().map(move |key| format!(" {stream} | {key} ").trim().to_owned())
    });
    assert_eq!(chosen.collect::<Vec<_>>(), wanted);
    assert!(read_alone(&moved.warehouse, &RUN, 0).await.expect("is chosen").is_empty());
    // What was not read alone is counted, and nothing else is said of it.
    moved.target.customer_details.clear();
    moved.target.ticket_details.clear();
    assert_eq!(moved.reconciled(1).await.unexplained, 0);
    let unread = "select count(*) from reconcile.unlisted_values where not is_read";
    let counted = "select sum(records) from reconcile.verdicts where rule = 'not_in_lists'";
    assert_eq!(moved.lines(unread).await, moved.lines(counted).await);
    assert_ne!(moved.lines(unread).await, ["0"]);
}

#[tokio::test]
async fn every_field_that_has_a_verdict_is_found_when_it_changes() {
    let mut moved = moved().await;
    moved.reconciled(1).await;
    let exact =
        moved.lines("select distinct \"table\", field from reconcile.verdicts order by 1, 2").await;
    let target = &mut moved.target;
    change(by_id(&mut target.customers, "person:p4"), CUSTOMER);
    change(by_id(&mut target.tickets, "session_mail"), TICKET);
    change(by_id(&mut target.messages, "session_a/4"), MESSAGE);
    change(by_id(&mut target.ticket_details, "session_mail"), r#"{"meta": {"source": "else"}}"#);
    let mut details = target.customer_details.iter_mut();
    let phoned = details.find(|detail| detail["channels"] != json!([])).expect("has a number");
    change(&mut phoned["channels"][0], r#"{"address": "+4912345"}"#);
    let file = &mut by_id(&mut target.messages, "session_a/5")["attachments"][0];
    change(file, r#"{"name": "other", "content_type": "text/plain", "size": 1}"#);
    // The bytes of the picture of session_a/5, fetched again.
    let url = file["url"].clone();
    let mut hash = None;
    for file in target.files.iter_mut().filter(|file| url == file.url.as_str()) {
        hash = file.sha256.replace("0".repeat(64));
    }
    let user = &mut target.users[0];
    change(user, r#"{"email": "other@shop.example", "name": "Other"}"#);
    moved.reconciled(2).await;
    let lines = moved
        .lines(
            "select \"table\", field from reconcile.differences \
             where verdict = 'unexplained' group by 1, 2 order by 1, 2",
        )
        .await;
    // What is told by another test, and what no list shows.
    let elsewhere = [
        "agents | existence",
        "attachments | existence",
        "customers | existence",
        "customers | profile",
        "customers | timezone",
        "messages | existence",
        "messages | intents",
        "messages | mentions",
        "messages | order",
        "tags | existence",
        "tickets | existence",
        "tickets | language",
        "tickets | opened_at",
    ];
    let wanted: Vec<&String> =
        exact.iter().filter(|line| !elsewhere.contains(&line.as_str())).collect();
    assert_eq!(lines.iter().collect::<Vec<_>>(), wanted);
    let content = moved
        .lines("select expected, found from reconcile.differences where field = 'content'")
        .await;
    assert_eq!(content, [format!("{} | {}", hash.expect("was uploaded"), "0".repeat(64))]);
    let touched = moved
        .lines(
            "select distinct source_id from reconcile.differences \
             where verdict = 'unexplained' and \"table\" <> 'agents' order by 1",
        )
        .await;
    let records = ["person:p1", "person:p4", "session_a/4", "session_a/5#1", "session_mail"];
    assert_eq!(touched, records, "and no other record");
}

const CUSTOMER: &str = r#"{
    "external_id": "mine", "email": "other@mail.example", "name": "Joseph", "language": "de",
    "timezone": 7
}"#;
const TICKET: &str = r#"{
    "subject": "Other", "status": "closed", "channel": "sms", "via": "helpdesk",
    "from_agent": true, "spam": true, "trashed_datetime": "2024-01-01T00:00:00Z",
    "created_datetime": "2024-01-01T00:00:00Z", "updated_datetime": "2001-01-01T00:00:00Z",
    "closed_datetime": "2024-01-01T00:00:00Z", "last_message_datetime": "2024-01-01T00:00:00Z",
    "last_received_message_datetime": "2024-01-01T00:00:00Z", "messages_count": 7,
    "customer": {"id": 8}, "assignee_user_id": 8, "tags": []
}"#;
const MESSAGE: &str = r#"{
    "ticket_id": 8, "channel": "sms", "via": "helpdesk", "public": false, "from_agent": true,
    "sender": {"id": 8}, "receiver": {"id": 8}, "subject": "Other", "body_text": "Other",
    "body_html": "<p>Else</p>", "message_id": "<other>", "meta": {"author": "Other"},
    "sent_datetime": "2024-01-01T00:46:44.500Z", "created_datetime": "2024-01-01T00:46:44.500Z",
    "failed_datetime": "2024-01-01T00:00:00Z",
    "source": {"type": "sms", "from": {"name": "Other", "address": "other"}, "to": []}
}"#;

/// Gives a record other values.
fn change(record: &mut Value, values: &str) {
    let values: Value = serde_json::from_str(values).expect("is JSON");
    for (name, value) in values.as_object().expect("an object") {
        record[name.as_str()] = value.clone();
    }
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
