//! Statements that a person hands in: only such that read.

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SQLOptions, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast;
use kernel::{Fault, Result};

/// Runs one statement that reads and hands back its rows.
///
/// # Errors
/// `Refused` for a statement that does anything but read, `FixData` for one that fails.
pub async fn select(session: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let rows = planned(session, sql).await?;
    rows.collect().await.map_err(|error| failed(&error))
}

/// Like [`select`], but hands the rows on as they come.
///
/// # Errors
/// As [`select`].
pub async fn select_stream(
    session: &SessionContext,
    sql: &str,
) -> Result<SendableRecordBatchStream> {
    let rows = planned(session, sql).await?;
    rows.execute_stream().await.map_err(|error| failed(&error))
}

/// Whether a statement only reads: SELECT, EXPLAIN, SHOW or DESCRIBE, and one of them.
///
/// # Errors
/// `Refused` when it does anything else, `FixData` when it is no statement.
pub fn check_reads_only(sql: &str) -> Result<()> {
    let statements = DFParser::parse_sql(sql).map_err(|error| failed(&error))?;
    if statements.len() != 1 {
        return Err(Fault::refused("one statement at a time").hint("leave out the semicolons"));
    }
    if statements.iter().all(reads_only) {
        return Ok(());
    }
    Err(Fault::refused("only statements that read are run here")
        .hint("SELECT, EXPLAIN, SHOW and DESCRIBE are; what was landed and staged never changes"))
}

async fn planned(session: &SessionContext, sql: &str) -> Result<DataFrame> {
    check_reads_only(sql)?;
    // The plan is checked as well, because a statement may hide another one, as EXPLAIN does.
    let options =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    session.sql_with_options(sql, options).await.map_err(|error| failed(&error))
}

fn reads_only(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => reads_only(&explain.statement),
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(_)
            | ast::Statement::ShowTables { .. }
            | ast::Statement::ShowColumns { .. }
            | ast::Statement::ShowVariable { .. }
            | ast::Statement::ShowFunctions { .. }
            | ast::Statement::ExplainTable { .. } => true,
            ast::Statement::Explain { statement, .. } => {
                matches!(statement.as_ref(), ast::Statement::Query(_))
            }
            _ => false,
        },
        _ => false,
    }
}

fn failed(error: &DataFusionError) -> Fault {
    Fault::data("the statement cannot be run")
        .hint("correct it; `show tables` and `show columns from messages` say what there is")
        .because(std::io::Error::other(error.strip_backtrace()))
}
