//! Lists of which the API gives only so many pages: they are read in windows of time that follow
//! each other without a gap, each with fewer pages than that.
//!
//! The last page that the API gives is asked for first. Where it holds records, the window is split
//! at the moment of the first of them, so that what lies before it fits. Many records of one moment
//! stay together in one window, whose bounds are that moment and the next that the API can tell.

use std::collections::HashSet;

use kernel::{Instant, Result};

use crate::manifest::Incremental;
use crate::pages::{End, check_bound};
use crate::sweep::{Sweep, Sweeps, Window};

/// The sweep by which the last page is asked for; those that read a window count from 1.
const LOOK: u64 = 0;

/// A list in windows of time.
pub(crate) struct Windows<'a> {
    pub(crate) sweeps: Sweeps<'a>,
    pub(crate) sync: &'a Incremental,
    /// The first place that must not be asked for.
    pub(crate) wall: u64,
}

/// What the last page that the API gives shows of a window.
enum Look {
    /// No records: everything is on pages before it.
    Fits,
    /// Records; the moment of the first one, where it has one.
    Full(Option<Instant>),
    /// It could not be read, which has been noted.
    Left,
}

impl Windows<'_> {
    /// Reads the list.
    pub(crate) async fn read(&self) -> Result<End> {
        let reader = self.sweeps.pages.reading.reader;
        let lookback_ms = self.sync.lookback_window_s * 1_000;
        let whole = match reader.closing_since() {
            Some(since) => Window { from: Some(since.minus_ms(lookback_ms)), to: None },
            None => Window { from: None, to: Some(reader.begun_at().minus_ms(lookback_ms)) },
        };
        let mut open = vec![whole];
        let (mut windows, mut keys, mut end) = (0, HashSet::new(), End::Reached);
        while let Some(window) = open.pop() {
            windows += 1;
            check_bound(windows)?;
            match self.look(window).await? {
                Look::Left => return Ok(End::Left),
                Look::Fits => {}
                Look::Full(moment) => {
                    if let Some((before, after)) = split(window, moment, self.granularity_ms()) {
                        open.push(after);
                        open.push(before);
                        continue;
                    }
                }
            }
            match self.window(window).await? {
                Some(listed) => keys.extend(listed),
                None => end = End::Left,
            }
        }
        if end == End::Reached && whole.to.is_some() {
            let place = self.sweeps.path.map(|path| format!(" of {path}")).unwrap_or_default();
            let keys_told = keys.len();
            self.sweeps.pages.evidence(format!(
                "{windows} windows{place}, {keys_told} keys, each read forwards and then backwards"
            ));
            reader.note_listed(self.sweeps.pages.reading.stream, keys);
        }
        Ok(end)
    }

    /// Asks for the last page that the API gives of a window.
    async fn look(&self, window: Window) -> Result<Look> {
        let mut sweep = Sweep::default();
        let last = self.wall - self.sweeps.counter.step;
        let held = self.sweeps.step(&mut sweep, window, LOOK, last).await?;
        Ok(match held {
            None => Look::Left,
            Some(false) => Look::Fits,
            Some(true) => Look::Full(sweep.first_moment),
        })
    }

    /// Reads one window whole; the hashes of its keys, or `None` with the reason noted.
    async fn window(&self, window: Window) -> Result<Option<HashSet<u64>>> {
        let reading = self.sweeps.pages.reading;
        if window.to.is_none() {
            let end = self.sweeps.until_still(window, 0).await?;
            return Ok((end == End::Reached).then(HashSet::new));
        }
        let Some((there, back)) = self.sweeps.there_and_back(window).await? else {
            return Ok(None);
        };
        let field = &self.sync.cursor_field;
        if there.strays + back.strays > 0 {
            let strays = there.strays.max(back.strays);
            reading.gap(format!("{strays} records lie outside of the {field} that was asked for"));
            return Ok(None);
        }
        if there.is_cut || back.is_cut {
            let at = window.from.map(|from| from.to_seconds_text()).unwrap_or_default();
            reading.gap(format!("more records share {field} {at} than the API gives pages for"));
            return Ok(None);
        }
        Ok(Some(back.keys))
    }

    fn granularity_ms(&self) -> u64 {
        self.sync.cursor_granularity_ms
    }
}

/// Two windows in place of one, parted at a moment of which there are records; `None` when it cannot
/// be parted any more.
fn split(window: Window, moment: Option<Instant>, granularity_ms: u64) -> Option<(Window, Window)> {
    let is_inside = |at: &Instant| {
        window.from.is_none_or(|from| *at > from) && window.to.is_none_or(|to| *at < to)
    };
    let middle = || {
        let (from, to) = (window.from?, window.to?);
        Some(from.plus_ms(to.ms_since(from) / 2 / granularity_ms * granularity_ms))
    };
    // Where the window begins with the moment, that moment is parted from what comes after it.
    let next = || moment.or(window.from).map(|at| at.plus_ms(granularity_ms));
    let at = [moment, next(), middle()].into_iter().flatten().find(is_inside)?;
    Some((Window { to: Some(at), ..window }, Window { from: Some(at), ..window }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_millis(ms)
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: Some(at(from)), to: Some(at(to)) }
    }

    #[test]
    fn a_window_is_parted_at_a_moment_inside_and_never_into_itself() {
        let parted = |whole, moment: Option<i64>| split(whole, moment.map(at), 1);
        let open = Window { from: None, to: Some(at(100)) };
        let before = Window { from: None, to: Some(at(40)) };
        assert_eq!(parted(open, Some(40)), Some((before, window(40, 100))));
        let tied = parted(window(40, 100), Some(40));
        assert_eq!(tied, Some((window(40, 41), window(41, 100))));
        assert_eq!(parted(window(40, 41), Some(40)), None, "one moment cannot be parted");
        let outside = parted(window(40, 100), Some(7));
        assert_eq!(outside, Some((window(40, 70), window(70, 100))), "the server does not sort");
        assert_eq!(parted(window(40, 100), None), Some((window(40, 41), window(41, 100))));
    }

    #[test]
    fn parting_ends_and_its_parts_cover_the_whole() {
        let mut open = vec![window(0, 1_000)];
        let mut closed = Vec::new();
        while let Some(next) = open.pop() {
            match split(next, next.from.map(|from| from.plus_ms(7)), 10) {
                Some((before, after)) => open.extend([after, before]),
                None => closed.push(next),
            }
        }
        let edges: Vec<_> = closed.windows(2).map(|pair| pair[0].to == pair[1].from).collect();
        assert!(edges.iter().all(|meets| *meets));
        assert_eq!((closed[0].from, closed[closed.len() - 1].to), (Some(at(0)), Some(at(1_000))));
    }
}
