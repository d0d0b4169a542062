//! Writes to the knowledge base: what is read back, what is public, and what is refused.

use deskferry_emulator::crisp::{Helpdesk, Quirks};
use reqwest::Method;
use serde_json::{Value, json};

use super::Desk;

async fn with(helpdesk: Helpdesk) -> Desk {
    Desk::empty(Quirks { helpdesk, ..Quirks::default() }).await
}

impl Desk {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.write(Method::POST, &format!("helpdesk/{path}"), &body).await
    }

    async fn patch(&self, path: &str, body: Value) -> u16 {
        self.write(Method::PATCH, &format!("helpdesk/{path}"), &body).await.0
    }

    async fn made(&self, path: &str, body: Value, field: &str) -> String {
        let (status, reply) = self.post(path, body).await;
        assert_eq!((status, &reply["reason"]), (201, &json!("added")), "{path}");
        reply["data"][field].as_str().expect("an id").to_owned()
    }

    fn public(&self) -> Vec<String> {
        self.emulator.public_articles().into_iter().map(|(_, _, title)| title).collect()
    }
}

#[tokio::test]
async fn an_article_of_the_older_make_is_private_until_it_is_published() {
    let desk = with(Helpdesk::Legacy).await;
    let orders = desk.made("locale/en/category", json!({"name": "Orders"}), "category_id").await;
    let section = format!("locale/en/category/{orders}/section");
    let late = desk.made(&section, json!({"name": "Late"}), "section_id").await;
    let id = desk.made("locale/en/article", json!({"title": "Brewing"}), "article_id").await;
    let path = format!("locale/en/article/{id}");
    let text = json!({"content": "![kettle](https://x.example/k.png) *Wait.*", "description": "x"});
    assert_eq!(desk.patch(&path, text.clone()).await, 200);
    let place = json!({"category_id": orders, "section_id": late});
    assert_eq!(desk.patch(&format!("{path}/category"), place.clone()).await, 200);
    let found = desk.data(&format!("helpdesk/{path}")).await;
    assert_eq!((&found["content"], &found["status"]), (&text["content"], &json!("draft")));
    assert_eq!(desk.data(&format!("helpdesk/{path}/category")).await, place);
    assert_eq!(desk.data("helpdesk/locale/en/articles/1").await[0]["title"], "Brewing");
    assert_eq!((desk.public(), desk.emulator.counters().published), (vec![], 0));
    assert_eq!(desk.post(&format!("{path}/publish"), json!({})).await.0, 200);
    assert_eq!((desk.public(), desk.emulator.counters().published), (vec!["Brewing".into()], 1));
    let away = format!("helpdesk/locale/en/category/{orders}");
    assert_eq!(desk.write(Method::DELETE, &away, &json!({})).await.0, 200);
    let place = desk.data(&format!("helpdesk/{path}/category")).await;
    assert_eq!(place, json!({"category_id": null, "section_id": null}));
    assert_eq!(desk.emulator.counters().holdings.sections, 0);
}

#[tokio::test]
async fn a_node_of_the_newer_make_is_shown_when_it_is_published_and_refreshed() {
    let desk = with(Helpdesk::New).await;
    let path = |side: &str, path: &str| format!("tree/{side}/en/articles/{path}");
    assert_eq!(desk.post(&path("path", "orders%2Fbrewing"), json!({})).await.0, 404, "no folder");
    assert_eq!(desk.post(&path("path", "orders"), json!({})).await.0, 201);
    assert_eq!(desk.post(&path("path", "orders%2Fbrewing"), json!({})).await.0, 201);
    let (status, reply) = desk.post(&path("path", "orders%2Fbrewing"), json!({})).await;
    assert_eq!((status, &reply["reason"]), (409, &json!("path_exists")));
    let content = format!("helpdesk/{}", path("content", "orders%2Fbrewing"));
    assert_eq!(desk.write(Method::PUT, &content, &json!({"content": "Wait."})).await.0, 200);
    let folder = format!("helpdesk/{}", path("content", "orders"));
    assert_eq!(desk.write(Method::PUT, &folder, &json!({"content": "x"})).await.0, 400);
    let state = json!({"published": true, "hidden": false, "featured": true});
    let metadata = json!({"title": "Brewing", "state": state});
    assert_eq!(desk.patch(&path("metadata", "orders%2Fbrewing"), metadata).await, 200);
    let found = desk.data(&format!("helpdesk/{}", path("metadata", "orders%2Fbrewing"))).await;
    assert_eq!((&found["title"], &found["state"]), (&json!("Brewing"), &state));
    assert_eq!(desk.public(), Vec::<String>::new(), "not refreshed yet");
    assert_eq!(desk.data("helpdesk/page/list/en/articles/1").await, json!([]));
    assert_eq!(desk.post("refresh/en/articles", json!({})).await.0, 202);
    assert_eq!(desk.public(), ["Brewing"]);
    let page = desk.data("helpdesk/page/list/en/articles/1").await;
    assert_eq!(page[0]["tree_path"], "orders/brewing");
    let tree = desk.data(&format!("helpdesk/{}", path("path", "orders"))).await;
    assert_eq!((&tree["type"], &tree["children"][0]["slug"]), (&json!("group"), &json!("brewing")));
    let away = format!("helpdesk/{}", path("path", "orders"));
    assert_eq!(desk.write(Method::DELETE, &away, &json!({})).await.0, 200);
    let holdings = desk.emulator.counters().holdings;
    assert_eq!((holdings.sections, holdings.articles), (0, 0), "all that hung in it went along");
}

#[tokio::test]
async fn the_other_make_a_missing_language_and_bad_bodies_are_refused() {
    let legacy = with(Helpdesk::Legacy).await;
    let title = json!({"title": "x"});
    let (status, reply) = legacy.post("tree/path/en/articles/x", json!({})).await;
    assert_eq!((status, &reply["reason"]), (404, &json!("not_found")));
    assert_eq!(
        legacy.post("locale/pt/article", title.clone()).await.1["reason"],
        "locale_not_found"
    );
    assert_eq!(legacy.post("locale", json!({"locale": "pt"})).await.0, 201);
    let id = legacy.made("locale/pt/article", title.clone(), "article_id").await;
    let path = format!("locale/pt/article/{id}");
    for body in [
        json!({"content": "![x](data:image/png;base64,AA)"}),
        json!({"description": "x".repeat(161)}),
        json!({"title": ""}),
        json!({"created_at": 1}),
    ] {
        assert_eq!(legacy.patch(&path, body.clone()).await, 400, "{body}");
    }
    assert_eq!(legacy.patch(&format!("{path}/category"), json!({"category_id": "x"})).await, 404);
    let new = with(Helpdesk::New).await;
    assert_eq!(new.post("locale/en/article", title).await.1["reason"], "not_found");
    assert_eq!(new.post("tree/path/en/poems/x", json!({})).await.0, 400);
    assert_eq!(new.post("tree/path/en/articles/Not%20A%20Slug", json!({})).await.0, 400);
    let absent = with(Helpdesk::Absent).await;
    let (status, reply) = absent.post("locale/en/category", json!({"name": "x"})).await;
    assert_eq!((status, &reply["reason"]), (404, &json!("helpdesk_not_found")));
}
