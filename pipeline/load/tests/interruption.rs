//! A replay that is stopped anywhere and begun again, or begun twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use deskferry_load::target::{Carried, Draft, Found, Person, Sent, TargetId};
use deskferry_load::{Gorgias, Options, Target, plan};
use emulator::gorgias::Options as Setting;
use kernel::fault::Kind;
use kernel::ledger::RecordKind;
use kernel::{Instant, Result};
use tokio::sync::{Notify, Semaphore};

use crate::shop::shop;
use crate::stage::{Stage, options};

/// A target that stops answering around one of its writes.
struct Halting {
    inner: Gorgias,
    writes: AtomicU64,
    /// The write around which it stops, from 1.
    at: u64,
    /// Whether that write is carried out first.
    after: bool,
    halted: Notify,
}

impl Halting {
    async fn around<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let is_it = self.writes.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
        if is_it && !self.after {
            self.halt().await;
        }
        let written = write.await;
        if is_it {
            self.halt().await;
        }
        written
    }

    async fn halt(&self) {
        self.halted.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Target for Halting {
    async fn agents(&self) -> Result<Vec<Person>> {
        self.inner.agents().await
    }

    fn account_email(&self) -> &str {
        self.inner.account_email()
    }

    async fn own_agent(&self) -> Result<TargetId> {
        self.inner.own_agent().await
    }

    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>> {
        self.inner.carrying_ids(kind).await
    }

    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>> {
        self.inner.messages_of(ticket).await
    }

    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>> {
        self.inner.holding(kind, external_id, ticket).await
    }

    async fn tags(&self) -> Result<Vec<(String, TargetId)>> {
        self.inner.tags().await
    }

    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        self.around(self.inner.create(draft, now)).await
    }

    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        self.inner.find(draft).await
    }

    async fn finish(&self, id: &str, ticket: &plan::Ticket, now: Instant) -> Result<Sent> {
        self.around(self.inner.finish(id, ticket, now)).await
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.calls()
    }
}

/// Writes of the shop's plan: 3 customers, 3 tags, 2 files, 4 tickets, 5 messages, 1 final state.
const WRITES: u64 = 18;

#[tokio::test]
async fn a_replay_that_is_stopped_around_any_write_ends_the_same_when_it_is_run_again() {
    let calm = Stage::new(&shop(), Setting::default()).await;
    calm.load().await.expect("loads");
    let expected = calm.replayed().await;
    for in_flight in [1, 4] {
        for at in 1..=WRITES {
            for after in [false, true] {
                let client = calm.client.clone();
                let stage = Stage::called_by(client, &shop(), Setting::default()).await;
                let inner = stage.gorgias();
                let (writes, halted) = (AtomicU64::new(0), Notify::new());
                let target = Arc::new(Halting { inner, writes, at, after, halted });
                let some = Options { tickets_in_flight: in_flight, ..options() };
                tokio::select! {
                    end = stage.load_with(&some, target.clone()) => {
                        panic!("write {at} was never made: {end:?}");
                    }
                    () = target.halted.notified() => {}
                }
                let outcome = stage.load().await.expect("goes on");
                let case = format!("write {at}, after it: {after}, in flight: {in_flight}");
                assert!(outcome.complete, "{case}");
                assert_eq!(stage.replayed().await, expected, "{case}");
                stage.assert_quiet();
            }
        }
    }
}

/// A target that waits for leave before it lists its agents, which is before anything is created.
struct Waiting {
    inner: Gorgias,
    arrived: Notify,
    leave: Semaphore,
}

#[async_trait]
impl Target for Waiting {
    async fn agents(&self) -> Result<Vec<Person>> {
        self.arrived.notify_one();
        let _leave = self.leave.acquire().await.expect("open");
        self.inner.agents().await
    }

    fn account_email(&self) -> &str {
        self.inner.account_email()
    }

    async fn own_agent(&self) -> Result<TargetId> {
        self.inner.own_agent().await
    }

    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>> {
        self.inner.carrying_ids(kind).await
    }

    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>> {
        self.inner.messages_of(ticket).await
    }

    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>> {
        self.inner.holding(kind, external_id, ticket).await
    }

    async fn tags(&self) -> Result<Vec<(String, TargetId)>> {
        self.inner.tags().await
    }

    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        self.inner.create(draft, now).await
    }

    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        self.inner.find(draft).await
    }

    async fn finish(&self, id: &str, ticket: &plan::Ticket, now: Instant) -> Result<Sent> {
        self.inner.finish(id, ticket, now).await
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.calls()
    }
}

#[tokio::test]
async fn of_two_loaders_of_one_run_the_one_that_writes_second_stops_before_it_creates_anything() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let inner = stage.gorgias();
    let waiting = Waiting { inner, arrived: Notify::new(), leave: Semaphore::new(0) };
    let waiting = Arc::new(waiting);
    let all = options();
    let slow = stage.load_with(&all, waiting.clone());
    let quick = async {
        waiting.arrived.notified().await;
        let outcome = stage.load().await.expect("the quick one loads");
        let replayed = stage.replayed().await;
        waiting.leave.add_permits(1);
        (outcome, replayed)
    };
    let (slow, (quick, replayed)) = tokio::join!(slow, quick);
    assert!(quick.complete);
    let fault = slow.expect_err("the slow one stops");
    assert_eq!(fault.kind(), Kind::Refused);
    assert!(fault.to_string().contains("another loader"), "{fault}");
    assert_eq!(waiting.calls().keys().collect::<Vec<_>>(), ["agents_read", "tickets_read"]);
    assert_eq!(stage.replayed().await, replayed);
}

#[tokio::test]
async fn a_new_run_into_the_same_target_makes_only_what_is_missing() {
    for limit in [Some(1), Some(2), None] {
        let stage = Stage::new(&shop(), Setting::default()).await;
        let trial = Options { limit, ..options() };
        stage.load_with(&trial, Arc::new(stage.gorgias())).await.expect("loads");
        let run = kernel::RunId(trial.run.0 + 1);
        shop().write(&stage.warehouse, run).await;
        let again = Options { run, ..options() };
        let target = Arc::new(stage.gorgias());
        let outcome = stage.load_with(&again, target).await.expect("loads");
        assert!(outcome.complete, "{:?}", outcome.findings);
        let whole = Stage::new(&shop(), Setting::default()).await;
        whole.load().await.expect("loads");
        let (twice, once) = (stage.emulator.counters(), whole.emulator.counters());
        for kind in ["tickets", "messages", "customers", "tags", "users"] {
            assert_eq!(twice.records.get(kind), once.records.get(kind), "{kind} after {limit:?}");
        }
        stage.assert_quiet();
    }
}
