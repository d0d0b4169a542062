//! The calls of a day: counted before they leave, waited for when they are used up, and forecast.
//!
//! Days are UTC days. Vendors do not say when theirs begins, so whoever is refused although calls
//! should be left asks again after a while instead of trusting the calendar.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Clock, Code, Fault, Instant, Result};

/// The first pause after the other side said that its quota is used up; it doubles from there.
const REFUSED_PAUSE_FIRST_MS: u64 = 60_000;
/// The longest such pause: a call an hour finds out when the quota is back.
const REFUSED_PAUSE_MAX_MS: u64 = 3_600_000;

/// What to do when the calls of a day are used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenUsedUp {
    /// Sleep until they are back, and go on.
    #[default]
    Wait,
    /// Stop cleanly; the same command goes on another day.
    Stop,
}

/// How an extraction stands against the calls that it may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The UTC day that calls are counted for, as `2026-08-26`.
    pub day: String,
    /// Calls made on that day, those of earlier processes included.
    pub used: u64,
    /// Calls allowed on a day; `None` is no limit.
    pub limit: Option<u64>,
    /// Calls still to make, as far as is known by now.
    pub to_go: u64,
    /// About when it will be finished, as far as is known by now.
    pub finish_at: Option<Instant>,
    /// When calls will leave again, while it waits.
    pub waits_until: Option<Instant>,
}

impl Standing {
    /// Calls left on the day; `None` without a limit.
    pub fn left(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }
}

/// Counts calls by day.
pub(crate) struct Quota {
    limit: Option<u64>,
    when_used_up: WhenUsedUp,
    clock: Arc<dyn Clock>,
    began_at: Instant,
    state: Mutex<State>,
}

struct State {
    day: i64,
    used: u64,
    made: u64,
    waits_until: Option<Instant>,
}

impl Quota {
    /// Begins with the calls that were made on this UTC day before.
    pub(crate) fn new(
        limit: Option<u64>,
        when_used_up: WhenUsedUp,
        clock: Arc<dyn Clock>,
        used: u64,
    ) -> Self {
        let now = clock.now();
        let state = State { day: now.day(), used, made: 0, waits_until: None };
        Self { limit, when_used_up, clock, began_at: now, state: Mutex::new(state) }
    }

    /// Counts a call that is about to leave, waiting for the next day if need be. `told` hears of
    /// every wait before it begins.
    ///
    /// # Errors
    /// `Wait` when the calls of the day are used up and nobody wants to wait.
    pub(crate) async fn take(&self, told: impl Fn()) -> Result<()> {
        while let Some(until) = self.full_until() {
            self.wait(until, || "the calls of this UTC day are used up".to_owned(), &told).await?;
        }
        Ok(())
    }

    /// Waits after the other side has refused for the `times`th time in a row.
    ///
    /// # Errors
    /// The fault itself when nobody wants to wait.
    pub(crate) async fn refused(&self, times: u32, fault: Fault, told: impl Fn()) -> Result<()> {
        if self.when_used_up == WhenUsedUp::Stop {
            return Err(fault);
        }
        let now = self.clock.now();
        let doubled = REFUSED_PAUSE_FIRST_MS.saturating_mul(1 << times.min(10));
        let pause_ms = doubled.min(REFUSED_PAUSE_MAX_MS);
        let midnight = Instant::start_of_day(now.day() + 1).plus_ms(REFUSED_PAUSE_FIRST_MS);
        self.wait(now.plus_ms(pause_ms).min(midnight), || fault.to_string(), &told).await
    }

    /// How it stands; `to_go` is the number of calls still to make.
    pub(crate) fn standing(&self, to_go: u64) -> Standing {
        let now = self.clock.now();
        let state = self.at(now);
        let (used, made, waits_until) = (state.used, state.made, state.waits_until);
        drop(state);
        let finish_at = self.finish_at(now, used, made, to_go);
        let day = now.to_date_text();
        Standing { day, used, limit: self.limit, to_go, finish_at, waits_until }
    }

    /// Counts a call, or says when the next may leave.
    fn full_until(&self) -> Option<Instant> {
        let now = self.clock.now();
        let mut state = self.at(now);
        if self.limit.is_some_and(|limit| state.used >= limit) {
            return Some(Instant::start_of_day(now.day() + 1));
        }
        state.used += 1;
        state.made += 1;
        state.waits_until = None;
        None
    }

    async fn wait(
        &self,
        until: Instant,
        why: impl FnOnce() -> String,
        told: &impl Fn(),
    ) -> Result<()> {
        if self.when_used_up == WhenUsedUp::Stop {
            let back = until.to_seconds_text();
            return Err(Fault::wait(why()).coded(Code::DayUsedUp).hint(format!(
                "run the same command again after {back}; it goes on where it stopped"
            )));
        }
        self.at(self.clock.now()).waits_until = Some(until);
        told();
        let ms = until.ms_since(self.clock.now());
        let machine_ms = self.clock.machine_ms(ms).max(1);
        tokio::time::sleep(Duration::from_millis(machine_ms)).await;
        Ok(())
    }

    /// The state, moved on to the day of `now`.
    fn at(&self, now: Instant) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.day != now.day() {
            *state = State { day: now.day(), used: 0, ..*state };
        }
        state
    }

    /// At the speed so far, with no more calls on any day than are allowed.
    fn finish_at(&self, now: Instant, used: u64, made: u64, to_go: u64) -> Option<Instant> {
        let ms_per_call = now.ms_since(self.began_at).checked_div(made)?.max(1);
        let day_calls = 86_400_000 / ms_per_call;
        let limit = self.limit.unwrap_or(u64::MAX).min(day_calls.max(1));
        let left_today = limit.saturating_sub(used.min(limit));
        if self.limit.is_none() || to_go <= left_today {
            return Some(now.plus_ms(to_go.saturating_mul(ms_per_call)));
        }
        let after_today = to_go - left_today;
        let whole_days = (after_today - 1) / limit;
        let rest_ms = (after_today - whole_days * limit).saturating_mul(ms_per_call);
        let day = now.day() + 1 + i64::try_from(whole_days).unwrap_or(i64::MAX / 2);
        Some(Instant::start_of_day(day).plus_ms(rest_ms))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that somebody else moves; sleeping on it moves it to the next day.
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.load(Ordering::Relaxed))
        }

        fn machine_ms(&self, ms: u64) -> u64 {
            self.0.fetch_add(ms as i64, Ordering::Relaxed);
            0
        }
    }

    fn quota(limit: u64, when_used_up: WhenUsedUp) -> (Arc<Hand>, Quota) {
        let clock = Arc::new(Hand(AtomicI64::new(1_000)));
        (clock.clone(), Quota::new(Some(limit), when_used_up, clock, 2))
    }

    #[tokio::test]
    async fn the_last_call_of_a_day_is_followed_by_the_first_of_the_next() {
        let (clock, quota) = quota(3, WhenUsedUp::Wait);
        quota.take(|| panic!("one call is left")).await.expect("may leave");
        assert_eq!(quota.standing(0).left(), Some(0));
        quota.take(|| {}).await.expect("may leave tomorrow");
        assert_eq!(clock.now(), Instant::start_of_day(1));
        assert_eq!(quota.standing(0).used, 1);
    }

    #[tokio::test]
    async fn whoever_does_not_want_to_wait_is_told_when_to_come_back() {
        let (_, quota) = quota(2, WhenUsedUp::Stop);
        let fault = quota.take(|| {}).await.expect_err("nothing is left");
        assert!(fault.advice().contains("1970-01-02T00:00:00Z"), "{}", fault.advice());
    }

    #[tokio::test]
    async fn the_finish_is_forecast_over_quota_days() {
        let (clock, quota) = quota(102, WhenUsedUp::Wait);
        for _ in 0..100 {
            clock.0.fetch_add(10, Ordering::Relaxed);
            quota.take(|| {}).await.expect("may leave");
        }
        // Nothing is left today; 250 calls are two whole days and 46 calls of 10 ms on the third.
        let finish = quota.standing(250).finish_at.expect("there is a speed");
        assert_eq!(finish, Instant::start_of_day(3).plus_ms(460));
    }
}
