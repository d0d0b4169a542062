//! What a help center has of a plan: before the first session makes anything, and once more at the
//! end for what was sent again.
//!
//! Neither sections nor articles carry an id of ours, so what answers to one is compared before it
//! is taken for it.

use std::collections::HashMap;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};

use super::super::Replay;
use super::super::adoption::ADOPTED;
use super::{ALL_SET, Page, Place, Places};
use crate::ledger::remark::{ONCE, SENT_AGAIN, TWICE};
use crate::plan::{self, Section};
use crate::target::{ArticleDraft, HelpCenter, Likeness, Shelf, Shown};

/// Reason of a section or an article whose place something else has.
const TAKEN: &str = "something else is there under its name";

/// Stands for a section that is not in the target: nothing hangs in it.
const NOWHERE: &str = "";

impl Replay<'_> {
    /// Takes over what the help center has of the plan, all of it in one segment: what an earlier
    /// run or a ledger that was lost brought in, and nothing that says something else.
    pub(super) async fn recognize(
        &self,
        center: &dyn HelpCenter,
        sections: &[Section],
    ) -> Result<()> {
        let counts = self.desk.ledger.counts();
        let is_page = |kind| matches!(kind, RecordKind::Section | RecordKind::Article);
        if counts.keys().any(|(kind, _)| is_page(*kind)) {
            return Ok(());
        }
        let mut shelves: HashMap<Place, Shelf> = HashMap::new();
        let (mut entries, mut places) = (Vec::new(), Places::new());
        for section in sections {
            let Some(draft) = self.section_draft(section.clone(), &places) else { continue };
            let page = Page::Section(draft);
            let found = self.recognized(center, &page, &mut shelves, &entries).await?;
            if let Some(entry) = found {
                if let (State::Done, Some(id)) = (entry.state, &entry.target_id) {
                    places.insert(section.section_id.clone(), id.clone());
                }
                entries.push(entry);
            }
        }
        let mut articles = plan::articles(self.warehouse, &self.options.run).await?;
        while let Some(article) = articles.try_next().await? {
            let draft = match self.article_draft(article.clone(), &places)? {
                Some(draft) => draft,
                // What is there of it hangs nowhere.
                None => {
                    let (body, section) = (self.hosted(&article)?, Some(NOWHERE.to_owned()));
                    ArticleDraft { article, section, body }
                }
            };
            let page = Page::Article(draft);
            entries.extend(self.recognized(center, &page, &mut shelves, &entries).await?);
        }
        match entries.is_empty() {
            true => Ok(()),
            false => self.desk.ledger.commit(entries).await,
        }
    }

    /// What is known of one section or article before anything is made; nothing when it is not
    /// there. What is taken for another one already does not count.
    async fn recognized(
        &self,
        center: &dyn HelpCenter,
        page: &Page,
        shelves: &mut HashMap<Place, Shelf>,
        entries: &[Entry],
    ) -> Result<Option<Entry>> {
        let place = page.place();
        if !shelves.contains_key(&place) {
            let shelf = center.shelf(&place.0, &place.1).await?;
            shelves.insert(place.clone(), shelf);
        }
        let draft = page.draft();
        let kind = draft.kind();
        let mut shown = center.shown(draft, shelves.get(&place)).await?;
        let is_taken = |one: &Shown| {
            let mut taken = entries.iter().filter(|entry| entry.kind == kind);
            taken.any(|entry| entry.target_id.as_ref() == Some(&one.id))
        };
        shown.retain(|one| !is_taken(one) && !self.desk.ledger.is_removed(kind, &one.id));
        let entry = |state, target_id, detail: String| Entry {
            kind,
            source_id: draft.source_id().to_owned(),
            state,
            target_id,
            at: self.desk.clock.now(),
            detail: Some(detail),
        };
        let ours: Vec<&Shown> =
            shown.iter().filter(|one| one.likeness != Likeness::Other).collect();
        Ok(match (ours.as_slice(), shown.is_empty()) {
            (_, true) => None,
            ([], false) => Some(entry(State::Refused, None, TAKEN.to_owned())),
            ([one], _) => {
                let detail = match one.likeness {
                    Likeness::Same => format!("{ADOPTED}; {ALL_SET}"),
                    _ => ADOPTED.to_owned(),
                };
                Some(entry(State::Done, Some(one.id.clone()), detail))
            }
            (several, _) => {
                Some(entry(State::Unknown, None, format!("{TWICE}: {}", several.len())))
            }
        })
    }

    /// Looks once more for sections and articles that were sent again; two of one are a finding.
    pub(in crate::replay) async fn look_again_at_pages(&self) -> Result<()> {
        let mut noted = self.desk.ledger.noted(SENT_AGAIN);
        noted.retain(|(kind, _, _)| matches!(kind, RecordKind::Section | RecordKind::Article));
        let Some(center) = self.desk.target.help_center().filter(|_| !noted.is_empty()) else {
            return Ok(());
        };
        let mut pages = Vec::new();
        let mut sections = plan::sections(self.warehouse, &self.options.run).await?;
        while let Some(section) = sections.try_next().await? {
            pages.extend(self.section_draft(section, &Places::new()).map(Page::Section));
        }
        let mut articles = plan::articles(self.warehouse, &self.options.run).await?;
        while let Some(article) = articles.try_next().await? {
            pages.extend(self.article_draft(article, &Places::new())?.map(Page::Article));
        }
        for page in pages {
            let draft = page.draft();
            let (kind, source_id) = (draft.kind(), draft.source_id());
            let said = noted.iter().find(|(other, id, _)| *other == kind && id == source_id);
            let Some((_, _, detail)) = said else { continue };
            if self.is_stopping() {
                return Ok(());
            }
            let mut shown = center.shown(draft, None).await?;
            shown.retain(|one| {
                let holder = self.desk.ledger.holder(kind, &one.id);
                one.likeness != Likeness::Other && holder.is_none_or(|id| id == source_id)
            });
            if shown.len() > 1 {
                self.desk.findings.add(kind, source_id, TWICE);
            }
            let said = if shown.len() > 1 { TWICE } else { ONCE };
            let Some(standing) = self.desk.ledger.standing(kind, source_id) else { continue };
            let entry = Entry {
                kind,
                source_id: source_id.to_owned(),
                state: standing.state,
                target_id: standing.target_id.map(Into::into),
                at: self.desk.clock.now(),
                detail: Some(detail.replace(SENT_AGAIN, said)),
            };
            self.desk.ledger.commit(vec![entry]).await?;
        }
        Ok(())
    }
}
