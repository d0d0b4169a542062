//! One question in SQL over everything that a warehouse holds.

use arrow::array::RecordBatch;
use kernel::{Fault, Mapping, Result, RunId};
use landing::{Warehouse, chain, layout, run, snapshot};
use serde::de::DeserializeOwned;
use transform::Scope;

/// Ways to write an answer down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header line.
    Csv,
}

/// Where somebody looks, and how far: a warehouse, and which run of it.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The warehouse.
    pub warehouse: Warehouse,
    /// The run; the newest when none is named.
    pub run: Option<RunId>,
    /// The decisions that are `config.mapping`.
    pub mapping: Mapping,
    /// The platform whose newest snapshot is seen as long as nothing is built of it.
    pub platform: Option<String>,
}

impl Sight {
    /// What is seen now: the newest run (or the one asked for) and what it was made from, else the
    /// current build, else what was landed.
    ///
    /// # Errors
    /// `FixConfig` when the run asked for does not exist.
    pub async fn scope(&self) -> Result<Scope> {
        let mut scope = scope_of(&self.warehouse, self.run, self.mapping.clone()).await?;
        if scope.snapshots.is_empty()
            && let Some(platform) = &self.platform
            && let Some(newest) = snapshot::list_of(&self.warehouse, platform).await?.pop()
        {
            scope.snapshots = chain::chain(&self.warehouse, &newest).await?;
        }
        Ok(scope)
    }

    /// How many objects the run of a scope has: one more with each step that is noted.
    pub(crate) async fn written(&self, scope: &Scope) -> Result<usize> {
        match &scope.run {
            Some(run) => Ok(self.warehouse.list(&layout::run(run)).await?.len()),
            None => Ok(0),
        }
    }
}

/// What a question sees: the newest run (or the one asked for) and what it was made from, else the
/// current build.
///
/// # Errors
/// `FixConfig` when the run asked for does not exist.
pub async fn scope_of(
    warehouse: &Warehouse,
    wanted: Option<RunId>,
    mapping: Mapping,
) -> Result<Scope> {
    let runs = run::list(warehouse).await?;
    let current = run::current_build(warehouse).await?;
    let found = match wanted {
        None => runs.last(),
        Some(id) => Some(runs.iter().find(|facts| facts.run == id).ok_or_else(|| {
            Fault::config(format!("there is no run {id}")).hint("deskferry plan makes one")
        })?),
    };
    let mut scope = Scope { mapping, ..Scope::default() };
    if let Some(current) = current {
        (scope.build, scope.snapshots) = (Some(current.build), current.snapshots);
    }
    if let Some(facts) = found {
        scope.run = Some(facts.run);
        if wanted.is_some() || scope.build.is_none() {
            scope.build = Some(facts.build.clone());
            scope.snapshots = facts.snapshots.clone();
        }
    }
    Ok(scope)
}

/// Answers a question; only statements that read are let through.
///
/// # Errors
/// `FixData` for a statement that is wrong, `Refused` for one that would write.
pub async fn ask(warehouse: &Warehouse, scope: &Scope, sql: &str) -> Result<Vec<RecordBatch>> {
    let session = transform::catalog(warehouse, scope).await?;
    transform::select(&session, sql).await
}

/// The rows of an answer as values of a type with a field for each column.
pub fn read_rows<T: DeserializeOwned>(batches: &[RecordBatch]) -> Result<Vec<T>> {
    let text = as_text(batches, Text::JsonLines)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            serde_json::from_str(line)
                .map_err(|error| Fault::bug("an answer has other columns").because(error))
        })
        .collect()
}

/// An answer, written down.
pub fn as_text(batches: &[RecordBatch], form: Text) -> Result<String> {
    let unwritable = |error| Fault::bug("an answer cannot be written down").because(error);
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let mut bytes = Vec::new();
    match form {
        Text::JsonLines => {
            let mut writer = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::LineDelimited>(&mut bytes);
            writer.write_batches(&batches).map_err(unwritable)?;
            writer.finish().map_err(unwritable)?;
        }
        Text::Csv => {
            let mut writer = arrow::csv::Writer::new(&mut bytes);
            for batch in batches {
                writer.write(batch).map_err(unwritable)?;
            }
        }
    }
    String::from_utf8(bytes).map_err(|error| Fault::bug("an answer is not text").because(error))
}
