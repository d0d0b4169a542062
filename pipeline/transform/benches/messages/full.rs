//! The whole of Crisp's models over an invented workspace, as `deskferry transform` runs them.

use std::time::Instant as Stopwatch;

use deskferry_transform::{Models, stage_on};
use kernel::{Mapping, SnapshotId};
use landing::Warehouse;
use object_store::path::Path;

use crate::measure::{Outcome, peak_mib};

/// Builds every staged table anew.
pub async fn transformed(threads: usize, warehouse: &Warehouse, snapshot: &SnapshotId) -> Outcome {
    warehouse.remove_all(&Path::from("staged")).await.expect("older builds are removed");
    let begun = Stopwatch::now();
    let (snapshots, mapping) = (std::slice::from_ref(snapshot), Mapping::default());
    let build =
        stage_on(threads, warehouse, "crisp", snapshots, &mapping, &Models::embedded()).await;
    let build = build.expect("is built");
    let seconds = begun.elapsed().as_secs_f64();
    for finding in &build.findings {
        eprintln!("  {}: {} ({})", finding.check, finding.offenders, finding.samples.join("; "));
    }
    Outcome { seconds, peak_mib: peak_mib(), bytes: 0 }
}
