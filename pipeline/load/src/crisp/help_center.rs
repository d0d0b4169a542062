//! The help center of Crisp, of which a workspace has one of two generations.
//!
//! It turns what the engine says about sections and articles into the calls of the generation that
//! the workspace has: `legacy` and `tree` know them. Which records are brought, and in which order,
//! is no business of it. An id here is what the rows of a read-back are called: the language, then
//! the vendor's ids or the content type and the way down the tree.

mod legacy;
mod tree;

use std::str::FromStr;

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::{Code, Fault, Instant, Result};
use serde_json::Value;

use super::{Crisp, reply};
use crate::rollback::{Now, Wrote};
use crate::target::{
    ArticleDraft, Draft, HelpCenter, Likeness, Placed, SectionDraft, Sent, Shelf, Shown,
};

/// The two makes of Crisp's help center. A workspace has one; the calls of the other do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Categories, sections in them, and articles with an id.
    Legacy,
    /// Trees of paths, one for each content type.
    New,
}

impl Generation {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Generation::Legacy => "legacy",
            Generation::New => "new",
        }
    }
}

impl FromStr for Generation {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "legacy" => Ok(Generation::Legacy),
            "new" => Ok(Generation::New),
            _ => Err(Fault::config(format!("{text:?} is no make of Crisp's help center"))
                .hint("help_center in [mapping] is skip, legacy or new")),
        }
    }
}

/// A section or an article.
#[derive(Clone, Copy)]
pub(super) enum Page<'a> {
    Section(&'a SectionDraft),
    Article(&'a ArticleDraft),
}

impl<'a> Page<'a> {
    fn of(draft: Draft<'a>) -> Result<Self> {
        match draft {
            Draft::Section(draft) => Ok(Page::Section(draft)),
            Draft::Article(draft) => Ok(Page::Article(draft)),
            other => {
                Err(Fault::bug(format!("a {} is no page of a help center", other.kind().word())))
            }
        }
    }

    pub fn locale(self) -> &'a str {
        match self {
            Page::Section(draft) => &draft.section.locale,
            Page::Article(draft) => &draft.article.locale,
        }
    }

    pub fn content_type(self) -> &'a str {
        match self {
            Page::Section(draft) => &draft.section.content_type,
            Page::Article(draft) => &draft.article.content_type,
        }
    }
}

impl Crisp {
    fn generation(&self) -> Result<Generation> {
        self.help_center.ok_or_else(|| {
            Fault::config("the configuration takes no help center into this target")
                .hint("set help_center in [mapping] to what the workspace has: legacy or new")
        })
    }

    /// Makes an empty section or an article without a text, which nobody can read.
    pub(super) async fn create_page(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        let page = Page::of(draft)?;
        match self.generation()? {
            Generation::Legacy => self.create_legacy(page, now).await,
            Generation::New => self.create_node(page, now).await,
        }
    }

    /// What of the plan's page is there and can be taken for it.
    pub(super) async fn find_page(&self, draft: Draft<'_>) -> Result<Vec<String>> {
        let mut shown = self.shown(draft, None).await?;
        shown.retain(|one| one.likeness != Likeness::Other);
        Ok(shown.into_iter().map(|one| one.id).collect())
    }

    /// What a section or an article is now, beside what was written.
    pub(super) async fn page_now(&self, id: &str, wrote: Wrote<'_>) -> Result<Now> {
        let changes = match (self.generation()?, wrote) {
            (Generation::Legacy, Wrote::Section { draft, gone }) => {
                self.legacy_section_now(id, draft, gone).await?
            }
            (Generation::Legacy, Wrote::Article(draft)) => {
                self.legacy_article_now(id, draft).await?
            }
            (Generation::New, Wrote::Section { draft, gone }) => {
                self.node_now(id, Page::Section(draft), gone).await?
            }
            (Generation::New, Wrote::Article(draft)) => {
                self.node_now(id, Page::Article(draft), &Default::default()).await?
            }
            _ => return Err(Fault::bug("that is no page of a help center")),
        };
        Ok(match changes {
            None => Now::Gone,
            Some(changes) if changes.is_empty() => Now::Same,
            Some(changes) => Now::Touched(changes),
        })
    }

    /// The address of a section or an article, at which it is removed.
    pub(super) fn page_address(&self, kind: RecordKind, id: &str) -> Result<String> {
        match self.generation()? {
            Generation::Legacy => legacy::address(kind, id),
            Generation::New => tree::address("path", id),
        }
    }

    /// A list of the help center. Each look has an address of its own, because an old answer to
    /// the same one may be given again, and what it lacks would be made again.
    async fn pages(&self, phase: &'static str, path: &str, id: &str) -> Result<Vec<Value>> {
        let look = self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.list(phase, path, &format!("&look={look}"), id).await
    }

    /// The same for a single record; `None` when it is not there.
    async fn page(&self, phase: &'static str, path: &str) -> Result<Option<Value>> {
        let look = self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.read(phase, &format!("{path}?look={look}")).await
    }
}

#[async_trait]
impl HelpCenter for Crisp {
    async fn shelf(&self, locale: &str, content_type: &str) -> Result<Shelf> {
        match self.generation()? {
            Generation::Legacy => self.legacy_shelf(locale, content_type).await,
            Generation::New => self.tree_shelf(locale, content_type).await,
        }
    }

    async fn shown(&self, draft: Draft<'_>, shelf: Option<&Shelf>) -> Result<Vec<Shown>> {
        let page = Page::of(draft)?;
        match self.generation()? {
            Generation::Legacy => self.shown_of_legacy(page, shelf).await,
            Generation::New => self.shown_of_tree(page, shelf).await,
        }
    }

    async fn fill(&self, id: &str, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        let page = Page::of(draft)?;
        match self.generation()? {
            Generation::Legacy => self.fill_legacy(id, page, now).await,
            Generation::New => self.fill_node(id, page, now).await,
        }
    }

    fn needs_refresh(&self) -> bool {
        self.help_center == Some(Generation::New)
    }

    async fn refresh(&self, locale: &str, content_type: &str, now: Instant) -> Result<Sent> {
        self.refresh_tree(locale, content_type, now).await
    }

    async fn placed(&self, locale: &str, content_type: &str) -> Result<Vec<Placed>> {
        match self.generation()? {
            Generation::Legacy => self.placed_in_legacy(locale, content_type).await,
            // A node shows what hangs in it.
            Generation::New => Ok(Vec::new()),
        }
    }
}

/// What the first page of a list says when the help center is not the one that was planned for.
pub(super) fn missing(reply: &http::Reply) -> Fault {
    let (what, hint) = match reply::reason(&reply.body).as_deref() {
        Some("locale_not_found") => (
            "the help center of the target lacks a language of the plan",
            "add the language to the help center in Crisp; deskferry check names it",
        ),
        Some("helpdesk_not_found") => (
            "the target has no help center",
            "set one up in Crisp, or set help_center in [mapping] to skip and plan again",
        ),
        _ => (
            "the help center of the target is of another make than planned for",
            "set help_center in [mapping] to what the workspace has, legacy or new, and plan again",
        ),
    };
    Fault::config(format!("{what} (status {})", reply.status)).coded(Code::NotThisVendor).hint(hint)
}

/// A text of a record; nothing is the empty one.
fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

/// A planned text as it is compared.
fn planned(text: Option<&String>) -> &str {
    text.map(|text| text.trim()).unwrap_or_default()
}

/// What is different, by its name.
fn changed(fields: &[(&str, bool)]) -> Vec<String> {
    let changed = fields.iter().filter(|(_, is_same)| !is_same);
    changed.map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_read_by_its_name() {
        for generation in [Generation::Legacy, Generation::New] {
            assert_eq!(generation.name().parse::<Generation>().expect("is one"), generation);
        }
        assert!("skip".parse::<Generation>().is_err());
    }
}
