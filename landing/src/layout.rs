//! Where everything lies in a warehouse. No other module builds a path.

use kernel::{BuildId, RunId, SnapshotId};
use object_store::path::Path;

fn path(text: String) -> Path {
    Path::from(text)
}

/// Where a bag lies that is all there is.
pub fn root() -> Path {
    path(String::new())
}

/// The folder of all snapshots.
pub fn landing() -> Path {
    path("landing".into())
}

/// The folder of one sealed snapshot.
pub fn snapshot(id: &SnapshotId) -> Path {
    path(format!("landing/{}/{:04}", id.platform, id.number))
}

/// A file of a snapshot, named from the snapshot's folder, as in `data/messages/part-00000.parquet`.
pub fn in_snapshot(id: &SnapshotId, name: &str) -> Path {
    path(format!("{}/{name}", snapshot(id)))
}

/// The folder of one stream's records in a snapshot.
pub fn records(id: &SnapshotId, stream: &str) -> Path {
    path(format!("{}/data/{stream}", snapshot(id)))
}

/// Bytes of a file that was fetched, once per content.
pub fn file(id: &SnapshotId, sha256: &str) -> Path {
    path(format!("{}/data/files/{sha256}", snapshot(id)))
}

/// The folder of extractions in progress of one platform.
pub fn extracting_platform(platform: &str) -> Path {
    path(format!("extracting/{platform}"))
}

/// The folder of one extraction in progress.
pub fn extracting(id: &SnapshotId) -> Path {
    path(format!("extracting/{}/{:04}", id.platform, id.number))
}

/// What an extraction in progress was begun with.
pub fn extracting_start(id: &SnapshotId) -> Path {
    path(format!("{}/start.json", extracting(id)))
}

/// The folder of the lease of an extraction in progress.
pub fn lease(id: &SnapshotId) -> Path {
    path(format!("{}/lease", extracting(id)))
}

/// One holder's object of a lease; every new holder takes the next number.
pub fn lease_epoch(lease: &Path, epoch: u64) -> Path {
    path(format!("{lease}/{epoch:010}.json"))
}

/// An object that shows whether the store refuses to create what is there already.
pub fn probe(name: &str) -> Path {
    path(format!("_probe/{name}"))
}

/// One segment of the journal of an extraction in progress.
pub fn journal_segment(id: &SnapshotId, number: u64) -> Path {
    path(format!("{}/journal/{number:010}.arrow", extracting(id)))
}

/// The folder of the journal of an extraction in progress.
pub fn journal(id: &SnapshotId) -> Path {
    path(format!("{}/journal", extracting(id)))
}

/// The folder of the files of an extraction in progress.
pub fn extracting_files(id: &SnapshotId) -> Path {
    path(format!("{}/files", extracting(id)))
}

/// A file of an extraction in progress.
pub fn extracting_file(id: &SnapshotId, sha256: &str) -> Path {
    path(format!("{}/{sha256}", extracting_files(id)))
}

/// The folder of one build of the staged tables.
pub fn staged(build: &BuildId) -> Path {
    path(format!("staged/{build}"))
}

/// One table of a build; a table of the source layer is named `source/<table>`.
pub fn staged_table(build: &BuildId, table: &str) -> Path {
    path(format!("staged/{build}/{table}.parquet"))
}

/// What marks a build as complete.
pub fn build_facts(build: &BuildId) -> Path {
    path(format!("staged/{build}/build.json"))
}

/// Which build is the current one.
pub fn current_build() -> Path {
    path("staged/current.json".into())
}

/// A file that a server of the customer's hands out.
pub fn hosted(sha256: &str, name: &str) -> Path {
    path(format!("hosted/{sha256}/{name}"))
}

/// The folder of all runs.
pub fn runs() -> Path {
    path("runs".into())
}

/// The folder of one run.
pub fn run(id: &RunId) -> Path {
    path(format!("runs/{id}"))
}

/// What a run is: its build, its target, its plan.
pub fn run_facts(id: &RunId) -> Path {
    path(format!("runs/{id}/run.json"))
}

/// The folder of a run's plan.
pub fn plan(id: &RunId) -> Path {
    path(format!("runs/{id}/plan"))
}

/// One table of a run's plan.
pub fn plan_table(id: &RunId, table: &str) -> Path {
    path(format!("runs/{id}/plan/{table}.parquet"))
}

/// The folder of a run's ledger.
pub fn ledger(id: &RunId) -> Path {
    path(format!("runs/{id}/ledger"))
}

/// One segment of a run's ledger.
pub fn ledger_segment(id: &RunId, number: u64) -> Path {
    path(format!("runs/{id}/ledger/{number:010}.jsonl"))
}

/// A copy of a row of segments of a run's ledger, from the first number to the last.
pub fn ledger_bundle(id: &RunId, first: u64, last: u64) -> Path {
    path(format!("runs/{id}/ledger/{first:010}-{last:010}.jsonl"))
}

/// The folder of a run's sessions.
pub fn sessions(id: &RunId) -> Path {
    path(format!("runs/{id}/sessions"))
}

/// That a session began.
pub fn session_begun(id: &RunId, session: u32) -> Path {
    path(format!("runs/{id}/sessions/{session:04}/begun.json"))
}

/// How far a session is.
pub fn session_standing(id: &RunId, session: u32) -> Path {
    path(format!("runs/{id}/sessions/{session:04}/standing.json"))
}

/// That a session ended.
pub fn session_ended(id: &RunId, session: u32) -> Path {
    path(format!("runs/{id}/sessions/{session:04}/ended.json"))
}

/// The folder of what was acknowledged in a run.
pub fn acknowledgements(id: &RunId) -> Path {
    path(format!("runs/{id}/acknowledged"))
}

/// One thing that was acknowledged in a run.
pub fn acknowledgement(id: &RunId, number: u32) -> Path {
    path(format!("runs/{id}/acknowledged/{number:04}.json"))
}

/// One table of a run's report.
pub fn report_table(id: &RunId, table: &str) -> Path {
    path(format!("runs/{id}/report/{table}.parquet"))
}

/// Facts of a run's report.
pub fn report_facts(id: &RunId) -> Path {
    path(format!("runs/{id}/report/report.json"))
}
