//! `deskferry query`: one question in SQL.

use std::io::Read;

use kernel::{Fault, Result, RunId, SnapshotId};
use landing::Warehouse;
use transform::Scope;

use crate::Ending;
use crate::arguments::{Format, Query, RunChoice};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, query: &Query, format: Format) -> Result<Ending> {
    let sql = match &query.sql {
        Some(sql) => sql.clone(),
        None => from_stdin()?,
    };
    let warehouse = config.warehouse()?;
    let scope = scope(config, &warehouse, &query.choice).await?;
    let answer = audit::ask(&warehouse, &scope, &sql).await?;
    print::batches(format, &answer)?;
    Ok(Ending::Done)
}

/// What a question sees.
pub(super) async fn scope(
    config: &Config,
    warehouse: &Warehouse,
    choice: &RunChoice,
) -> Result<Scope> {
    let wanted = choice.run.as_deref().map(str::parse::<RunId>).transpose()?;
    let mut scope = audit::scope_of(warehouse, wanted, config.mapping.clone()).await?;
    if scope.snapshots.is_empty()
        && let Some(newest) = newest(config, warehouse).await?
    {
        scope.snapshots = landing::chain::chain(warehouse, &newest).await?;
    }
    Ok(scope)
}

/// What was landed can be asked before anything is built of it.
async fn newest(config: &Config, warehouse: &Warehouse) -> Result<Option<SnapshotId>> {
    let Ok(side) = config.source() else { return Ok(None) };
    Ok(landing::snapshot::list_of(warehouse, side.platform()).await?.pop())
}

fn from_stdin() -> Result<String> {
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| Fault::config("no statement could be read from stdin").because(error))?;
    Ok(sql)
}
