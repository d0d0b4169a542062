//! From staged tables to a plan for Gorgias.

use datafusion::arrow::util::pretty::pretty_format_batches;
use deskferry_transform::{
    Models, Planned, Recipe, Scope, catalog, plan, plan_hash, select, stage,
};
use kernel::{BuildId, Mapping, Order, RunId};
use landing::Warehouse;

use crate::fixture::{land, recipe};
use crate::shop;

struct Shop {
    warehouse: Warehouse,
    build: BuildId,
    planned: Planned,
}

async fn planned_with(pairs: &[(&str, &str)]) -> Shop {
    let mut mapping = Mapping::default();
    for (key, value) in pairs {
        mapping.set(key, value).expect("a decision that exists");
    }
    let warehouse = Warehouse::open("memory://").expect("opens");
    let models = Models::embedded();
    let id = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let build = stage(&warehouse, "crisp", &[id], &mapping, &models).await.expect("is staged");
    let recipe = recipe(&build.id, &mapping, &models);
    let planned = plan(&warehouse, recipe, &RunId(1)).await.expect("is planned");
    assert_eq!(planned.findings, []);
    assert_eq!(planned.hash, plan_hash(recipe).expect("a known target"));
    let oldest = Recipe { order: Order::Oldest, ..recipe };
    assert_ne!(planned.hash, plan_hash(oldest).expect("a known target"), "the order counts");
    Shop { warehouse, build: build.id, planned }
}

async fn check(shop: &Shop, sql: &str, expected: &[&str]) {
    let scope = Scope { build: Some(shop.build.clone()), run: Some(RunId(1)), ..Scope::default() };
    let session = catalog(&shop.warehouse, &scope).await.expect("the catalog opens");
    let rows = select(&session, sql).await.expect("the question is answered");
    let table = pretty_format_batches(&rows).expect("can be shown").to_string();
    let lines: Vec<String> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            cells.collect::<Vec<_>>().join(" | ")
        })
        .collect();
    assert_eq!(lines, expected, "{sql}");
}

fn calls(planned: &Planned, phase: &str) -> u64 {
    let found = planned.forecast.iter().find(|(name, _)| name == phase);
    found.expect("the phase is forecast").1
}

#[tokio::test]
async fn the_shop_is_planned_call_by_call() {
    let shop = planned_with(&[]).await;
    tickets_and_messages_take_the_shape_that_the_target_wants(&shop).await;
    uploads_agents_and_losses_are_what_the_plan_needs(&shop).await;
}

async fn tickets_and_messages_take_the_shape_that_the_target_wants(shop: &Shop) {
    check(
        shop,
        "select seq, ticket_id, status, channel, from_agent, assignee_agent_id, tags, messages from plan.tickets order by seq",
        &[
            "1 | session_c | open | chat | true |  | [\"migrated-from-crisp\"] | 7",
            "2 | session_b | open | chat | true |  | [\"crisp-pending\",\"migrated-from-crisp\"] | 2",
            "3 | session_d | open | chat | false |  | [\"migrated-from-crisp\"] | 3",
            "4 | session_mail | open | email | false | op-ada | [\"Mail In\",\"mail\",\"migrated-from-crisp\"] | 3",
            "5 | session_a | closed | chat | false |  | [\"chat\",\"migrated-from-crisp\"] | 6",
        ],
    )
    .await;
    check(
        shop,
        "select message_id, in_create, channel, from_agent, public, sender_kind, sender_id, receiver_customer_id, source_from_address from plan.messages where ticket_id in ('session_a', 'session_mail') order by ticket_seq, position",
        &[
            "session_mail/1 | true | email | false | true | customer | person:p4 |  | joe@mail.example",
            "session_mail/2 | true | email | true | true | agent | op-ada | person:p4 | ada@shop.example",
            "session_mail/3 | true | email | false | true | customer | person:p4 |  | joe@mail.example",
            "session_a/1 | true | chat | false | true | customer | person:p1 |  | ann@mail.example",
            "session_a/2 | true | chat | true | true | agent | op-ada | person:p1 | ada@shop.example",
            "session_a/3 | true | internal-note | true | false | agent | op-ada |  | ",
            "session_a/4 | true | chat | false | true | customer | person:p1 |  | ann@mail.example",
            "session_a/5 | true | chat | true | true | agent | op-gone | person:p1 | support",
            "notepad/p1 | true | internal-note | true | false | legacy |  |  | ",
        ],
    )
    .await;
    check(
        shop,
        "select source_to, mention_agent_ids, meta from plan.messages where message_id in ('session_a/3', 'session_mail/3') order by message_id",
        &[
            r#"[] | ["op-ada","op-other"] | {"source_message":"session_a/3","source_type":"note","author":"Ada","author_type":"agent","author_id":"op-ada"}"#,
            r#"[{"name":"Ada Byron","address":"ada@shop.example"}] | [] | {"source_message":"session_mail/3","source_type":"text","author":"Cas Copied","author_type":"participant"}"#,
        ],
    )
    .await;
}

async fn uploads_agents_and_losses_are_what_the_plan_needs(shop: &Shop) {
    check(
        shop,
        "select seq, name, content_type, bytes from plan.uploads order by seq",
        &["1 | invoice.pdf | application/pdf | 16", "2 | cup.png | image/png | 5"],
    )
    .await;
    check(
        shop,
        "select agent_id, email from plan.agents order by agent_id",
        &["op-ada | ada@shop.example", "op-gone | ", "op-other | "],
    )
    .await;
    check(
        shop,
        "select customer_id, phone from plan.customers where phone is not null",
        &["person:p1 | +33700000001"],
    )
    .await;
    check(
        shop,
        "select source_id, rule from plan.losses where rule <> 'bot_as_legacy_agent' order by rule, source_id",
        &[
            "session_empty | no_messages",
            "session_mail/3 | participant_as_customer",
            "person:p3 | phone_not_certain",
            "person:p8 | phone_shared",
            "person:p1 | profile_fields_not_carried",
            "person:p4 | profile_fields_not_carried",
        ],
    )
    .await;
    assert_eq!(calls(&shop.planned, "tickets_create"), 5);
    assert_eq!(calls(&shop.planned, "customers_create"), 4);
    assert_eq!(calls(&shop.planned, "files_upload"), 2);
    assert_eq!(calls(&shop.planned, "messages_append"), 0);
}

#[tokio::test]
async fn seed_packing_sends_one_message_with_its_ticket_and_appends_the_rest() {
    let shop = planned_with(&[("packing", "seed"), ("anonymous", "skip")]).await;
    check(
        &shop,
        "select count(*) as messages, count(*) filter (where in_create) as created from plan.messages",
        &["14 | 4"],
    )
    .await;
    assert_eq!(calls(&shop.planned, "messages_append"), 10);
    assert_eq!(calls(&shop.planned, "tickets_update"), 1);
    check(
        &shop,
        "select rule, count(*) as rows from plan.losses where rule in ('anonymous_skipped', 'ticket_not_planned') group by rule order by rule",
        &["anonymous_skipped | 1", "ticket_not_planned | 7"],
    )
    .await;
}

#[tokio::test]
async fn a_target_without_models_is_refused() {
    let (build, mapping, models) = (BuildId("0".into()), Mapping::default(), Models::embedded());
    let nowhere = Recipe { target: "nowhere", ..recipe(&build, &mapping, &models) };
    let fault = plan_hash(nowhere).expect_err("no models");
    assert!(fault.to_string().contains("nowhere"), "{fault}");
}
