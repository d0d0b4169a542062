//! Answers about people: the profile list, one profile, its custom data and its conversations.
//!
//! Custom data is a call of its own and never part of a profile.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::conversations::{count_entries, suggestions};
use super::desk::{Answer, Desk, Paging, cut};
use super::raw;
use super::reply::Reply;
use super::search::Search;
use super::store::Person;

/// Where a person's line keeps the custom data.
const DATA_FIELD: &str = "_data";

impl Desk<'_> {
    pub(crate) fn profiles(&self, page: &str) -> Answer {
        let paging = Paging::of(page, &self.query, self.quirks)?;
        let positions = self.chosen()?;
        let window = paging.window(self.quirks.short_pages);
        let rows: Vec<String> = positions[cut(&window, positions.len())]
            .iter()
            .map(|position| self.dressed(self.profile_of(self.store.person_at(*position))))
            .collect();
        self.listed(&paging, positions.len(), &rows)
    }

    pub(crate) fn profile(&self, handle: &str) -> Answer {
        let person = self.known_person(handle)?;
        Ok(Reply::resolved(&self.dressed(self.profile_of(person))))
    }

    /// The reply nests twice: the envelope's `data` holds an object with `data`.
    pub(crate) fn person_data(&self, handle: &str) -> Answer {
        let text = self.store.person_text(self.known_person(handle)?);
        let data = raw::field(&text, DATA_FIELD).unwrap_or("{}");
        Ok(Reply::resolved(&format!("{{\"data\":{data}}}")))
    }

    pub(crate) fn person_conversations(&self, handle: &str, page: &str) -> Answer {
        let person = self.known_person(handle)?;
        let mut positions = self.store.sessions_of(&person.keys.people_id).to_vec();
        let keys = |position: &u32| &self.store.conversation(*position).keys;
        positions.sort_by_key(|position| Reverse(keys(position).updated_at));
        positions.retain(|position| {
            let keys = keys(position);
            let is_resolved = keys.state.as_deref() == Some("resolved");
            let is_unread = keys.unread.as_ref().is_some_and(|unread| unread.operator > 0);
            (!self.query.is_on("filter_resolved") || is_resolved)
                && (!self.query.is_on("filter_not_resolved") || !is_resolved)
                && (!self.query.is_on("filter_unread") || is_unread)
        });
        let row = |position: &u32| format!("\"{}\"", keys(position).session_id);
        self.page_of(page, &positions.iter().map(row).collect::<Vec<_>>())
    }

    pub(crate) fn people_suggest_segments(&self, page: &str) -> Answer {
        self.page_of(page, &suggestions("segment", self.census("segments")))
    }

    pub(crate) fn people_suggest_data(&self, page: &str) -> Answer {
        self.page_of(page, &suggestions("key", self.census(DATA_FIELD)))
    }

    pub(crate) fn people_suggest_events(&self, page: &str) -> Answer {
        let mut counts = BTreeMap::new();
        for row in self.store.list("events") {
            if let Some(text) = raw::field(row, "text").and_then(raw::text_of) {
                *counts.entry(text).or_insert(0) += 1;
            }
        }
        self.page_of(page, &suggestions("text", counts))
    }

    /// What a short list holds of one person.
    pub(crate) fn person_list(&self, handle: &str, name: &str, page: &str) -> Answer {
        let people_id = &self.known_person(handle)?.keys.people_id;
        let rows = self.store.list_of_person(name, people_id).into_iter();
        self.page_of(page, &rows.map(|row| raw::without_hidden(row)).collect::<Vec<_>>())
    }

    /// The person, or the 404 that says there is none.
    pub(crate) fn known_person(&self, handle: &str) -> Result<&Person, Reply> {
        self.store.person(handle).ok_or_else(|| Reply::missing("people"))
    }

    fn census(&self, field: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for position in &self.store.people_by_created {
            let text = self.store.person_text(self.store.person_at(*position));
            count_entries(&mut counts, raw::field(&text, field));
        }
        counts
    }

    fn profile_of(&self, person: &Person) -> String {
        raw::without_field(&self.store.person_text(person), DATA_FIELD)
    }

    /// Positions of the people the query asks for, in its order. Without any wish the list is the
    /// one that is kept sorted, so that a long list is not sorted again for each of its pages.
    fn chosen(&self) -> Result<Cow<'_, [u32]>, Reply> {
        let start_ms = self.query.date_ms("filter_date_start")?;
        let end_ms = self.query.date_ms("filter_date_end")?;
        let search = Search::of_people(&self.query)?;
        let is_ascending = match self.query.get("sort_order") {
            Some("ascending") => true,
            None | Some("descending") => false,
            Some(_) => {
                return Err(Reply::invalid("sort_order should be ascending or descending"));
            }
        };
        let time = sort_time(self.query.get("sort_field"))?;
        let is_filtered = start_ms.or(end_ms).is_some() || search.is_some();
        if !is_filtered && !is_ascending && time.is_none() {
            return Ok(Cow::Borrowed(&self.store.people_by_created));
        }
        let mut positions = self.store.people_by_created.clone();
        positions.retain(|position| {
            let person = self.store.person_at(*position);
            start_ms.is_none_or(|start| person.keys.created_at >= start)
                && end_ms.is_none_or(|end| person.keys.created_at <= end)
                && search
                    .as_ref()
                    .is_none_or(|search| search.passes(&self.profile_of(person), "segments"))
        });
        if let Some(time) = time {
            positions.sort_by_key(|position| Reverse(time(self.store.person_at(*position))));
        }
        if is_ascending {
            positions.reverse();
        }
        Ok(Cow::Owned(positions))
    }
}

/// The time of a person that a list is sorted by.
type SortTime = fn(&Person) -> i64;

/// The time a list is sorted by; nothing stands for the creation date, which is the default.
fn sort_time(field: Option<&str>) -> Result<Option<SortTime>, Reply> {
    match field {
        None | Some("created_at") => Ok(None),
        Some("updated_at") => Ok(Some(|person| person.keys.updated_at)),
        Some("active" | "active.last") => Ok(Some(|person| {
            person.keys.active.as_ref().and_then(|active| active.last).unwrap_or(0)
        })),
        Some(_) => Err(Reply::invalid("sort_field is not a sortable field")),
    }
}
