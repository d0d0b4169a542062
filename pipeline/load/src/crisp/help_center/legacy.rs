//! The older help center: categories, sections in them, and articles that have an id.
//!
//! Names are not unique there, so what answers to a title is compared, and where it hangs counts.

use std::collections::HashSet;

use kernel::ledger::RecordKind;
use kernel::{Fault, Instant, Result};
use serde_json::{Map, Value, json};

use super::super::wire::Write;
use super::super::{Crisp, reply};
use super::{Page, changed, planned, text};
use crate::target::{
    ArticleDraft, Likeness, Node, Placed, SectionDraft, Sent, Shelf, Shown, TargetId, phase,
};

/// The one content type that this help center has.
const ARTICLES: &str = "articles";

/// Where a section or an article is found by its id.
pub(super) fn address(kind: RecordKind, id: &str) -> Result<String> {
    let steps: Vec<&str> = id.split('/').collect();
    match (kind, steps.as_slice()) {
        (RecordKind::Article, [locale, id]) => {
            Ok(format!("/helpdesk/locale/{locale}/article/{id}"))
        }
        (RecordKind::Section, [locale, category]) => {
            Ok(format!("/helpdesk/locale/{locale}/category/{category}"))
        }
        (RecordKind::Section, [locale, category, section]) => {
            Ok(format!("/helpdesk/locale/{locale}/category/{category}/section/{section}"))
        }
        _ => Err(Fault::bug(format!("{id:?} is no id of this help center"))),
    }
}

impl Crisp {
    pub(super) async fn legacy_shelf(&self, locale: &str, content_type: &str) -> Result<Shelf> {
        if content_type != ARTICLES {
            return Ok(Shelf::default());
        }
        let phase = phase::HELP_CENTER_READ;
        let path = format!("/helpdesk/locale/{locale}/categories");
        let categories = self.pages(phase, &path, "category_id").await?;
        let path = format!("/helpdesk/locale/{locale}/articles");
        let articles = self.pages(phase, &path, "article_id").await?;
        let node = |kind, record: &Value, id: &str, key: &str| {
            let id = format!("{locale}/{}", reply::id(record, id)?);
            Some(Node { kind, id, key: text(record, key).to_owned() })
        };
        let sections = categories
            .iter()
            .filter_map(|record| node(RecordKind::Section, record, "category_id", "name"));
        let articles = articles
            .iter()
            .filter_map(|record| node(RecordKind::Article, record, "article_id", "title"));
        Ok(Shelf(sections.chain(articles).collect()))
    }

    pub(super) async fn shown_of_legacy(
        &self,
        page: Page<'_>,
        shelf: Option<&Shelf>,
    ) -> Result<Vec<Shown>> {
        if page.content_type() != ARTICLES {
            return Ok(Vec::new());
        }
        if let Page::Section(draft) = page
            && let Some(category) = &draft.parent
        {
            return self.shown_in_category(draft, category).await;
        }
        let listed = match shelf {
            Some(shelf) => shelf.clone(),
            None => self.legacy_shelf(page.locale(), ARTICLES).await?,
        };
        let (kind, title) = match page {
            Page::Section(draft) => (RecordKind::Section, draft.section.title.trim()),
            Page::Article(draft) => (RecordKind::Article, draft.article.title.trim()),
        };
        let mut shown = Vec::new();
        for node in listed.0.into_iter().filter(|node| node.kind == kind && node.key == title) {
            let path = address(kind, &node.id)?;
            let Some(found) = self.page(phase::HELP_CENTER_READ, &path).await? else { continue };
            let likeness = match page {
                Page::Section(draft) => Some(likeness_of_category(draft, &found)),
                Page::Article(draft) => {
                    let place = self.place(phase::HELP_CENTER_READ, &path).await?;
                    likeness_of_article(draft, &found, &place)
                }
            };
            shown.extend(likeness.map(|likeness| Shown { id: node.id, likeness }));
        }
        Ok(shown)
    }

    /// Sections have a name and nothing else.
    async fn shown_in_category(
        &self,
        draft: &SectionDraft,
        category: &TargetId,
    ) -> Result<Vec<Shown>> {
        let rows = self.sections_of(phase::HELP_CENTER_READ, category).await?;
        let same = rows.into_iter().filter(|(_, name)| *name == draft.section.title.trim());
        Ok(same.map(|(id, _)| Shown { id, likeness: Likeness::Same }).collect())
    }

    async fn sections_of(
        &self,
        phase: &'static str,
        category: &str,
    ) -> Result<Vec<(TargetId, String)>> {
        let path = format!("{}/sections", address(RecordKind::Section, category)?);
        let rows = self.pages(phase, &path, "section_id").await?;
        let rows = rows.iter().filter_map(|row| {
            let id = reply::id(row, "section_id")?;
            Some((format!("{category}/{id}"), text(row, "name").to_owned()))
        });
        Ok(rows.collect())
    }

    /// What an article hangs in, as its own address says.
    async fn place(&self, phase: &'static str, article: &str) -> Result<Value> {
        let place = self.page(phase, &format!("{article}/category")).await?;
        Ok(place.unwrap_or_default())
    }

    pub(super) async fn create_legacy(&self, page: Page<'_>, now: Instant) -> Result<Sent> {
        if page.content_type() != ARTICLES {
            return Ok(Sent::Refused("the older help center has articles only".to_owned()));
        }
        let locale = page.locale();
        let (phase, path, body, field, above) = match page {
            Page::Section(draft) => {
                let body = json!({ "name": draft.section.title });
                let steps: Vec<&str> = draft.parent.iter().flat_map(|id| id.split('/')).collect();
                match steps.as_slice() {
                    [] => {
                        let path = format!("/helpdesk/locale/{locale}/category");
                        let above = locale.to_owned();
                        (phase::SECTIONS_CREATE, path, body, "category_id", above)
                    }
                    [own, category] => {
                        let path = format!("/helpdesk/locale/{own}/category/{category}/section");
                        let above = format!("{own}/{category}");
                        (phase::SECTIONS_CREATE, path, body, "section_id", above)
                    }
                    _ => {
                        let why = "the older help center has no folder in a section";
                        return Ok(Sent::Refused(why.to_owned()));
                    }
                }
            }
            Page::Article(draft) => {
                let path = format!("/helpdesk/locale/{locale}/article");
                let body = json!({ "title": draft.article.title });
                (phase::ARTICLES_CREATE, path, body, "article_id", locale.to_owned())
            }
        };
        let write = Write { method: "POST", path: &path, body: body.to_string().into() };
        let read = |data: &Value| {
            let id = reply::id(data, field)?;
            Some(reply::ours(format!("{above}/{id}")))
        };
        self.once(phase, write, now, read).await
    }

    pub(super) async fn fill_legacy(&self, id: &str, page: Page<'_>, now: Instant) -> Result<Sent> {
        match page {
            Page::Section(draft) => self.fill_category(id, draft, now).await,
            Page::Article(draft) => self.fill_article(id, draft, now).await,
        }
    }

    async fn fill_category(&self, id: &str, draft: &SectionDraft, now: Instant) -> Result<Sent> {
        let mut body = Map::new();
        let section = &draft.section;
        for (name, value) in [("description", &section.description), ("color", &section.color)] {
            if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
                body.insert(name.to_owned(), json!(value));
            }
        }
        // A section in a category has a name and nothing else.
        if body.is_empty() || draft.parent.is_some() {
            return Ok(Sent::Made(reply::ours(id.to_owned())));
        }
        let path = address(RecordKind::Section, id)?;
        let body = Value::Object(body);
        self.set(phase::SECTIONS_CREATE, ("PATCH", &path), (&body, id), now).await
    }

    /// Its text, then its place, and only then whether everybody may read it.
    async fn fill_article(&self, id: &str, draft: &ArticleDraft, now: Instant) -> Result<Sent> {
        let path = address(RecordKind::Article, id)?;
        let mut body = json!({ "title": draft.article.title, "content": draft.body });
        if let Some(description) = &draft.article.description {
            body["description"] = json!(description);
        }
        let mut calls = vec![("PATCH", path.clone(), body)];
        if let Some(section) = &draft.section {
            let steps: Vec<&str> = section.split('/').skip(1).collect();
            let mut place = json!({ "category_id": steps.first() });
            if let Some(section) = steps.get(1) {
                place["section_id"] = json!(section);
            }
            calls.push(("PATCH", format!("{path}/category"), place));
        }
        if is_public(draft) {
            calls.push(("POST", format!("{path}/publish"), json!({})));
        }
        for (method, path, body) in &calls {
            let phase = phase::ARTICLES_CREATE;
            let sent = self.set(phase, (method, path), (body, id), now).await?;
            if !matches!(sent, Sent::Made(_)) {
                return Ok(sent);
            }
        }
        Ok(Sent::Made(reply::ours(id.to_owned())))
    }

    pub(super) async fn legacy_section_now(
        &self,
        id: &str,
        draft: &SectionDraft,
        gone: &HashSet<TargetId>,
    ) -> Result<Option<Vec<String>>> {
        let phase = phase::ROLLBACK_READ;
        let path = address(RecordKind::Section, id)?;
        let Some(found) = self.page(phase, &path).await? else { return Ok(None) };
        let mut changes = match draft.parent {
            Some(_) => changed(&[("name", text(&found, "name") == draft.section.title.trim())]),
            None => match likeness_of_category(draft, &found) {
                Likeness::Other => vec!["name, description or color".to_owned()],
                _ => Vec::new(),
            },
        };
        if draft.parent.is_none() {
            let sections = self.sections_of(phase, id).await?;
            let more = sections.iter().filter(|(id, _)| !gone.contains(id)).count();
            changes.extend((more > 0).then(|| format!("sections in it: {more}")));
        }
        Ok(Some(changes))
    }

    pub(super) async fn legacy_article_now(
        &self,
        id: &str,
        draft: &ArticleDraft,
    ) -> Result<Option<Vec<String>>> {
        let phase = phase::ROLLBACK_READ;
        let path = address(RecordKind::Article, id)?;
        let Some(found) = self.page(phase, &path).await? else { return Ok(None) };
        let place = self.place(phase, &path).await?;
        let article = &draft.article;
        let is_title = text(&found, "title") == article.title.trim();
        let is_published = text(&found, "status") == "published";
        // A load that was stopped may not have come to all of it.
        if is_title && is_blank(&found) && is_here(draft, &place) != Some(false) {
            return Ok(Some(Vec::new()));
        }
        let description = text(&found, "description") == planned(article.description.as_ref());
        Ok(Some(changed(&[
            ("title", is_title),
            ("description", description),
            ("content", text(&found, "content") == draft.body.trim()),
            ("category", is_here(draft, &place) != Some(false)),
            ("status", !is_published || is_public(draft)),
        ])))
    }

    /// Every article with what it hangs in; one call for each.
    pub(super) async fn placed_in_legacy(
        &self,
        locale: &str,
        content_type: &str,
    ) -> Result<Vec<Placed>> {
        if content_type != ARTICLES {
            return Ok(Vec::new());
        }
        let phase = phase::ROLLBACK_LIST;
        let path = format!("/helpdesk/locale/{locale}/articles");
        let mut placed = Vec::new();
        for row in self.pages(phase, &path, "article_id").await? {
            let Some(id) = reply::id(&row, "article_id") else { continue };
            let id = format!("{locale}/{id}");
            let place = self.place(phase, &address(RecordKind::Article, &id)?).await?;
            let within = match (reply::id(&place, "category_id"), reply::id(&place, "section_id")) {
                (None, _) => Vec::new(),
                (Some(category), None) => vec![format!("{locale}/{category}")],
                (Some(category), Some(section)) => {
                    let category = format!("{locale}/{category}");
                    vec![format!("{category}/{section}"), category]
                }
            };
            placed.push(Placed { id, within });
        }
        Ok(placed)
    }
}

/// Whether an article is to be read by everybody: this help center has no pages that only those
/// find who know their address.
fn is_public(draft: &ArticleDraft) -> bool {
    draft.article.is_published && !draft.article.is_hidden
}

fn likeness_of_category(draft: &SectionDraft, found: &Value) -> Likeness {
    let section = &draft.section;
    let (description, color) = (text(found, "description"), text(found, "color"));
    let is_color = section.color.as_ref().is_none_or(|planned| planned.trim() == color);
    if text(found, "name") != section.title.trim() {
        Likeness::Other
    } else if description == planned(section.description.as_ref()) && is_color {
        Likeness::Same
    } else if description.is_empty() && color.is_empty() {
        Likeness::Blank
    } else {
        Likeness::Other
    }
}

fn is_blank(found: &Value) -> bool {
    text(found, "content").is_empty()
        && text(found, "description").is_empty()
        && text(found, "status") != "published"
}

/// Whether an article hangs where it is planned; `None` when it hangs nowhere yet.
fn is_here(draft: &ArticleDraft, place: &Value) -> Option<bool> {
    let category = reply::id(place, "category_id")?;
    let section = reply::id(place, "section_id");
    let own = [Some(draft.article.locale.clone()), Some(category), section];
    let own: Vec<String> = own.into_iter().flatten().collect();
    Some(draft.section.as_deref() == Some(own.join("/").as_str()))
}

/// What an article of the same title is like; `None` for one that hangs elsewhere, which is
/// another one.
fn likeness_of_article(draft: &ArticleDraft, found: &Value, place: &Value) -> Option<Likeness> {
    let here = is_here(draft, place);
    if here == Some(false) {
        return None;
    }
    let article = &draft.article;
    let is_same = text(found, "content") == draft.body.trim()
        && text(found, "description") == planned(article.description.as_ref());
    let is_published = text(found, "status") == "published";
    let is_placed = here.is_some() || draft.section.is_none();
    Some(match (is_same, is_placed && (is_published || !is_public(draft))) {
        (true, true) => Likeness::Same,
        (true, false) if is_placed || !is_published => Likeness::Unshown,
        _ if is_blank(found) => Likeness::Blank,
        _ => Likeness::Other,
    })
}
