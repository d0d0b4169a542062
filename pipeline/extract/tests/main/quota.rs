//! Extractions over many quota days, in moments: the clock of the test runs fast.

use std::sync::{Arc, Mutex};

use deskferry_extract::{Manifest, Options, Outcome, Progress, Standing, WhenUsedUp, extract};
use emulator::crisp::{self, Faults};
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant};
use landing::Warehouse;

use super::{MachineClock, extracted, keys, options, run, serve, source};

/// A day in milliseconds, and the milliseconds in which it passes in these tests.
const DAY_MS: u64 = 86_400_000;
const FAST_DAY_MS: u64 = 150;

/// A clock on which a day passes in a fraction of a second.
struct FastClock {
    began: std::time::Instant,
    begin: Instant,
}

impl FastClock {
    fn new() -> Self {
        let begin = Instant::start_of_day(MachineClock.now().day());
        Self { began: std::time::Instant::now(), begin }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Instant {
        let passed_us = self.began.elapsed().as_micros() as u64;
        Instant::from_micros(self.begin.micros() + (passed_us * (DAY_MS / FAST_DAY_MS)) as i64)
    }

    fn machine_ms(&self, ms: u64) -> u64 {
        ms * FAST_DAY_MS / DAY_MS
    }
}

/// Keeps what it was told about waiting.
#[derive(Default)]
struct Waits(Mutex<Vec<Standing>>);

impl Progress for Waits {
    fn stream(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn standing(&self, standing: &Standing) {
        let mut waits = self.0.lock().expect("nobody panicked");
        if waits.last().is_none_or(|last| last.day != standing.day) {
            waits.push(standing.clone());
        }
    }
}

async fn over_days(url: &str, limit: Option<u64>) -> (Outcome, Vec<Standing>) {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let options = Options { calls_per_day: limit, ..options(&manifest, url) };
    let (waits, clock) = (Waits::default(), Arc::new(FastClock::new()));
    let outcome = extract(&warehouse, &manifest, &options, clock, &waits).await;
    (outcome.expect("finishes by itself"), waits.0.into_inner().expect("nobody panicked"))
}

#[tokio::test]
async fn twenty_quota_days_pass_in_seconds_and_no_call_is_wasted() {
    let (_, whole) = extracted(source()).await;
    let limit = whole.calls.div_ceil(20);
    let (emulator, url) = serve(source()).await;
    let (outcome, days) = over_days(&url, Some(limit)).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert_eq!(outcome.calls, whole.calls);
    // A slow machine may need more days than the quota asks for, never fewer.
    assert!(days.len() >= 20, "{} days of {limit}", days.len());
    assert_eq!(emulator.counters().calls.values().sum::<u64>(), whole.calls);
    let middle = &days[days.len() / 2];
    let today = Instant::parse(&format!("{}T00:00:00Z", middle.day)).expect("is a day");
    let forecast = middle.finish_at.expect("is forecast by the middle");
    assert!(forecast.day() > today.day(), "more than a day's calls were to go");
}

#[tokio::test]
async fn a_quota_that_only_the_server_knows_is_waited_for() {
    let (_, whole) = extracted(source()).await;
    let faults = Faults { seed: 4, quota_423: 60, ..Faults::default() };
    let (emulator, url) = serve(crisp::Options { faults, ..source() }).await;
    let (outcome, _) = over_days(&url, Some(u64::MAX)).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert!(emulator.counters().statuses[&423] > 10, "the server had to refuse");
}

#[tokio::test]
async fn whoever_does_not_want_to_wait_stops_cleanly_and_goes_on_another_day() {
    let (emulator, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let when_used_up = WhenUsedUp::Stop;
    let limited = Options { calls_per_day: Some(50), when_used_up, ..options(&manifest, &url) };
    let fault: Fault = run(&warehouse, limited).await.expect_err("the day is over");
    assert_eq!(fault.kind(), Kind::Wait);
    assert!(fault.advice().contains("run the same command again"), "{}", fault.advice());
    assert_eq!(emulator.counters().calls.values().sum::<u64>(), 50);
    let outcome = run(&warehouse, options(&manifest, &url)).await.expect("goes on");
    assert!(outcome.resumed >= 50);
    let (_, whole) = extracted(source()).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert_eq!(outcome.facts.exchanges, whole.facts.exchanges, "no call was made twice");
}

#[tokio::test]
async fn the_quota_of_the_kind_of_token_holds_when_none_is_given() {
    let manifest = Manifest::built_in("crisp").expect("reads");
    for (tier, calls) in [("plugin", Some(5_000)), ("website", Some(10_000)), ("user", None)] {
        let settings = [("tier".to_owned(), tier.to_owned())].into();
        assert_eq!(manifest.api_budget.calls_per_day(&settings), calls, "{tier}");
    }
}
