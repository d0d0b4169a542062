//! Crisp with a help center, of either generation: what a plan's sections and articles mean to it,
//! in the form of the judge. It reads the stand-in's own state and must not know the loader.

use async_trait::async_trait;
use deskferry_load::Crisp;
use deskferry_load::crisp::Generation;
use emulator::crisp::{Faults, Helpdesk, Options, Quirks};
use http::Client;
use landing::Warehouse;
use serde_json::{Value, json};

use super::crisp::{CrispStage, hashed, parsed, placed};
use super::{Stand, Trouble};
use crate::campaign::judge::Holdings;
use crate::plan_tables::PlanTables;

pub type Legacy = WithHelpCenter<false>;
pub type Tree = WithHelpCenter<true>;

/// A workspace with a help center: trees of paths, or categories and sections.
pub struct WithHelpCenter<const TREE: bool>(pub CrispStage);

/// Calls about anything else.
const OTHERS: [(&str, &str); 12] = [
    ("GET", "/operators/list"),
    ("GET", "/conversations/{page}"),
    ("POST", "/people/profile"),
    ("PATCH", "/people/data/{people_id}"),
    ("POST", "/conversation"),
    ("PATCH", "/conversation/{session_id}/meta"),
    ("POST", "/conversation/{session_id}/message"),
    ("GET", "/conversation/{session_id}/message/{fingerprint}"),
    ("PATCH", "/conversation/{session_id}/read"),
    ("PATCH", "/conversation/{session_id}/routing"),
    ("PATCH", "/conversation/{session_id}/block"),
    ("PATCH", "/conversation/{session_id}/state"),
];
const OF_LEGACY: [(&str, &str); 9] = [
    ("GET", "/helpdesk/locale/{locale}/categories/{page}"),
    ("GET", "/helpdesk/locale/{locale}/articles/{page}"),
    ("POST", "/helpdesk/locale/{locale}/category"),
    ("PATCH", "/helpdesk/locale/{locale}/category/{category_id}"),
    ("POST", "/helpdesk/locale/{locale}/category/{category_id}/section"),
    ("POST", "/helpdesk/locale/{locale}/article"),
    ("PATCH", "/helpdesk/locale/{locale}/article/{article_id}"),
    ("PATCH", "/helpdesk/locale/{locale}/article/{article_id}/category"),
    ("POST", "/helpdesk/locale/{locale}/article/{article_id}/publish"),
];
const OF_TREE: [(&str, &str); 5] = [
    ("GET", "/helpdesk/tree/list/{locale}/{type}/{page}"),
    ("POST", "/helpdesk/tree/path/{locale}/{type}/{path}"),
    ("PUT", "/helpdesk/tree/content/{locale}/{type}/{path}"),
    ("PATCH", "/helpdesk/tree/metadata/{locale}/{type}/{path}"),
    ("POST", "/helpdesk/refresh/{locale}/{type}"),
];
const LEGACY_CALLS: [(&str, &str); 21] = {
    let mut calls = [("", ""); 21];
    let mut at = 0;
    while at < 21 {
        calls[at] = if at < 12 { OTHERS[at] } else { OF_LEGACY[at - 12] };
        at += 1;
    }
    calls
};

impl<const TREE: bool> WithHelpCenter<TREE> {
    pub const GENERATION: Generation = if TREE { Generation::New } else { Generation::Legacy };

    pub fn quirks(quirks: Quirks) -> Quirks {
        let helpdesk = if TREE { Helpdesk::New } else { Helpdesk::Legacy };
        Quirks { helpdesk, ..quirks }
    }

    /// A stand without trouble.
    pub async fn of(plan: &PlanTables) -> Self {
        let quirks = Self::quirks(Quirks::default());
        Self(CrispStage::with(plan, Options { quirks, ..Options::default() }).await)
    }
}

#[async_trait]
impl<const TREE: bool> Stand for WithHelpCenter<TREE> {
    type Driver = Crisp;

    const CALLS: &'static [(&'static str, &'static str)] =
        if TREE { &OF_TREE } else { &LEGACY_CALLS };

    const THREADS_FEW: usize = CrispStage::THREADS_FEW;

    const LEAVES_UNNAMED: bool = true;
    const LEDGER_READS_FAIL: f64 = 0.01;

    fn client(timeout_ms: u64) -> Client {
        CrispStage::client(timeout_ms)
    }

    fn plan(plan: PlanTables) -> PlanTables {
        let mut plan = CrispStage::plan(plan);
        add_help_center(&mut plan);
        plan
    }

    async fn start(
        client: Client,
        plan: &PlanTables,
        trouble: Trouble,
        warehouse: Warehouse,
    ) -> Self {
        let stage = CrispStage::start(client, plan, trouble, warehouse).await;
        stage.emulator.set_quirks(Self::quirks(stage.emulator.quirks()));
        Self(stage)
    }

    fn target(&self) -> Crisp {
        self.0.driver_with(None, true, Some(Self::GENERATION))
    }

    fn warehouse(&self) -> &Warehouse {
        &self.0.warehouse
    }

    async fn land(&self, bytes: Vec<u8>) {
        self.0.land(bytes).await;
    }

    fn clear(&self) {
        self.0.emulator.set_faults(Faults::default());
        self.0.emulator.set_quirks(Self::quirks(Quirks::default()));
    }

    fn writes(&self) -> u64 {
        self.0.writes()
    }

    fn planned(plan: &PlanTables) -> Holdings {
        let mut holdings = CrispStage::planned(plan);
        let book = Book { rows: &plan.sections, is_plan: true, is_tree: TREE };
        let sections = plan.sections.iter().map(|row| book.section(row));
        let articles = plan.articles.iter().map(|row| book.article(row));
        holdings.pages = sections.chain(articles).collect();
        holdings.sort();
        holdings
    }

    fn found(&self) -> Holdings {
        let mut holdings = self.0.found();
        let records = self.0.emulator.records();
        let list = |name: &str| records[name].as_array().expect("a list");
        let book = Book { rows: list("sections"), is_plan: false, is_tree: TREE };
        let sections = list("sections").iter().map(|row| book.section(row));
        let articles = list("articles").iter().map(|row| book.article(row));
        holdings.pages = sections.chain(articles).collect();
        holdings.sort();
        holdings
    }

    fn assert_quiet(&self) {
        self.0.assert_quiet();
    }

    fn count(&self) -> u64 {
        let holdings = self.0.emulator.counters().holdings;
        self.0.count() + holdings.sections + holdings.articles
    }
}

/// A category with a section in it, and articles in both and at the top. Ids in the plan are made
/// of what a page is called, so that the judge finds them.
fn add_help_center(plan: &mut PlanTables) {
    plan.sections = vec![
        section("Orders", None, "orders"),
        section("Delivery", Some("Orders"), "orders/delivery"),
    ];
    plan.sections[0]["description"] = json!("All about orders");
    plan.sections[0]["color"] = json!("#1972f5");
    plan.articles = vec![
        article("How to brew", Some("Orders"), "orders/how-to-brew"),
        article("Delivery times", Some("Delivery"), "orders/delivery/delivery-times"),
        article("Imprint", None, "imprint"),
    ];
    let upload = &plan.uploads[0]["sha256"];
    let url = "https://files.example/kettle.png?a=1&b=2";
    plan.articles[0]["body"] = json!(format!("# Brewing\n\n![kettle]({url})\n\nWait."));
    plan.articles[0]["files"] = json!(json!([{"sha256": upload, "url": url}]).to_string());
    plan.articles[0]["is_published"] = json!(true);
    plan.articles[0]["is_featured"] = json!(true);
    plan.articles[1]["description"] = json!("When it comes");
    for (place, row) in plan.sections.iter_mut().chain(&mut plan.articles).enumerate() {
        row["seq"] = json!(place + 1);
    }
}

pub fn section(title: &str, parent: Option<&str>, path: &str) -> Value {
    json!({
        "section_id": format!("section:{title}"),
        "parent_section_id": parent.map(|parent| format!("section:{parent}")),
        "locale": "en", "content_type": "articles", "title": title, "path": path,
        "slug": path.rsplit('/').next(), "bytes": 100,
    })
}

pub fn article(title: &str, section: Option<&str>, path: &str) -> Value {
    json!({
        "article_id": format!("article:{title}"),
        "section_id": section.map(|section| format!("section:{section}")),
        "locale": "en", "content_type": "articles", "title": title, "path": path,
        "slug": path.rsplit('/').next(), "body": format!("Text of {title}."),
        "is_published": false, "is_hidden": false, "is_featured": false, "files": "[]",
        "bytes": 100,
    })
}

/// Sections of a plan or of a stand-in, by which a page says what it hangs in.
struct Book<'a> {
    rows: &'a [Value],
    is_plan: bool,
    is_tree: bool,
}

impl Book<'_> {
    fn section(&self, row: &Value) -> Value {
        let title = if self.is_plan { &row["title"] } else { &row["name"] };
        json!({
            "id": format!("section:{}", title.as_str().expect("is text")),
            "locale": row["locale"].as_str().or(row["_locale"].as_str()),
            "description": row["description"].as_str().unwrap_or_default(),
            "color": row["color"], "within": self.within(row),
        })
    }

    fn article(&self, row: &Value) -> Value {
        let flag = |name: &str| row[name] == true;
        let (body, state) = match (self.is_plan, self.is_tree) {
            (true, is_tree) => {
                let files = parsed(&row["files"]);
                let body = placed(&row["body"], files.as_array().expect("a list"));
                let state = match is_tree {
                    true => ["is_published", "is_hidden", "is_featured"].map(flag),
                    false => [flag("is_published") && !flag("is_hidden"), false, false],
                };
                (body, state)
            }
            (false, _) => {
                // What readers see: in a tree, what was there when it was refreshed.
                let is_shown = row["status"] == "published" && row["_shown"] != false;
                let state = [is_shown, row["visibility"] == "hidden", flag("_featured")];
                (hashed(&row["content"]), state)
            }
        };
        json!({
            "id": format!("article:{}", row["title"].as_str().expect("is text")),
            "locale": row["locale"].as_str().or(row["_locale"].as_str()),
            "description": row["description"].as_str().unwrap_or_default(),
            "body": body, "state": state, "within": self.within(row),
        })
    }

    /// Ids of what a page hangs in, from the inside out.
    fn within(&self, row: &Value) -> Vec<String> {
        let above = self.rows.iter().find(|other| self.is_above(other, row));
        let Some(above) = above else { return Vec::new() };
        let title = if self.is_plan { &above["title"] } else { &above["name"] };
        let mut within = vec![format!("section:{}", title.as_str().expect("is text"))];
        within.extend(self.within(above));
        within
    }

    fn is_above(&self, other: &Value, row: &Value) -> bool {
        let same = |own: &str, name: &str| !row[own].is_null() && row[own] == other[name];
        if self.is_plan {
            let parent =
                if row["article_id"].is_null() { "parent_section_id" } else { "section_id" };
            return same(parent, "section_id");
        }
        if self.is_tree {
            let slug = other["_slug"].as_str().unwrap_or_default();
            let path = match other["_above"].as_str().unwrap_or_default() {
                "" => slug.to_owned(),
                above => format!("{above}/{slug}"),
            };
            return row["_above"] == path.as_str();
        }
        match row["article_id"].is_null() {
            // A section in a category names it, and is no category itself.
            true => same("_category_id", "category_id"),
            false if row["_section_id"].is_null() => same("_category_id", "category_id"),
            false => same("_section_id", "section_id"),
        }
    }
}
