//! A new run into a target that has something of an earlier one.

use std::sync::Arc;

use deskferry_load::Options;
use emulator::gorgias::Options as Setting;

use crate::shop::shop;
use crate::stage::{Stage, options};

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
