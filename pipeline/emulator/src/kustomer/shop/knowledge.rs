//! The knowledge base: categories, articles in two languages, old addresses, and its furniture.

use serde_json::{Value, json};

use super::super::moment;
use super::super::store::{Record, Store, Stored};
use super::{DAY_MS, FIRST_MS, filled, id_of, record, words};
use crate::dice::Dice;

const CATEGORIES: &[(&str, &str)] =
    &[("Orders", "Commandes"), ("Returns", "Retours"), ("Internal", "Interne")];
const ARTICLES: usize = 9;

pub(super) fn fill(store: &mut Store, seed: u64) {
    store.put("kb_categories", (0..CATEGORIES.len()).map(|place| category(seed, place)).collect());
    store.put("kb_articles", (0..ARTICLES).map(|place| article(seed, place)).collect());
    store.files.extend(pictures());
    let routes = (0..4).map(|place| {
        let attributes = json!({
            "url": format!("/old/help-{place}"), "routableType": "article",
            "routableId": id_of(seed, "kb article", place),
        });
        part(seed, "kb route", "kb/routes", place, attributes)
    });
    store.put("kb_routes", routes.collect());
    for (shelf, kind, path) in [
        ("kb_tags", "kb tag", "kb/tags"),
        ("kb_forms", "kb form", "kb/forms"),
        ("kb_themes", "kb theme", "kb/themes"),
        ("kb_templates", "kb template", "kb/templates"),
    ] {
        let attributes = json!({ "name": format!("The {kind}"), "enabled": true });
        store.put(shelf, vec![part(seed, kind, path, 0, attributes)]);
    }
}

fn part(seed: u64, kind: &str, path: &str, place: usize, attributes: Value) -> Record {
    let created_ms = FIRST_MS + place as i64 * DAY_MS;
    let times = (created_ms, created_ms + DAY_MS);
    record((&kind.replace(' ', "_"), path), &id_of(seed, kind, place), times, attributes, json!({}))
}

/// The second category lies below the first; the third one is not published.
fn category(seed: u64, place: usize) -> Record {
    let (english, french) = CATEGORIES[place];
    let lang = |title: &str| {
        json!({
            "title": title, "slug": title.to_lowercase(), "description": format!("About {title}"),
            "disabled": false,
        })
    };
    let below = if place == 0 {
        json!([{ "id": id_of(seed, "kb category", 1), "position": 0 }])
    } else {
        json!([])
    };
    let articles: Vec<Value> = (0..ARTICLES)
        .filter(|article| article % CATEGORIES.len() == place)
        .map(|article| json!({ "id": id_of(seed, "kb article", article), "position": article }))
        .collect();
    let attributes = json!({
        "langs": { "en_us": lang(english), "fr": lang(french) },
        "published": place != 2, "root": place != 1, "positions": articles,
        "categoryPositions": below, "deleted": false,
    });
    part(seed, "kb category", "kb/categories", place, attributes)
}

fn article(seed: u64, place: usize) -> Record {
    let mut dice = Dice::new(seed, "article", place as u64);
    let title = filled("Care of your {product}", &mut dice);
    let langs: &[(&str, &str)] = match place % 3 {
        0 => &[("en_us", "How to: "), ("fr", "Comment : ")],
        _ => &[("en_us", "How to: ")],
    };
    let status = if place == 7 { "draft" } else { "published" };
    let mut versions = json!({});
    let mut latest = json!({});
    for (lang, head) in langs {
        let id = id_of(seed, lang, place);
        let body = format!(
            "<h2>{head}{title}</h2><p>First <strong>read</strong> the \
             <a href=\"https://shop.example/a?b=1&amp;c=2\">label</a>.</p>\
             <ul><li>Wash at 30°</li><li>{}</li></ul>\
             <p><img src=\"@@plain/article-{place}.png@@\" alt=\"the label\"></p>",
            words::LONG
        );
        versions[*lang] = json!({ "currentVersion": { "id": {
            "_id": id, "slug": format!("care-{place}-{lang}"), "title": format!("{head}{title}"),
            "htmlBody": body, "status": status, "scope": "public",
            "createdAt": moment::text(FIRST_MS), "updatedAt": moment::text(FIRST_MS + DAY_MS),
        } } });
        latest[*lang] = id.into();
    }
    let category = place % CATEGORIES.len();
    let base = id_of(seed, "kb", 0);
    let published_at = (status == "published").then(|| moment::text(FIRST_MS + DAY_MS));
    let attributes = json!({
        "title": title, "status": status,
        "scope": if category == 2 { "internal" } else { "public" },
        "metaTitle": title, "metaDescription": "All about care", "metaKeywords": ["care"],
        "tags": [],
        "categories": [{ "id": id_of(seed, "kb category", category), "knowledgeBase": base }],
        "knowledgeBases": [base], "langVersions": versions, "latestLangs": latest,
        "deleted": place == 8, "publishedAt": published_at,
        "source": "kustomer", "hash": id_of(seed, "hash", place),
    });
    part(seed, "kb article", "kb/articles", place, attributes)
}

/// The pictures that articles show.
fn pictures() -> impl Iterator<Item = (String, Stored)> {
    (0..ARTICLES).map(|place| {
        let name = format!("article-{place}.png");
        let bytes = [b"\x89PNG\r\n\x1a\n".as_slice(), name.as_bytes()].concat();
        (name, Stored { content_type: "image/png", bytes })
    })
}
