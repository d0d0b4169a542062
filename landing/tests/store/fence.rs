//! Two writers, lost replies, slow servers: what a journal must survive.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use deskferry_landing::bag::{Closing, seal};
use deskferry_landing::journal::{Journal, keep_durable};
use deskferry_landing::{Warehouse, layout};
use futures::future::join_all;
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::local;
use super::odd::{Oddity, odd};
use crate::{clock, open, page, start};

async fn try_open(warehouse: &Warehouse) -> Result<Journal> {
    Journal::open(warehouse, "crisp", start(), clock(), 1_000).await
}

fn refusal(opened: Result<Journal>) -> Fault {
    opened.err().expect("is refused")
}

async fn note(journal: &mut Journal, number: usize) {
    let (exchange, body) = page(number);
    journal.note(exchange, body).await.expect("is noted");
}

async fn has(journal: &mut Journal, number: usize) -> bool {
    let found = journal.answer(&format!("things|{number}")).await.expect("asks");
    found.is_some_and(|(_, body)| body == page(number).1)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("starts")
}

#[tokio::test]
async fn a_second_extraction_is_refused_while_the_first_lives() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut first = open(&warehouse).await;
    let fault = refusal(try_open(&warehouse).await);
    assert_eq!(fault.kind(), Kind::Refused);
    assert_eq!(fault.to_string(), "another extraction of crisp/0001 is running");
    note(&mut first, 1).await;
    first.flush().await.expect("the first goes on");
}

#[tokio::test]
async fn a_closed_extraction_is_followed_at_once_and_a_dead_one_after_a_pause() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut journal = open(&warehouse).await;
    note(&mut journal, 1).await;
    journal.close().await.expect("is closed");
    let stopwatch = Stopwatch::now();
    let mut journal = open(&warehouse).await;
    assert!(stopwatch.elapsed() < Duration::from_secs(2), "nobody has to be waited for");
    assert!(has(&mut journal, 1).await, "closing flushes");
    drop(journal);
    let stopwatch = Stopwatch::now();
    assert_eq!(open(&warehouse).await.resumed(), 1);
    assert!(stopwatch.elapsed() >= Duration::from_secs(3), "it might have been alive");
}

#[tokio::test]
async fn of_many_that_find_a_dead_extraction_one_follows() {
    let (_folder, _, disk) = local();
    for warehouse in [Warehouse::open("memory://").expect("opens"), disk] {
        drop(open(&warehouse).await);
        let opened = join_all((0..8).map(|_| try_open(&warehouse))).await;
        let faults: BTreeSet<String> =
            opened.iter().filter_map(|one| Some(one.as_ref().err()?.to_string())).collect();
        assert_eq!(opened.iter().filter(|one| one.is_ok()).count(), 1);
        assert_eq!(faults, ["another extraction of crisp/0001 is running".to_owned()].into());
    }
}

#[tokio::test]
async fn who_waits_while_the_first_seals_gets_the_next_number() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut first = open(&warehouse).await;
    let (second, sealed) = tokio::join!(try_open(&warehouse), async {
        sleep(Duration::from_millis(100)).await;
        seal(&mut first, Closing::default(), clock().now()).await
    });
    assert_eq!(sealed.expect("is sealed").id.number, 1);
    assert_eq!(second.expect("opens").id().number, 2);
}

/// A process is stopped, taken for dead, followed, and goes on: the numbers of the segments keep it
/// out, whether it has seen the lease or not.
#[test]
fn an_extraction_that_was_taken_for_dead_writes_nothing_more() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    // Tasks of a runtime stand still unless it is driven.
    let (asleep, awake) = (runtime(), runtime());
    let mut first = asleep.block_on(async {
        let mut first = open(&warehouse).await;
        note(&mut first, 1).await;
        first
    });
    let mut second = awake.block_on(async {
        let mut second = open(&warehouse).await;
        note(&mut second, 2).await;
        second.flush().await.expect("is flushed");
        second
    });
    let fault = asleep.block_on(first.flush()).expect_err("the number is taken");
    assert_eq!(fault.kind(), Kind::Refused);
    assert!(fault.to_string().contains("another extraction"), "{fault}");
    asleep.block_on(async { sleep(Duration::from_millis(2_500)).await });
    let released = asleep.block_on(first.close());
    assert_eq!(released.expect_err("the lease is lost").kind(), Kind::Refused);
    awake.block_on(async {
        assert_eq!(refusal(try_open(&warehouse).await).kind(), Kind::Refused);
        note(&mut second, 3).await;
        second.close().await.expect("what the first left does not touch the second");
        let mut third = open(&warehouse).await;
        assert!(!has(&mut third, 1).await && has(&mut third, 2).await && has(&mut third, 3).await);
    });
}

#[test]
fn an_extraction_that_sees_it_was_followed_stops_before_it_takes_a_number() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let (asleep, awake) = (runtime(), runtime());
    let mut first = asleep.block_on(open(&warehouse));
    let second = awake.block_on(open(&warehouse));
    let folder = layout::journal(second.id());
    asleep.block_on(async {
        sleep(Duration::from_millis(1_500)).await;
        note(&mut first, 1).await;
        let fault = first.flush().await.expect_err("the lease is lost");
        assert_eq!(fault.kind(), Kind::Refused);
        assert_eq!(warehouse.list(&folder).await.expect("lists").len(), 0);
    });
}

#[test]
fn a_sealed_snapshot_is_not_sealed_again_by_one_that_was_asleep() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let (asleep, awake) = (runtime(), runtime());
    let mut first = asleep.block_on(open(&warehouse));
    let mut second = awake.block_on(open(&warehouse));
    let closing = Closing::default;
    awake.block_on(seal(&mut second, closing(), clock().now())).expect("is sealed");
    let again = asleep.block_on(seal(&mut first, closing(), clock().now()));
    assert!(again.expect_err("is refused").to_string().contains("stays as it is"));
    assert_eq!(awake.block_on(open(&warehouse)).id().number, 2);
}

#[tokio::test]
async fn a_segment_whose_reply_was_lost_is_known_again() {
    let warehouse = odd(Oddity::LosesReplies(2));
    let mut journal = open(&warehouse).await;
    note(&mut journal, 1).await;
    assert_eq!(journal.flush().await.expect_err("says it failed").kind(), Kind::Retry);
    // What is noted in between goes into the next segment; everything can be asked for meanwhile.
    journal.flush().await.expect("was stored all the same");
    note(&mut journal, 2).await;
    assert_eq!(journal.flush().await.expect_err("says it failed").kind(), Kind::Retry);
    let (exchange, body) = page(3);
    let _ = journal.note(exchange, body).await;
    for number in 1..=3 {
        assert!(has(&mut journal, number).await, "{number} before the restart");
    }
    journal.close().await.expect("is closed");
    let mut journal = open(&warehouse).await;
    assert_eq!(journal.resumed(), 3);
    for number in 1..=3 {
        assert!(has(&mut journal, number).await, "{number} after the restart");
    }
}

#[tokio::test]
async fn a_flush_that_was_cancelled_goes_on_where_it_was() {
    let warehouse = odd(Oddity::Hangs(1));
    let mut journal = open(&warehouse).await;
    note(&mut journal, 1).await;
    let cancelled = timeout(Duration::from_millis(100), journal.flush()).await;
    assert!(cancelled.is_err(), "the store hangs");
    note(&mut journal, 2).await;
    journal.close().await.expect("is closed");
    let mut journal = open(&warehouse).await;
    assert_eq!(journal.resumed(), 2);
    assert!(has(&mut journal, 1).await && has(&mut journal, 2).await);
}

/// The machine's own time, or what a test sets.
struct Wall {
    since: tokio::time::Instant,
    offset_ms: AtomicI64,
}

impl Clock for Wall {
    fn now(&self) -> Instant {
        let ms = self.since.elapsed().as_millis() as i64;
        Instant::from_millis(1_700_000_000_000 + ms + self.offset_ms.load(Ordering::Relaxed))
    }
}

fn wall() -> Arc<Wall> {
    Arc::new(Wall { since: tokio::time::Instant::now(), offset_ms: AtomicI64::new(0) })
}

#[tokio::test]
async fn a_reply_is_durable_within_the_bound_while_the_server_stalls() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let journal = Journal::open(&warehouse, "crisp", start(), wall(), 2_000).await.expect("opens");
    let folder = layout::journal(journal.id());
    let journal = Mutex::new(journal);
    let work = async {
        note(&mut *journal.lock().await, 1).await;
        sleep(Duration::from_millis(100)).await;
        let early = warehouse.list(&folder).await?.len();
        sleep(Duration::from_millis(1_900)).await;
        Ok((early, warehouse.list(&folder).await?.len()))
    };
    assert_eq!(keep_durable(&journal, work).await.expect("works"), (0, 1));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_replies_in_memory() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let clock = wall();
    let opened = Journal::open(&warehouse, "crisp", start(), clock.clone(), 60_000).await;
    let mut journal = opened.expect("opens");
    note(&mut journal, 1).await;
    journal.flush_if_due().await.expect("asks");
    let folder = layout::journal(journal.id());
    assert_eq!(warehouse.list(&folder).await.expect("lists").len(), 0, "it is early");
    clock.offset_ms.store(-3_600_000, Ordering::Relaxed);
    journal.flush_if_due().await.expect("asks");
    assert_eq!(warehouse.list(&folder).await.expect("lists").len(), 1);
}

#[tokio::test]
async fn calls_are_counted_by_day_over_a_restart() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut journal = open(&warehouse).await;
    for (number, day) in [(1, 19_675), (2, 19_675), (3, 19_676)] {
        let (mut exchange, body) = page(number);
        exchange.started_at = Instant::start_of_day(day);
        exchange.is_answer = number != 2;
        journal.note(exchange, body).await.expect("is noted");
    }
    let counted = |journal: &Journal| {
        [19_674, 19_675, 19_676].map(|day| journal.calls_on_day_of(Instant::start_of_day(day)))
    };
    assert_eq!(counted(&journal), [0, 2, 1]);
    journal.close().await.expect("is closed");
    let mut journal = open(&warehouse).await;
    assert_eq!(counted(&journal), [0, 2, 1]);
    assert!(has(&mut journal, 1).await);
    assert!(!has(&mut journal, 2).await, "settled nothing");
}

#[tokio::test]
async fn a_store_that_overwrites_is_refused_before_anything_is_written() {
    let warehouse = odd(Oddity::Overwrites);
    let fault = refusal(try_open(&warehouse).await);
    assert_eq!(fault.kind(), Kind::FixConfig);
    assert!(fault.to_string().contains("overwrites instead of refusing"), "{fault}");
    let left = warehouse.list(&"".into()).await.expect("lists");
    assert_eq!(left, [], "the probe is gone, and nothing else was written");
}

#[tokio::test]
async fn a_probe_leaves_nothing_behind_and_asks_once() {
    let (_folder, root, warehouse) = local();
    warehouse.probe().await.expect("a local store refuses");
    warehouse.clone().probe().await.expect("is remembered");
    assert_eq!(std::fs::read_dir(root).expect("is there").count(), 0);
}
