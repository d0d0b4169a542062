//! The help center of Crisp in both generations: what is made, what is public, what is taken for
//! ours and what is not, and what a rollback leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskferry_load::crisp::Generation;
use deskferry_load::preflight::{Observation, State, Wants};
use deskferry_load::rollback::Fate;
use deskferry_load::{Options, Outcome, Target};
use emulator::crisp::{Faults, Helpdesk, Quirks};
use emulator::faults::{Fault, Faults as Around, Once};
use http::Request;
use kernel::Code;
use kernel::ledger::RecordKind;
use serde_json::{Value, json};

use crate::plan_tables::PlanTables;
use crate::rollback::{left, taking_back};
use crate::shop::shop;
use crate::stage::{RUN, options};
use crate::stand::Stand;
use crate::stand::crisp::CrispStage;
use crate::stand::help_center::{Legacy, Tree, WithHelpCenter, article, section};

impl<const TREE: bool> WithHelpCenter<TREE> {
    /// What somebody does in the help center.
    async fn somebody(&self, method: &'static str, path: &str, body: Value) -> Value {
        let base = format!("{}/v1/website/{}", self.0.origin, emulator::crisp::DEMO_WEBSITE_ID);
        let request = Request::json(method, format!("{base}/helpdesk{path}"), body.to_string());
        let reply = self.0.client.send(&request).await.expect("a reply");
        assert!(reply.is_success(), "{method} {path}: {} {:?}", reply.status, reply.body);
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    /// An article as the stand-in keeps it.
    fn article(&self, title: &str) -> Value {
        let all = self.articles(title);
        assert_eq!(all.len(), 1, "{title}");
        all[0].clone()
    }

    fn articles(&self, title: &str) -> Vec<Value> {
        let records = self.0.emulator.records();
        let list = records["articles"].as_array().expect("a list").iter();
        list.filter(|one| one["title"] == title).cloned().collect()
    }

    fn public(&self) -> Vec<String> {
        let articles = self.0.emulator.public_articles();
        articles.into_iter().map(|(_, _, title)| title).collect()
    }
}

fn calls(outcome: &Outcome) -> BTreeMap<&str, u64> {
    let phases = ["help_center_read", "sections_create", "articles_create"];
    let counted = |phase: &'static str| Some((phase, *outcome.calls_now.get(phase)?));
    phases.into_iter().filter_map(counted).collect()
}

fn reasons(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.findings.iter();
    findings.map(|one| format!("{} {}: {}", one.kind.word(), one.source_id, one.reason)).collect()
}

#[tokio::test]
async fn each_generation_takes_the_calls_that_a_forecast_counts_and_shows_what_is_planned() {
    // Category: created and set; section: created. Articles: created, set, hung, published.
    let of_legacy = [("help_center_read", 2), ("sections_create", 3), ("articles_create", 9)];
    // A folder or an article: created, text, metadata; one refresh.
    let of_tree = [("help_center_read", 1), ("sections_create", 4), ("articles_create", 10)];
    let legacy = Legacy::of(&Legacy::plan(shop())).await;
    let outcome = legacy.load().await.expect("loads");
    assert_eq!((calls(&outcome), reasons(&outcome)), (BTreeMap::from(of_legacy), vec![]));
    assert_eq!(legacy.public(), ["How to brew"]);
    let tree = Tree::of(&Tree::plan(shop())).await;
    let outcome = tree.load().await.expect("loads");
    assert_eq!((calls(&outcome), reasons(&outcome)), (BTreeMap::from(of_tree), vec![]));
    assert_eq!(tree.public(), ["How to brew"]);
}

#[tokio::test]
async fn nothing_is_public_that_is_planned_as_a_draft() {
    let mut plan = Legacy::plan(shop());
    for article in &mut plan.articles {
        article["is_published"] = json!(false);
    }
    let legacy = Legacy::of(&plan).await;
    assert!(legacy.load().await.expect("loads").complete);
    let tree = Tree::of(&plan).await;
    assert!(tree.load().await.expect("loads").complete);
    for (public, published) in [
        (legacy.public(), legacy.0.emulator.counters().published),
        (tree.public(), tree.0.emulator.counters().published),
    ] {
        assert_eq!((public, published), (vec![], 0));
    }
    plan.articles[0]["is_published"] = json!(true);
    plan.articles[0]["is_hidden"] = json!(true);
    let legacy = Legacy::of(&plan).await;
    legacy.load().await.expect("loads");
    assert_eq!(legacy.0.emulator.counters().published, 0, "this make hides nothing");
}

#[tokio::test]
async fn what_would_publish_an_article_is_held_back_where_articles_are_to_be_drafts() {
    async fn held<const TREE: bool>() {
        let mut stand = WithHelpCenter::<TREE>::of(&Legacy::plan(shop())).await;
        stand.0.publishes = false;
        let fault = stand.load().await.expect_err("is held back");
        assert_eq!(fault.code(), Code::HeldBack, "{fault}");
        assert_eq!((stand.public(), stand.0.emulator.counters().published), (vec![], 0));
    }
    held::<false>().await;
    held::<true>().await;
}

#[tokio::test]
async fn a_trial_leaves_the_help_center_out_and_the_load_after_it_brings_it() {
    let plan = Legacy::plan(shop());
    let stand = Legacy::of(&plan).await;
    for some in [
        Options { limit: Some(1), ..options() },
        Options { only: vec!["t2".to_owned()], ..options() },
        Options { sample: Some(2), ..options() },
    ] {
        let trial = stand.load_with(&some, Arc::new(stand.target())).await.expect("loads");
        assert_eq!(calls(&trial), BTreeMap::new());
    }
    assert!(stand.load().await.expect("loads").complete);
    stand.assert_whole(&plan, "after trials");
}

#[tokio::test]
async fn something_else_of_the_same_name_is_left_alone_and_is_a_finding() {
    let plan = Legacy::plan(shop());
    let legacy = Legacy::of(&plan).await;
    let made = legacy.somebody("POST", "/locale/en/article", json!({"title": "Imprint"})).await;
    let id = made["data"]["article_id"].as_str().expect("an id").to_owned();
    let path = format!("/locale/en/article/{id}");
    legacy.somebody("PATCH", &path, json!({"content": "Somebody else's."})).await;
    let before = legacy.article("Imprint");
    let outcome = legacy.load().await.expect("loads");
    let said = "article article:Imprint: something else is there under its name";
    assert_eq!((reasons(&outcome), outcome.complete), (vec![said.to_owned()], true));
    assert_eq!(legacy.article("Imprint"), before);
    let again = legacy.load().await.expect("loads");
    assert_eq!((reasons(&again), again.calls_now), (vec![said.to_owned()], BTreeMap::new()));

    let tree = Tree::of(&plan).await;
    tree.somebody("POST", "/tree/path/en/articles/imprint", json!({})).await;
    let text = json!({"content": "Somebody else's."});
    tree.somebody("PUT", "/tree/content/en/articles/imprint", text).await;
    let outcome = tree.load().await.expect("loads");
    assert_eq!(reasons(&outcome), [said]);
    assert_eq!(tree.article("imprint")["content"], "Somebody else's.");
}

#[tokio::test]
async fn a_category_that_is_somebodys_keeps_its_articles_away_as_findings() {
    let plan = Legacy::plan(shop());
    let stand = Legacy::of(&plan).await;
    let made = stand.somebody("POST", "/locale/en/category", json!({"name": "Orders"})).await;
    let id = made["data"]["category_id"].as_str().expect("an id");
    let path = format!("/locale/en/category/{id}");
    stand.somebody("PATCH", &path, json!({"description": "Of somebody"})).await;
    let outcome = stand.load().await.expect("loads");
    assert_eq!(
        reasons(&outcome),
        [
            "section section:Delivery: its section is not in the target",
            "section section:Orders: something else is there under its name",
            "article article:Delivery times: its section is not in the target",
            "article article:How to brew: its section is not in the target",
        ]
    );
    assert!(outcome.complete);
    assert_eq!(stand.articles("How to brew").len(), 0);
    let again = stand.load().await.expect("loads");
    assert_eq!((again.findings.len(), again.calls_now, again.complete), (4, BTreeMap::new(), true));
}

#[tokio::test]
async fn what_an_earlier_run_began_is_finished_and_what_is_the_same_is_taken_over() {
    let plan = Legacy::plan(shop());
    let legacy = Legacy::of(&plan).await;
    legacy.somebody("POST", "/locale/en/article", json!({"title": "Delivery times"})).await;
    let made = legacy.somebody("POST", "/locale/en/article", json!({"title": "Imprint"})).await;
    let id = made["data"]["article_id"].as_str().expect("an id").to_owned();
    let text = json!({"content": "Text of Imprint."});
    legacy.somebody("PATCH", &format!("/locale/en/article/{id}"), text).await;
    let outcome = legacy.load().await.expect("loads");
    assert_eq!((reasons(&outcome), outcome.complete), (vec![], true));
    legacy.assert_whole(&plan, "taken over");
    let tree = Tree::of(&plan).await;
    tree.somebody("POST", "/tree/path/en/articles/orders", json!({})).await;
    tree.somebody("POST", "/tree/path/en/articles/orders%2Fhow-to-brew", json!({})).await;
    let outcome = tree.load().await.expect("loads");
    // A folder with something in it is somebody's, unless it says what is planned.
    assert!(reasons(&outcome).iter().any(|one| one.contains("section:Orders: something else")));
}

#[tokio::test]
async fn two_articles_of_one_title_in_two_places_stay_two_when_a_reply_is_lost() {
    let mut plan = Legacy::plan(shop());
    let mut twin = article("Imprint", Some("Delivery"), "orders/delivery/imprint");
    twin["article_id"] = json!("article:Imprint of deliveries");
    twin["seq"] = json!(9);
    plan.articles.push(twin);
    for skip in [2, 3] {
        for fault in [Fault::DropAfter, Fault::DropBefore] {
            let stand = Legacy::of(&plan).await;
            let (method, path) =
                ("POST".to_owned(), "/helpdesk/locale/{locale}/article".to_owned());
            let once = vec![Once { fault, method, path, skip, count: 1 }];
            let around = Around { once, ..Around::default() };
            stand.0.emulator.set_faults(Faults { around, ..Faults::default() });
            let outcome = stand.load().await.expect("loads");
            assert_eq!((reasons(&outcome), outcome.complete), (vec![], true), "{fault:?}");
            let both = stand.articles("Imprint");
            assert_eq!(both.len(), 2, "{fault:?} after {skip}");
            let hung = both.iter().filter(|one| one["_section_id"].is_string()).count();
            assert_eq!(hung, 1, "{fault:?} after {skip}");
        }
    }
}

#[tokio::test]
async fn a_rollback_leaves_what_somebody_touched_with_the_sections_around_it() {
    let plan = Legacy::plan(shop());
    let legacy = Legacy::of(&plan).await;
    legacy.load().await.expect("loads");
    let id = legacy.article("Delivery times")["article_id"].as_str().expect("an id").to_owned();
    let text = json!({"content": "Three days by now."});
    legacy.somebody("PATCH", &format!("/locale/en/article/{id}"), text).await;
    let tree = Tree::of(&plan).await;
    tree.load().await.expect("loads");
    let path = "/tree/metadata/en/articles/orders%2Fdelivery%2Fdelivery-times";
    tree.somebody("PATCH", path, json!({"title": "Delivery, by now"})).await;
    for execute in [false, true, true] {
        let some = taking_back(RUN, execute);
        let outcome = legacy.roll_back_with(&some, Arc::new(legacy.target())).await;
        let outcome = outcome.expect("is taken back");
        assert_eq!(left(&outcome), ["article article:Delivery times: content"], "{execute}");
        assert_eq!(outcome.fates[&(RecordKind::Section, Fate::InUse)], 2, "{execute}");
        let outcome = tree.roll_back_with(&some, Arc::new(tree.target())).await;
        let outcome = outcome.expect("is taken back");
        assert_eq!(
            left(&outcome),
            [
                "section section:Delivery: pages in it: 1",
                "section section:Orders: pages in it: 1",
                "article article:Delivery times: title",
            ],
            "{execute}"
        );
    }
    for (articles, public) in [
        (legacy.0.emulator.counters().holdings.articles, legacy.public()),
        (tree.0.emulator.counters().holdings.articles, tree.public()),
    ] {
        assert_eq!((articles, public), (1, vec![]));
    }
}

#[tokio::test]
async fn an_article_of_somebody_keeps_the_category_that_it_hangs_in() {
    let plan = Legacy::plan(shop());
    let stand = Legacy::of(&plan).await;
    stand.load().await.expect("loads");
    let records = stand.0.emulator.records();
    let sections = records["sections"].as_array().expect("a list").iter();
    let category = sections.clone().find(|one| one["name"] == "Orders").expect("is there");
    let made = stand.somebody("POST", "/locale/en/article", json!({"title": "Of somebody"})).await;
    let id = made["data"]["article_id"].as_str().expect("an id");
    let place = json!({"category_id": category["category_id"]});
    stand.somebody("PATCH", &format!("/locale/en/article/{id}/category"), place).await;
    let some = taking_back(RUN, true);
    let outcome = stand.roll_back_with(&some, Arc::new(stand.target())).await.expect("is done");
    assert_eq!(outcome.fates[&(RecordKind::Article, Fate::Removed)], 3);
    assert_eq!(outcome.fates[&(RecordKind::Section, Fate::Removed)], 1);
    assert_eq!(outcome.fates[&(RecordKind::Section, Fate::InUse)], 1);
    assert_eq!(stand.article("Of somebody")["_category_id"], category["category_id"]);
}

#[tokio::test]
async fn another_make_of_help_center_a_missing_one_and_a_missing_language_stop_a_load() {
    let plan = Legacy::plan(shop());
    let stand = Legacy::of(&plan).await;
    let looked = async |helpdesk: Helpdesk, generation: Generation, locales: &[&str]| {
        stand.0.emulator.set_quirks(Quirks { helpdesk, ..Quirks::default() });
        let target = stand.0.driver_with(None, true, Some(generation));
        let help_center = locales.iter().map(|locale| (*locale).to_owned()).collect();
        let wants = Wants { help_center, ..Wants::default() };
        let seen = target.preflight(&wants).await.expect("looks");
        let one = seen.into_iter().find(|one| one.subject == "help-center");
        (one, target.calls()["preflight"])
    };
    let blocks = |one: &Option<Observation>, word: &str| {
        one.as_ref().is_some_and(|one| {
            one.state == State::Wrong && one.is_blocking() && one.what.contains(word)
        })
    };
    let (fine, count) = looked(Helpdesk::Legacy, Generation::Legacy, &["en", "fr"]).await;
    assert_eq!((fine.expect("is said").state, count), (State::Fine, 5));
    let (fine, count) = looked(Helpdesk::New, Generation::New, &["en"]).await;
    assert_eq!((fine.expect("is said").state, count), (State::Fine, 5));
    assert_eq!(looked(Helpdesk::New, Generation::New, &[]).await, (None, 3));
    let (one, _) = looked(Helpdesk::New, Generation::Legacy, &["en"]).await;
    assert!(blocks(&one, "new"), "{one:?}");
    let (one, _) = looked(Helpdesk::Legacy, Generation::New, &["en"]).await;
    assert!(blocks(&one, "legacy"), "{one:?}");
    let (one, _) = looked(Helpdesk::Absent, Generation::Legacy, &["en"]).await;
    assert!(blocks(&one, "no help center"), "{one:?}");
    let (one, _) = looked(Helpdesk::Legacy, Generation::Legacy, &["en", "pt"]).await;
    assert!(blocks(&one, "pt"), "{one:?}");
}

#[tokio::test]
async fn a_load_against_another_make_says_so_and_makes_nothing() {
    let plan = Legacy::plan(shop());
    let stand = Legacy::of(&plan).await;
    let target = Arc::new(stand.0.driver_with(None, true, Some(Generation::New)));
    let fault = stand.load_with(&options(), target).await.expect_err("stops");
    assert!(fault.to_string().contains("another make"), "{fault}");
    assert_eq!(stand.0.emulator.counters().holdings.sections, 0);
    let skipping = Arc::new(stand.0.driver(true));
    let fault = stand.load_with(&options(), skipping).await.expect_err("stops");
    assert!(fault.advice().contains("help_center"), "{}", fault.advice());
    let without = CrispStage::plan(shop());
    let other = Legacy::of(&without).await;
    assert!(other.load().await.expect("a plan without the tables loads").complete);
}

#[tokio::test]
async fn what_a_help_center_refuses_is_a_finding_and_stays_private() {
    let mut plan: PlanTables = Legacy::plan(shop());
    plan.articles[0]["body"] = json!("![kettle](data:image/png;base64,AAAA)");
    plan.articles[0]["files"] = json!("[]");
    plan.sections.push(section("Deep", Some("Delivery"), "orders/delivery/deep"));
    plan.sections[2]["seq"] = json!(7);
    let stand = Legacy::of(&plan).await;
    let outcome = stand.load().await.expect("loads");
    assert_eq!(
        reasons(&outcome),
        [
            "section section:Deep: the older help center has no folder in a section",
            "article article:How to brew: it is there, and not all of it could be set: \
             status 400, invalid_data",
        ]
    );
    assert_eq!(stand.public(), Vec::<String>::new());
}
