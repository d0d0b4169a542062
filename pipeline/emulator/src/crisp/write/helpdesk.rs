//! Writes to the help center, in the calls of the generation that the workspace has.
//!
//! Nothing is public until somebody says so. What the public material leaves open takes the
//! strictest reading. It must not know how a call came in, nor how rows are shown.

mod tree;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::super::helpdesk::TYPES;
use super::super::options;
use super::super::reply::Reply;
use super::super::route::{Helpdesk, Legacy, New};
use super::Clerk;
use super::check::{only, refused};

/// Letters of a description at most.
const DESCRIPTION_LETTERS_MAX: usize = 160;
const CATEGORIES: &str = "helpdesk_categories";
const ARTICLES: &str = "helpdesk_articles";

/// A language of the help center.
pub(super) fn locale(locale_id: &str, locale: &str) -> Value {
    let url = format!("https://help.shop.example/{locale}/");
    json!({ "locale_id": locale_id, "locale": locale, "url": url })
}

/// Whether the help center has such a call.
pub(super) fn is_known(method: &Method, route: Helpdesk<'_>) -> bool {
    let allowed: &[Method] = match route {
        Helpdesk::NewLocale => &[Method::POST],
        Helpdesk::Legacy(_, part) => match part {
            Legacy::NewCategory
            | Legacy::NewSection(_)
            | Legacy::NewArticle
            | Legacy::Publish(_)
            | Legacy::Unpublish(_) => &[Method::POST],
            Legacy::ArticleCategory(_) => &[Method::PATCH],
            Legacy::Article(_) | Legacy::Category(_) | Legacy::Section(..) => {
                &[Method::PATCH, Method::DELETE]
            }
            _ => &[],
        },
        Helpdesk::New(_, _, part) => match part {
            New::Path(_) => &[Method::POST, Method::DELETE],
            New::Content(_) => &[Method::PUT],
            New::Metadata(_) => &[Method::PATCH],
            New::Refresh => &[Method::POST],
            _ => &[],
        },
        _ => &[],
    };
    allowed.contains(method)
}

impl Clerk<'_> {
    pub(super) fn helpdesk(
        &mut self,
        method: &Method,
        route: Helpdesk<'_>,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        self.check_generation(route)?;
        match route {
            Helpdesk::NewLocale => self.new_locale(body),
            Helpdesk::Legacy(locale, part) => self.legacy(locale, part, body),
            Helpdesk::New(locale, kind, part) => match (method, part) {
                (&Method::POST, New::Path(path)) => self.new_path(locale, kind, path),
                (_, New::Content(path)) => self.content(locale, kind, path, body),
                (_, New::Metadata(path)) => self.metadata(locale, kind, path, body),
                (_, New::Refresh) => self.refresh(locale, kind),
                _ => Err(Reply::no_route()),
            },
            _ => Err(Reply::no_route()),
        }
    }

    pub(super) fn delete_of_helpdesk(&mut self, route: Helpdesk<'_>) -> Result<(), Reply> {
        self.check_generation(route)?;
        match route {
            Helpdesk::Legacy(locale, Legacy::Article(id)) => {
                self.remove(ARTICLES, locale, ("article_id", id), "article")
            }
            Helpdesk::Legacy(locale, Legacy::Category(id)) => {
                self.remove(CATEGORIES, locale, ("category_id", id), "category")?;
                // What hung in it: its sections go, its articles stay and hang nowhere.
                self.change(CATEGORIES, |rows| rows.retain(|row| row["_category_id"] != id));
                self.loosen("_category_id", id);
                Ok(())
            }
            Helpdesk::Legacy(locale, Legacy::Section(_, id)) => {
                self.remove(CATEGORIES, locale, ("section_id", id), "section")?;
                self.loosen("_section_id", id);
                Ok(())
            }
            Helpdesk::New(locale, kind, New::Path(path)) => self.delete_path(locale, kind, path),
            _ => Err(Reply::no_route()),
        }
    }

    /// The calls of the other generation do not exist, and a language has to be there.
    fn check_generation(&self, route: Helpdesk<'_>) -> Result<(), Reply> {
        let is_new = match self.quirks.helpdesk {
            options::Helpdesk::New => true,
            options::Helpdesk::Legacy => false,
            // An empty one is there to be read only.
            options::Helpdesk::Absent | options::Helpdesk::LegacyEmpty => {
                return Err(Reply::missing("helpdesk"));
            }
        };
        let locale = match route {
            Helpdesk::Legacy(locale, _) if !is_new => locale,
            Helpdesk::New(locale, kind, _) if is_new => {
                if !TYPES.contains(&kind) {
                    let types = "articles, guides, references, news";
                    return Err(Reply::invalid(&format!("type should be one of {types}")));
                }
                locale
            }
            Helpdesk::NewLocale => return Ok(()),
            _ => return Err(Reply::no_route()),
        };
        let is_there = self.rows("helpdesk_locales").iter().any(|row| row["locale"] == locale);
        if is_there { Ok(()) } else { Err(Reply::missing("locale")) }
    }

    fn new_locale(&mut self, body: &Map<String, Value>) -> Result<Reply, Reply> {
        only(body, &["locale"])?;
        let name = some_text(body, "locale")?;
        if self.rows("helpdesk_locales").iter().any(|row| row["locale"] == name.as_str()) {
            return Err(exists("locale"));
        }
        let row = locale(&self.limits.uuid(), &name);
        self.change("helpdesk_locales", |rows| rows.push(row));
        Ok(Reply::written(201, "added", "{}"))
    }

    fn legacy(
        &mut self,
        locale: &str,
        part: Legacy<'_>,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        match part {
            Legacy::NewCategory => self.new_group(locale, None, body),
            Legacy::NewSection(category) => self.new_group(locale, Some(category), body),
            Legacy::NewArticle => self.new_article(locale, body),
            Legacy::Category(id) => {
                only(body, &["name", "description", "color", "image"])?;
                check_texts(body, &["name", "color"])?;
                check_page(body)?;
                self.merge(CATEGORIES, locale, ("category_id", id), body, "category")
            }
            Legacy::Section(_, id) => {
                only(body, &["name"])?;
                check_texts(body, &["name"])?;
                self.merge(CATEGORIES, locale, ("section_id", id), body, "section")
            }
            Legacy::Article(id) => {
                only(body, &["title", "description", "content"])?;
                check_texts(body, &["title", "content"])?;
                check_page(body)?;
                self.merge(ARTICLES, locale, ("article_id", id), body, "article")
            }
            Legacy::ArticleCategory(id) => self.hang(locale, id, body),
            Legacy::Publish(id) | Legacy::Unpublish(id) => {
                only(body, &[])?;
                let is_public = matches!(part, Legacy::Publish(_));
                self.publish(locale, id, is_public)
            }
            _ => Err(Reply::no_route()),
        }
    }

    /// A category, or a section of one.
    fn new_group(
        &mut self,
        locale: &str,
        category: Option<&str>,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        only(body, &["name"])?;
        let name = some_text(body, "name")?;
        let (id, now_ms) = (self.limits.uuid(), self.now_ms);
        let order = self.rows(CATEGORIES).len() + 1;
        let mut row = json!({
            "_locale": locale, "_slug": id, "name": name, "order": order,
            "created_at": now_ms, "updated_at": now_ms,
        });
        let field = match category {
            None => {
                row["description"] = json!("");
                row["color"] = Value::Null;
                row["image"] = Value::Null;
                row["url"] = json!(format!("https://help.shop.example/{locale}/category/{id}/"));
                "category_id"
            }
            Some(category) => {
                self.find(CATEGORIES, locale, ("category_id", category), "category")?;
                row["_category_id"] = json!(category);
                "section_id"
            }
        };
        row[field] = json!(id);
        self.change(CATEGORIES, |rows| rows.push(row));
        Ok(Reply::written(201, "added", &json!({ field: id }).to_string()))
    }

    fn new_article(&mut self, locale: &str, body: &Map<String, Value>) -> Result<Reply, Reply> {
        only(body, &["title"])?;
        let title = some_text(body, "title")?;
        let id = self.limits.uuid();
        let row = self.draft(&id, locale, "articles", &title);
        self.change(ARTICLES, |rows| rows.push(row));
        Ok(Reply::written(201, "added", &json!({ "article_id": id }).to_string()))
    }

    /// An article that nobody has written yet and nobody can read.
    fn draft(&self, id: &str, locale: &str, kind: &str, title: &str) -> Value {
        let now_ms = self.now_ms;
        json!({
            "_locale": locale, "_type": kind, "_slug": id, "_category_id": null,
            "_section_id": null, "_author_id": null, "article_id": id, "title": title,
            "description": "", "content": "", "status": "draft", "visibility": "visible",
            "visits": 0, "order": self.rows(ARTICLES).len() + 1, "url": null,
            "created_at": now_ms, "updated_at": now_ms, "published_at": null,
        })
    }

    fn hang(&mut self, locale: &str, id: &str, body: &Map<String, Value>) -> Result<Reply, Reply> {
        only(body, &["category_id", "section_id"])?;
        let category = some_text(body, "category_id")?;
        self.find(CATEGORIES, locale, ("category_id", &category), "category")?;
        let section = match body.get("section_id") {
            None | Some(Value::Null) => Value::Null,
            Some(_) => {
                let section = some_text(body, "section_id")?;
                let row = self.find(CATEGORIES, locale, ("section_id", &section), "section")?;
                if row["_category_id"] != category.as_str() {
                    return Err(Reply::missing("section"));
                }
                json!(section)
            }
        };
        let fields = [("_category_id", json!(category)), ("_section_id", section)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        self.merge(ARTICLES, locale, ("article_id", id), &fields, "article")
    }

    fn publish(&mut self, locale: &str, id: &str, is_public: bool) -> Result<Reply, Reply> {
        let url = format!("https://help.shop.example/{locale}/article/{id}/");
        let fields = match is_public {
            true => json!({"status": "published", "url": url, "published_at": self.now_ms}),
            false => json!({"status": "draft", "url": null, "published_at": null}),
        };
        let fields = fields.as_object().cloned().unwrap_or_default();
        self.merge(ARTICLES, locale, ("article_id", id), &fields, "article")?;
        self.counters.published += u64::from(is_public);
        Ok(Reply::written(200, "published", &json!({ "url": url }).to_string()))
    }

    /// Sets fields of the row that has an id.
    fn merge(
        &mut self,
        list: &str,
        locale: &str,
        (field, id): (&str, &str),
        body: &Map<String, Value>,
        kind: &str,
    ) -> Result<Reply, Reply> {
        self.find(list, locale, (field, id), kind)?;
        let now_ms = self.now_ms;
        self.change(list, |rows| {
            for row in rows.iter_mut().filter(|row| row[field] == id) {
                for (name, value) in body {
                    row[name] = value.clone();
                }
                row["updated_at"] = json!(now_ms);
            }
        });
        Ok(Reply::written(200, "updated", "{}"))
    }

    fn remove(
        &mut self,
        list: &str,
        locale: &str,
        (field, id): (&str, &str),
        kind: &str,
    ) -> Result<(), Reply> {
        self.find(list, locale, (field, id), kind)?;
        self.change(list, |rows| rows.retain(|row| row[field] != id));
        Ok(())
    }

    /// Articles that hung in what is gone hang there no more.
    fn loosen(&mut self, field: &str, id: &str) {
        self.change(ARTICLES, |rows| {
            for row in rows.iter_mut().filter(|row| row[field] == id) {
                row[field] = Value::Null;
                row["_section_id"] = Value::Null;
            }
        });
    }

    fn find(
        &self,
        list: &str,
        locale: &str,
        (field, id): (&str, &str),
        kind: &str,
    ) -> Result<Value, Reply> {
        let rows = self.rows(list);
        let row = rows.into_iter().find(|row| row["_locale"] == locale && row[field] == id);
        row.ok_or_else(|| Reply::missing(kind))
    }

    fn rows(&self, list: &str) -> Vec<Value> {
        let rows = self.store.list(list).iter();
        rows.filter_map(|row| serde_json::from_str(row).ok()).collect()
    }

    fn change(&mut self, list: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let mut rows = self.rows(list);
        change(&mut rows);
        let rows = rows.iter().map(Value::to_string).collect();
        self.store.set_list(list, rows).expect("it is one of the lists");
    }
}

fn some_text(body: &Map<String, Value>, name: &str) -> Result<String, Reply> {
    let text = body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| refused(&format!("{name} should be a text")))
}

fn check_texts(body: &Map<String, Value>, names: &[&str]) -> Result<(), Reply> {
    let given = names.iter().filter(|name| body.contains_key(**name) && **name != "content");
    for name in given {
        some_text(body, name)?;
    }
    Ok(())
}

/// What holds for every page: a short description, and pictures that have an address.
fn check_page(body: &Map<String, Value>) -> Result<(), Reply> {
    if let Some(description) = body.get("description") {
        let text = description.as_str().ok_or_else(|| refused("description should be string"))?;
        if text.chars().count() > DESCRIPTION_LETTERS_MAX {
            return Err(refused("description should NOT be longer than 160 characters"));
        }
    }
    let is_address = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if let Some(image) = body.get("image").filter(|image| !image.is_null())
        && !image.as_str().is_some_and(is_address)
    {
        return Err(refused("image should match format \"uri\""));
    }
    if let Some(content) = body.get("content") {
        let text = content.as_str().ok_or_else(|| refused("content should be string"))?;
        let mut pictures = text
            .split("![")
            .skip(1)
            .filter_map(|part| part.split_once("]("))
            .map(|(_, address)| address);
        if !pictures.all(is_address) {
            return Err(refused("content has a picture without an address"));
        }
    }
    Ok(())
}

fn exists(kind: &str) -> Reply {
    let message = format!("This {kind} exists.");
    Reply::error(409, &format!("{kind}_exists"), "helpdesk", &message)
}
