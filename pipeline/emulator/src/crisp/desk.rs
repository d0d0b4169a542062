//! The desk answers one call: it sees the records, the quirks in force and the query.
//!
//! It owns dispatch, query values, paging of numbered lists and how a record is dressed for the
//! caller's scopes. What each family of routes answers is in the modules named after them.

use std::ops::Range;

use chrono::DateTime;

use super::options::{PER_PAGE_MAX, PER_PAGE_MIN, PerPage, Quirks};
use super::raw;
use super::reply::Reply;
use super::route::Route;
use super::store::Store;

/// A route's answer, or the error that ends it.
pub(crate) type Answer = Result<Reply, Reply>;

/// Everything one answer may look at.
pub(crate) struct Desk<'a> {
    pub(crate) store: &'a Store,
    pub(crate) quirks: &'a Quirks,
    pub(crate) scopes: Option<&'a [String]>,
    pub(crate) website_id: &'a str,
    pub(crate) query: Query,
}

impl Desk<'_> {
    /// Answers a read.
    pub(crate) fn answer(&self, route: Route<'_>) -> Answer {
        match route {
            Route::Conversations(page) => self.conversations(page),
            Route::Conversation(session) => self.conversation(session),
            Route::ConversationPart(session, part) => self.conversation_part(session, part),
            Route::ConversationList(session, page) => {
                self.known(session)?;
                self.empty_list(page)
            }
            Route::Relations(session) => {
                self.known(session)?;
                Ok(Reply::resolved(r#"{"conversations":{"parent":null,"children":[]}}"#))
            }
            Route::Files(session, page) => self.files(session, page),
            Route::Messages(session) => self.messages(session),
            Route::Message(session, fingerprint) => self.message(session, fingerprint),
            Route::Original(session, original) => self.original(session, original),
            Route::SuggestSegments(page) => self.suggest_segments(page),
            Route::SuggestData(page) => self.suggest_data(page),
            Route::PeopleStats => {
                let total = self.store.people_by_created.len();
                Ok(Reply::resolved(&format!("{{\"total\":{total}}}")))
            }
            Route::Profiles(page) => self.profiles(page),
            Route::Profile(person) => self.profile(person),
            Route::PersonData(person) => self.person_data(person),
            Route::PersonEvents(person, page) => self.person_list(person, "events", page),
            Route::PersonCampaigns(person, page) => self.person_list(person, "deliveries", page),
            Route::PersonConversations(person, page) => self.person_conversations(person, page),
            Route::Subscription(person) => {
                self.known_person(person)?;
                Ok(Reply::resolved(r#"{"email":true}"#))
            }
            Route::PeopleSuggestSegments(page) => self.people_suggest_segments(page),
            Route::PeopleSuggestData(page) => self.people_suggest_data(page),
            Route::PeopleSuggestEvents(page) => self.people_suggest_events(page),
            Route::Spams(page) => self.spams(page),
            Route::Spam(spam_id) => self.spam(spam_id),
            Route::Helpdesk(route) => self.helpdesk(route),
            Route::EmptyList(page) => self.empty_list(page),
            other => self.workspace(other),
        }
    }

    /// The rows of a numbered list that has no size parameter worth checking, cut to its page.
    pub(crate) fn page_of(&self, page: &str, rows: &[String]) -> Answer {
        let paging = Paging::of(page, &self.query, self.quirks)?;
        let window = paging.window(false);
        self.listed(&paging, rows.len(), rows.get(cut(&window, rows.len())).unwrap_or(&[]))
    }

    /// One page of a short list, without the fields that are the stand-in's own.
    pub(crate) fn page_of_list(&self, page: &str, name: &str) -> Answer {
        let rows: Vec<String> =
            self.store.list(name).iter().map(|row| raw::without_hidden(row)).collect();
        self.page_of(page, &rows)
    }

    /// The reply for one page of a numbered list of `total` rows.
    pub(crate) fn listed(&self, paging: &Paging, total: usize, rows: &[String]) -> Answer {
        let window = paging.window(self.quirks.short_pages);
        // Page 1 of an empty list is a list, not a missing page.
        if window.start >= total && paging.number > 1 {
            return Ok(Reply::past_end(self.quirks.past_end));
        }
        let is_partial = self.quirks.list_partial && window.end < total;
        Ok(Reply::listed(if is_partial { 206 } else { 200 }, rows))
    }

    pub(crate) fn empty_list(&self, page: &str) -> Answer {
        self.page_of(page, &[])
    }

    /// True unless the token is a production token without the scope.
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.is_none_or(|scopes| scopes.iter().any(|own| own == scope))
    }

    /// A record with undocumented fields, when the quirk asks for them.
    pub(crate) fn dressed(&self, text: String) -> String {
        // The length decides, so that a record looks the same in every reply.
        if self.quirks.extra_fields && text.len().is_multiple_of(2) {
            let value = r#"{"revision":7,"flags":["a",null],"ratio":0.10}"#;
            return raw::with_field(&text, "x_not_documented", value);
        }
        text
    }
}

/// The part of a window that lies inside a list.
pub(crate) fn cut(window: &Range<usize>, total: usize) -> Range<usize> {
    window.start.min(total)..window.end.min(total)
}

/// Page number and size of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    pub(crate) number: usize,
    pub(crate) per_page: usize,
}

impl Paging {
    pub(crate) fn of(page: &str, query: &Query, quirks: &Quirks) -> Result<Paging, Reply> {
        let number = page.parse().ok().filter(|number| (1..=1_000_000_000).contains(number));
        let number = number.ok_or_else(|| Reply::invalid("page_number should be >= 1"))?;
        let allowed = PER_PAGE_MIN..=PER_PAGE_MAX;
        let per_page = match query.get("per_page").map(str::parse) {
            None => PER_PAGE_MIN,
            Some(Ok(size)) if allowed.contains(&size) => size,
            Some(Ok(size)) if quirks.per_page == PerPage::Clamp => {
                size.clamp(PER_PAGE_MIN, PER_PAGE_MAX)
            }
            Some(_) => return Err(Reply::invalid("per_page should be >= 20 and <= 50")),
        };
        Ok(Paging { number, per_page })
    }

    /// Which rows the page shows. With short pages, 10 of every 150 slots hold a row that the
    /// caller may not see, as happens when a server filters after it has paged.
    pub(crate) fn window(&self, short_pages: bool) -> Range<usize> {
        let rows_before = |slot: usize| {
            if short_pages {
                slot - slot / 150 * 10 - (slot % 150).saturating_sub(140)
            } else {
                slot
            }
        };
        let start = (self.number - 1) * self.per_page;
        rows_before(start)..rows_before(start + self.per_page)
    }
}

/// The decoded query of one call. Names nobody knows are ignored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(text: Option<&str>) -> Query {
        let pairs = url::form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Query(pairs.into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A flag: `1` or `true` is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }

    /// An ISO-8601 date as milliseconds; anything else is refused.
    pub(crate) fn date_ms(&self, name: &str) -> Result<Option<i64>, Reply> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Ok(Some(instant.timestamp_millis())),
            Err(_) => Err(Reply::invalid(&format!("{name} should match format \"date-time\""))),
        }
    }

    /// A time in milliseconds as query text.
    pub(crate) fn millis(&self, name: &str) -> Result<Option<i64>, Reply> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let wrong = |_| Reply::invalid(&format!("{name} should be integer"));
        text.parse().map(Some).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_pages_together_show_every_row_once() {
        for per_page in [20, 35, 50] {
            let mut next = 0;
            let mut sizes = Vec::new();
            for number in 1..40 {
                let window = Paging { number, per_page }.window(true);
                assert_eq!(window.start, next);
                next = window.end;
                sizes.push(window.len());
            }
            assert!(sizes.iter().any(|size| *size < per_page), "no page of {per_page} was short");
        }
    }
}
