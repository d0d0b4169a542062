//! One session of a load, as somebody else may watch it: how far it is, at which rate, when it will
//! be finished, and in the end how it ended. Counts what others do; decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::{Clock, Instant, Result};
use landing::session::{Ended, PhaseStanding, Session, Standing};

use crate::replay::{Outcome, Progress};
use crate::target::{Target, phase};

/// Over which time the rate is measured, in milliseconds.
const RATE_MS: u64 = 60_000;
/// Phases with one call for each record, so that the forecast of calls counts the records too.
const OF_RECORDS: [&str; 8] = [
    phase::TAGS_CREATE,
    phase::FIELDS_CREATE,
    phase::CUSTOMERS_CREATE,
    phase::CUSTOMERS_UPDATE,
    phase::FILES_UPLOAD,
    phase::TICKETS_CREATE,
    phase::MESSAGES_APPEND,
    phase::TICKETS_UPDATE,
];

/// Counts what a session does.
pub(crate) struct Watch<'a> {
    target: &'a dyn Target,
    progress: &'a dyn Progress,
    clock: &'a dyn Clock,
    calls_at_start: BTreeMap<String, u64>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Whether the whole plan is replayed, so that its forecast says when that ends.
    is_whole: bool,
    forecast: Vec<(String, u64)>,
    calls_before: BTreeMap<String, u64>,
    /// Phases that have begun, in that order; the last ones go on side by side.
    begun: Vec<String>,
    planned: BTreeMap<String, u64>,
    settled: BTreeMap<String, u64>,
    /// Calls of this session at some moments of the last minute.
    samples: VecDeque<(Instant, u64)>,
}

impl<'a> Watch<'a> {
    pub fn new(target: &'a dyn Target, progress: &'a dyn Progress, clock: &'a dyn Clock) -> Self {
        let mut counts = Counts::default();
        counts.samples.push_back((clock.now(), 0));
        let (calls_at_start, counts) = (target.calls(), Mutex::new(counts));
        Self { target, progress, clock, calls_at_start, counts }
    }

    /// Learns what the plan expects, what earlier sessions did, and whether all of the plan is
    /// replayed.
    pub fn learn(
        &self,
        forecast: Vec<(String, u64)>,
        calls_before: BTreeMap<String, u64>,
        is_whole: bool,
    ) {
        let mut counts = self.counts();
        (counts.forecast, counts.calls_before) = (forecast, calls_before);
        counts.is_whole = is_whole;
    }

    /// Does the work and tells meanwhile how far it is, here and in the warehouse.
    pub async fn beside<T>(&self, session: &Session, work: impl Future<Output = T>) -> T {
        session.alive(self.clock, || self.told(), work).await
    }

    /// Notes how the session ended.
    pub async fn end(&self, session: &Session, replayed: &Result<Outcome>) -> Result<()> {
        let at = self.clock.now();
        let ended = match replayed {
            Err(fault) => Ended::failed(fault, at),
            Ok(outcome) => {
                let findings = outcome.findings.len() as u64;
                match outcome.stopped {
                    true => Ended::stopped(findings, at),
                    false => Ended::of(findings, outcome.complete, at),
                }
            }
        };
        session.note(&self.told()).await?;
        session.end(&ended).await
    }

    fn told(&self) -> Standing {
        let standing = self.standing();
        self.progress.standing(&standing);
        standing
    }

    /// How far it is.
    fn standing(&self) -> Standing {
        let (calls, vitals) = (self.target.calls(), self.target.vitals());
        let now = self.clock.now();
        let mut counts = self.counts();
        let calls = since(&self.calls_at_start, &calls);
        let total = calls.values().sum();
        let is_old = |sample: &(Instant, u64)| now.ms_since(sample.0) > RATE_MS;
        // The oldest one that is kept is a minute old, so that a whole minute is counted.
        while counts.samples.get(1).is_some_and(is_old) {
            counts.samples.pop_front();
        }
        let (since_at, before) = counts.samples.front().copied().unwrap_or((now, 0));
        counts.samples.push_back((now, total));
        let phases = counts.phases(&calls);
        let left = phases.iter().map(|one| one.forecast.saturating_sub(one.calls)).sum();
        let finish_at = finish(now, left, now.ms_since(since_at), total - before);
        Standing {
            at: Some(now),
            phase: counts.phase(),
            phases,
            calls_last_minute: total - before,
            bucket: vitals.bucket,
            finish_at: finish_at.filter(|_| counts.is_whole),
            errors: vitals.troubles,
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// The first phase that has begun and is not through.
    fn phase(&self) -> Option<String> {
        let count = |of: &BTreeMap<String, u64>, phase: &str| of.get(phase).copied();
        let is_open = |phase: &&String| {
            count(&self.settled, phase).unwrap_or(0) < count(&self.planned, phase).unwrap_or(0)
        };
        self.begun.iter().find(is_open).or(self.begun.last()).cloned()
    }

    /// Every phase of the forecast, then those that nobody forecast.
    fn phases(&self, calls: &BTreeMap<String, u64>) -> Vec<PhaseStanding> {
        let count = |of: &BTreeMap<String, u64>, phase: &str| of.get(phase).copied();
        let mut names: Vec<&String> = self.forecast.iter().map(|(phase, _)| phase).collect();
        for name in self.planned.keys().chain(self.calls_before.keys()).chain(calls.keys()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let phases = names.into_iter().map(|phase| {
            let forecast = self.forecast.iter().find(|(name, _)| name == phase);
            let forecast = forecast.map_or(0, |(_, calls)| *calls);
            let records = if OF_RECORDS.contains(&phase.as_str()) { forecast } else { 0 };
            let made = [count(&self.calls_before, phase), count(calls, phase)];
            PhaseStanding {
                phase: phase.clone(),
                planned: count(&self.planned, phase).unwrap_or(records),
                settled: count(&self.settled, phase).unwrap_or_default(),
                forecast,
                calls: made.into_iter().flatten().sum(),
            }
        });
        phases.collect()
    }
}

/// When so many calls will have been made at the rate at which `made` left in `ms`.
fn finish(now: Instant, left: u64, ms: u64, made: u64) -> Option<Instant> {
    if left == 0 || made == 0 {
        return None;
    }
    Some(now.plus_ms(left.saturating_mul(ms) / made))
}

fn since(start: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let new = now.iter().map(|(phase, count)| {
        let before = start.get(phase).copied().unwrap_or_default();
        (phase.clone(), count.saturating_sub(before))
    });
    new.filter(|(_, count)| *count > 0).collect()
}

impl Progress for Watch<'_> {
    fn phase(&self, phase: &str, total: u64) {
        let mut counts = self.counts();
        counts.begun.push(phase.to_owned());
        counts.planned.insert(phase.to_owned(), total);
        drop(counts);
        self.progress.phase(phase, total);
    }

    fn advance(&self, phase: &str, by: u64) {
        *self.counts().settled.entry(phase.to_owned()).or_default() += by;
        self.progress.advance(phase, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_where_the_calls_that_are_left_have_been_made() {
        let now = Instant::from_millis(100_000);
        assert_eq!(finish(now, 200, 10_000, 20), Some(Instant::from_millis(200_000)));
        assert_eq!(finish(now, 0, 10_000, 20), None);
        assert_eq!(finish(now, 200, 10_000, 0), None);
    }

    #[test]
    fn the_phase_under_way_is_the_first_that_is_not_through() {
        let mut counts = Counts::default();
        assert_eq!(counts.phase(), None);
        for (phase, planned) in [("tags_create", 2), ("tickets_create", 5), ("tickets_update", 1)] {
            counts.begun.push(phase.to_owned());
            counts.planned.insert(phase.to_owned(), planned);
        }
        counts.settled.insert("tags_create".into(), 2);
        assert_eq!(counts.phase().as_deref(), Some("tickets_create"));
        counts.settled.extend([("tickets_create".into(), 5), ("tickets_update".into(), 1)]);
        assert_eq!(counts.phase().as_deref(), Some("tickets_update"));
    }

    #[test]
    fn phases_stand_in_the_order_of_the_forecast_and_what_nobody_forecast_comes_last() {
        let counts = Counts {
            forecast: vec![("tags_create".into(), 3), ("tickets_read".into(), 1)],
            calls_before: BTreeMap::from([("tags_create".into(), 2)]),
            settled: BTreeMap::from([("tags_create".into(), 1)]),
            ..Counts::default()
        };
        let calls = [("lookups", 4), ("tags_create", 1)].map(|(name, n)| (name.to_owned(), n));
        let phases = counts.phases(&BTreeMap::from(calls));
        let shown = phases
            .iter()
            .map(|one| (one.phase.as_str(), one.planned, one.settled, one.forecast, one.calls));
        let expected =
            [("tags_create", 3, 1, 3, 3), ("tickets_read", 0, 0, 1, 0), ("lookups", 0, 0, 0, 4)];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}
