//! The shop's knowledge base: two locales, categories with a section, articles in several states.
//!
//! It owns what is in it. Which generation of the API shows it, and how, is not said here.

use std::io;

use serde_json::{Value, json};

use super::Intake;
use super::files::{self, Kind};
use super::people::{self, FIRST_MS, LAST_MS};
use crate::dice::Dice;

/// Articles of the English locale that are made in number: the list has more than one page.
const PLAIN_ARTICLES: u64 = 21;

/// Fills the lists of the knowledge base and uploads the one picture in it.
pub(super) fn lists(seed: u64, intake: &mut dyn Intake) -> io::Result<()> {
    let mut dice = Dice::new(seed, "helpdesk", 0);
    let picture = picture(seed, &mut dice, intake)?;
    let (english, french) = (categories(&mut dice, "en"), categories(&mut dice, "fr"));
    let articles = articles(seed, &mut dice, &picture, &english, &french);
    let locales = ["en", "fr"].map(|locale| {
        let url = format!("https://help.shop.example/{locale}/");
        json!({ "locale_id": dice.uuid(), "locale": locale, "url": url })
    });
    let redirections = vec![json!({
        "redirection_id": dice.uuid(), "path": "/old/returns", "target": "/en/article/returns",
        "created_at": FIRST_MS, "updated_at": FIRST_MS,
    })];
    let mut fill = |name: &str, rows: Vec<Value>| {
        intake.list(name, rows.iter().map(Value::to_string).collect())
    };
    fill("helpdesk_locales", locales.to_vec())?;
    fill("helpdesk_categories", [english, french].concat())?;
    fill("helpdesk_articles", articles)?;
    fill("helpdesk_redirections", redirections)
}

/// The address of a picture that articles show.
fn picture(seed: u64, dice: &mut Dice, intake: &mut dyn Intake) -> io::Result<String> {
    let id = dice.hex24();
    let (note, bytes) = files::file(Kind::Png, "brew.png", &mut Dice::new(seed, &id, 0));
    intake.file(&id, note, bytes)?;
    Ok(format!("@@FILES@@/users/helpdesk/website/{id}/brew.png"))
}

/// Two categories; the first has a section, which is a row of its own kind.
fn categories(dice: &mut Dice, locale: &str) -> Vec<Value> {
    let names = match locale {
        "en" => [("Orders", "orders"), ("Returns & refunds", "returns")],
        _ => [("Commandes", "commandes"), ("Retours", "retours")],
    };
    let mut rows = Vec::new();
    for (order, (name, slug)) in names.into_iter().enumerate() {
        let category_id = dice.uuid();
        rows.push(json!({
            "_locale": locale, "_slug": slug,
            "category_id": category_id, "name": name, "description": "", "color": "#1972f5",
            "image": null, "order": order + 1,
            "url": format!("https://help.shop.example/{locale}/category/{slug}/"),
            "created_at": FIRST_MS, "updated_at": FIRST_MS,
        }));
        if order == 0 {
            rows.push(json!({
                "_locale": locale, "_slug": "delivery", "_category_id": category_id,
                "section_id": dice.uuid(), "name": "Delivery", "order": 1,
                "created_at": FIRST_MS, "updated_at": FIRST_MS,
            }));
        }
    }
    rows
}

/// Where an article hangs, which state it is in and what it says.
struct Draft<'a> {
    locale: &'a str,
    kind: &'a str,
    slug: &'a str,
    title: &'a str,
    /// `published`, `hidden` (published but not listed to visitors) or `draft`.
    state: &'a str,
    category: Option<&'a Value>,
    section: Option<&'a Value>,
    content: &'a str,
}

fn articles(
    seed: u64,
    dice: &mut Dice,
    picture: &str,
    english: &[Value],
    french: &[Value],
) -> Vec<Value> {
    let shown = format!(
        "# Brewing\n\n![the kettle]({picture} =300x200)\n\n| First pour 40 g, then wait.\n\n\
         ![gone](@@FILES@@/users/helpdesk/website/000000000000000000000000/gone.png)\n"
    );
    let draft = |slug, title, state, content| Draft {
        locale: "en",
        kind: "articles",
        slug,
        title,
        state,
        category: None,
        section: None,
        content,
    };
    let returns = "Send it back within *30 days*.";
    let (orders, delivery, back) = (Some(&english[0]), Some(&english[1]), Some(&english[2]));
    let mut drafts = vec![
        Draft { category: orders, ..draft("brewing", "How to brew & pour", "published", &shown) },
        Draft {
            category: orders,
            section: delivery,
            ..draft("delivery-times", "Delivery times", "published", "Two to five days.")
        },
        Draft { category: back, ..draft("returns", "Returns", "published", returns) },
        Draft { category: back, ..draft("warranty", "Warranty", "hidden", "Two years.") },
        draft("prices", "Prices of next year", "draft", "Not decided."),
        Draft { kind: "news", ..draft("we-moved", "We moved", "published", "New warehouse! 🎉") },
        Draft {
            locale: "fr",
            category: Some(&french[2]),
            ..draft("retours", "Retours & échanges", "published", "Sous *30 jours*.")
        },
    ];
    let plain: Vec<_> = (1..=PLAIN_ARTICLES)
        .map(|number| (format!("question-{number}"), format!("Question {number}?")))
        .collect();
    drafts.extend(plain.iter().map(|(slug, title)| Draft {
        category: back,
        ..draft(slug, title, "published", "Please ask us.")
    }));
    let rows = drafts.iter().enumerate().map(|(at, draft)| article(seed, dice, at, draft));
    rows.collect()
}

fn article(seed: u64, dice: &mut Dice, at: usize, draft: &Draft<'_>) -> Value {
    let created_ms = dice.between(FIRST_MS, LAST_MS - 86_400_000);
    let is_published = draft.state != "draft";
    let id = |row: Option<&Value>, name: &str| row.map_or(Value::Null, |row| row[name].clone());
    let url = format!("https://help.shop.example/{}/article/{}/", draft.locale, draft.slug);
    json!({
        "_locale": draft.locale,
        "_type": draft.kind,
        "_slug": draft.slug,
        "_category_id": id(draft.category, "category_id"),
        "_section_id": id(draft.section, "section_id"),
        "_author_id": people::operator(seed, 2).user_id,
        "article_id": dice.uuid(),
        "title": draft.title,
        "description": if at == 0 { "From beans to cup" } else { "" },
        "content": draft.content,
        "status": if is_published { "published" } else { "draft" },
        "visibility": if draft.state == "hidden" { "hidden" } else { "visible" },
        "visits": dice.below(900),
        "order": at + 1,
        "url": if is_published { json!(url) } else { Value::Null },
        "created_at": created_ms,
        "updated_at": created_ms + 60_000,
        "published_at": if is_published { json!(created_ms + 50_000) } else { Value::Null },
    })
}
