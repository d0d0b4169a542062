//! The ways in which lists are paged through.

use std::collections::HashSet;

use http::Verdict;
use kernel::{Fault, Result};

use crate::interpolation::at_path;
use crate::manifest::Stream;
use crate::reader::{Answer, Page, Reader};
use crate::run::Progress;
use crate::selector::{Found, Partition, text_at};

/// Pages of one list before it counts as endless.
const PAGES_MAX: u64 = 1_000_000;
/// How often a list is begun again when its cursor is no longer accepted.
const RESTARTS_MAX: u64 = 3;

/// The pages of one partition of a stream.
pub(crate) struct Pages<'a> {
    pub(crate) reader: &'a Reader<'a>,
    pub(crate) stream: &'a Stream,
    pub(crate) partition: Option<&'a Partition>,
    pub(crate) progress: &'a dyn Progress,
}

impl Pages<'_> {
    /// One reply holds everything.
    pub(crate) async fn single(&self) -> Result<()> {
        let answer = self.ask(Page::default()).await?;
        self.take_new(&answer.found, &mut HashSet::new());
        Ok(())
    }

    /// Pages by number until an empty one, over and over until nothing new comes.
    pub(crate) async fn numbered(
        &self,
        start_from_page: u64,
        end_http_codes: &[u16],
        sweeps_max: u64,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        for sweep in 1..=sweeps_max {
            let mut new = 0;
            let mut number = start_from_page;
            loop {
                let token = number.to_string();
                // On the very first page these statuses mean what they always mean.
                let end_http_codes = if number > start_from_page { end_http_codes } else { &[] };
                let token = Some(token.as_str());
                let page = Page { token, end_http_codes, round: sweep, ..Page::default() };
                let answer = self.ask(page).await?;
                if answer.verdict != Verdict::Success || answer.found.is_empty() {
                    break;
                }
                new += self.take_new(&answer.found, &mut seen);
                number += 1;
                self.check_bound(number - start_from_page)?;
            }
            let pages = number - start_from_page;
            self.evidence(format!(
                "sweep {sweep}: {pages} pages with records, {new} new keys, ended by a page without any"
            ));
            if new == 0 || sweeps_max == 1 {
                return Ok(());
            }
        }
        self.evidence(format!(
            "not settled after {sweeps_max} sweeps: the list changed while it was read"
        ));
        Ok(())
    }

    /// Pages by a cursor that each reply brings.
    pub(crate) async fn by_cursor(&self, cursor_value: &str, parameter: &str) -> Result<()> {
        let mut seen = HashSet::new();
        let (mut round, mut pages) = (0, 0);
        let mut cursor: Option<String> = None;
        loop {
            let parameter = cursor.as_deref().map(|value| (parameter, value));
            // A cursor is short-lived: one from before an interruption may be refused by now.
            let end_http_codes: &[u16] = if parameter.is_some() { &[400] } else { &[] };
            let answer =
                self.ask(Page { parameter, end_http_codes, round, ..Page::default() }).await?;
            if answer.verdict == Verdict::Ignore {
                round += 1;
                cursor = None;
                if round > RESTARTS_MAX {
                    return Err(Fault::refused("the list's cursor is refused again and again"));
                }
                continue;
            }
            self.take_new(&answer.found, &mut seen);
            pages += 1;
            self.check_bound(pages)?;
            let next = text_at(&answer.body, cursor_value).filter(|next| !next.is_empty());
            if next.is_none() || next == cursor {
                self.evidence(format!(
                    "{pages} pages, {} keys, ended by no next cursor",
                    seen.len()
                ));
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Pages from the newest record backwards, by an upper bound on one of its fields.
    pub(crate) async fn backward(
        &self,
        (field, parameter): (&str, &str),
        more_http_code: u16,
        confirm_from: usize,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let mut bound: Option<i64> = None;
        let mut oldest: Option<i64> = None;
        let mut is_doubted = false;
        for number in 0.. {
            self.check_bound(number)?;
            let text = bound.map(|bound| bound.to_string());
            let parameter = text.as_deref().map(|text| (parameter, text));
            let answer = self.ask(Page { parameter, ..Page::default() }).await?;
            if answer.verdict != Verdict::Success {
                return Ok(());
            }
            let new = self.take_new(&answer.found, &mut seen);
            let times =
                answer.found.iter().filter_map(|found| at_path(&found.value, field)?.as_i64());
            oldest = oldest.into_iter().chain(times).min();
            let has_more = answer.status == more_http_code;
            let is_doubtful = new >= confirm_from;
            let Some(oldest) = oldest.filter(|_| has_more || is_doubtful) else {
                return Ok(());
            };
            if has_more && new == 0 && !is_doubted {
                // The page holds nothing but records of one moment that were seen before; the way
                // further back may leave others of that moment behind.
                is_doubted = true;
                let reason = format!("more records share {field} {oldest} than fit on a page");
                self.reader.note_gap(self.stream, self.partition, reason);
            }
            match next_bound(bound, oldest, new) {
                Some(next) => bound = Some(next),
                None => {
                    let reason = "more is announced but asking further back brings nothing new";
                    self.reader.note_gap(self.stream, self.partition, reason.to_owned());
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn ask(&self, page: Page<'_>) -> Result<Answer> {
        let answer = self.reader.ask(self.stream, self.partition, page).await?;
        if answer.verdict == Verdict::Gap {
            let reason = format!("status {}", answer.status);
            self.reader.note_gap(self.stream, self.partition, reason);
        }
        Ok(answer)
    }

    /// Takes the records in that were not seen before, and says how many they are.
    fn take_new(&self, found: &[Found], seen: &mut HashSet<String>) -> usize {
        let mut new = 0;
        for record in found.iter().filter(|found| seen.insert(found.span.key.clone())) {
            self.reader.take(self.stream, record);
            new += 1;
        }
        let pages = u64::from(self.partition.is_none());
        self.progress.advance(&self.stream.name, pages, new as u64);
        new
    }

    fn evidence(&self, sentence: String) {
        self.reader.note_evidence(format!("{}: {sentence}", self.stream.name));
    }

    fn check_bound(&self, pages: u64) -> Result<()> {
        if pages < PAGES_MAX {
            return Ok(());
        }
        Err(Fault::data(format!("the list did not end after {PAGES_MAX} pages"))
            .hint("the server seems to serve the same page over and over"))
    }
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
