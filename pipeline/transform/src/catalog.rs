//! Every table of a move in one session: for questions in SQL.
//!
//! What does not exist yet is simply not there. Nothing is built and nothing is written.

use datafusion::prelude::SessionContext;
use kernel::{BuildId, Fault, Mapping, Result, RunId, SnapshotId};
use landing::{Warehouse, layout, ledger_log};
use object_store::path::Path;

use crate::landed::Landed;
use crate::session::Session;
use crate::staging::facts_of;
use crate::tables;

/// What a session should see.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The chain of snapshots whose records are `landing.…`, oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// The build whose tables are `source.…` and `staged.…`.
    pub build: Option<BuildId>,
    /// The run whose tables are `plan.…`, `ledger.…`, `readback.…` and `reconcile.…`.
    pub run: Option<RunId>,
    /// The decisions that are `config.mapping`.
    pub mapping: Mapping,
}

/// A session in which every table of the scope can be read; `staged` is the default schema.
///
/// # Errors
/// `FixConfig` when the scope names something that does not exist.
pub async fn catalog(warehouse: &Warehouse, scope: &Scope) -> Result<SessionContext> {
    let session = Session::open(warehouse)?;
    let landed = Landed { session: &session, snapshots: &scope.snapshots };
    landed.register_lazily().await?;
    tables::register_mapping(&session, &scope.mapping)?;
    if let Some(build) = &scope.build {
        register_build(&session, build).await?;
    }
    if let Some(run) = &scope.run {
        register_folder(&session, &layout::plan_table(run, "any"), "plan").await?;
        register_folder(&session, &layout::report_table(run, "any"), "reconcile").await?;
        let readback = layout::report_table(run, "readback/any");
        register_folder(&session, &readback, "readback").await?;
        register_ledger(&session, run).await?;
    }
    Ok(session.context)
}

/// Makes the tables of a complete build known, and names them.
pub(crate) async fn register_build(session: &Session, build: &BuildId) -> Result<Vec<String>> {
    let facts = facts_of(&session.warehouse, build).await?.ok_or_else(|| {
        Fault::config(format!("there is no complete build {build}"))
            .hint("deskferry transform makes one")
    })?;
    let mut names = Vec::new();
    for (name, _) in facts.tables {
        let (schema, table) = name.split_once('.').unwrap_or(("staged", &name));
        let path = match schema {
            "source" => layout::staged_table(build, &format!("source/{table}")),
            _ => layout::staged_table(build, table),
        };
        session.register(schema, table, session.parquet(&path, None).await?)?;
        names.push(name);
    }
    Ok(names)
}

/// Makes the tables known that lie directly in the folder of `any`, and names them.
pub(crate) async fn register_folder(
    session: &Session,
    any: &Path,
    schema: &str,
) -> Result<Vec<String>> {
    let any = any.as_ref();
    let folder = any.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names = Vec::new();
    for path in session.warehouse.list(&Path::from(folder)).await? {
        let name = path.as_ref().strip_prefix(folder).unwrap_or("").trim_start_matches('/');
        if let Some(table) = name.strip_suffix(".parquet").filter(|name| !name.contains('/')) {
            session.register(schema, table, session.parquet(&path, None).await?)?;
            names.push(format!("{schema}.{table}"));
        }
    }
    Ok(names)
}

/// Makes what happened in a run known: `ledger.records` and `ledger.calls`.
pub(crate) async fn register_ledger(session: &Session, run: &RunId) -> Result<Vec<String>> {
    let records = ledger_log::read_table(&session.warehouse, run).await?;
    tables::register_rows(session, "ledger", "records", records)?;
    let calls = ledger_log::read_calls(&session.warehouse, run).await?;
    tables::register_rows(session, "ledger", "calls", calls)?;
    Ok(vec!["ledger.records".to_owned(), "ledger.calls".to_owned()])
}
