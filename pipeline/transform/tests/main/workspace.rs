//! A workspace without conversations: every stream around them has a record, and some have a bad one.

use crate::fixture::Record;
use crate::shop;

fn record(stream: &str, key: &str, parent_key: &str, raw: &str) -> Record {
    Record::new(stream, key, raw).of(parent_key)
}

/// Its records.
pub fn surroundings() -> Vec<Record> {
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
