//! The help center: sections, parents first, then the articles that hang in them, one at a time.
//!
//! Once a section or an article is there it is filled, which may be repeated; the ledger says when
//! that is done. What the help center has already is told in `there`.

mod there;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use futures::TryStreamExt;
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Fault, Result};

use super::Replay;
use super::draft::replaced;
use crate::plan::{self, Article, Section};
use crate::recovery::Settled;
use crate::target::{ArticleDraft, Draft, HelpCenter, SectionDraft, Sent, TargetId, phase};

/// In the detail of a section or an article of which everything is set.
pub(super) const ALL_SET: &str = "all of it is set";
/// In the detail of one that is set, and that readers see once its language is refreshed.
pub(super) const TO_REFRESH: &str = "set, and shown after a refresh";
/// Reason of one whose section is not in the target.
const NO_SECTION: &str = "its section is not in the target";

/// Ids in the target of sections that are about to be taken over.
type Places = HashMap<String, TargetId>;

/// A language with a content type.
type Place = (String, String);

/// A section or an article that is ready.
pub(super) enum Page {
    Section(SectionDraft),
    Article(ArticleDraft),
}

impl Page {
    pub fn draft(&self) -> Draft<'_> {
        match self {
            Page::Section(draft) => Draft::Section(draft),
            Page::Article(draft) => Draft::Article(draft),
        }
    }

    fn place(&self) -> Place {
        match self {
            Page::Section(draft) => {
                (draft.section.locale.clone(), draft.section.content_type.clone())
            }
            Page::Article(draft) => {
                (draft.article.locale.clone(), draft.article.content_type.clone())
            }
        }
    }
}

impl Replay<'_> {
    /// Brings in the whole help center of the plan; a trial leaves it out, because its articles
    /// belong to no ticket.
    pub(super) async fn bring_help_center(&self) -> Result<()> {
        if self.selection.is_some() {
            return Ok(());
        }
        let sections = plan::sections(self.warehouse, &self.options.run).await?;
        let sections: Vec<Section> = sections.try_collect().await?;
        let articles = self.count_articles().await?;
        if sections.is_empty() && articles == 0 {
            return Ok(());
        }
        let center = self.desk.target.help_center().ok_or_else(takes_none)?;
        self.recognize(center, &sections).await?;
        self.progress.phase(phase::SECTIONS_CREATE, sections.len() as u64);
        let sections = futures::stream::iter(sections.into_iter().map(Ok));
        self.all(sections, 1, |section| async move {
            let section_id = section.section_id.clone();
            let draft = self.section_draft(section, &Places::new()).map(Page::Section);
            self.bring_page(center, RecordKind::Section, &section_id, draft).await?;
            self.progress.advance(phase::SECTIONS_CREATE, 1);
            Ok(())
        })
        .await?;
        self.progress.phase(phase::ARTICLES_CREATE, articles);
        let articles = plan::articles(self.warehouse, &self.options.run).await?;
        self.all(articles, 1, |article| async move {
            let article_id = article.article_id.clone();
            let draft = self.article_draft(article, &Places::new())?.map(Page::Article);
            self.bring_page(center, RecordKind::Article, &article_id, draft).await?;
            self.progress.advance(phase::ARTICLES_CREATE, 1);
            Ok(())
        })
        .await?;
        if self.is_stopping() {
            return Ok(());
        }
        self.refresh(center).await
    }

    /// Stops before anything is written when the target is to take none of what is planned.
    pub(super) async fn check_help_center(&self) -> Result<()> {
        if self.desk.target.help_center().is_some() || self.selection.is_some() {
            return Ok(());
        }
        match plan::help_center_locales(self.warehouse, &self.options.run).await?.is_empty() {
            true => Ok(()),
            false => Err(takes_none()),
        }
    }

    async fn count_articles(&self) -> Result<u64> {
        let articles = plan::articles(self.warehouse, &self.options.run).await?;
        articles.try_fold(0, |count, _| std::future::ready(Ok(count + 1))).await
    }

    /// Brings in one section or article; without a draft its section is not there.
    async fn bring_page(
        &self,
        center: &dyn HelpCenter,
        kind: RecordKind,
        source_id: &str,
        page: Option<Page>,
    ) -> Result<()> {
        let Some(page) = page else { return self.leave_out(kind, source_id).await };
        match self.bring(page.draft()).await? {
            Settled::In(id) => self.fill(center, &id, &page).await,
            Settled::Refused | Settled::Open => Ok(()),
        }
    }

    async fn leave_out(&self, kind: RecordKind, source_id: &str) -> Result<()> {
        self.desk.findings.add(kind, source_id, NO_SECTION);
        match self.desk.ledger.standing(kind, source_id) {
            Some(standing) if standing.state == State::Refused => return Ok(()),
            // What is begun may be there, and its section may be settled yet.
            Some(_) => {
                self.left_open();
                return Ok(());
            }
            None if self.something_open.load(Ordering::Relaxed) => return Ok(()),
            None => {}
        }
        let entry = Entry {
            kind,
            source_id: source_id.to_owned(),
            state: State::Refused,
            target_id: None,
            at: self.desk.clock.now(),
            detail: Some(NO_SECTION.to_owned()),
        };
        self.desk.ledger.commit(vec![entry]).await
    }

    /// Sets everything of a section or an article that is there, unless that is done.
    async fn fill(&self, center: &dyn HelpCenter, id: &str, page: &Page) -> Result<()> {
        let draft = page.draft();
        let (kind, source_id) = (draft.kind(), draft.source_id());
        let Some(standing) = self.desk.ledger.standing(kind, source_id) else { return Ok(()) };
        let said = standing.detail.as_deref().unwrap_or_default();
        if said.contains(ALL_SET) || said.contains(TO_REFRESH) {
            return Ok(());
        }
        match center.fill(id, draft, self.desk.clock.now()).await? {
            Sent::Made(_) => {
                let now = if center.needs_refresh() { TO_REFRESH } else { ALL_SET };
                let joint = if said.is_empty() { "" } else { "; " };
                let entry = Entry {
                    kind,
                    source_id: source_id.to_owned(),
                    state: standing.state,
                    target_id: Some(id.to_owned()),
                    at: self.desk.clock.now(),
                    detail: Some(format!("{said}{joint}{now}")),
                };
                self.desk.ledger.commit(vec![entry]).await
            }
            Sent::Exists(reason) | Sent::Refused(reason) => {
                let reason = format!("it is there, and not all of it could be set: {reason}");
                self.desk.findings.add(kind, source_id, &reason);
                Ok(())
            }
            Sent::Unknown(reason) => {
                let reason = format!("it is there, and not all of it may be set: {reason}");
                self.desk.findings.add(kind, source_id, &reason);
                self.left_open();
                Ok(())
            }
        }
    }

    /// Lets readers see what was written, once for each language and content type.
    async fn refresh(&self, center: &dyn HelpCenter) -> Result<()> {
        let noted = self.desk.ledger.noted(TO_REFRESH);
        if noted.is_empty() {
            return Ok(());
        }
        let places = self.places().await?;
        let due = noted.iter().filter_map(|(kind, id, _)| places.get(&(*kind, id.clone())));
        for place in due.collect::<BTreeSet<&Place>>() {
            if self.is_stopping() {
                return Ok(());
            }
            let sent = center.refresh(&place.0, &place.1, self.desk.clock.now()).await?;
            let here: Vec<_> = noted
                .iter()
                .filter(|(kind, id, _)| places.get(&(*kind, id.clone())) == Some(place))
                .collect();
            match sent {
                Sent::Made(_) => {
                    let entries = here.into_iter().filter_map(|(kind, id, detail)| {
                        let standing = self.desk.ledger.standing(*kind, id)?;
                        Some(Entry {
                            kind: *kind,
                            source_id: id.clone(),
                            state: standing.state,
                            target_id: standing.target_id.map(Into::into),
                            at: self.desk.clock.now(),
                            detail: Some(detail.replace(TO_REFRESH, ALL_SET)),
                        })
                    });
                    self.desk.ledger.commit(entries.collect()).await?;
                }
                Sent::Exists(reason) | Sent::Refused(reason) | Sent::Unknown(reason) => {
                    let reason = format!("readers may not see it yet: {reason}");
                    if let Some((kind, id, _)) = here.first() {
                        self.desk.findings.add(*kind, id, &reason);
                    }
                    self.left_open();
                }
            }
        }
        Ok(())
    }

    /// The language and content type of every section and article of the plan.
    async fn places(&self) -> Result<HashMap<(RecordKind, String), Place>> {
        let run = &self.options.run;
        let mut places = HashMap::new();
        let mut sections = plan::sections(self.warehouse, run).await?;
        while let Some(section) = sections.try_next().await? {
            let place = (section.locale, section.content_type);
            places.insert((RecordKind::Section, section.section_id), place);
        }
        let mut articles = plan::articles(self.warehouse, run).await?;
        while let Some(article) = articles.try_next().await? {
            let place = (article.locale, article.content_type);
            places.insert((RecordKind::Article, article.article_id), place);
        }
        Ok(places)
    }

    /// A section with its parent in the target; nothing when that is not there.
    pub(super) fn section_draft(&self, section: Section, places: &Places) -> Option<SectionDraft> {
        let parent = match &section.parent_section_id {
            None => None,
            Some(id) => Some(self.section_in_target(id, places)?),
        };
        Some(SectionDraft { section, parent })
    }

    /// An article with its section in the target and its pictures at their new addresses; nothing
    /// when the section is not there.
    pub(super) fn article_draft(
        &self,
        article: Article,
        places: &Places,
    ) -> Result<Option<ArticleDraft>> {
        let section = match &article.section_id {
            None => None,
            Some(id) => match self.section_in_target(id, places) {
                None => return Ok(None),
                found => found,
            },
        };
        let body = self.hosted(&article)?;
        Ok(Some(ArticleDraft { article, section, body }))
    }

    /// The text of an article with its pictures at their new addresses.
    fn hosted(&self, article: &Article) -> Result<String> {
        let mut moved = Vec::new();
        for picture in &article.files {
            let standing = self.desk.ledger.standing(RecordKind::Upload, &picture.sha256);
            let standing = standing.filter(|standing| standing.state.is_settled());
            let standing = standing.ok_or_else(|| {
                Fault::data(format!(
                    "article {} shows the file {}, which the plan does not upload",
                    article.article_id, picture.sha256
                ))
            })?;
            // One that could not be brought keeps the address that it has at the source.
            moved.extend(standing.target_id.map(|to| (picture.url.clone(), String::from(to))));
        }
        moved.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Ok(replaced(article.body.clone(), &moved))
    }

    fn section_in_target(&self, section_id: &str, places: &Places) -> Option<TargetId> {
        if let Some(id) = places.get(section_id) {
            return Some(id.clone());
        }
        let standing = self.desk.ledger.standing(RecordKind::Section, section_id)?;
        let is_there = matches!(standing.state, State::Done | State::Matched | State::Removing);
        standing.target_id.filter(|_| is_there).map(Into::into)
    }
}

fn takes_none() -> Fault {
    Fault::config("the plan has a help center, and the target is to take none")
        .hint("help_center in [mapping] has to be what it was when the plan was made")
}
