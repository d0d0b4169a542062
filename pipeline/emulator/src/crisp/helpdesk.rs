//! Answers about the knowledge base, in the shape of the generation that the workspace has.
//!
//! Both generations show the same articles. The routes of the other one do not exist.

use serde_json::{Value, json};

use super::desk::{Answer, Desk};
use super::options;
use super::raw;
use super::reply::Reply;
use super::route::{Helpdesk, Legacy, New};
use super::store::Store;

/// The content types of the newer generation.
pub(crate) const TYPES: [&str; 4] = ["articles", "guides", "references", "news"];

impl Desk<'_> {
    pub(crate) fn helpdesk(&self, route: Helpdesk<'_>) -> Answer {
        let is_new = match self.quirks.helpdesk {
            options::Helpdesk::Absent => return Err(Reply::missing("helpdesk")),
            options::Helpdesk::LegacyEmpty | options::Helpdesk::Legacy => false,
            options::Helpdesk::New => true,
        };
        match route {
            Helpdesk::Root => {
                Ok(Reply::resolved(r#"{"name":"Help","url":"https://help.shop.example/"}"#))
            }
            Helpdesk::Locales(page) => self.page_of(page, &self.locales(is_new)),
            Helpdesk::Redirections(page) => self.page_of(page, &self.kept("redirections")),
            Helpdesk::Legacy(locale, part) if !is_new => {
                self.known_locale(locale)?;
                self.legacy(locale, part)
            }
            Helpdesk::New(locale, kind, part) if is_new => {
                self.known_locale(locale)?;
                if !TYPES.contains(&kind) {
                    return Err(Reply::invalid(
                        "type should be one of articles, guides, references, news",
                    ));
                }
                self.newer(&Shelf::of(self.store, locale, kind), part)
            }
            Helpdesk::Legacy(..) | Helpdesk::New(..) | Helpdesk::NewLocale => {
                Err(Reply::no_route())
            }
        }
    }

    fn legacy(&self, locale: &str, part: Legacy<'_>) -> Answer {
        match part {
            Legacy::Categories(page) => self.page_of(page, &self.groups(locale, None)),
            Legacy::Sections(category_id, page) => {
                let categories = self.groups(locale, None);
                self.with_id(&categories, "category_id", category_id, "category")?;
                self.page_of(page, &self.groups(locale, Some(category_id)))
            }
            Legacy::Articles(page) => {
                let rows = self.articles(locale, "articles");
                let row = |row: &String| raw::without_hidden(&raw::without_field(row, "content"));
                self.page_of(page, &rows.iter().map(row).collect::<Vec<_>>())
            }
            Legacy::Article(id) => {
                let rows = self.articles(locale, "articles");
                let row = self.with_id(&rows, "article_id", id, "article")?;
                Ok(Reply::resolved(&raw::without_hidden(row)))
            }
            Legacy::ArticleCategory(id) => {
                let rows = self.articles(locale, "articles");
                let row = self.with_id(&rows, "article_id", id, "article")?;
                let value = |name| raw::field(row, name).unwrap_or("null");
                let (category, section) = (value("_category_id"), value("_section_id"));
                let data = format!("{{\"category_id\":{category},\"section_id\":{section}}}");
                Ok(Reply::resolved(&data))
            }
            Legacy::Category(id) => {
                let rows = self.groups(locale, None);
                Ok(Reply::resolved(self.with_id(&rows, "category_id", id, "category")?))
            }
            Legacy::Section(category_id, id) => {
                let rows = self.groups(locale, Some(category_id));
                Ok(Reply::resolved(self.with_id(&rows, "section_id", id, "section")?))
            }
            _ => Err(Reply::no_route()),
        }
    }

    fn newer(&self, shelf: &Shelf, part: New<'_>) -> Answer {
        match part {
            New::Tree(page) => {
                let below = self.query.get("sub_path").unwrap_or_default();
                let nodes = shelf.children(below).ok_or_else(|| Reply::missing("path"))?;
                self.page_of(page, &nodes.iter().map(Value::to_string).collect::<Vec<_>>())
            }
            New::Pages(page) => {
                let shown = shelf.articles.iter().filter(|article| is_public(article));
                let row = |article: &Value| {
                    json!({
                        "entity_id": article["article_id"], "title": article["title"],
                        "tree_path": shelf.path(article), "url": article["url"],
                    })
                    .to_string()
                };
                self.page_of(page, &shown.map(row).collect::<Vec<_>>())
            }
            New::Content(path) => {
                let article = shelf.article(path).ok_or_else(|| Reply::missing("content"))?;
                Ok(Reply::resolved(&json!({ "content": article["content"] }).to_string()))
            }
            New::Metadata(path) => {
                let data = shelf.metadata(path).ok_or_else(|| Reply::missing("path"))?;
                Ok(Reply::resolved(&data.to_string()))
            }
            New::Page(path) => {
                let article = shelf.article(path).filter(|article| is_public(article));
                let article = article.ok_or_else(|| Reply::missing("page"))?;
                let data = json!({ "title": article["title"], "url": article["url"] });
                Ok(Reply::resolved(&data.to_string()))
            }
            New::Path(path) => {
                let node = shelf.node(path).ok_or_else(|| Reply::missing("path"))?;
                Ok(Reply::resolved(&node.to_string()))
            }
            New::Refresh => Err(Reply::no_route()),
        }
    }

    /// A list of the knowledge base, hidden fields included; an empty helpdesk has English only.
    fn kept(&self, name: &str) -> Vec<String> {
        match (self.quirks.helpdesk, name) {
            (options::Helpdesk::LegacyEmpty, "locales") => vec![r#"{"locale":"en"}"#.to_owned()],
            (options::Helpdesk::LegacyEmpty, _) => Vec::new(),
            _ => self.store.list(&format!("helpdesk_{name}")).to_vec(),
        }
    }

    fn known_locale(&self, locale: &str) -> Result<(), Reply> {
        let locales = self.kept("locales");
        self.with_id(&locales, "locale", locale, "locale").map(|_| ())
    }

    fn locales(&self, is_new: bool) -> Vec<String> {
        let counted = |row: &String| {
            let locale = raw::field(row, "locale").and_then(raw::text_of).unwrap_or_default();
            if !is_new {
                let articles = self.articles(&locale, "articles").len();
                let categories = self.groups(&locale, None).len();
                let row = raw::with_field(row, "articles", &articles.to_string());
                return raw::with_field(&row, "categories", &categories.to_string());
            }
            let mut statistics = json!({});
            for kind in TYPES {
                let shelf = Shelf::of(self.store, &locale, kind);
                let groups = shelf.groups.len();
                statistics[kind] = json!({ "entries": shelf.articles.len(), "groups": groups });
            }
            raw::with_field(row, "statistics", &statistics.to_string())
        };
        self.kept("locales").iter().map(counted).collect()
    }

    /// Articles of a locale and content type, hidden fields included.
    fn articles(&self, locale: &str, kind: &str) -> Vec<String> {
        let mut rows = self.kept("articles");
        rows.retain(|row| is_text(row, "_locale", locale) && is_text(row, "_type", kind));
        rows
    }

    /// Categories of a locale, or the sections of one of them.
    fn groups(&self, locale: &str, category_id: Option<&str>) -> Vec<String> {
        let mut rows = self.kept("categories");
        rows.retain(|row| {
            let belongs = match category_id {
                None => raw::field(row, "_category_id").is_none(),
                Some(category_id) => is_text(row, "_category_id", category_id),
            };
            belongs && is_text(row, "_locale", locale)
        });
        rows.iter().map(|row| raw::without_hidden(row)).collect()
    }

    fn with_id<'a>(
        &self,
        rows: &'a [String],
        name: &str,
        id: &str,
        kind: &str,
    ) -> Result<&'a String, Reply> {
        let row = rows.iter().find(|row| is_text(row, name, id));
        row.ok_or_else(|| Reply::missing(kind))
    }
}

fn is_text(row: &str, name: &str, wanted: &str) -> bool {
    raw::field(row, name).and_then(raw::text_of).as_deref() == Some(wanted)
}

/// Whether readers see an article: it is published, and was so when the tree was last refreshed.
pub(crate) fn is_public(article: &Value) -> bool {
    article["status"] == "published" && article["_shown"] != false
}

/// One content type of one locale as a tree: groups by slug, articles inside them.
pub(crate) struct Shelf {
    groups: Vec<Value>,
    articles: Vec<Value>,
}

impl Shelf {
    pub(crate) fn of(store: &Store, locale: &str, kind: &str) -> Shelf {
        let rows = |name: &str| -> Vec<Value> {
            let rows = store.list(name).iter();
            let mut rows: Vec<Value> =
                rows.filter_map(|row| serde_json::from_str(row).ok()).collect();
            // Groups of the shop do not say of which type they are: only articles have any there.
            rows.retain(|row| {
                let own = row["_type"].as_str().unwrap_or("articles");
                row["_locale"] == locale && own == kind
            });
            rows
        };
        Shelf { groups: rows("helpdesk_categories"), articles: rows("helpdesk_articles") }
    }

    /// The path of an article or a group: the slugs of what it hangs on and its own.
    pub(crate) fn path(&self, node: &Value) -> String {
        if let (Some(above), Some(slug)) = (node["_above"].as_str(), node["_slug"].as_str()) {
            return if above.is_empty() { slug.to_owned() } else { format!("{above}/{slug}") };
        }
        let slug = |name: &str, id: &Value| {
            let group = self.groups.iter().find(|group| !id.is_null() && group[name] == *id);
            group.and_then(|group| group["_slug"].as_str())
        };
        let above = [
            slug("category_id", &node["_category_id"]),
            slug("section_id", &node["_section_id"]),
            node["_slug"].as_str(),
        ];
        above.into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    pub(crate) fn article(&self, path: &str) -> Option<&Value> {
        self.articles.iter().find(|article| self.path(article) == path)
    }

    pub(crate) fn group(&self, path: &str) -> Option<&Value> {
        self.groups.iter().find(|group| self.path(group) == path)
    }

    /// A node with all that hangs below it.
    fn node(&self, path: &str) -> Option<Value> {
        if let Some(article) = self.article(path) {
            return Some(node("entry", &article["title"], article, Vec::new()));
        }
        let group = self.group(path)?;
        Some(node("group", &group["name"], group, self.children(path).unwrap_or_default()))
    }

    fn metadata(&self, path: &str) -> Option<Value> {
        let node = self.article(path).or_else(|| self.group(path))?;
        let author = json!({ "user_id": node["_author_id"] });
        Some(json!({
            "format": "markdown",
            "title": node.get("title").or(node.get("name")),
            "description": node["description"],
            "state": state(node),
            "author": if node["_author_id"].is_null() { Value::Null } else { author },
            "color": node["color"],
            "image": node["image"],
        }))
    }

    /// What hangs directly below a path, with all that hangs below it; nothing for a path that is
    /// no group. The root is the empty path.
    pub(crate) fn children(&self, above: &str) -> Option<Vec<Value>> {
        if !above.is_empty() && self.group(above).is_none() {
            return None;
        }
        let is_below = |node: &&Value| {
            let path = self.path(node);
            path.rsplit_once('/').map_or("", |(parent, _)| parent) == above
        };
        let group = |group: &Value| {
            let children = self.children(&self.path(group)).unwrap_or_default();
            node("group", &group["name"], group, children)
        };
        let entry = |article: &Value| node("entry", &article["title"], article, Vec::new());
        let groups = self.groups.iter().filter(is_below).map(group);
        Some(groups.chain(self.articles.iter().filter(is_below).map(entry)).collect())
    }
}

fn node(kind: &str, title: &Value, record: &Value, children: Vec<Value>) -> Value {
    json!({
        "type": kind, "slug": record["_slug"], "title": title,
        "state": state(record), "children": children,
    })
}

fn state(record: &Value) -> Value {
    // A group has no status of its own and is there for everybody.
    let is_published = record.get("status").is_none_or(|status| status == "published");
    json!({
        "published": is_published, "hidden": record["visibility"] == "hidden",
        "featured": record["_featured"] == true,
    })
}
