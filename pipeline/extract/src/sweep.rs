//! Numbered lists that move while they are read, and how it is shown that none of their records
//! was passed over.
//!
//! Reading page after page passes a record over only when records before it go away in between.
//! Two ways of reading rule that out:
//!
//! - **Backwards through a closed window.** A filter keeps everything out that was touched after
//!   the extraction began, so the list can only shrink, and what shrinks moves records towards
//!   lower pages. Reading from the empty page down to the first meets every record that stays.
//! - **Twice over a list that stands still.** When no key came twice in one sweep and all of its
//!   keys come again in the next, nothing went away in front of the reader.
//!
//! Touched records leave the closed window; the closing sweeps read the window from then on.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use http::Verdict;
use kernel::{Instant, Result};

use crate::interpolation::Interval;
use crate::manifest::{HttpMethod, Incremental};
use crate::pages::{End, Pages, check_bound};
use crate::questions::{Answer, Page};
use crate::windows::Windows;

/// How pages are counted.
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a> {
    /// The number of the first page, or the first offset.
    pub(crate) first: u64,
    /// From one page to the next.
    pub(crate) step: u64,
    /// Statuses that mean "past the end", besides an empty page.
    pub(crate) end_http_codes: &'a [u16],
    /// The first place that must not be asked for, where the API gives only so many pages.
    pub(crate) wall: Option<u64>,
}

/// A numbered list, read until it is shown to be whole or patience ends.
#[derive(Clone, Copy)]
pub(crate) struct Sweeps<'a> {
    pub(crate) pages: &'a Pages<'a>,
    /// Where the list is asked for, when that is not the stream's first path.
    pub(crate) path: Option<&'a str>,
    pub(crate) counter: Counter<'a>,
    pub(crate) sweeps_max: u64,
}

/// One sweep over a list.
#[derive(Default)]
pub(crate) struct Sweep {
    /// Hashes of the keys that came.
    pub(crate) keys: HashSet<u64>,
    /// Whether a key came twice.
    is_doubled: bool,
    /// Keys that no sweep before had brought.
    new: usize,
    /// Places of the first page without records.
    places: u64,
    /// How the list ended: an empty page, or a status.
    signal: String,
    /// Records that the window should have kept out.
    pub(crate) strays: u64,
    /// Whether it ran into the last page that the API gives.
    pub(crate) is_cut: bool,
    /// The moment of the first record that came.
    pub(crate) first_moment: Option<Instant>,
    /// Replies that a cache gave.
    cached: u64,
}

/// Times between which a record must have been touched to be listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Option<Instant>,
    pub(crate) to: Option<Instant>,
}

impl Sweeps<'_> {
    /// Reads the list. Sweeping it once is no proof and is only done where records cannot move.
    pub(crate) async fn read(&self) -> Result<End> {
        let reading = self.pages.reading;
        let sync = reading.stream.incremental_sync.as_ref();
        let since = reading.reader.closing_since();
        if let (Some(sync), Some(wall)) = (sync, self.counter.wall) {
            return Windows { sweeps: *self, sync, wall }.read().await;
        }
        match (sync.filter(|_| reading.stream.has_upper_bound()), since) {
            (Some(sync), None) if self.sweeps_max > 1 => self.closed_window(sync).await,
            (Some(sync), Some(since)) => {
                let from = since.minus_ms(sync.lookback_window_s * 1_000);
                self.until_still(Window { from: Some(from), to: None }, 0).await
            }
            _ if self.sweeps_max > 1 => self.until_still(Window::default(), 0).await,
            _ => self.once().await,
        }
    }

    async fn once(&self) -> Result<End> {
        let Some(sweep) = self.forward(Window::default(), 0).await? else { return Ok(End::Left) };
        let reading = self.pages.reading;
        if reading.partition.is_root() {
            self.pages.evidence(sweep.told("read once"));
            if sweep.places - self.counter.first > self.counter.step {
                let why =
                    "read once over several pages; whatever moved in between may be passed over";
                reading.reader.note_unproven(reading.stream, why);
            }
        }
        Ok(End::Reached)
    }

    /// The whole of a closed window: what is left in it cannot escape.
    async fn closed_window(&self, sync: &Incremental) -> Result<End> {
        let reader = self.pages.reading.reader;
        let to = reader.begun_at().minus_ms(sync.lookback_window_s * 1_000);
        let window = Window { from: None, to: Some(to) };
        let Some((there, back)) = self.there_and_back(window).await? else {
            return Ok(End::Left);
        };
        let until = to.to_seconds_text();
        self.pages.evidence(there.told(&format!("sweep 1, forwards, not touched after {until}")));
        self.pages.evidence(back.told("sweep 2, backwards over the same"));
        let strays = there.strays + back.strays;
        if strays > 0 {
            self.pages.evidence(format!(
                "{strays} records were touched later than the filter allows, so it is not relied on"
            ));
            return self.until_still(Window::default(), 2).await;
        }
        reader.note_listed(self.pages.reading.stream, back.keys);
        Ok(End::Reached)
    }

    /// Forwards to find the end, then backwards.
    pub(crate) async fn there_and_back(&self, window: Window) -> Result<Option<(Sweep, Sweep)>> {
        let Some(there) = self.forward(window, 1).await? else { return Ok(None) };
        let Some(back) = self.backward(window, 2, there.places).await? else { return Ok(None) };
        if there.strays + back.strays == 0 {
            self.warn_of_cache(there.cached + back.cached);
        }
        if back.places > there.places {
            let why = "the list grew although later records were filtered out";
            self.pages.reading.reader.note_unproven(self.pages.reading.stream, why);
        }
        Ok(Some((there, back)))
    }

    /// Forwards again and again, until a sweep without doubles comes again whole.
    pub(crate) async fn until_still(&self, window: Window, swept: u64) -> Result<End> {
        let reading = self.pages.reading;
        let (mut last, mut listed): (Option<Sweep>, HashSet<u64>) = (None, HashSet::new());
        for number in swept + 1..=swept + self.sweeps_max {
            let Some(sweep) = self.forward(window, number).await? else { return Ok(End::Left) };
            self.warn_of_cache(sweep.cached);
            let from =
                window.from.map(|from| format!(", touched since {}", from.to_seconds_text()));
            let place = self.path.map(|path| format!(" of {path}")).unwrap_or_default();
            let title = format!("sweep {number}{place}{}", from.unwrap_or_default());
            let is_still = last
                .as_ref()
                .is_some_and(|last| !last.is_doubled && last.keys.is_subset(&sweep.keys));
            let outcome = if is_still { "; the list stood still" } else { "" };
            self.pages.evidence(sweep.told(&title) + outcome);
            listed = if is_still { sweep.keys.clone() } else { listed };
            listed.extend(&sweep.keys);
            last = Some(sweep);
            if is_still {
                reading.reader.note_listed(reading.stream, listed);
                return Ok(End::Reached);
            }
        }
        let sweeps_max = self.sweeps_max;
        reading.reader.note_unproven(
            reading.stream,
            &format!("the list never stood still in {sweeps_max} sweeps; a record that was always there may have been passed over"),
        );
        Ok(End::Reached)
    }

    async fn forward(&self, window: Window, number: u64) -> Result<Option<Sweep>> {
        let mut sweep = Sweep::default();
        let mut place = self.counter.first;
        while self.step(&mut sweep, window, number, place).await?.is_some_and(|more| more) {
            place += self.counter.step;
            check_bound((place - self.counter.first) / self.counter.step)?;
        }
        sweep.places = place;
        Ok(self.whole(sweep))
    }

    /// From the page that was the first without records down to the first. Should there be records
    /// now, what follows them is read first.
    async fn backward(&self, window: Window, number: u64, end: u64) -> Result<Option<Sweep>> {
        let mut sweep = Sweep::default();
        let mut place = end;
        while self.step(&mut sweep, window, number, place).await?.is_some_and(|more| more) {
            place += self.counter.step;
        }
        sweep.places = place;
        let mut place = end;
        while place > self.counter.first {
            place -= self.counter.step;
            self.step(&mut sweep, window, number, place).await?;
        }
        Ok(self.whole(sweep))
    }

    /// A sweep that ran into a gap is none.
    fn whole(&self, sweep: Sweep) -> Option<Sweep> {
        (!sweep.signal.is_empty()).then_some(sweep)
    }

    /// Reads one page; says whether it held records, `None` when it could not be read.
    pub(crate) async fn step(
        &self,
        sweep: &mut Sweep,
        window: Window,
        number: u64,
        place: u64,
    ) -> Result<Option<bool>> {
        if self.counter.wall.is_some_and(|wall| place >= wall) {
            sweep.is_cut = true;
            sweep.signal = "the last page that the API gives".to_owned();
            return Ok(Some(false));
        }
        let token = place.to_string();
        // On the very first page these statuses mean what they always mean.
        let is_first = place == self.counter.first;
        let end_http_codes = if is_first { &[] } else { self.counter.end_http_codes };
        let bounds = self.bounds(window, number);
        let parameters = self.parameters(&bounds);
        let (start_time, end_time) = (bounds[0].as_deref(), bounds[1].as_deref());
        let page = Page {
            path: self.path,
            interval: Interval { start_time, end_time },
            token: Some(&token),
            parameters: &parameters,
            end_http_codes,
            sweep: number,
            ..Page::default()
        };
        let Some(answer) = self.pages.ask(page).await? else { return Ok(None) };
        if answer.verdict != Verdict::Success || answer.found.is_empty() {
            sweep.signal = match answer.verdict {
                Verdict::Success => "an empty page".to_owned(),
                _ if is_first => format!("status {}: not offered by this account", answer.status),
                _ => format!("status {}", answer.status),
            };
            return Ok(Some(false));
        }
        self.count(sweep, window, number, &answer);
        sweep.new += self.pages.absorb(&answer.found);
        Ok(Some(true))
    }

    fn count(&self, sweep: &mut Sweep, window: Window, number: u64, answer: &Answer) {
        let sync = self.pages.reading.stream.incremental_sync.as_ref();
        sweep.cached += u64::from(answer.is_cached);
        for found in &answer.found {
            sweep.is_doubled |= !sweep.keys.insert(hash_of(&found.span.key));
            let touched_at = sync.and_then(|sync| sync.moment(&found.value));
            sweep.first_moment = sweep.first_moment.or(touched_at);
            let is_stray =
                |to: Instant| touched_at.is_none_or(|touched| touched > to.plus_ms(number));
            let is_early =
                |from: Instant| touched_at.is_some_and(|touched| touched < from.minus_ms(number));
            let is_outside = window.to.is_some_and(is_stray) || window.from.is_some_and(is_early);
            sweep.strays += u64::from(is_outside);
        }
    }

    /// Where the window begins and ends, as the API writes it. Each sweep's is wider by a millisecond
    /// than that of the one before, so that no cache takes it for the same question; what is sent
    /// with POST no cache answers.
    fn bounds(&self, window: Window, number: u64) -> [Option<String>; 2] {
        let stream = self.pages.reading.stream;
        let Some(sync) = &stream.incremental_sync else { return [None, None] };
        let wider_ms = if stream.http_method == HttpMethod::Post { 0 } else { number };
        let from = window.from.map(|from| from.minus_ms(wider_ms));
        let to = window.to.map(|to| to.plus_ms(wider_ms));
        [from, to].map(|at| at.map(|at| sync.parameter(at)))
    }

    /// The bounds among the parameters, where the API has such.
    fn parameters(&self, bounds: &[Option<String>; 2]) -> Vec<(&str, String)> {
        let Some(sync) = &self.pages.reading.stream.incremental_sync else { return Vec::new() };
        let names = [&sync.start_time_parameter, &sync.end_time_parameter];
        let named = names.into_iter().zip(bounds);
        named.filter_map(|(name, at)| Some((name.as_deref()?, at.clone()?))).collect()
    }

    fn warn_of_cache(&self, cached: u64) {
        if cached > 0 {
            self.pages.reading.reader.note_unproven(
                self.pages.reading.stream,
                &format!(
                    "{cached} pages came from a cache, which may show the list as it was before"
                ),
            );
        }
    }
}

impl Sweep {
    fn told(&self, title: &str) -> String {
        let doubled = if self.is_doubled { ", some of them twice" } else { "" };
        let (keys, new, signal) = (self.keys.len(), self.new, &self.signal);
        format!("{title}: {keys} keys{doubled}, {new} of them new, ended by {signal}")
    }
}

/// Sixty-four bits of a key's hash: comparing sweeps needs no texts.
pub(crate) fn hash_of(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
