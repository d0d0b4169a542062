//! The newer help center: a tree of paths for each content type, in which a path is there once.
//!
//! A node shows what hangs in it, its text and what is known of it at addresses of their own.

use std::collections::HashSet;

use kernel::ledger::RecordKind;
use kernel::{Fault, Instant, Result};
use serde_json::{Value, json};

use super::super::wire::Write;
use super::super::{Crisp, reply};
use super::{Page, changed, planned, text};
use crate::target::{Likeness, Node, Sent, Shelf, Shown, TargetId, phase};

/// The address of one side of a node: `path`, `content` or `metadata`. The way down the tree is one
/// step of it.
pub(super) fn address(side: &str, id: &str) -> Result<String> {
    let steps: Vec<&str> = id.splitn(3, '/').collect();
    match steps.as_slice() {
        [locale, content_type, path] => {
            let path = reply::encoded(path);
            Ok(format!("/helpdesk/tree/{side}/{locale}/{content_type}/{path}"))
        }
        _ => Err(Fault::bug(format!("{id:?} is no id of this help center"))),
    }
}

/// A node as its three addresses show it.
#[derive(Clone)]
struct Seen {
    /// Its metadata.
    metadata: Value,
    /// What hangs in it, by slug.
    children: Vec<String>,
    /// Its text; a folder has none.
    content: String,
    /// Whether it is a folder, which has no state of its own, whatever its metadata say.
    is_folder: bool,
}

impl Seen {
    fn is_published(&self) -> bool {
        let state = self.metadata.pointer("/state/published").and_then(Value::as_bool);
        !self.is_folder && state.unwrap_or(false)
    }
}

impl Page<'_> {
    fn path(&self) -> &str {
        match self {
            Page::Section(draft) => &draft.section.path,
            Page::Article(draft) => &draft.article.path,
        }
    }

    fn node_id(&self) -> TargetId {
        format!("{}/{}/{}", self.locale(), self.content_type(), self.path())
    }

    fn slug(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    fn phase(&self) -> &'static str {
        match self {
            Page::Section(_) => phase::SECTIONS_CREATE,
            Page::Article(_) => phase::ARTICLES_CREATE,
        }
    }
}

impl Crisp {
    pub(super) async fn tree_shelf(&self, locale: &str, content_type: &str) -> Result<Shelf> {
        let path = format!("/helpdesk/tree/list/{locale}/{content_type}");
        let rows = self.pages(phase::HELP_CENTER_READ, &path, "slug").await?;
        let nodes = rows.iter().filter_map(|row| {
            let key = reply::id(row, "slug")?;
            let is_article = row.get("type").and_then(Value::as_str) == Some("entry");
            let kind = if is_article { RecordKind::Article } else { RecordKind::Section };
            Some(Node { kind, id: format!("{locale}/{content_type}/{key}"), key })
        });
        Ok(Shelf(nodes.collect()))
    }

    pub(super) async fn shown_of_tree(
        &self,
        page: Page<'_>,
        shelf: Option<&Shelf>,
    ) -> Result<Vec<Shown>> {
        let top = page.path().split('/').next().unwrap_or_default();
        if shelf.is_some_and(|shelf| shelf.0.iter().all(|node| node.key != top)) {
            return Ok(Vec::new());
        }
        let id = page.node_id();
        let seen = self.node(phase::HELP_CENTER_READ, &id, &page).await?;
        let likeness = seen.map(|seen| likeness(&page, &seen));
        Ok(likeness.map(|likeness| Shown { id, likeness }).into_iter().collect())
    }

    async fn node(&self, phase: &'static str, id: &str, page: &Page<'_>) -> Result<Option<Seen>> {
        let Some(metadata) = self.page(phase, &address("metadata", id)?).await? else {
            return Ok(None);
        };
        let node = self.page(phase, &address("path", id)?).await?.unwrap_or_default();
        let children = node.get("children").and_then(Value::as_array).into_iter().flatten();
        let children = children.map(|child| text(child, "slug").to_owned()).collect();
        let content = match page {
            Page::Section(_) => Value::Null,
            Page::Article(_) => {
                self.page(phase, &address("content", id)?).await?.unwrap_or_default()
            }
        };
        let content = text(&content, "content").to_owned();
        let is_folder = text(&node, "type") == "group";
        Ok(Some(Seen { metadata, children, content, is_folder }))
    }

    pub(super) async fn create_node(&self, page: Page<'_>, now: Instant) -> Result<Sent> {
        let id = page.node_id();
        let path = address("path", &id)?;
        let write = Write { method: "POST", path: &path, body: "{}".into() };
        // The path is ours anyway, so the reply need not name it.
        self.once(page.phase(), write, now, |_| Some(reply::ours(id.clone()))).await
    }

    /// Its text, and only then what is known of it, with whether everybody may read it.
    pub(super) async fn fill_node(&self, id: &str, page: Page<'_>, now: Instant) -> Result<Sent> {
        let mut calls = Vec::new();
        let (title, description) = match page {
            Page::Section(draft) => (&draft.section.title, &draft.section.description),
            Page::Article(draft) => (&draft.article.title, &draft.article.description),
        };
        let mut metadata = json!({ "title": title });
        if let Some(description) = description {
            metadata["description"] = json!(description);
        }
        match page {
            Page::Section(draft) => {
                if let Some(color) = &draft.section.color {
                    metadata["color"] = json!(color);
                }
            }
            Page::Article(draft) => {
                let body = json!({ "content": draft.body });
                calls.push(("PUT", address("content", id)?, body));
                let article = &draft.article;
                metadata["state"] = json!({
                    "published": article.is_published, "hidden": article.is_hidden,
                    "featured": article.is_featured,
                });
            }
        }
        calls.push(("PATCH", address("metadata", id)?, metadata));
        for (method, path, body) in &calls {
            let sent = self.set(page.phase(), (method, path), (body, id), now).await?;
            if !matches!(sent, Sent::Made(_)) {
                return Ok(sent);
            }
        }
        Ok(Sent::Made(reply::ours(id.to_owned())))
    }

    pub(super) async fn refresh_tree(
        &self,
        locale: &str,
        content_type: &str,
        now: Instant,
    ) -> Result<Sent> {
        let path = format!("/helpdesk/refresh/{locale}/{content_type}");
        let body = json!({});
        self.set(phase::ARTICLES_CREATE, ("POST", &path), (&body, &path), now).await
    }

    pub(super) async fn node_now(
        &self,
        id: &str,
        page: Page<'_>,
        gone: &HashSet<TargetId>,
    ) -> Result<Option<Vec<String>>> {
        let Some(seen) = self.node(phase::ROLLBACK_READ, id, &page).await? else {
            return Ok(None);
        };
        let here = |slug: &&String| !gone.contains(&format!("{id}/{slug}"));
        let more = seen.children.iter().filter(here).count();
        let mut changes = match likeness(&page, &Seen { children: Vec::new(), ..seen.clone() }) {
            Likeness::Blank => Vec::new(),
            _ => differences(&page, &seen),
        };
        changes.extend((more > 0).then(|| format!("pages in it: {more}")));
        Ok(Some(changes))
    }
}

fn differences(page: &Page<'_>, seen: &Seen) -> Vec<String> {
    let found = &seen.metadata;
    let (title, own, color) = match page {
        Page::Section(draft) => {
            let section = &draft.section;
            (&section.title, section.description.as_ref(), section.color.as_ref())
        }
        Page::Article(draft) => (&draft.article.title, draft.article.description.as_ref(), None),
    };
    let is_color = color.is_none_or(|color| color.trim() == text(found, "color"));
    let (is_content, is_state) = match page {
        Page::Section(_) => (true, true),
        Page::Article(draft) => {
            let is_public = draft.article.is_published || !seen.is_published();
            (seen.content == draft.body.trim(), is_public)
        }
    };
    // A load that was stopped may have come to an article's text and not to its title.
    let is_article = matches!(page, Page::Article(_));
    let is_untitled = is_article && is_fresh(page, found) && !seen.is_published();
    let is_title = text(found, "title") == title.trim() || is_untitled;
    changed(&[
        ("title", is_title),
        ("description", text(found, "description") == planned(own) || is_untitled),
        ("color", is_color || is_untitled),
        ("content", is_content),
        ("state", is_state),
    ])
}

/// Whether nothing is known of a node but the name that its path gives it.
fn is_fresh(page: &Page<'_>, found: &Value) -> bool {
    let title = text(found, "title");
    (title.is_empty() || title == page.slug()) && text(found, "description").is_empty()
}

fn likeness(page: &Page<'_>, seen: &Seen) -> Likeness {
    let is_shown = match page {
        Page::Section(_) => true,
        Page::Article(draft) => seen.is_published() || !draft.article.is_published,
    };
    let is_entry = matches!(page, Page::Article(_));
    let is_private = !is_entry || !seen.is_published();
    let is_empty = seen.content.is_empty() && seen.children.is_empty();
    if is_entry && !seen.children.is_empty() {
        Likeness::Other
    } else if is_fresh(page, &seen.metadata) && is_empty && is_private {
        Likeness::Blank
    } else if !differences(page, seen).is_empty() {
        Likeness::Other
    } else if is_shown && !(is_entry && is_fresh(page, &seen.metadata)) {
        Likeness::Same
    } else {
        Likeness::Unshown
    }
}
