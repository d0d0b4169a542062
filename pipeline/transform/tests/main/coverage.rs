//! What becomes of every stream and of every field, by name.

use std::collections::BTreeSet;

use deskferry_transform::{Build, Models, Scope, catalog, select, stage};
use kernel::{Mapping, SnapshotId};
use landing::Warehouse;

use crate::answers::lines;
use crate::fixture::{Record, land};
use crate::shop;

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

fn record(stream: &str, key: &str, parent_key: &str, raw: &str) -> Record {
    Record::new(stream, key, raw).of(parent_key)
}

/// A workspace without conversations: every stream around them has a record.
fn surroundings() -> Vec<Record> {
    let mut records = vec![
        shop::person(
            "p1",
            "ann@mail.example",
            "Ann",
            r#","company":{"name":"Acme","domain":"Acme.Example","metrics":{"employees":12}},"score":4"#,
        ),
        shop::person(
            "p2",
            "ann@mail.example",
            "A.",
            r#","company":{"name":"Acme Ltd","domain":"acme.example","url":"https://acme.example"}"#,
        ),
        shop::person("p3", "", "Bob", r#","company":{"name":" Beans "}"#),
        record(
            "people_data",
            "p1",
            "p1",
            r#"{"data":{"plan":"pro","orders":3,"since":"2024-05-01"}}"#,
        ),
        record("people_data", "p2", "p2", r#"{"data":{"plan":"free","orders":"four"}}"#),
        record(
            "people_events",
            "p1/e1",
            "p1",
            r#"{"text":"signup","data":{"total":7},"color":"red","timestamp":1704067200000}"#,
        ),
        record("people_events", "p9/e1", "p9", r#"{"text":"signup","timestamp":1704067200000}"#),
        record("teams", "t1", "", r#"{"team_id":"t1","name":"Returns","operators":["op-ada"]}"#),
        record(
            "inboxes",
            "i1",
            "",
            r#"{"inbox_id":"i1","name":"Wholesale","operator":"or","conditions":[{"model":"x"}]}"#,
        ),
        record("inboxes", "i2", "", r#"{"name":"no id"}"#),
        record(
            "campaigns",
            "c1",
            "",
            r#"{"campaign_id":"c1","type":"one_shot","name":"Sale","targets":4,"reached":3}"#,
        ),
        record(
            "spams",
            "s1",
            "",
            r#"{"spam_id":"s1","type":"email","reason":"score","metadata":{"subject":"You won"}}"#,
        ),
        record("spam_contents", "s1", "s1", r#"{"spam_id":"s1","content":"<p>won</p>"}"#),
        record("spam_contents", "s2", "s2", r#"{"spam_id":"s2","content":"gone"}"#),
        record("blocked_visitors", "192.0.2.1", "", r#"{"rule":"192.0.2.1"}"#),
        record("people_stats", "stats", "", r#"{"total":3}"#),
        record("people_data_keys", "orders", "", r#"{"key":"orders","count":2}"#),
        record("people_data_keys", "unused", "", r#"{"key":"unused","count":0}"#),
        record("people_event_names", "signup", "", r#"{"text":"signup","count":2}"#),
        record(
            "conversation_files",
            "session_x/1",
            "session_x",
            r#"{"name":"a.pdf","fingerprint":1}"#,
        ),
    ];
    records.extend(older_help_center());
    records.extend(newer_help_center());
    records
}

fn older_help_center() -> Vec<Record> {
    vec![
        record("helpdesk", "helpdesk", "", r#"{"name":"Help","url":"https://help.example"}"#),
        record(
            "helpdesk_redirections",
            "r1",
            "",
            r#"{"redirection_id":"r1","path":"/a","target":"/b"}"#,
        ),
        record("helpdesk_locales", "en", "", r#"{"locale":"en","articles":2,"categories":1}"#),
        record(
            "helpdesk_categories",
            "en/c1",
            "en",
            r#"{"category_id":"c1","name":"Orders","order":2}"#,
        ),
        record(
            "helpdesk_sections",
            "en/c1/s1",
            "en/c1",
            r#"{"section_id":"s1","name":"Delivery","order":1}"#,
        ),
        record(
            "helpdesk_articles",
            "en/a1",
            "en",
            r#"{"article_id":"a1","title":"Brewing","status":"published","visibility":"hidden","order":3}"#,
        ),
        record(
            "helpdesk_articles",
            "en/a2",
            "en",
            r#"{"article_id":"a2","title":"Prices","status":"draft"}"#,
        ),
        record(
            "helpdesk_article_bodies",
            "en/a1",
            "en/a1",
            r##"{"article_id":"a1","content":"# Brew <script>x()</script>"}"##,
        ),
        record("helpdesk_article_bodies", "en/a9", "en/a9", r#"{"content":"its article is gone"}"#),
        record(
            "helpdesk_article_categories",
            "en/a1",
            "en/a1",
            r#"{"category_id":"c1","section_id":"s1"}"#,
        ),
    ]
}

fn newer_help_center() -> Vec<Record> {
    let tree = r#"{"type":"group","slug":"orders","title":"Orders","state":{"published":true},"children":[
        {"type":"entry","slug":"late","title":"Late parcels","state":{"published":true,"hidden":true},"children":[]},
        {"type":"group","slug":"returns","title":"Returns","state":{"published":true},"children":[
            {"type":"entry","slug":"how","title":"How to return","state":{"published":true}},
            {"type":"entry","slug":"why","title":"Why","state":{"published":false}}]}]}"#;
    vec![
        record("helpdesk_tree", "fr/guides/orders", "fr/guides", tree).at(1, 1),
        record(
            "helpdesk_tree",
            "fr/guides/plans",
            "fr/guides",
            r#"{"type":"entry","slug":"plans","title":"Plans","state":{"published":false}}"#,
        ),
        record(
            "helpdesk_pages",
            "fr/guides/e1",
            "fr/guides",
            r#"{"entity_id":"e1","title":"How to return","tree_path":"orders/returns/how"}"#,
        ),
        record(
            "helpdesk_page_contents",
            "fr/guides/orders/returns/how",
            "fr/guides/e1",
            r#"{"content":"Send *it*."}"#,
        ),
        record(
            "helpdesk_page_metadata",
            "fr/guides/orders/returns/how",
            "fr/guides/e1",
            r#"{"format":"markdown","state":{"published":true,"hidden":false,"featured":true},"author":{"user_id":"op-ada"}}"#,
        ),
    ]
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
