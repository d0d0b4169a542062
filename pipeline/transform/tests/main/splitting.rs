//! Long conversations that become several tickets.

use datafusion::arrow::util::pretty::pretty_format_batches;
use deskferry_transform::{Models, Scope, catalog, plan, reconcile, select, stage};
use kernel::{BuildId, Mapping, RunId};
use landing::Warehouse;

use crate::fixture::{Record, land, recipe};
use crate::replay::Target;
use crate::shop::{FROM_ADA, conversation, message_at, person};

const DAY_MS: i64 = 86_400_000;
const BEGAN_MS: i64 = 1_704_070_000_000;

struct Planned {
    warehouse: Warehouse,
    build: BuildId,
}

/// Stages and plans, which both must find nothing wrong.
async fn planned(pairs: &[(&str, &str)]) -> Planned {
    let mut mapping = Mapping::default();
    for (key, value) in pairs {
        mapping.set(key, value).expect("a decision that exists");
    }
    let warehouse = Warehouse::open("memory://").expect("opens");
    let models = Models::embedded();
    let id = land(&warehouse, "crisp", 1, &records(), &[]).await;
    let build = stage(&warehouse, "crisp", &[id], &mapping, &models).await.expect("is staged");
    assert_eq!(build.findings, []);
    let recipe = recipe(&build.id, &mapping, &models);
    let planned = plan(&warehouse, recipe, &RunId(1)).await.expect("is planned");
    assert_eq!(planned.findings, []);
    Planned { warehouse, build: build.id }
}

async fn lines(shop: &Planned, sql: &str) -> Vec<String> {
    let scope = Scope { build: Some(shop.build.clone()), run: Some(RunId(1)), ..Scope::default() };
    let session = catalog(&shop.warehouse, &scope).await.expect("the catalog opens");
    let rows = select(&session, sql).await.expect("the question is answered");
    let table = pretty_format_batches(&rows).expect("rows can be shown").to_string();
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.collect::<Vec<_>>().join(" | ")
    };
    table.lines().filter(|line| line.starts_with('|')).skip(1).map(cells).collect()
}

fn at(id: &str, number: i64, days: i64, kind: &str, content: &str, more: &str) -> Record {
    message_at(id, number, BEGAN_MS + days * DAY_MS, kind, content, more)
}

/// One conversation of three subjects: two long pauses, one of them after it was resolved; and one
/// that is short.
fn records() -> Vec<Record> {
    let long = Record::new(
        "conversations",
        "session_long",
        r#"{"session_id":"session_long","people_id":"p1","state":"pending","assigned":{"user_id":"op-ada"},"meta":{"subject":"Cups","segments":["vip"]},"waiting_since":1714438000000,"created_at":1704070000000,"updated_at":1714438000000}"#,
    );
    let ada = Record::new(
        "operators",
        "op-ada",
        r#"{"type":"operator","details":{"user_id":"op-ada","email":"ada@shop.example","first_name":"Ada","last_name":"Byron"}}"#,
    );
    vec![
        person("p1", "ann@mail.example", "Ann", ""),
        ada,
        long,
        conversation("short", "p1", "resolved", ""),
        at("long", 1, 0, "text", r#""A cup is broken""#, ""),
        at("long", 2, 1, "text", r#""A new one is on its way""#, FROM_ADA),
        at("long", 3, 2, "event", r#"{"namespace":"state:resolved"}"#, FROM_ADA),
        at("long", 4, 2, "text", r#""Tell us if it breaks""#, FROM_ADA),
        at("long", 5, 3, "text", r#""It broke""#, ""),
        at("long", 6, 60, "text", r#""And how are you?""#, FROM_ADA),
        at("long", 7, 120, "text", r#""Do you sell plates?""#, ""),
        at("short", 1, 0, "text", r#""Hello""#, ""),
    ]
}

const TICKETS: &str = "select ticket_id, part, parts, subject, subject_rule, state, status_rule,
    assignee_agent_id, first_agent_id, messages, is_opened_by_customer
    from tickets where conversation_id = 'session_long' order by part";

const PLANNED: &str = "select messages.ticket_id, messages.position, messages.message_id,
    messages.in_create from plan.messages inner join plan.tickets
    on messages.ticket_seq = tickets.seq and messages.ticket_id = tickets.ticket_id
    where tickets.ticket_id like 'session_long%' order by 1, 2";

const ONE_EACH: &str = "select count(*) as messages, count(distinct message_id) as ids,
    count(distinct ticket_id) as tickets from plan.messages";

#[tokio::test]
async fn a_part_begins_when_the_customer_writes_after_it_was_resolved() {
    let shop = planned(&[("split", "resolved")]).await;
    assert_eq!(
        lines(&shop, TICKETS).await,
        [
            "session_long | 1 | 2 | Cups | own | resolved | earlier_part_is_closed |  | op-ada | 3 | true",
            "session_long/2 | 2 | 2 | Cups (part 2) | own | pending | pending_is_open_with_tag | op-ada | op-ada | 3 | true",
        ]
    );
    assert_eq!(
        lines(&shop, PLANNED).await,
        [
            "session_long | 1 | session_long/1 | true",
            "session_long | 2 | session_long/2 | true",
            "session_long | 3 | session_long/4 | true",
            "session_long/2 | 1 | session_long/5 | true",
            "session_long/2 | 2 | session_long/6 | true",
            "session_long/2 | 3 | session_long/7 | true",
        ]
    );
    assert_eq!(lines(&shop, ONE_EACH).await, ["7 | 7 | 3"]);
    let states = "select ticket_id, position, state, rule, message_id from ticket_states
        where ticket_id like 'session_long%' order by ticket_id, position";
    assert_eq!(
        lines(&shop, states).await,
        [
            "session_long | 1 | resolved | system_line | session_long/3",
            "session_long | 2 | resolved | earlier_part_is_closed | ",
            "session_long/2 | 1 | pending | current_state | ",
        ]
    );
}

#[tokio::test]
async fn a_part_begins_after_a_long_pause() {
    let shop = planned(&[("split", "gap:30d")]).await;
    assert_eq!(
        lines(&shop, TICKETS).await,
        [
            "session_long | 1 | 3 | Cups | own | resolved | earlier_part_is_closed |  | op-ada | 4 | true",
            "session_long/2 | 2 | 3 | Cups (part 2) | own | resolved | earlier_part_is_closed |  | op-ada | 1 | false",
            "session_long/3 | 3 | 3 | Cups (part 3) | own | pending | pending_is_open_with_tag | op-ada |  | 1 | true",
        ]
    );
    let tags = "select ticket_id, tags, status, external_id, created_at, closed_at,
        json_row(meta, 'conversation TEXT PATH $.conversation, part BIGINT PATH $.part')['part']
        as part from plan.tickets where ticket_id like 'session_long%' order by ticket_id";
    assert_eq!(
        lines(&shop, tags).await,
        [
            r#"session_long | ["migrated-from-crisp","vip"] | closed | session_long | 2024-01-01T00:46:40Z | 2024-01-04T00:46:40Z | 1"#,
            r#"session_long/2 | ["migrated-from-crisp","vip"] | closed | session_long/2 | 2024-03-01T00:46:40Z | 2024-03-01T00:46:40Z | 2"#,
            r#"session_long/3 | ["crisp-pending","migrated-from-crisp","vip"] | open | session_long/3 | 2024-04-30T00:46:40Z |  | 3"#,
        ]
    );
    let whose = "select count(*) as tickets, count(distinct tickets.customer_id) as customers
        from tickets inner join customer_identities
        on tickets.conversation_id = customer_identities.value
        and tickets.customer_id = customer_identities.customer_id
        where customer_identities.kind = 'conversation'";
    assert_eq!(lines(&shop, whose).await, ["4 | 1"]);
}

#[tokio::test]
async fn a_ticket_never_holds_more_messages_than_it_may() {
    let shop = planned(&[("messages_per_ticket_max", "2"), ("import_tag", "moved")]).await;
    assert_eq!(
        lines(&shop, TICKETS).await,
        [
            "session_long | 1 | 3 | Cups | own | resolved | earlier_part_is_closed |  | op-ada | 2 | true",
            "session_long/2 | 2 | 3 | Cups (part 2) | own | resolved | earlier_part_is_closed |  | op-ada | 2 | false",
            "session_long/3 | 3 | 3 | Cups (part 3) | own | pending | pending_is_open_with_tag | op-ada | op-ada | 2 | false",
        ]
    );
    assert_eq!(lines(&shop, ONE_EACH).await, ["7 | 7 | 4"]);
}

#[tokio::test]
async fn a_conversation_that_is_left_out_is_lost_once_with_all_its_parts() {
    let mut mapping = Mapping::default();
    for (key, value) in [("split", "gap:30d"), ("anonymous", "skip")] {
        mapping.set(key, value).expect("a decision that exists");
    }
    let warehouse = Warehouse::open("memory://").expect("opens");
    let (models, nobody) = (Models::embedded(), person("p1", "", "Ann", ""));
    let mut records = records();
    records[0] = nobody;
    let id = land(&warehouse, "crisp", 1, &records, &[]).await;
    let build = stage(&warehouse, "crisp", &[id], &mapping, &models).await.expect("is staged");
    assert_eq!(build.findings, []);
    let run = RunId(1);
    let planned = plan(&warehouse, recipe(&build.id, &mapping, &models), &run).await;
    assert_eq!(planned.expect("is planned").findings, []);
    let shop = Planned { warehouse, build: build.id };
    let sql = "select stream, source_id, rule, detail from losses
        where rule = 'anonymous_skipped' order by source_id";
    assert_eq!(
        lines(&shop, sql).await,
        [
            "conversations | session_long | anonymous_skipped | 6 messages",
            "conversations | session_short | anonymous_skipped | 1 messages",
        ]
    );
    assert_eq!(lines(&shop, ONE_EACH).await, ["0 | 0 | 0"]);
}

#[tokio::test]
async fn every_part_is_found_again_in_the_target() {
    let shop = planned(&[("split", "gap:30d")]).await;
    let target = Target::replay(&shop.warehouse, &shop.build, RunId(1)).await;
    let id = land(&shop.warehouse, "gorgias", 1, &target.records(), &[]).await;
    let mut mapping = Mapping::default();
    mapping.set("split", "gap:30d").expect("a decision that exists");
    let models = Models::embedded();
    let run = RunId(1);
    let reconciled =
        reconcile(&shop.warehouse, &shop.build, &run, "gorgias", &[id], &mapping, &models)
            .await
            .expect("is compared");
    assert_eq!(reconciled.findings, []);
    assert_eq!((reconciled.unexplained, reconciled.explained), (0, 0));
    let tickets = reconciled.counts.iter().find(|row| row.table == "tickets");
    let tickets = tickets.expect("tickets are counted");
    assert_eq!((tickets.staged, tickets.planned, tickets.in_target), (4, 4, 4));
}
