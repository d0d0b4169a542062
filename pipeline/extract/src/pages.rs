//! The ways in which one list is paged through. Lists that move while they are read are in `sweep`.

use std::collections::HashSet;

use http::Verdict;
use kernel::{Fault, Result};

use crate::interpolation::at_path;
use crate::manifest::Paginator;
use crate::questions::{Answer, Page};
use crate::reading::Reading;
use crate::run::Progress;
use crate::selector::{Found, text_at};
use crate::sweep::{Counter, Sweeps, hash_of};

/// Pages of one list before it counts as endless.
const PAGES_MAX: u64 = 1_000_000;
/// Pages in a row that bring only what came before, until a list counts as endless.
const STALE_PAGES_MAX: u64 = 100;
/// How often a list is begun again when its cursor is no longer accepted.
const RESTARTS_MAX: u64 = 3;

/// The pages of one list.
pub(crate) struct Pages<'a> {
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) progress: &'a dyn Progress,
}

/// Where a list ended, or why it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server said in its way that there is no more.
    Reached,
    /// A gap was noted, or the journal knows no further.
    Left,
}

/// A list that is paged through backwards.
struct Backward<'a> {
    field: &'a str,
    parameter: &'a str,
    forward_parameter: Option<&'a str>,
    more_http_code: u16,
    confirm_from: usize,
}

/// A list whose pages link to each other.
struct Linked<'a> {
    next_url_path: &'a str,
    stop_after_empty_page: bool,
}

/// One time through such a list.
#[derive(Default)]
struct Followed {
    keys: HashSet<String>,
    is_doubled: bool,
    pages: u64,
    signal: &'static str,
}

impl Pages<'_> {
    /// Reads the list to its end.
    pub(crate) async fn read(&self) -> Result<End> {
        if let Some(setting) = &self.reading.stream.file_setting
            && !self.reading.reader.questions.has_setting(setting)
        {
            self.reading.gap(format!("no file is given: {setting} names none"));
            return Ok(End::Left);
        }
        match &self.reading.stream.paginator {
            Paginator::NoPagination => self.single().await,
            Paginator::PageIncrement { start_from_page, end_http_codes, sweeps_max, pages_max } => {
                let first = *start_from_page;
                let wall = pages_max.map(|pages| first + pages);
                self.sweep(Counter { first, step: 1, end_http_codes, wall }, *sweeps_max).await
            }
            Paginator::OffsetIncrement { page_size, sweeps_max } => {
                let counter =
                    Counter { first: 0, step: *page_size, end_http_codes: &[], wall: None };
                self.sweep(counter, *sweeps_max).await
            }
            Paginator::CursorPagination { cursor_value, request_parameter } => {
                self.by_cursor(cursor_value, request_parameter).await
            }
            Paginator::NextLinkPagination { next_url_path, stop_after_empty_page, sweeps_max } => {
                let way = Linked { next_url_path, stop_after_empty_page: *stop_after_empty_page };
                self.by_link(&way, *sweeps_max).await
            }
            Paginator::BackwardCursorPagination {
                cursor_field,
                request_parameter,
                forward_parameter,
                more_http_code,
                confirm_from,
            } => {
                self.backward(&Backward {
                    field: cursor_field,
                    parameter: request_parameter,
                    forward_parameter: forward_parameter.as_deref(),
                    more_http_code: *more_http_code,
                    confirm_from: *confirm_from,
                })
                .await
            }
        }
    }

    /// Reads the list at each of its addresses; one that cannot be read leaves the others.
    async fn sweep(&self, counter: Counter<'_>, sweeps_max: u64) -> Result<End> {
        let further = self.reading.stream.further_paths.iter().map(|path| Some(path.as_str()));
        let mut end = End::Reached;
        for path in std::iter::once(None).chain(further) {
            let sweeps = Sweeps { pages: self, path, counter, sweeps_max };
            if sweeps.read().await? == End::Left {
                end = End::Left;
            }
        }
        Ok(end)
    }

    /// One reply holds everything.
    async fn single(&self) -> Result<End> {
        let Some(answer) = self.ask(Page::default()).await? else { return Ok(End::Left) };
        if answer.verdict == Verdict::Ignore {
            self.evidence(format!("not offered by this account (status {})", answer.status));
        }
        self.absorb(&answer.found);
        Ok(End::Reached)
    }

    /// Pages by a cursor that each reply brings.
    async fn by_cursor(&self, cursor_value: &str, parameter: &str) -> Result<End> {
        let (mut restarts, mut pages) = (0, 0);
        let mut cursor: Option<String> = None;
        loop {
            let bound = [(parameter, cursor.clone().unwrap_or_default())];
            // A cursor is short-lived: one from before an interruption may be refused by now.
            let (parameters, end_http_codes): (&[_], &[u16]) =
                if cursor.is_some() { (&bound, &[400]) } else { (&[], &[]) };
            let page = Page { parameters, end_http_codes, sweep: restarts, ..Page::default() };
            let Some(answer) = self.ask(page).await? else { return Ok(End::Left) };
            if answer.verdict == Verdict::Ignore {
                restarts += 1;
                cursor = None;
                if restarts > RESTARTS_MAX {
                    return Err(Fault::refused("the list's cursor is refused again and again"));
                }
                continue;
            }
            self.absorb(&answer.found);
            pages += 1;
            check_bound(pages)?;
            let next = text_at(&answer.body, cursor_value).filter(|next| !next.is_empty());
            if next.is_none() || next == cursor {
                self.ended(pages, "no next cursor");
                return Ok(End::Reached);
            }
            cursor = next;
        }
    }

    /// Pages by the address that each reply brings; it must not lead to another server. A list of
    /// several pages is followed again until all that came comes again.
    async fn by_link(&self, way: &Linked<'_>, sweeps_max: u64) -> Result<End> {
        let reading = self.reading;
        let mut last: Option<Followed> = None;
        for number in 1..=sweeps_max {
            let Some(sweep) = self.follow(way, number).await? else { return Ok(End::Left) };
            let comes_again = last
                .as_ref()
                .is_some_and(|last| !last.is_doubled && last.keys.is_subset(&sweep.keys));
            if sweeps_max == 1 || sweep.pages == 1 || comes_again {
                self.ended(sweep.pages, sweep.signal);
                if sweeps_max > 1 {
                    let last = last.map(|last| last.keys).unwrap_or_default();
                    let keys = sweep.keys.union(&last).map(|key| hash_of(key)).collect();
                    reading.reader.note_listed(reading.stream, keys);
                }
                return Ok(End::Reached);
            }
            last = Some(sweep);
        }
        let why = format!(
            "the list never stood still in {sweeps_max} sweeps; a record that was always there may have been passed over"
        );
        reading.reader.note_unproven(reading.stream, &why);
        Ok(End::Reached)
    }

    async fn follow(&self, way: &Linked<'_>, number: u64) -> Result<Option<Followed>> {
        let mut link: Option<String> = None;
        let mut followed = HashSet::new();
        let mut stale = 0;
        let mut sweep = Followed { signal: "no next link", ..Followed::default() };
        loop {
            let page = Page { link: link.as_deref(), sweep: number - 1, ..Page::default() };
            let Some(answer) = self.ask(page).await? else { return Ok(None) };
            sweep.pages += 1;
            check_bound(sweep.pages)?;
            let known = sweep.keys.len();
            for found in &answer.found {
                sweep.is_doubled |= !sweep.keys.insert(found.span.key.clone());
            }
            stale = if sweep.keys.len() == known { stale + 1 } else { 0 };
            if stale >= STALE_PAGES_MAX {
                return Err(Fault::data(format!("{stale} pages in a row brought nothing new"))
                    .hint("the server's list has no end; ask its maker"));
            }
            self.absorb(&answer.found);
            if answer.found.is_empty() && way.stop_after_empty_page {
                sweep.signal = "an empty page";
                return Ok(Some(sweep));
            }
            let next = text_at(&answer.body, way.next_url_path).filter(|next| !next.is_empty());
            let Some(next) = next else { return Ok(Some(sweep)) };
            if !followed.insert(next.clone()) {
                return Err(Fault::data("a next link leads to a page that was read before")
                    .hint("the server's paging goes round in circles; ask its maker"));
            }
            link = Some(next);
        }
    }

    /// Pages from the newest record backwards, by an upper bound on one of its fields.
    async fn backward(&self, way: &Backward<'_>) -> Result<End> {
        let mut bound: Option<i64> = None;
        let mut oldest: Option<i64> = None;
        let mut ran_into: Option<i64> = None;
        for number in 0.. {
            check_bound(number)?;
            let parameters: Vec<_> =
                bound.iter().map(|bound| (way.parameter, bound.to_string())).collect();
            let page = Page { parameters: &parameters, ..Page::default() };
            let Some(answer) = self.ask(page).await? else { return Ok(End::Left) };
            let new = self.absorb(&answer.found);
            oldest = oldest.into_iter().chain(numbers(&answer.found, way.field)).min();
            let has_more = answer.status == way.more_http_code;
            let is_doubtful = new >= way.confirm_from;
            let Some(oldest) = oldest.filter(|_| has_more || is_doubtful) else {
                return Ok(End::Reached);
            };
            if has_more && new == 0 && ran_into != Some(oldest) {
                // The page holds nothing but records of one moment that were seen before; the way
                // further back may leave others of that moment behind.
                ran_into = Some(oldest);
                if !self.other_end(way, oldest).await? {
                    let field = way.field;
                    self.reading
                        .gap(format!("more records share {field} {oldest} than fit on two pages"));
                }
            }
            match next_bound(bound, oldest, new) {
                Some(next) => bound = Some(next),
                None => {
                    self.reading
                        .gap("more is announced but asking further back brings nothing new");
                    return Ok(End::Left);
                }
            }
        }
        Ok(End::Left)
    }

    /// Reads the records of one moment from their other end. Says whether both ends met, so that
    /// none of that moment is left out.
    async fn other_end(&self, way: &Backward<'_>, moment: i64) -> Result<bool> {
        let Some(parameter) = way.forward_parameter else { return Ok(false) };
        let parameters = [(parameter, moment.saturating_sub(1).to_string())];
        let page = Page { parameters: &parameters, ..Page::default() };
        let Some(answer) = self.ask(page).await? else { return Ok(true) };
        let goes_past = numbers(&answer.found, way.field).any(|number| number > moment);
        let meets = {
            let state = self.reading.state();
            answer.found.iter().any(|found| state.present.contains(&found.span.key))
        };
        self.absorb(&answer.found);
        Ok(goes_past || meets)
    }

    /// Asks for a page; `None` when it brought nothing to go on with, which has been noted.
    pub(crate) async fn ask(&self, page: Page<'_>) -> Result<Option<Answer>> {
        let reading = self.reading;
        let Some(answer) = reading.reader.ask(reading, page).await? else { return Ok(None) };
        if answer.verdict == Verdict::Gap {
            reading.state().refused_with = Some(answer.status);
            reading.gap(format!("status {}", answer.status));
            return Ok(None);
        }
        Ok(Some(answer))
    }

    /// Takes the records in and says how many of them this reading had not seen before.
    pub(crate) fn absorb(&self, found: &[Found]) -> usize {
        let new = self.reading.absorb(found);
        let pages = u64::from(self.reading.partition.is_root());
        self.progress.advance(&self.reading.stream.name, pages, new as u64);
        new
    }

    pub(crate) fn evidence(&self, sentence: String) {
        let name = &self.reading.stream.name;
        self.reading.reader.note_evidence(format!("{name}: {sentence}"));
    }

    fn ended(&self, pages: u64, signal: &str) {
        if self.reading.partition.is_root() {
            let keys = self.reading.state().present.len();
            self.evidence(format!("{pages} pages, {keys} keys, ended by {signal}"));
        }
    }
}

fn numbers<'a>(found: &'a [Found], field: &'a str) -> impl Iterator<Item = i64> + 'a {
    found.iter().filter_map(move |found| at_path(&found.value, field)?.as_i64())
}

pub(crate) fn check_bound(pages: u64) -> Result<()> {
    if pages < PAGES_MAX {
        return Ok(());
    }
    Err(Fault::data(format!("the list did not end after {PAGES_MAX} pages"))
        .hint("the server seems to serve the same page over and over"))
}

/// Where to look next: one past the oldest record, so that records of its very millisecond come
/// again; when that brings nothing new, at it; then before it; then nowhere.
fn next_bound(bound: Option<i64>, oldest: i64, new: usize) -> Option<i64> {
    let next = oldest.saturating_add(1);
    match bound {
        None => Some(next),
        Some(bound) if bound > next => Some(next),
        Some(bound) if new > 0 => Some(bound.min(next)),
        Some(bound) if bound > oldest.saturating_sub(1) => Some(bound - 1),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_brings_nothing_new_moves_the_bound_and_then_ends() {
        assert_eq!(next_bound(None, 100, 40), Some(101));
        assert_eq!(next_bound(Some(101), 80, 39), Some(81));
        assert_eq!(next_bound(Some(101), 100, 0), Some(100));
        assert_eq!(next_bound(Some(100), 100, 0), Some(99));
        assert_eq!(next_bound(Some(99), 100, 0), None);
    }
}
