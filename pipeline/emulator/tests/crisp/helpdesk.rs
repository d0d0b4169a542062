//! The knowledge base in both generations: the same articles, other routes.

use std::collections::BTreeSet;

use deskferry_emulator::crisp::{Helpdesk, Quirks};
use serde_json::{Value, json};

use super::{Desk, ids, text_at};

async fn with(helpdesk: Helpdesk) -> Desk {
    Desk::with_quirks(Quirks { helpdesk, ..Quirks::default() }).await
}

const LEGACY_ROUTES: [&str; 3] = [
    "helpdesk/locale/en/articles/1",
    "helpdesk/locale/en/categories/1",
    "helpdesk/locale/en/article/some-id",
];

const NEW_ROUTES: [&str; 4] = [
    "helpdesk/tree/list/en/articles/1",
    "helpdesk/page/list/en/articles/1",
    "helpdesk/tree/content/en/articles/returns%2Freturns",
    "helpdesk/tree/metadata/en/articles/returns%2Freturns",
];

#[tokio::test]
async fn the_routes_of_the_other_generation_do_not_exist() {
    let reason = async |desk: &Desk, path: &str| {
        let reply = desk.get(path).await;
        (reply.status, reply.json["reason"].as_str().unwrap_or_default().to_owned())
    };
    let unknown = (404, "not_found".to_owned());
    for helpdesk in [Helpdesk::Legacy, Helpdesk::LegacyEmpty] {
        let desk = with(helpdesk).await;
        for path in NEW_ROUTES {
            assert_eq!(reason(&desk, path).await, unknown, "{path}");
        }
        assert_eq!(desk.get(LEGACY_ROUTES[0]).await.status, 200);
    }
    let desk = with(Helpdesk::New).await;
    for path in LEGACY_ROUTES {
        assert_eq!(reason(&desk, path).await, unknown, "{path}");
    }
    assert_eq!(desk.get(NEW_ROUTES[0]).await.status, 200);
    assert_eq!(desk.data("helpdesk").await["name"], "Help");
    let head = desk.request(reqwest::Method::HEAD, "helpdesk").send().await.expect("a head");
    assert_eq!(head.status(), 200);
    let desk = with(Helpdesk::Absent).await;
    for path in LEGACY_ROUTES.iter().chain(&NEW_ROUTES).chain(&["helpdesk"]) {
        assert_eq!(reason(&desk, path).await, (404, "helpdesk_not_found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn the_older_generation_lists_without_content_and_reads_with_it() {
    let desk = with(Helpdesk::Legacy).await;
    let locales = desk.walk("helpdesk/locales", "").await;
    assert_eq!(ids(&locales, "locale"), ["en", "fr"]);
    let (mut states, mut with_section, mut without_category) = (BTreeSet::new(), 0, 0);
    for locale in &locales {
        let base = format!("helpdesk/locale/{}", text_at(locale, "locale"));
        let categories = desk.walk(&format!("{base}/categories"), "").await;
        assert_eq!(locale["categories"], categories.len());
        let mut sections = BTreeSet::new();
        for id in ids(&categories, "category_id") {
            let rows = desk.walk(&format!("{base}/category/{id}/sections"), "").await;
            sections
                .extend(ids(&rows, "section_id").into_iter().map(|section| (id.clone(), section)));
        }
        assert_eq!(sections.len(), 1);
        let articles = desk.walk(&format!("{base}/articles"), "").await;
        assert_eq!(locale["articles"], articles.len());
        for row in &articles {
            assert!(row.get("content").is_none() && !row.to_string().contains("\"_"), "{row}");
            let id = text_at(row, "article_id");
            let whole = desk.data(&format!("{base}/article/{id}")).await;
            assert!(whole["content"].is_string() && whole["title"] == row["title"]);
            states.insert((text_at(row, "status"), text_at(row, "visibility")));
            let place = desk.data(&format!("{base}/article/{id}/category")).await;
            match (place["category_id"].as_str(), place["section_id"].as_str()) {
                (Some(category), Some(section)) => {
                    assert!(sections.contains(&(category.to_owned(), section.to_owned())));
                    with_section += 1;
                }
                (Some(category), None) => {
                    assert!(ids(&categories, "category_id").contains(&category.to_owned()));
                }
                (None, _) => without_category += 1,
            }
        }
    }
    assert!(locales[0]["articles"].as_u64() > Some(20), "more than one page");
    assert_eq!(states.len(), 3, "{states:?}");
    assert_eq!((with_section, without_category), (1, 1));
    assert_eq!(desk.get("helpdesk/locale/de/articles/1").await.reason(), "locale_not_found");
    assert_eq!(desk.get(LEGACY_ROUTES[2]).await.reason(), "article_not_found");
    assert_eq!(desk.walk("helpdesk/redirections", "").await[0]["path"], "/old/returns");
}

/// All nodes of a tree with their paths.
fn flat(nodes: &[Value], above: &str, found: &mut Vec<(String, Value)>) {
    for node in nodes {
        let path = format!("{above}{}", text_at(node, "slug"));
        flat(node["children"].as_array().expect("a list"), &format!("{path}/"), found);
        found.push((path, node.clone()));
    }
}

#[tokio::test]
async fn the_newer_generation_is_a_tree_whose_paths_are_one_segment() {
    let desk = with(Helpdesk::New).await;
    let locales = desk.walk("helpdesk/locales", "").await;
    let statistics = &locales[0]["statistics"];
    let (mut nodes, mut pages) = (Vec::new(), Vec::new());
    flat(&desk.walk("helpdesk/tree/list/en/articles", "").await, "", &mut nodes);
    for page in desk.walk("helpdesk/page/list/en/articles", "").await {
        pages.push(text_at(&page, "tree_path"));
    }
    let count = |kind: &str| nodes.iter().filter(|(_, node)| node["type"] == kind).count();
    assert_eq!(
        statistics["articles"],
        json!({ "entries": count("entry"), "groups": count("group") })
    );
    assert_eq!(statistics["news"], json!({ "entries": 1, "groups": 0 }));
    let mut published = 0;
    for (path, node) in &nodes {
        let encoded = path.replace('/', "%2F");
        let read = async |part: &str| {
            desk.get(&format!("helpdesk/tree/{part}/en/articles/{encoded}")).await
        };
        let metadata = read("metadata").await.json["data"].clone();
        assert_eq!(
            (&metadata["title"], &metadata["state"]),
            (&node["title"], &node["state"]),
            "{path}"
        );
        let is_entry = node["type"] == "entry";
        let content = read("content").await;
        assert_eq!(content.status, if is_entry { 200 } else { 404 }, "{path}");
        assert_eq!(content.json["data"]["content"].is_string(), is_entry);
        let is_published = is_entry && node["state"]["published"] == true;
        assert_eq!(pages.contains(path), is_published, "{path}");
        assert_eq!(read("page").await.status == 200, is_published);
        published += usize::from(is_published);
    }
    assert_eq!(published, pages.len());
    assert!(pages.contains(&"orders/delivery/delivery-times".to_owned()));
    assert!(nodes.iter().any(|(_, node)| node["state"]["hidden"] == true));
    let below = desk.walk("helpdesk/tree/list/en/articles", "sub_path=orders%2Fdelivery").await;
    assert_eq!(ids(&below, "slug"), ["delivery-times"]);
    assert_eq!(desk.get("helpdesk/tree/list/en/articles/1?sub_path=no").await.status, 404);
    assert_eq!(desk.get("helpdesk/tree/list/en/poems/1").await.status, 400);
    let unescaped = "helpdesk/tree/content/en/articles/returns/returns";
    assert_eq!(desk.get(unescaped).await.reason(), "not_found");
}

#[tokio::test]
async fn an_article_shows_a_picture_that_is_there_and_one_that_is_gone() {
    let desk = with(Helpdesk::New).await;
    let data = desk.data("helpdesk/tree/content/en/articles/orders%2Fbrewing").await;
    let mut statuses = Vec::new();
    for part in text_at(&data, "content").split("](").skip(1) {
        let url = part.split([' ', ')']).next().expect("an address");
        assert!(url.starts_with(&desk.origin));
        statuses.push(desk.http.get(url).send().await.expect("a reply").status().as_u16());
    }
    assert_eq!(statuses, [200, 404]);
}
