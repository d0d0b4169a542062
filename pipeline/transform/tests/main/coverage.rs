//! What becomes of every stream and of every field, by name.

use std::collections::BTreeSet;

use deskferry_transform::{Build, Models, Scope, catalog, select, stage};
use kernel::{Mapping, SnapshotId};
use landing::Warehouse;

use crate::answers::lines;
use crate::fixture::{Record, land};
use crate::workspace::surroundings;

async fn staged(records: &[Record], models: &Models) -> (Warehouse, Build) {
    let warehouse = Warehouse::open("memory://").expect("a warehouse in memory opens");
    let id = land(&warehouse, "crisp", 1, records, &[]).await;
    let build = stage(&warehouse, "crisp", &[id], &Mapping::default(), models)
        .await
        .expect("the records are staged");
    (warehouse, build)
}

/// Asks a build and compares the answer, line by line.
async fn check((warehouse, build): &(Warehouse, Build), sql: &str, expected: &[&str]) {
    let scope = Scope {
        snapshots: vec![SnapshotId { platform: "crisp".to_owned(), number: 1 }],
        build: Some(build.id.clone()),
        ..Scope::default()
    };
    let session = catalog(warehouse, &scope).await.expect("the catalog opens");
    let rows = select(&session, sql).await.expect("the question is answered");
    assert_eq!(lines(&rows), expected, "{sql}");
}

// Staging costs seconds in a debug build, so these claims share one build.
#[tokio::test]
async fn every_stream_around_the_conversations_has_a_home() {
    let built = staged(&surroundings(), &Models::embedded()).await;
    everything_is_accounted_for(&built).await;
    fields_without_a_column_keep_their_types_and_everybodys_values(&built).await;
    companies_are_joined_by_domain_and_else_by_name(&built).await;
    both_generations_of_the_help_center_become_the_same_rows(&built).await;
    what_is_made_again_by_hand_is_a_document(&built).await;
    the_ledger_of_fields_knows_every_path(&built).await;
}

async fn everything_is_accounted_for(built: &(Warehouse, Build)) {
    let unlisted = "sql/checks/staged/every_listed_file_has_its_message.sql";
    let found: Vec<&str> = built.1.findings.iter().map(|it| it.check.as_str()).collect();
    assert_eq!(found, [unlisted], "{:?}", built.1.findings);
    check(
        built,
        "select stream, source_key, fate, rule from fates where fate <> 'staged' order by stream",
        &[
            "conversation_files | session_x/1 | dropped | file_without_message",
            "helpdesk_article_bodies | en/a9 | dropped | half_without_whole",
            "inboxes | i2 | quarantined | missing_id",
            "people_events | p9/e1 | dropped | event_without_profile",
            "spam_contents | s2 | dropped | half_without_whole",
        ],
    )
    .await;
}

async fn fields_without_a_column_keep_their_types_and_everybodys_values(
    built: &(Warehouse, Build),
) {
    check(
        built,
        "select object_id, field, rank, type, value from custom_field_values \
         where object = 'customer' order by field, rank",
        &[
            "person:p1 | orders | 1 | number | 3",
            "person:p1 | orders | 2 | text | four",
            "person:p1 | plan | 1 | text | pro",
            "person:p1 | plan | 2 | text | free",
            "person:p1 | profile.score | 1 | number | 4",
            "person:p1 | since | 1 | date | 2024-05-01",
        ],
    )
    .await;
    check(
        built,
        "select field, label, is_custom, type, value_count, object_count, source_count \
         from custom_fields order by field",
        &[
            "orders | orders | true | text | 2 | 1 | 2",
            "plan | plan | true | text | 2 | 1 | ",
            "profile.score | score | false | number | 1 | 1 | ",
            "since | since | true | date | 1 | 1 | ",
            "unused | unused | true |  | 0 | 0 | 0",
        ],
    )
    .await;
    check(
        built,
        "select kind, name, counted, found from census order by kind, name",
        &[
            "customer_field | orders | 2 | 2",
            "customer_field | unused | 0 | 0",
            "event | signup | 2 | 1",
            "people |  | 3 | 3",
        ],
    )
    .await;
}

async fn companies_are_joined_by_domain_and_else_by_name(built: &(Warehouse, Build)) {
    check(
        built,
        "select companies.company_id, companies.name, companies.url, companies.employees, \
         companies.profiles, customer_companies.customer_id \
         from companies left join customer_companies \
         on companies.company_id = customer_companies.company_id order by 1",
        &[
            "domain:acme.example | Acme | https://acme.example | 12 | 2 | person:p1",
            "name:beans | Beans |  |  | 1 | person:p3",
        ],
    )
    .await;
}

async fn both_generations_of_the_help_center_become_the_same_rows(built: &(Warehouse, Build)) {
    check(
        built,
        "select category_id, parent_category_id, path, title, position, is_published \
         from kb_categories order by category_id",
        &[
            "en/c1 |  | Orders | Orders | 2 | true",
            "en/c1/s1 | en/c1 | Orders/Delivery | Delivery | 1 | true",
            "fr/guides/orders |  | orders | Orders | 2 | true",
            "fr/guides/orders/returns | fr/guides/orders | orders/returns | Returns | 2 | true",
        ],
    )
    .await;
    check(
        built,
        "select article_id, category_id, position, status, visibility, is_featured, body_rule, \
         replace(body_html, chr(10), '') as html from kb_articles order by article_id",
        &[
            "draft:fr/guides/orders/late | fr/guides/orders | 1 | published | hidden | false | not_landed | ",
            "draft:fr/guides/orders/returns/why | fr/guides/orders/returns | 2 | draft | visible | false | not_published | ",
            "draft:fr/guides/plans |  | 1 | draft | visible | false | not_published | ",
            "en/a1 | en/c1/s1 | 3 | published | hidden | false | own | <h1>Brew &lt;script&gt;x()&lt;/script&gt;</h1>",
            "en/a2 |  |  | draft | visible | false | not_landed | ",
            "fr/guides/e1 | fr/guides/orders/returns | 1 | published | visible | true | own | <p>Send <em>it</em>.</p>",
        ],
    )
    .await;
}

async fn what_is_made_again_by_hand_is_a_document(built: &(Warehouse, Build)) {
    check(
        built,
        "select document_id, name, summary from documents order by document_id",
        &[
            "blocked_visitor:192.0.2.1 | 192.0.2.1 | for good",
            "campaign:c1 | Sale | one_shot, 3 of 4 reached",
            "help_center:helpdesk | Help | https://help.example",
            "help_center_language:en | en | 2 articles, 1 categories",
            "help_center_redirection:r1 | /a | to /b",
            "inbox:i1 | Wholesale | 1 conditions (or), 0 agents, 0 teams",
            "spam_mail:s1 | You won | email, score",
        ],
    )
    .await;
    check(
        built,
        "select definition from documents where kind = 'spam_mail'",
        &[r#"{"spam_id":"s1","content":"<p>won</p>"}"#],
    )
    .await;
}

async fn the_ledger_of_fields_knows_every_path(built: &(Warehouse, Build)) {
    check(
        built,
        "select path, documents, types, sample, fate, place from coverage \
         where stream = 'people_data' order by path",
        &[r#"$.data.* | 2 | number, string | "pro" | mapped | customers.data, custom_field_values.value"#],
    )
    .await;
    check(built, "select stream, path from coverage where fate = 'undecided'", &[]).await;
}

fn with_unknown_fields() -> Vec<Record> {
    let raw = |n: i64, odd: &str| {
        format!(
            r#"{{"session_id":"session_{n}","state":"resolved","meta":{{"rank":{odd}}},"created_at":1704070000000}}"#
        )
    };
    vec![
        Record::new("conversations", "session_1", raw(1, r#"[{"by":"me"}]"#)),
        Record::new("conversations", "session_2", raw(2, r#"[{"by":null},{"by":"you"}]"#)),
        Record::new("conversations", "session_3", raw(3, "7")),
    ]
}

#[tokio::test]
async fn a_path_that_nobody_decided_about_is_a_finding_that_lists_it() {
    let built = staged(&with_unknown_fields(), &Models::embedded()).await;
    let [finding] = &built.1.findings[..] else { panic!("{:?}", built.1.findings) };
    assert_eq!(finding.check, "sql/checks/staged/every_path_is_decided.sql");
    assert_eq!(
        finding.samples,
        [
            "stream=conversations path=$.meta.rank documents=1 types=number",
            "stream=conversations path=$.meta.rank[].by documents=2 types=null, string",
        ]
    );
    assert!(finding.is_printable && finding.hint.is_some());
    check(
        &built,
        "select path, sample, sample_key from coverage where fate = 'undecided' order by path",
        &["$.meta.rank | 7 | session_3", r#"$.meta.rank[].by | "me" | session_1"#],
    )
    .await;
}

#[tokio::test]
async fn a_decision_holds_for_what_lies_below_it_and_the_users_own_comes_first() {
    let own = "-- grain: one row per stream and path\n-- key: stream, path\n\
               select 'conversations' as stream, column1 as path, column2 as fate, \
               '' as place, 'ours' as reason from (values \
               ('$.meta.rank', 'waived'), ('$.meta.rank[].by', 'kept'), ('$.state', 'waived'), \
               ('$.session_id', 'maybe')) as own order by stream, path";
    let models = Models::embedded().with("1_source/crisp/own_fields.sql", own);
    let built = staged(&with_unknown_fields(), &models).await;
    assert_eq!(built.1.findings.len(), 1, "a fate that is none decides nothing");
    check(
        &built,
        "select path, fate, is_own from coverage \
         where stream = 'conversations' and path <> '$.created_at' order by path",
        &[
            "$.meta.rank | waived | true",
            "$.meta.rank[].by | kept | true",
            "$.session_id | undecided | false",
            "$.state | waived | true",
        ],
    )
    .await;
}

/// The stream and path of every field that a Crisp source model takes, `[0]` as `[]`.
fn taken_paths(models: &Models) -> BTreeSet<(String, String)> {
    let mut taken = BTreeSet::new();
    for (file, sql) in models.files().filter(|(file, _)| file.starts_with("1_source/crisp/")) {
        let streams = sql.lines().filter_map(|line| line.trim().strip_prefix("from landing."));
        let streams: Vec<&str> = streams.filter(|stream| *stream != "records").collect();
        for call in sql.split("json_row(").skip(1) {
            let spec = call.split('\'').nth(1).unwrap_or_else(|| panic!("{file} has a spec"));
            for column in spec.split(',').filter(|column| !column.contains(" SHAPE ")) {
                let (_, paths) = column.split_once("PATH").expect("every column has a path");
                for path in paths.split('|') {
                    for stream in &streams {
                        let path = path.trim().replace("[0]", "[]");
                        taken.insert(((*stream).to_owned(), path));
                    }
                }
            }
        }
    }
    assert!(taken.len() > 150, "the specifications were looked for in the wrong way");
    taken
}

fn lies_below(path: &str, decided: &str) -> bool {
    let rest = path.strip_prefix(decided);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[tokio::test]
async fn decisions_and_models_say_the_same() {
    let models = Models::embedded();
    let (warehouse, build) = staged(&[], &models).await;
    let scope = Scope { build: Some(build.id), ..Scope::default() };
    let session = catalog(&warehouse, &scope).await.expect("the catalog opens");
    let ask = async |sql: &str| lines(&select(&session, sql).await.expect("is answered"));
    let fields = ask("select stream, path, fate, place, reason from source.fields").await;
    let fields: Vec<Vec<&str>> = fields.iter().map(|line| line.split(" | ").collect()).collect();
    for (stream, path) in taken_paths(&models) {
        // A list of six lists takes a field of one of them from each.
        let is_decided = fields.iter().any(|field| {
            let is_there = field[0] == stream || is_census(&stream) && is_census(field[0]);
            is_there && lies_below(&path, field[1]) && field[2] != "waived"
        });
        assert!(is_decided, "{stream} {path} is taken, and no decision says so");
    }
    let columns = "select concat(table_name, '.', column_name) as place \
                   from information_schema.columns where table_schema = 'staged'";
    let columns: BTreeSet<String> = ask(columns).await.into_iter().collect();
    let sources = "select concat(table_schema, '.', table_name, '.', column_name) as place \
                   from information_schema.columns where table_schema = 'source'";
    let sources: BTreeSet<String> = ask(sources).await.into_iter().collect();
    for field in &fields {
        match field[2] {
            "mapped" => {
                let missing = field[3].split(", ").find(|place| !columns.contains(*place));
                assert_eq!(missing, None, "{field:?} is mapped to nowhere");
            }
            "kept" => {
                let is_there = field[3].starts_with("landing.") || sources.contains(field[3]);
                assert!(is_there && !field[4].is_empty(), "{field:?} is kept nowhere");
            }
            fate => assert!(fate == "waived" && !field[4].is_empty(), "{field:?} has no reason"),
        }
    }
}

fn is_census(stream: &str) -> bool {
    stream == "people_stats"
        || stream == "people_event_names"
        || stream.ends_with("_segments")
        || stream.ends_with("_data_keys")
}
