//! Writes to the trees of the newer help center: nodes, their texts and what is known of them.
//!
//! Whether a new node is a folder or an article is not documented: here it is a folder until it is
//! given a text.

use serde_json::{Map, Value, json};

use super::super::super::helpdesk::Shelf;
use super::super::super::reply::Reply;
use super::super::Clerk;
use super::super::check::{only, refused};
use super::{ARTICLES, CATEGORIES, check_page, check_texts, exists};

impl Clerk<'_> {
    /// A node that hangs in one that is there. It is a folder until somebody gives it a text.
    pub(super) fn new_path(
        &mut self,
        locale: &str,
        kind: &str,
        path: &str,
    ) -> Result<Reply, Reply> {
        let shelf = Shelf::of(self.store, locale, kind);
        let is_slug = |slug: &str| {
            let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !slug.is_empty() && slug.bytes().all(|byte| is_letter(byte) || byte == b'-')
        };
        if !path.split('/').all(is_slug) {
            return Err(refused("path should be slugs"));
        }
        if shelf.article(path).is_some() || shelf.group(path).is_some() {
            return Err(exists("path"));
        }
        let (above, slug) = path.rsplit_once('/').unwrap_or(("", path));
        if !above.is_empty() && shelf.group(above).is_none() {
            return Err(Reply::missing("path"));
        }
        let row = json!({
            "_locale": locale, "_type": kind, "_slug": slug, "_above": above, "name": slug,
            "description": "", "color": null, "image": null,
            "created_at": self.now_ms, "updated_at": self.now_ms,
        });
        self.change(CATEGORIES, |rows| rows.push(row));
        Ok(Reply::written(201, "added", "{}"))
    }

    /// The text of a node, which makes it an article; one that others hang in takes none.
    pub(super) fn content(
        &mut self,
        locale: &str,
        kind: &str,
        path: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        only(body, &["content"])?;
        let content = body.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| refused("content should be string"))?.to_owned();
        check_page(body)?;
        let shelf = Shelf::of(self.store, locale, kind);
        if let Some(group) = shelf.group(path).cloned() {
            if shelf.children(path).is_some_and(|children| !children.is_empty()) {
                return Err(refused("path should be an entry"));
            }
            let title = group["name"].as_str().unwrap_or_default().to_owned();
            let id = self.limits.uuid();
            let mut row = self.draft(&id, locale, kind, &title);
            for name in ["_slug", "_above", "description", "color", "image"] {
                row[name] = group[name].clone();
            }
            row["_shown"] = json!(false);
            let is_it = |row: &Value| is_node(row, locale, kind, &group);
            self.change(CATEGORIES, |rows| rows.retain(|row| !is_it(row)));
            self.change(ARTICLES, |rows| rows.push(row));
        }
        self.change_node(ARTICLES, (locale, kind, path), |row| row["content"] = json!(content))
    }

    pub(super) fn metadata(
        &mut self,
        locale: &str,
        kind: &str,
        path: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        only(body, &["title", "description", "state", "color", "image"])?;
        check_texts(body, &["title", "color"])?;
        check_page(body)?;
        let flag = |name: &str| body.get("state").and_then(|state| state.get(name));
        let is_article = Shelf::of(self.store, locale, kind).article(path).is_some();
        if body.contains_key("state") && !is_article {
            return Err(refused("state belongs to an entry"));
        }
        let now_ms = self.now_ms;
        let change = |row: &mut Value| {
            for (name, value) in body.iter().filter(|(name, _)| *name != "state") {
                let name = if name == "title" && !is_article { "name" } else { name };
                row[name] = value.clone();
            }
            if let Some(is_published) = flag("published").and_then(Value::as_bool) {
                row["status"] = json!(if is_published { "published" } else { "draft" });
                row["published_at"] = if is_published { json!(now_ms) } else { Value::Null };
                let url = format!("https://help.shop.example/{locale}/{kind}/{path}/");
                row["url"] = if is_published { json!(url) } else { Value::Null };
            }
            if let Some(is_hidden) = flag("hidden").and_then(Value::as_bool) {
                row["visibility"] = json!(if is_hidden { "hidden" } else { "visible" });
            }
            if let Some(is_featured) = flag("featured") {
                row["_featured"] = is_featured.clone();
            }
        };
        let list = if is_article { ARTICLES } else { CATEGORIES };
        let reply = self.change_node(list, (locale, kind, path), change)?;
        let is_publishing = flag("published").and_then(Value::as_bool) == Some(true);
        self.counters.published += u64::from(is_publishing);
        Ok(reply)
    }

    /// Readers see from now on what is published by now.
    pub(super) fn refresh(&mut self, locale: &str, kind: &str) -> Result<Reply, Reply> {
        self.change(ARTICLES, |rows| {
            let own =
                rows.iter_mut().filter(|row| row["_locale"] == locale && row["_type"] == kind);
            for row in own {
                row["_shown"] = json!(row["status"] == "published");
            }
        });
        Ok(Reply::written(202, "refreshed", "{}"))
    }

    /// A node goes with all that hangs in it.
    pub(super) fn delete_path(
        &mut self,
        locale: &str,
        kind: &str,
        path: &str,
    ) -> Result<(), Reply> {
        let shelf = Shelf::of(self.store, locale, kind);
        if shelf.article(path).is_none() && shelf.group(path).is_none() {
            return Err(Reply::missing("path"));
        }
        let below = format!("{path}/");
        for list in [CATEGORIES, ARTICLES] {
            self.change(list, |rows| {
                rows.retain(|row| {
                    let own = row["_type"].as_str().unwrap_or("articles");
                    let node = shelf.path(row);
                    let is_it = node == path || node.starts_with(&below);
                    row["_locale"] != locale || own != kind || !is_it
                });
            });
        }
        Ok(())
    }

    fn change_node(
        &mut self,
        list: &str,
        (locale, kind, path): (&str, &str, &str),
        change: impl FnOnce(&mut Value),
    ) -> Result<Reply, Reply> {
        let shelf = Shelf::of(self.store, locale, kind);
        let node = if list == ARTICLES { shelf.article(path) } else { shelf.group(path) };
        let node = node.cloned().ok_or_else(|| Reply::missing("path"))?;
        let now_ms = self.now_ms;
        self.change(list, |rows| {
            if let Some(row) = rows.iter_mut().find(|row| is_node(row, locale, kind, &node)) {
                change(row);
                row["updated_at"] = json!(now_ms);
            }
        });
        Ok(Reply::written(200, "updated", "{}"))
    }
}

/// Whether a row is the node that was found in the tree.
fn is_node(row: &Value, locale: &str, kind: &str, node: &Value) -> bool {
    let own = row["_type"].as_str().unwrap_or("articles");
    let place = ["_slug", "_above", "_category_id", "_section_id"];
    row["_locale"] == locale && own == kind && place.iter().all(|name| row[*name] == node[*name])
}
