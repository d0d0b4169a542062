//! `deskferry query`: one question in SQL, what there is to ask, or a shell.

use std::io::{IsTerminal, Read};

use audit::{Sight, Table};
use kernel::{Fault, Result, RunId};
use transform::Models;

use super::shell;
use crate::Ending;
use crate::arguments::{Format, Query, RunChoice};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, query: &Query, format: Format) -> Result<Ending> {
    let sight = sight(config, &query.choice)?;
    if let Some(table) = &query.describe {
        return describe(&sight, &config.models()?, table, query.markdown, format).await;
    }
    let sql = match &query.sql {
        Some(sql) => sql.clone(),
        None if std::io::stdin().is_terminal() => return shell::run(sight, config.models()?).await,
        None => from_stdin()?,
    };
    let answer = audit::ask(&sight.warehouse, &sight.scope().await?, &sql).await?;
    print::batches(format, &answer)?;
    Ok(Ending::Done)
}

/// What a question sees. What was landed can be asked before anything is built of it.
pub(super) fn sight(config: &Config, choice: &RunChoice) -> Result<Sight> {
    Ok(Sight {
        warehouse: config.warehouse()?,
        run: choice.run.as_deref().map(str::parse::<RunId>).transpose()?,
        mapping: config.mapping.clone(),
        platform: config.source().ok().map(|side| side.platform().to_owned()),
    })
}

/// Prints the dictionary. A model whose header does not fit its table is a finding.
async fn describe(
    sight: &Sight,
    models: &Models,
    table: &str,
    page: bool,
    format: Format,
) -> Result<Ending> {
    let session = transform::catalog(&sight.warehouse, &sight.scope().await?).await?;
    if !table.is_empty() {
        let table = audit::describe(&session, models, table).await?;
        columns(&table, format)?;
        return Ok(Ending::of(complain(&[table])));
    }
    let tables = audit::describe_all(&session, models).await?;
    if page {
        print::data(&audit::markdown(&tables))?;
    } else {
        let rows = tables.iter().map(|table| {
            let Table { table, rows, grain, key, .. } = table;
            vec![table.clone(), rows.to_string(), grain.clone(), key.clone()]
        });
        print::rows(format, &["table", "rows", "one row is", "key"], &rows.collect::<Vec<_>>())?;
    }
    Ok(Ending::of(complain(&tables)))
}

fn columns(table: &Table, format: Format) -> Result<()> {
    let cells = table.columns.iter().map(|column| {
        let nulls = column.nulls.map(|nulls| nulls.to_string()).unwrap_or_default();
        vec![
            column.column.clone(),
            column.r#type.clone(),
            nulls,
            column.meaning.clone(),
            column.from.clone(),
        ]
    });
    print::talk(&format!("{}: {}, {} rows", table.table, table.grain, table.rows));
    print::rows(format, &["column", "type", "nulls", "meaning", "from"], &cells.collect::<Vec<_>>())
}

fn complain(tables: &[Table]) -> u64 {
    let mut count = 0;
    for table in tables {
        for disagreement in &table.disagreements {
            print::talk(&format!("{}: {disagreement}", table.table));
            count += 1;
        }
    }
    count
}

fn from_stdin() -> Result<String> {
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| Fault::config("no statement could be read from stdin").because(error))?;
    Ok(sql)
}
