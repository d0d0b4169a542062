//! The help center on its way out: articles first, then sections from the deepest up, each only
//! when it is what was written and nothing that stays hangs in it.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::TryStreamExt;
use kernel::ledger::{RecordKind, State};
use kernel::{Fault, Result};

use super::record::{Place, Record, left};
use super::undo::Wrote;
use super::{Fate, Rollback};
use crate::plan;
use crate::target::{Draft, HelpCenter, Sent, TargetId};

/// The phase of the help center, as it is shown.
const PAGES: &str = "rollback_help_center";

/// What became of the help center so far.
#[derive(Default)]
struct Gone {
    /// Ids in the target that are removed, or would be.
    ids: HashSet<TargetId>,
    /// Languages with content types of which something is removed.
    places: BTreeSet<(String, String)>,
}

impl Gone {
    fn add(&mut self, id: &str, locale: &str, content_type: &str) {
        self.ids.insert(id.to_owned());
        self.places.insert((locale.to_owned(), content_type.to_owned()));
    }
}

impl Rollback<'_> {
    pub(super) async fn help_center(&self) -> Result<()> {
        let counts = self.ledger.counts();
        let is_page = |kind: RecordKind| matches!(kind, RecordKind::Section | RecordKind::Article);
        let total: u64 =
            counts.iter().filter(|((kind, _), _)| is_page(*kind)).map(|(_, count)| count).sum();
        if total == 0 {
            return Ok(());
        }
        let center = self.target.help_center().ok_or_else(|| {
            Fault::config("the run brought in a help center, and the target is to have none")
                .hint("help_center in [mapping] has to be what it was when the plan was made")
        })?;
        self.progress.phase(PAGES, total);
        let mut gone = Gone::default();
        self.articles(&mut gone).await?;
        self.sections(center, &mut gone).await?;
        if self.options.execute && center.needs_refresh() {
            for (locale, content_type) in &gone.places {
                let sent = center.refresh(locale, content_type, self.clock.now()).await?;
                if !matches!(sent, Sent::Made(_)) {
                    return Err(Fault::retry(
                        "readers of the help center may still see what is gone",
                    )
                    .hint("run the same command again, which goes on where this one stopped"));
                }
            }
        }
        Ok(())
    }

    async fn articles(&self, gone: &mut Gone) -> Result<()> {
        let kind = RecordKind::Article;
        let mut articles = plan::articles(self.warehouse, &self.options.run).await?;
        while let Some(article) = articles.try_next().await? {
            let (locale, content_type) = (article.locale.clone(), article.content_type.clone());
            let source_id = article.article_id.clone();
            let Some(standing) = self.ledger.standing(kind, &source_id) else { continue };
            self.progress.advance(PAGES, 1);
            let Some(draft) = self.written.article(article)? else {
                self.unwritten_page(kind, &source_id, standing.state, standing.target_id);
                continue;
            };
            let place = self.place(Draft::Article(&draft)).await?;
            let Place::Made(id) = &place else {
                if let Place::Removed(Some(id)) = &place {
                    gone.add(id, &locale, &content_type);
                }
                self.pass_by(kind, &source_id, &place);
                continue;
            };
            let record = Record { kind, source_id: &source_id, id, parts: &[] };
            let fate = self.take_out(record, Wrote::Article(&draft)).await?;
            if is_out(fate) {
                gone.add(id, &locale, &content_type);
            }
        }
        Ok(())
    }

    async fn sections(&self, center: &dyn HelpCenter, gone: &mut Gone) -> Result<()> {
        let kind = RecordKind::Section;
        let sections = plan::sections(self.warehouse, &self.options.run).await?;
        let mut sections: Vec<plan::Section> = sections.try_collect().await?;
        sections.reverse();
        let mut used: HashMap<(String, String), HashSet<TargetId>> = HashMap::new();
        for section in sections {
            let (locale, content_type) = (section.locale.clone(), section.content_type.clone());
            let source_id = section.section_id.clone();
            let Some(standing) = self.ledger.standing(kind, &source_id) else { continue };
            self.progress.advance(PAGES, 1);
            let Some(draft) = self.written.section(section) else {
                self.unwritten_page(kind, &source_id, standing.state, standing.target_id);
                continue;
            };
            let place = self.place(Draft::Section(&draft)).await?;
            let Place::Made(id) = &place else {
                if let Place::Removed(Some(id)) = &place {
                    gone.add(id, &locale, &content_type);
                }
                self.pass_by(kind, &source_id, &place);
                continue;
            };
            let place = (locale, content_type);
            if !used.contains_key(&place) {
                let placed = center.placed(&place.0, &place.1).await?.into_iter();
                let staying = placed.filter(|page| !gone.ids.contains(&page.id));
                let within = staying.flat_map(|page| page.within).collect();
                used.insert(place.clone(), within);
            }
            if used.get(&place).is_some_and(|used| used.contains(id)) {
                self.count(kind, Fate::InUse);
                continue;
            }
            let record = Record { kind, source_id: &source_id, id, parts: &[] };
            let wrote = Wrote::Section { draft: &draft, gone: &gone.ids };
            if is_out(self.take_out(record, wrote).await?) {
                gone.add(id, &place.0, &place.1);
            }
        }
        Ok(())
    }

    /// Something of which it cannot be said what was written, because its section is not there.
    fn unwritten_page(
        &self,
        kind: RecordKind,
        source_id: &str,
        state: State,
        target_id: Option<Box<str>>,
    ) {
        match (state, target_id) {
            (State::Removed, _) => self.count(kind, Fate::Gone),
            (State::Refused, _) | (_, None) => {}
            (_, Some(id)) => {
                let record = Record { kind, source_id, id: &id, parts: &[] };
                let reasons = vec!["not compared: its section is not there".to_owned()];
                self.leave(Fate::Touched, left(record, reasons));
            }
        }
    }
}

fn is_out(fate: Fate) -> bool {
    matches!(fate, Fate::Removed | Fate::ToRemove | Fate::Gone)
}
