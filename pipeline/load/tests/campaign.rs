//! The campaign: a plan is replayed while everything goes wrong that can, and run again until it is
//! done. Then the target holds the plan, each record once, in order and to the byte; nobody got a
//! message; and one more run writes nothing.
//!
//! `make test` runs a short form, `make campaign` a long one. `SEED=17` replays one run: the seed
//! decides what goes wrong and when, as far as the order of events on this machine allows.

#[path = "campaign/gorgias.rs"]
pub mod gorgias;
#[path = "campaign/judge.rs"]
pub mod judge;
#[path = "campaign/numbers.rs"]
mod numbers;
#[path = "campaign/store.rs"]
mod store;
#[path = "campaign/town.rs"]
pub mod town;
#[path = "campaign/weather.rs"]
mod weather;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use deskferry_load::{Options, Outcome, Patience, Stop};
use http::Client;
use kernel::Clock;
use landing::Warehouse;

use crate::plan_tables::PlanTables;
use crate::stage::{Silent, SystemClock, options};
use crate::stand::{Stand, Trouble};
use judge::{Doubles, Holdings};
use numbers::Numbers;
use store::{Faulty, Rates, Trouble as StoreTrouble};
use weather::{Jumpy, KINDS, Kind, Weather};

/// Sessions after which a run counts as endless.
const SESSIONS_MAX: u32 = 600;
/// How long a client of a campaign waits for a reply, in milliseconds.
const TIMEOUT_MS: u64 = 250;
/// How long the short form goes on choosing runs at random.
const SHORT: Duration = Duration::from_secs(12);

/// What stays the same in all runs of a campaign.
struct Field<S> {
    plan: PlanTables,
    planned: Holdings,
    client: Client,
    stand: PhantomData<S>,
}

impl<S: Stand> Field<S> {
    fn new(plan: PlanTables) -> Self {
        let plan = S::plan(plan);
        let planned = S::planned(&plan);
        Self { plan, planned, client: S::client(TIMEOUT_MS), stand: PhantomData }
    }

    async fn stage(&self, trouble: Trouble, store: Arc<Faulty>) -> S {
        let warehouse = Warehouse::over(store);
        let stage = S::start(self.client.clone(), &self.plan, trouble, warehouse).await;
        for (_, _, bytes) in town::files() {
            stage.land(bytes).await;
        }
        stage
    }

    /// What the judge says about the target; says which records are there more than once.
    /// When the replay is not complete, that is because of those, and the rest is there.
    fn judge(&self, stage: &S, complete: bool, case: &str) -> Doubles {
        let mut found = stage.found();
        let doubles = found.take_doubles(&self.planned);
        let (planned, found) = match complete {
            true => (self.planned.clone(), found),
            false => (self.planned.apart_from(&doubles), found.apart_from(&doubles)),
        };
        if let Some(difference) = planned.difference(&found) {
            panic!("{case}: {difference}");
        }
        stage.assert_quiet();
        doubles
    }

    /// One more run makes no call that writes.
    async fn assert_settled(&self, stage: &S, complete: bool, case: &str) {
        let before = stage.writes();
        let again = stage.load_with(&patient(), Arc::new(stage.target())).await.expect(case);
        assert_eq!(again.complete, complete, "{case}: {:?}", again.findings);
        assert_eq!(stage.writes(), before, "{case}: the last run wrote");
    }
}

/// Patience of a campaign: 155 ms in all.
fn patient() -> Options {
    Options { lookup: Patience { looks: 5, pause_first_ms: 5 }, ..options() }
}

/// How one run went.
#[derive(Debug, Default, Clone, Copy)]
struct Ran {
    sessions: u64,
    found_twice: u64,
}

/// Runs sessions until one says that everything is settled.
async fn sessions<S: Stand>(
    stage: &S,
    store: &Faulty,
    weather: &Weather,
    seed: u64,
) -> (u64, Outcome) {
    let mut numbers = Numbers::new(seed);
    let clock = Arc::new(Jumpy::new(weather.jump_ms));
    for session in 1..=SESSIONS_MAX {
        let stop = Stop::default();
        let one = Options { stop: stop.clone(), ..patient() };
        let loaders = (0..weather.loaders).map(|_| {
            let (target, clock) = (Arc::new(stage.target()), clock.clone());
            deskferry_load::load(stage.warehouse(), target, &one, clock, &Silent)
        });
        let all = futures::future::join_all(loaders);
        let ends = if let Some(span_ms) = weather.drops_ms {
            let span_ms = span_of(span_ms, session, &mut numbers);
            tokio::time::timeout(Duration::from_millis(span_ms), all).await.unwrap_or_default()
        } else if let Some(span_ms) = weather.stops_ms {
            let span_ms = span_of(span_ms, session, &mut numbers);
            let asks = async {
                tokio::time::sleep(Duration::from_millis(span_ms)).await;
                stop.ask();
            };
            tokio::join!(all, asks).0
        } else {
            all.await
        };
        // Two where one is expected stop that record, and nothing else is left to do.
        let is_stopped = |outcome: &Outcome| {
            let mut reasons = outcome.findings.iter().map(|finding| &finding.reason);
            weather.may_double && reasons.any(|reason| reason.contains("more than one"))
        };
        let mut ended = ends.into_iter().flatten();
        let done = ended.find(|outcome| outcome.complete || is_stopped(outcome));
        if let Some(outcome) = done {
            return (u64::from(session), outcome);
        }
        if weather.loses_ledger && numbers.below(3) == 0 {
            lose_ledger(stage, store, &mut numbers).await;
        }
    }
    panic!("seed {seed}: no end after {SESSIONS_MAX} sessions");
}

/// How long a session may last, in milliseconds: longer each time, or a slow machine would never
/// get through.
fn span_of(span_ms: u64, session: u32, numbers: &mut Numbers) -> u64 {
    5 + numbers.below(span_ms) * (10 + u64::from(session)) / 10
}

/// Takes some or all of the ledger away and makes it anew.
async fn lose_ledger<S: Stand>(stage: &S, store: &Faulty, numbers: &mut Numbers) {
    let folder = landing::layout::ledger(&crate::stage::RUN);
    let segments = stage.warehouse().list(&folder).await.expect("lists");
    for segment in &segments {
        if numbers.below(2) == 0 {
            stage.warehouse().remove(segment).await.expect("removes");
        }
    }
    // A call of the session that was dropped may still be carried out.
    tokio::time::sleep(Duration::from_millis(30)).await;
    let anew = Options { rebuild_ledger: true, limit: Some(0), ..patient() };
    store.calm(true);
    stage.load_with(&anew, Arc::new(stage.target())).await.expect("the ledger is made anew");
    store.calm(false);
}

/// One run: everything that a seed brings, and the judgement.
async fn run<S: Stand>(field: &Field<S>, kind: Kind, seed: u64) -> Ran {
    let case = format!("seed {seed} ({kind:?})");
    let weather = Weather::of::<S>(kind, seed);
    let store = Faulty::new(weather.store, seed);
    let stage = field.stage(weather.trouble(), store.clone()).await;
    store.calm(false);
    let (sessions, outcome) = sessions(&stage, &store, &weather, seed).await;
    store.calm(true);
    // What is late has time to arrive, and from here on the sky is clear.
    let is_late = weather.faults.late > 0.0 || weather.faults.delay > 0.0;
    let wait_ms = if is_late { 500 } else { 20 };
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    stage.clear();
    let doubles = field.judge(&stage, outcome.complete, &case);
    field.assert_settled(&stage, outcome.complete, &case).await;
    assert!(weather.may_double || doubles.is_empty(), "{case}: doubled {doubles:?}");
    if !doubles.is_empty() {
        assert_found(&stage, &doubles, &outcome, kind, &case).await;
    }
    Ran { sessions, found_twice: doubles.len() as u64 }
}

/// What nobody could prevent is found: by asking the target for everything.
async fn assert_found<S: Stand>(
    stage: &S,
    doubles: &Doubles,
    first: &Outcome,
    kind: Kind,
    case: &str,
) {
    let anew = Options { rebuild_ledger: true, ..patient() };
    let outcome = stage.load_with(&anew, Arc::new(stage.target())).await.expect(case);
    let named = |outcome: &Outcome, (kind, id): &(&str, String)| {
        let id = id.strip_prefix("crisp:").unwrap_or(id);
        let is_it = |word: &str, source_id: &str| word == *kind && source_id == id;
        outcome.findings.iter().any(|finding| is_it(finding.kind.word(), &finding.source_id))
    };
    for double in doubles {
        // A doubled ticket brings its messages along.
        assert!(named(&outcome, double), "{case}: {double:?} not in {:?}", outcome.findings);
    }
    if kind == Kind::CallCarriedOutAfterTheRetry {
        // What was sent again is suspected by itself; what came after the last look is not.
        let suspected = doubles.iter().filter(|double| named(first, double)).count();
        println!("{case}: {suspected} of {} were found at the end of the load", doubles.len());
    }
    assert!(!outcome.complete, "{case}: a doubled record is left to somebody");
}

#[expect(clippy::disallowed_methods, reason = "a test that is replayed is told what to replay")]
fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}

/// Steps between the ledger boundaries that are tried one after the other.
const STRIDE: u64 = 16;

/// The seeds to run, and until when; every kind has its turn.
fn schedule() -> (u64, u64, Duration) {
    if let Some(seed) = number_of("SEED") {
        return (seed, 1, Duration::MAX);
    }
    let first = SystemClock.now().micros() as u64 / 1_000;
    match number_of("CAMPAIGN_SECONDS") {
        Some(seconds) => (first, u64::MAX, Duration::from_secs(seconds)),
        None => (first, u64::MAX, SHORT),
    }
}

pub async fn whatever_goes_wrong_the_target_holds_the_plan_once<S: Stand>() {
    let is_long = number_of("CAMPAIGN_SECONDS").is_some();
    let fields: [Field<S>; 2] =
        [Field::new(town::town(12, false)), Field::new(town::town(24, true))];
    let (first, count, budget) = schedule();
    println!("seeds from {first}");
    let began = Moment::now();
    let mut table: BTreeMap<Kind, (u64, Ran)> = BTreeMap::new();
    for seed in first..first.saturating_add(count) {
        let place = seed - first;
        // Every kind has its turn, also in the short form.
        if began.elapsed() > budget && place >= KINDS.len() as u64 {
            break;
        }
        let kind = KINDS[(seed % KINDS.len() as u64) as usize];
        let large = (is_long || count == 1) && (seed / KINDS.len() as u64).is_multiple_of(4);
        println!("seed {seed}: {kind:?}");
        let ran = run(&fields[usize::from(large)], kind, seed).await;
        let (runs, sum) = table.entry(kind).or_default();
        *runs += 1;
        sum.sessions += ran.sessions;
        sum.found_twice += ran.found_twice;
    }
    println!("{:<34} {:>5} {:>9} {:>12}", "what goes wrong", "runs", "sessions", "found twice");
    for (kind, (runs, sum)) in &table {
        let name = format!("{kind:?}");
        println!("{name:<34} {runs:>5} {:>9} {:>12}", sum.sessions, sum.found_twice);
    }
    let runs: u64 = table.values().map(|(runs, _)| runs).sum();
    println!("{runs} runs in {} s: nothing lost, nothing sent", began.elapsed().as_secs());
}

pub async fn a_replay_that_is_stopped_at_any_ledger_boundary_ends_the_same<S: Stand>() {
    let is_long = number_of("CAMPAIGN_SECONDS").is_some();
    let field: Field<S> =
        Field::new(town::town(if is_long { 24 } else { S::THREADS_FEW }, is_long));
    let (.., budget) = schedule();
    for tickets_in_flight in [1, 8] {
        let began = Moment::now();
        let once = Options { tickets_in_flight, ..patient() };
        let store = Faulty::new(Rates::default(), 1);
        let calm = field.stage(Trouble::default(), store.clone()).await;
        calm.load_with(&once, Arc::new(calm.target())).await.expect("loads");
        assert_eq!(field.judge(&calm, true, "calm"), Doubles::new());
        let segments = store.puts();
        assert!(segments > 10, "{segments} segments");
        // Each one in the short form; in the long one, of a larger plan, as many as there is time
        // for, from all over it.
        let spread = (1..=STRIDE).flat_map(|first| (first..=segments).step_by(STRIDE as usize));
        let mut stopped = 0;
        for at in spread {
            if is_long && began.elapsed() > budget / 2 {
                break;
            }
            for trouble in [StoreTrouble::HaltsBefore, StoreTrouble::HaltsAfter] {
                let case = format!("{trouble:?} segment {at} of {segments}");
                stopped_once(&field, &once, at, trouble, &case).await;
            }
            stopped += 1;
        }
        println!(
            "{} runs stopped before and after each of {stopped} of {segments} segments, \
             {tickets_in_flight} in flight",
            2 * stopped
        );
    }
}

/// A replay that is stopped around a segment, and the one that goes on.
async fn stopped_once<S: Stand>(
    field: &Field<S>,
    once: &Options,
    at: u64,
    trouble: StoreTrouble,
    case: &str,
) {
    let store = Faulty::new(Rates::default(), 1);
    let stage = field.stage(Trouble::default(), store.clone()).await;
    store.order(at, trouble);
    store.calm(false);
    tokio::select! {
        // Segments are shared by who happens to wait, so the last ones may not be reached.
        end = stage.load_with(once, Arc::new(stage.target())) => {
            assert!(end.expect(case).complete, "{case}");
        }
        () = store.halted.notified() => {}
    }
    store.calm(true);
    let last = stage.load_with(once, Arc::new(stage.target())).await.expect(case);
    assert!(last.complete, "{case}: {:?}", last.findings);
    assert_eq!(field.judge(&stage, true, case), Doubles::new(), "{case}");
    field.assert_settled(&stage, true, case).await;
}
