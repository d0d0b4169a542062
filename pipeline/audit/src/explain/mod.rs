//! One record from the bytes that were received to what the target holds, step by step.
//!
//! It reads what the stages left in the warehouse and judges nothing anew, apart from hashing the
//! bytes again. It calls nobody.

mod near;
mod received;
mod replay;
mod rulebook;
mod rules;
mod staged;
mod subject;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use kernel::{Instant, Result, SnapshotId};
use landing::{Warehouse, run, snapshot};
use serde::Serialize;
use transform::{Models, Scope};

pub use received::{Deletion, ExchangeFacts, LandedFile, Received, Version};
pub use replay::{Difference, LedgerEntry, Target};
pub use rules::{AppliedRule, Fate};
pub use tables::Row;

use rulebook::Rulebook;
use subject::{Found, Search, Subject};
use tables::Tables;

/// Everything that the warehouse knows about one record. The names of the fields are stable.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What was typed.
    pub asked: String,
    /// `ticket`, `message`, `customer`, or `record` for a landed record without a staged row.
    pub kind: String,
    /// Its id on our side; of a record that is not ours, its id in the target.
    pub id: String,
    /// The column that led to it.
    pub found_by: String,
    /// What was looked at.
    pub seen: Seen,
    /// Step 1: the landed records that it was made of, every version of each.
    pub received: Vec<Received>,
    /// Step 1: the files that belong to it.
    pub files: Vec<LandedFile>,
    /// Step 2: what became of each landed record.
    pub fates: Vec<Fate>,
    /// Step 2: the rules that decided about it, and what they cut, changed or left out.
    pub rules: Vec<AppliedRule>,
    /// Step 3: its rows by table, as in `staged.tickets`.
    pub staged: BTreeMap<String, Vec<Row>>,
    /// Step 4: its rows of the plan by table, as in `plan.tickets`.
    pub plan: BTreeMap<String, Vec<Row>>,
    /// Step 4: every line of the ledger about it, in order.
    pub ledger: Vec<LedgerEntry>,
    /// Step 5: what the target holds.
    pub target: Target,
    /// Step 5: where staged and target differ.
    pub differences: Vec<Difference>,
    /// The SQL that made each table that has rows here.
    pub made_by: BTreeMap<String, String>,
    /// What is not there yet, or could not be shown.
    pub notes: Vec<String>,
}

impl Explanation {
    /// The explanation as text for people.
    pub fn in_words(&self) -> String {
        text::in_words(self)
    }
}

/// What a question was answered from.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// The chain of snapshots, oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// The build of the staged tables.
    pub build: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// The build that the run was planned from.
    pub run_build: Option<String>,
    /// The platform of the target.
    pub target_platform: Option<String>,
    /// The newest read-back of the target.
    pub read_back: Option<SnapshotId>,
}

impl Seen {
    async fn of(warehouse: &Warehouse, scope: &Scope) -> Result<Self> {
        let runs = run::list(warehouse).await?;
        let facts = scope.run.and_then(|run| runs.into_iter().find(|facts| facts.run == run));
        let target = facts.as_ref().map(|facts| facts.target_platform.clone());
        let read_back = match &target {
            Some(platform) => snapshot::list_of(warehouse, platform).await?.pop(),
            None => None,
        };
        Ok(Self {
            snapshots: scope.snapshots.clone(),
            build: scope.build.as_ref().map(ToString::to_string),
            run: scope.run.map(|run| run.to_string()),
            run_build: facts.map(|facts| facts.build.to_string()),
            target_platform: target,
            read_back,
        })
    }

    /// The platform that was moved from.
    fn source(&self) -> &str {
        self.snapshots.last().map_or("", |id| id.platform.as_str())
    }

    /// What was looked at, in one sentence.
    fn in_words(&self) -> String {
        let mut words = match &self.snapshots[..] {
            [] => vec!["no snapshot".to_owned()],
            [one] => vec![format!("snapshot {one}")],
            [first, .., last] => vec![format!("snapshots {first} to {last}")],
        };
        words.push(self.build.as_ref().map_or("no build".into(), |build| format!("build {build}")));
        words.push(self.run.as_ref().map_or("no run".into(), |run| format!("run {run}")));
        words.join(", ")
    }
}

/// Follows one record through every stage. `asked` is an id of either side; a kind may stand before
/// it, as in `ticket:12345`.
///
/// # Errors
/// `FixConfig` when no record has the id, or more than one; `FixData` when a table cannot be read.
pub async fn explain(
    warehouse: &Warehouse,
    scope: &Scope,
    models: &Models,
    asked: &str,
) -> Result<Explanation> {
    let tables = Tables::new(transform::catalog(warehouse, scope).await?);
    let seen = Seen::of(warehouse, scope).await?;
    let search = Search { warehouse, tables: &tables, seen: &seen };
    let Found { subject, found_by } = search.find(asked).await?;

    let staged = staged::rows(&tables, &subject).await?;
    let source = received::Source { warehouse, tables: &tables, snapshots: &seen.snapshots };
    let (received, left_out) = source.records(&subject, &staged).await?;
    let files = source.files(&staged).await?;
    let target_platform = seen.target_platform.clone().unwrap_or_default();
    let book = Rulebook::new(models, seen.source(), &target_platform);
    let replay = replay::Replay { warehouse, tables: &tables, seen: &seen, book: &book };
    let (plan, ledger) = (replay.plan(&subject).await?, replay.ledger(scope, &subject).await?);
    let target = replay.target(&subject, &ledger).await?;
    let differences = replay.differences(&subject, &target).await?;
    let judge = rules::Judge { tables: &tables, book: &book };
    let fates = judge.fates(&received).await?;
    let rules = judge.rules(&subject, &received, &staged).await?;

    let shown = staged.keys().chain(plan.keys()).chain(target.rows.keys());
    let made_by = shown.filter_map(|table| Some((table.clone(), book.model_of(table)?))).collect();
    let mut notes = notes(&tables, &seen, &subject, &received, &target);
    if left_out > 0 {
        notes.push(format!("{left_out} more landed records belong to it and are not shown"));
    }
    Ok(Explanation {
        asked: asked.trim().to_owned(),
        kind: subject.kind().to_owned(),
        id: subject.id(),
        found_by,
        received,
        files,
        fates,
        rules,
        staged,
        plan,
        ledger,
        target,
        differences,
        made_by,
        notes,
        seen,
    })
}

/// A moment as the tables write it.
fn moment(at: Instant) -> String {
    at.rfc3339().replace("+00:00", "Z")
}

/// What is not there yet, and what does not fit together.
fn notes(
    tables: &Tables,
    seen: &Seen,
    subject: &Subject,
    received: &[Received],
    target: &Target,
) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: &str| notes.push(text.to_owned());
    if seen.build.is_none() {
        note("nothing is staged yet: deskferry transform does it");
    } else if seen.run.is_none() {
        note("nothing is planned yet: deskferry plan does it");
    } else if !tables.has("reconcile.differences") {
        note("the target was not read back yet: deskferry reconcile does it");
    }
    if seen.run.is_some() && seen.run_build != seen.build {
        note(&format!(
            "the run was planned from build {}, the staged rows are of build {}",
            seen.run_build.as_deref().unwrap_or("unknown"),
            seen.build.as_deref().unwrap_or("unknown")
        ));
    }
    if matches!(subject, Subject::Foreign { .. }) {
        note("the target holds this record and no ledger says that it came from here");
    } else if received.is_empty() {
        note("no landed record with the key of its source was found");
    }
    if target.rows.is_empty() && target.target_id.is_some() && tables.has("readback.tickets") {
        note("the read-back does not hold the record that the ledger names");
    }
    notes
}
