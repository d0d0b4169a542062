//! A stand: one target with its stand-in, so that every driver takes the same exam. A further
//! target is one more file below and one more line in `suite`.

pub mod crisp;
mod gorgias;
pub mod help_center;

use std::sync::Arc;

use async_trait::async_trait;
use deskferry_load::rollback::{self, Undo, rollback};
use deskferry_load::{Options, Outcome, Target};
use emulator::faults::{Faults, Once};
use http::Client;
use kernel::Result;
use landing::Warehouse;

use crate::campaign::judge::Holdings;
use crate::plan_tables::PlanTables;
use crate::stage::{Silent, SystemClock, options};

/// What goes wrong around a stand-in.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    pub faults: Faults,
    /// How late look-ups show what is there, in milliseconds.
    pub lag_ms: u64,
}

impl Trouble {
    pub fn once(once: Once) -> Self {
        let faults = Faults { once: vec![once], ..Faults::default() };
        Self { faults, lag_ms: 0 }
    }
}

/// A target's driver in front of its vendor's stand-in.
#[async_trait]
pub trait Stand: Sized + Send + Sync + 'static {
    type Driver: Undo + 'static;

    /// Kinds of calls that a load makes, as the stand-in's faults name them.
    const CALLS: &'static [(&'static str, &'static str)];

    /// Threads that are enough for each of its steps to end at some segment of the ledger.
    const THREADS_FEW: usize;

    /// Whether a record may stay that a load made and whose reply was lost: a profile or an empty
    /// place that carries no id of ours yet.
    const LEAVES_UNNAMED: bool;

    /// How many of the ledger's reads fail in the weather for that: a session reads each of its
    /// segments, so the more calls a plan takes, the fewer may fail if a session is to begin at all.
    const LEDGER_READS_FAIL: f64;

    /// A client with credentials that does not wait longer for a reply.
    fn client(timeout_ms: u64) -> Client;

    /// The plan as the SQL of this target would have written it.
    fn plan(plan: PlanTables) -> PlanTables;

    /// A stand-in with the agent Anna, and a warehouse with the plan and the shop's files.
    async fn start(
        client: Client,
        plan: &PlanTables,
        trouble: Trouble,
        warehouse: Warehouse,
    ) -> Self;

    /// A new driver; its patience is that of a test.
    fn target(&self) -> Self::Driver;

    fn warehouse(&self) -> &Warehouse;

    /// Puts a file into the snapshot.
    async fn land(&self, bytes: Vec<u8>);

    /// From here on the stand-in does what it is asked to.
    fn clear(&self);

    /// Calls that write, so far.
    fn writes(&self) -> u64;

    /// What a plan of this target says, in the form of the judge.
    fn planned(plan: &PlanTables) -> Holdings;

    /// What the stand-in holds, in that form.
    fn found(&self) -> Holdings;

    /// What must hold after every replay, however it went: nobody got anything.
    fn assert_quiet(&self);

    /// Records that a load makes and a rollback removes.
    fn count(&self) -> u64;

    /// A stand without trouble over a warehouse in memory.
    async fn calm(client: &Client, plan: &PlanTables) -> Self {
        Self::troubled(client, plan, Trouble::default()).await
    }

    async fn troubled(client: &Client, plan: &PlanTables, trouble: Trouble) -> Self {
        let warehouse = Warehouse::open("memory://").expect("opens");
        Self::start(client.clone(), plan, trouble, warehouse).await
    }

    async fn load(&self) -> Result<Outcome> {
        self.load_with(&options(), Arc::new(self.target())).await
    }

    async fn load_with(&self, options: &Options, target: Arc<dyn Target>) -> Result<Outcome> {
        let clock = Arc::new(SystemClock);
        deskferry_load::load(self.warehouse(), target, options, clock, &Silent).await
    }

    async fn roll_back_with(
        &self,
        options: &rollback::Options,
        target: Arc<dyn Undo>,
    ) -> Result<rollback::Outcome> {
        rollback(self.warehouse(), target, options, Arc::new(SystemClock), &Silent).await
    }

    /// What is there is what was planned, each record once.
    fn assert_whole(&self, plan: &PlanTables, case: &str) {
        if let Some(difference) = Self::planned(plan).difference(&self.found()) {
            panic!("{case}: {difference}");
        }
        self.assert_quiet();
    }
}
