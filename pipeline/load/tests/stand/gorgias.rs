//! Gorgias as a stand. What a plan means to it is in `campaign/gorgias.rs`, which the tests of the
//! whole program use too.

use async_trait::async_trait;
use deskferry_load::Gorgias;
use emulator::gorgias::{Options as Setting, Quirks};
use http::Client;
use landing::Warehouse;

use super::{Stand, Trouble};
use crate::campaign::gorgias::{found, planned};
use crate::campaign::judge::Holdings;
use crate::plan_tables::PlanTables;
use crate::stage::{ADMIN, Stage, client_with_timeout};

/// Who answers in the target; the account stands in for the others.
const AGENTS: [&str; 2] = [ADMIN, "anna@shop.example"];

#[async_trait]
impl Stand for Stage {
    type Driver = Gorgias;

    const CALLS: &'static [(&'static str, &'static str)] = &[
        ("GET", "/api/users"),
        ("GET", "/api/tags"),
        ("POST", "/api/customers"),
        ("POST", "/api/tags"),
        ("POST", "/api/upload"),
        ("POST", "/api/tickets"),
        ("POST", "/api/tickets/"),
        ("PUT", "/api/tickets/"),
    ];

    const THREADS_FEW: usize = 5;

    const LEAVES_UNNAMED: bool = false;
    const LEDGER_READS_FAIL: f64 = 0.1;

    fn client(timeout_ms: u64) -> Client {
        client_with_timeout(timeout_ms)
    }

    fn plan(plan: PlanTables) -> PlanTables {
        plan
    }

    async fn start(
        client: Client,
        plan: &PlanTables,
        trouble: Trouble,
        warehouse: Warehouse,
    ) -> Self {
        let quirks = Quirks { lookup_lag_ms: trouble.lag_ms, ..Quirks::default() };
        let setting = Setting { faults: trouble.faults, quirks, ..Setting::default() };
        Stage::over(client, plan, setting, warehouse).await
    }

    fn target(&self) -> Gorgias {
        self.gorgias()
    }

    fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    async fn land(&self, bytes: Vec<u8>) {
        Stage::land(self, bytes).await;
    }

    fn clear(&self) {
        self.clear_faults();
    }

    fn writes(&self) -> u64 {
        let calls = self.emulator.counters().calls.into_iter();
        calls.filter(|(name, _)| !name.starts_with("GET ")).map(|(_, count)| count).sum()
    }

    fn planned(plan: &PlanTables) -> Holdings {
        planned(plan, &AGENTS)
    }

    fn found(&self) -> Holdings {
        found(&self.emulator.records(), &self.origin)
    }

    fn assert_quiet(&self) {
        Stage::assert_quiet(self);
    }

    fn count(&self) -> u64 {
        let records = self.emulator.counters().records;
        ["tickets", "messages", "customers", "tags"].map(|kind| records[kind]).iter().sum()
    }
}
