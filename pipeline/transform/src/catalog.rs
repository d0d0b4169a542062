//! Every table of a move in one session: for questions in SQL.
//!
//! What does not exist yet is simply not there. Nothing is built and nothing is written.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use kernel::{BuildId, Fault, Mapping, Result, RunId, SnapshotId};
use landing::{Warehouse, layout, ledger_log};
use object_store::path::Path;

use crate::information_schema;
use crate::landed::Landed;
use crate::session::Session;
use crate::staging::facts_of;
use crate::tables;

/// What a session should see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    register_gathered(&session).await?;
    let described = information_schema::register(&session.context).await;
    described.map_err(|error| Fault::bug("the catalog cannot be described").because(error))?;
    Ok(session.context)
}

/// What several stages say about one subject, under one name: `losses.records`,
/// `quarantine.records` and `coverage.paths`. Landed streams become tables like all others.
async fn register_gathered(session: &Session) -> Result<()> {
    let tables = tables_of(session).await?;
    let losses = match tables.contains("reconcile.losses") {
        true => select_losses(session, &["reconcile.losses"]).await?,
        false => {
            let staged = ["staged.losses", "plan.losses"];
            let there = staged.into_iter().filter(|name| tables.contains(*name));
            select_losses(session, &there.collect::<Vec<_>>()).await?
        }
    };
    let gathered = [
        ("losses", "records", losses),
        ("quarantine", "records", select_whole(&tables, "staged.quarantine")),
        ("coverage", "paths", select_whole(&tables, "staged.coverage")),
    ];
    for (schema, name, sql) in gathered {
        if let Some(sql) = sql {
            let rows = session.context.sql(&sql).await;
            let rows = rows.map_err(|error| unreadable(schema, error))?;
            session.register(schema, name, Arc::new(Reading(rows.into_view())))?;
        }
    }
    for table in tables.iter().filter(|table| table.starts_with("landing")) {
        let provider = session.context.table_provider(table.as_str()).await;
        let provider = provider.map_err(|error| unreadable(table, error))?;
        let (schema, name) = table.split_once('.').unwrap_or(("landing", table));
        session.register(schema, name, Arc::new(Reading(provider)))?;
    }
    Ok(())
}

async fn tables_of(session: &Session) -> Result<BTreeSet<String>> {
    let known = information_schema::tables_of(&session.context).await;
    let known = known.map_err(|error| unreadable("catalog", error))?;
    Ok(known.into_iter().map(|table| format!("{}.{}", table.schema, table.name)).collect())
}

fn select_whole(tables: &BTreeSet<String>, table: &str) -> Option<String> {
    tables.contains(table).then(|| format!("select * from {table}"))
}

/// Losses of several stages below each other, each with its stage.
async fn select_losses(session: &Session, tables: &[&str]) -> Result<Option<String>> {
    let columns = ["stage", "stream", "source_id", "ticket_id", "rule", "detail", "survives_in"];
    let mut parts = Vec::new();
    for table in tables {
        let provider = session.context.table_provider(*table).await;
        let schema = provider.map_err(|error| unreadable(table, error))?.schema();
        let stage = if table.starts_with("plan") { "planned" } else { "staged" };
        let cells = columns.map(|column| match (schema.field_with_name(column), column) {
            (Ok(_), _) => column.to_owned(),
            (Err(_), "stage") => format!("'{stage}' as stage"),
            (Err(_), _) => format!("cast(null as varchar) as {column}"),
        });
        parts.push(format!("select {} from {table}", cells.join(", ")));
    }
    Ok((!parts.is_empty()).then(|| parts.join(" union all ")))
}

fn unreadable(name: &str, error: DataFusionError) -> Fault {
    Fault::data(format!("{name} cannot be read")).because(error)
}

/// A view that calls itself a table, because to whoever asks it is one.
#[derive(Debug)]
struct Reading(Arc<dyn TableProvider>);

#[async_trait]
impl TableProvider for Reading {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        self.0.get_logical_plan()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> datafusion::error::Result<Vec<TableProviderFilterPushDown>> {
        self.0.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        self.0.scan(state, projection, filters, limit).await
    }
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

/// Makes what happened in a run known: `ledger.records`, `ledger.calls` and `ledger.time`.
pub(crate) async fn register_ledger(session: &Session, run: &RunId) -> Result<Vec<String>> {
    let ledger = ledger_log::read_tables(&session.warehouse, run).await?;
    tables::register_rows(session, "ledger", "records", ledger.records)?;
    tables::register_rows(session, "ledger", "calls", ledger.calls)?;
    tables::register_rows(session, "ledger", "time", ledger.time)?;
    Ok(["ledger.records", "ledger.calls", "ledger.time"].map(str::to_owned).to_vec())
}
