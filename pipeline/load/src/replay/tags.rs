//! Labels: those that the target has are used, the others are created before any ticket needs them.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};

use super::Replay;
use crate::plan;
use crate::target::{Draft, phase};

impl Replay<'_> {
    pub(super) async fn bring_tags(&self) -> Result<()> {
        let planned = plan::tags(self.warehouse, &self.options.run).await?;
        let mut planned: Vec<String> = planned.try_collect().await?;
        if let Some(selection) = &self.selection {
            planned.retain(|name| selection.tags.contains(name));
        }
        self.progress.phase(phase::TAGS_CREATE, planned.len() as u64);
        let is_new = |name: &String| self.desk.ledger.standing(RecordKind::Tag, name).is_none();
        if planned.iter().any(is_new) {
            let there: BTreeMap<_, _> = self.desk.target.tags().await?.into_iter().collect();
            let new = planned.iter().filter(|name| is_new(name));
            let matched = new.filter_map(|name| {
                there.get(name).map(|id| Entry {
                    kind: RecordKind::Tag,
                    source_id: name.clone(),
                    state: State::Matched,
                    target_id: Some(id.clone()),
                    at: self.desk.clock.now(),
                    detail: None,
                })
            });
            let matched: Vec<Entry> = matched.collect();
            if !matched.is_empty() {
                self.desk.ledger.commit(matched).await?;
            }
        }
        let names = futures::stream::iter(planned.into_iter().map(Ok));
        self.all(names, self.options.tickets_in_flight, |name| async move {
            self.bring(Draft::Tag(&name)).await?;
            self.progress.advance(phase::TAGS_CREATE, 1);
            Ok(())
        })
        .await
    }

    /// Whether a ticket can carry a tag.
    pub(super) fn has_tag(&self, name: &str) -> bool {
        if !self.desk.target.abilities().has_tag_records {
            return true;
        }
        let standing = self.desk.ledger.standing(RecordKind::Tag, name);
        standing.is_some_and(|standing| standing.state != State::Refused)
    }
}
