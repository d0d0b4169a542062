//! From landed records to staged tables.

use datafusion::arrow::util::pretty::pretty_format_batches;
use deskferry_transform::{Build, Models, Scope, catalog, select, stage};
use kernel::{Mapping, SnapshotId};
use landing::Warehouse;

use crate::fixture::{Record, land, land_deletion};
use crate::shop;

fn memory() -> Warehouse {
    Warehouse::open("memory://").expect("a warehouse in memory opens")
}

async fn staged_with(mapping: &Mapping) -> (Warehouse, Build) {
    let warehouse = memory();
    let id = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let build = stage(&warehouse, "crisp", &[id], mapping, &Models::embedded())
        .await
        .expect("the shop is staged");
    (warehouse, build)
}

fn mapping(pairs: &[(&str, &str)]) -> Mapping {
    let mut mapping = Mapping::default();
    for (key, value) in pairs {
        mapping.set(key, value).expect("a decision that exists");
    }
    mapping
}

/// Asks a build and compares the answer, line by line, without the frame.
async fn check(warehouse: &Warehouse, build: &Build, sql: &str, expected: &[&str]) {
    let scope = Scope {
        snapshots: vec![SnapshotId { platform: "crisp".to_owned(), number: 1 }],
        build: Some(build.id.clone()),
        ..Scope::default()
    };
    let session = catalog(warehouse, &scope).await.expect("the catalog opens");
    let rows = select(&session, sql).await.expect("the question is answered");
    let table = pretty_format_batches(&rows).expect("rows can be shown").to_string();
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

// Staging the shop costs seconds in a debug build, so these claims share one build.
#[tokio::test]
async fn the_shop_is_staged_record_by_record() {
    let (warehouse, build) = staged_with(&Mapping::default()).await;
    the_whole_shop_is_accounted_for_and_no_claim_is_broken(&warehouse, &build).await;
    people_with_one_address_are_one_customer(&warehouse, &build).await;
    every_kind_of_content_becomes_a_text(&warehouse, &build).await;
    tickets_have_subjects_states_and_tags_by_named_rules(&warehouse, &build).await;
    what_is_lost_is_a_row_that_says_where_the_original_is(&warehouse, &build).await;
    who_left_is_staged_as_a_removed_agent(&warehouse, &build).await;
    all_that_is_known_of_messages_follows_one_sort(&warehouse, &build).await;
}

async fn all_that_is_known_of_messages_follows_one_sort(warehouse: &Warehouse, build: &Build) {
    let models = Models::embedded();
    let messages = models.files().find(|(file, _)| *file == "2_staged/messages.sql");
    let decided = "(select 'message' as bots, 'none' as split, '10' as messages_per_ticket_max)";
    let sql = messages.expect("there is such a model").1.replace("config.mapping", decided);
    let scope = Scope { build: Some(build.id.clone()), ..Scope::default() };
    let session = catalog(warehouse, &scope).await.expect("the catalog opens");
    let rows = select(&session, &format!("explain {sql}")).await.expect("is planned");
    let plan = pretty_format_batches(&rows).expect("rows can be shown").to_string();
    let plan = plan.split_once("physical_plan").expect("there is a plan to run").1;
    let sorts =
        plan.lines().filter(|line| line.contains("SortExec:") && line.contains("placed_at"));
    assert_eq!(sorts.count(), 1, "{plan}");
    assert!(!plan.contains("SortExec: expr=[conversation_id@0 ASC NULLS LAST, place@"), "{plan}");
}

async fn the_whole_shop_is_accounted_for_and_no_claim_is_broken(
    warehouse: &Warehouse,
    build: &Build,
) {
    assert_eq!(build.findings, []);
    check(
        warehouse,
        build,
        "select stream, received, staged, quarantined, dropped, dropped_by from accounting order by stream",
        &[
            "conversations | 7 | 6 | 1 | 0 | ",
            "downloads | 3 | 3 | 0 | 0 | ",
            "messages | 24 | 20 | 2 | 2 | events_skipped 1, superseded 1",
            "operators | 2 | 2 | 0 | 0 | ",
            "originals | 1 | 1 | 0 | 0 | ",
            "people | 4 | 4 | 0 | 0 | ",
            "people_data | 2 | 1 | 0 | 1 | data_without_profile 1",
        ],
    )
    .await;
    check(
        warehouse,
        build,
        "select stream, source_key, rule from quarantine order by stream, source_key",
        &[
            "conversations | session_broken | not_an_object",
            "messages | session_d/9 | missing_time",
            "messages | session_nowhere/1 | no_conversation",
        ],
    )
    .await;
}

async fn people_with_one_address_are_one_customer(warehouse: &Warehouse, build: &Build) {
    check(
        warehouse,
        build,
        "select customer_id, name, email, phone, phone_as_written, language, is_anonymous from customers order by customer_id",
        &[
            "person:p1 | Ann | ann@mail.example | +33700000001 |  | en | false",
            "person:p3 | visitor3 |  |  | 0700000003 | en | true",
            "person:p4 | Joe | joe@mail.example |  |  | en | false",
            "person:p8 | Kim | kim@mail.example | +33700000001 |  |  | false",
        ],
    )
    .await;
    check(
        warehouse,
        build,
        "select kind, value, rule from customer_identities where customer_id = 'person:p1' order by kind, value, rule",
        &[
            "actor | person:p1 | own",
            "actor | person:p2 | same_email",
            "conversation | session_a | conversation_of_profile",
            "conversation | session_b | conversation_of_profile",
            "email | ann@mail.example | profile_email",
            "email | ann@mail.example | profile_email",
            "person_id | p1 | own_profile",
            "person_id | p2 | same_email",
            "phone | +33700000001 | phone_of_several_addresses",
        ],
    )
    .await;
}

async fn every_kind_of_content_becomes_a_text(warehouse: &Warehouse, build: &Build) {
    check(
        warehouse,
        build,
        "select message_id, kind, direction, author_type, replace(body_text, chr(10), ' / ') as text from messages order by ticket_id, position",
        &[
            "session_a/1 | message | in | customer | Hello **there** / second line",
            "session_a/2 | message | out | agent | Hi Ann",
            "session_a/3 | note | internal | agent | Customer is *nice*",
            "session_a/4 | message | in | customer | [file] invoice.pdf",
            "session_a/5 | message | out | agent | See ![cup](https://files.shop.example/a/cup.png) and [image not available: x, missing]",
            "notepad/p1 | note | internal | system | [note about this person] likes oat milk",
            "session_b/1 | message | out | bot | I am a machine",
            "session_b/3 | message | in | customer | [file] gone.png [attachment not available: gone.png, missing]",
            "session_c/1 | message | out | bot | Size? / [x] Small / [ ] Large",
            "session_c/2 | message | out | bot | Number? / six digits / > 774411",
            "session_c/3 | message | out | bot | Pick / - Cup / red / Buy: https://shop.example/cup",
            "session_c/4 | message | in | customer | {\"depth\":3}",
            "session_c/5 | message | in | customer | \"just text\"",
            "session_c/6 | message | in | customer | (empty message)",
            "session_c/7 | message | in | customer | from the future",
            "session_d/1 | message | in | customer | first",
            "session_d/2 | message | in | customer | second",
            "session_d/3 | message | in | customer | edited",
            "session_mail/1 | message | in | customer | Where is it?",
            "session_mail/2 | message | out | agent | On its way",
            "session_mail/3 | message | in | participant | And mine?",
        ],
    )
    .await;
    check(
        warehouse,
        build,
        "select message_id, replace(body_html, chr(10), ' / ') as html, subject, message_ref from messages where message_id in ('session_a/1', 'session_mail/1') order by message_id",
        &[
            "session_a/1 | <p>Hello <strong>there</strong><br /> / second line</p> |  | ",
            "session_mail/1 | <p>Where is <b>it</b>?</p> | Where is it | <m1@mail.example>",
        ],
    )
    .await;
}

async fn tickets_have_subjects_states_and_tags_by_named_rules(
    warehouse: &Warehouse,
    build: &Build,
) {
    check(
        warehouse,
        build,
        "select ticket_id, customer_id, subject, subject_rule, status, status_rule, messages from tickets order by ticket_id",
        &[
            "session_a | person:p1 | Hello **there** second line | first_words | closed | resolved_is_closed | 6",
            "session_b | person:p1 | Conversation 2024-01-01 | date | open | pending_is_open_with_tag | 2",
            "session_c | person:p3 | from the future | first_words | open | unresolved_is_open | 7",
            "session_d | person:p8 | first | first_words | open | unresolved_is_open | 3",
            "session_empty | person:p4 | Conversation 2024-01-01 | date | closed | resolved_is_closed | 0",
            "session_mail | person:p4 | Parcel 7 | own | open | unresolved_is_open | 3",
        ],
    )
    .await;
    check(
        warehouse,
        build,
        "select ticket_id, string_agg(tag, ', ' order by tag) as tags from ticket_tags group by ticket_id order by ticket_id",
        &[
            "session_a | chat, migrated-from-crisp",
            "session_b | crisp-pending, migrated-from-crisp",
            "session_c | migrated-from-crisp",
            "session_d | migrated-from-crisp",
            "session_empty | migrated-from-crisp",
            "session_mail | Mail In, mail, migrated-from-crisp",
        ],
    )
    .await;
}

async fn what_is_lost_is_a_row_that_says_where_the_original_is(
    warehouse: &Warehouse,
    build: &Build,
) {
    check(
        warehouse,
        build,
        "select stream, source_id, rule, detail, survives_in from losses order by stream, source_id, rule",
        &[
            "messages | session_a/5 | attachment_not_available | gone.png: missing | landing.messages key session_a/5",
            "messages | session_b/2 | events_skipped |  | landing.messages key session_b/2",
            "messages | session_b/3 | attachment_not_available | gone.png: missing | landing.messages key session_b/3",
            "messages | session_c/1 | picker_as_text | the choices are lines of the text | landing.messages key session_c/1",
            "messages | session_c/2 | field_as_text | question and answer are lines of the text | landing.messages key session_c/2",
            "messages | session_c/3 | carousel_as_text | the cards are lines of the text | landing.messages key session_c/3",
            "messages | session_c/4 | unknown_type | type hologram is shown as its raw content | landing.messages key session_c/4",
            "messages | session_c/5 | shape_contradicts_type | type file is shown as its raw content | landing.messages key session_c/5",
            "messages | session_c/7 | time_in_future | the time of sending is later than the time of reading, which stands in for it | landing.messages key session_c/7",
            "people_data | p9 | data_without_profile |  | landing.people_data key p9",
        ],
    )
    .await;
}

async fn who_left_is_staged_as_a_removed_agent(warehouse: &Warehouse, build: &Build) {
    check(
        warehouse,
        build,
        "select agent_id, email, name, is_known, is_removed, is_invite from agents order by agent_id",
        &[
            "invite:new@shop.example | new@shop.example | new | true | false | true",
            "op-ada | ada@shop.example | Ada Byron | true | false | false",
            "op-gone |  | Gus Gone | false | true | false",
            "op-other |  | Former agent | false | true | false",
        ],
    )
    .await;
}

#[tokio::test]
async fn decisions_change_what_is_staged() {
    let decisions = mapping(&[
        ("bots", "skip"),
        ("events", "note"),
        ("notepad", "skip"),
        ("anonymous", "shared"),
        ("tag_style", "kebab"),
    ]);
    let (warehouse, build) = staged_with(&decisions).await;
    assert_eq!(build.findings, []);
    check(
        &warehouse,
        &build,
        "select message_id, kind, body_text from messages where ticket_id = 'session_b' order by position",
        &[
            "session_b/2 | event | [event] state:pending: now",
            "session_b/3 | message | [file] gone.png [attachment not available: gone.png, missing]",
        ],
    )
    .await;
    check(
        &warehouse,
        &build,
        "select rule, count(*) as rows from losses where rule like '%skipped' or rule like 'event%' group by rule order by rule",
        &["bots_skipped | 4", "event_as_note | 1", "notepad_skipped | 1"],
    )
    .await;
    check(
        &warehouse,
        &build,
        "select customer_id, name from customers where is_anonymous",
        &["shared:anonymous | Anonymous visitors"],
    )
    .await;
    check(
        &warehouse,
        &build,
        "select tag, rule from ticket_tags where ticket_id = 'session_mail' order by tag",
        &["mail | segment", "mail-in | segment", "migrated-from-crisp | import_tag"],
    )
    .await;
}

#[tokio::test]
async fn an_empty_snapshot_gives_empty_tables_and_no_findings() {
    let warehouse = memory();
    let id = land(&warehouse, "crisp", 1, &[], &[]).await;
    let build = stage(&warehouse, "crisp", &[id], &Mapping::default(), &Models::embedded())
        .await
        .expect("nothing can be staged too");
    assert_eq!(build.findings, []);
    let tickets = build.tables.iter().find(|(name, _)| name == "staged.tickets");
    assert_eq!(tickets.expect("there is such a table").1, 0);
}

#[tokio::test]
async fn a_complete_build_is_used_again_and_anything_else_makes_a_new_one() {
    let (warehouse, build) = staged_with(&Mapping::default()).await;
    let id = SnapshotId { platform: "crisp".to_owned(), number: 1 };
    let models = Models::embedded();
    let again = stage(&warehouse, "crisp", std::slice::from_ref(&id), &Mapping::default(), &models)
        .await
        .expect("the build is found");
    assert!(again.reused && !build.reused);
    assert_eq!((&again.id, &again.tables), (&build.id, &build.tables));
    let other = stage(&warehouse, "crisp", &[id], &mapping(&[("bots", "note")]), &models)
        .await
        .expect("another mapping is staged");
    assert!(!other.reused);
    assert_ne!(other.id, build.id);
}

#[tokio::test]
async fn a_delta_replaces_what_changed_and_keeps_the_rest() {
    let warehouse = memory();
    let whole = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let changed = [
        shop::conversation("c", "p3", "resolved", ""),
        shop::message("c", 4, "text", r#""now a text""#, ""),
    ];
    let delta = land(&warehouse, "crisp", 2, &changed, &[]).await;
    let mapping = Mapping::default();
    let build = stage(&warehouse, "crisp", &[whole, delta], &mapping, &Models::embedded())
        .await
        .expect("the chain is staged");
    assert_eq!(build.findings, []);
    check(
        &warehouse,
        &build,
        "select tickets.status, messages.body_text, messages.snapshot, (select count(*) from messages) as messages from tickets inner join messages on tickets.ticket_id = messages.ticket_id where messages.message_id = 'session_c/4'",
        &["closed | now a text | crisp/0002 | 21"],
    )
    .await;
}

#[tokio::test]
async fn what_a_delta_found_deleted_is_not_staged() {
    let warehouse = memory();
    let whole = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let delta = land(&warehouse, "crisp", 2, &[], &[]).await;
    land_deletion(&warehouse, &delta, "messages", "session_c/4").await;
    let mapping = Mapping::default();
    let build = stage(&warehouse, "crisp", &[whole, delta], &mapping, &Models::embedded())
        .await
        .expect("the chain is staged");
    check(
        &warehouse,
        &build,
        "select count(*) as messages, count(*) filter (where message_id = 'session_c/4') as gone from messages",
        &["20 | 0"],
    )
    .await;
}

#[tokio::test]
async fn a_model_that_fails_is_named_with_its_line() {
    let warehouse = memory();
    let id = land(&warehouse, "crisp", 1, &[Record::new("people", "p", "{}")], &[]).await;
    let broken = "-- key: source_key\nselect\n    source_key,\n    no_such_column\nfrom source.tickets\norder by source_key\n";
    let models = Models::embedded().with("2_staged/broken.sql", broken);
    let fault = stage(&warehouse, "crisp", &[id], &Mapping::default(), &models)
        .await
        .expect_err("there is no such column");
    assert!(fault.to_string().starts_with("sql/2_staged/broken.sql:4"), "{fault}");
}
