//! Statements that a person or a client hands in: only such that read.
//!
//! The one place that decides what may be run, for `query`, the shell and the Postgres wire. It
//! knows statements and plans; it knows no table.

use std::ops::ControlFlow;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SQLOptions, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};
use kernel::{Fault, Result};

/// What may be done with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It reads: SELECT, VALUES, EXPLAIN of these, SHOW or DESCRIBE.
    Reads,
    /// A client says how it wants to be spoken to: SET or RESET of a harmless setting. It is
    /// answered and goes nowhere near the engine.
    Setting,
    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT: answered; there is nothing to undo.
    Transaction,
    /// DECLARE of a cursor over a SELECT, FETCH, CLOSE.
    Cursor,
    /// A client tidies up after itself: DISCARD, DEALLOCATE. Answered without effect.
    Tidying,
    /// Everything else.
    Refused,
}

/// Settings that a client may set: they change how answers are written, or nothing.
const HARMLESS_SETTINGS: [&str; 24] = [
    "application_name",
    "bytea_output",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_seqscan",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lock_timeout",
    "names",
    "row_security",
    "search_path",
    "standard_conforming_strings",
    "statement_timeout",
    "timezone",
];

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

/// Whether a text is one statement that only reads: SELECT, EXPLAIN, SHOW or DESCRIBE.
///
/// # Errors
/// `Refused` when it does anything else, `FixData` when it is no statement.
pub fn check_reads_only(sql: &str) -> Result<()> {
    let statements = DFParser::parse_sql(sql).map_err(|error| failed(&error))?;
    if statements.len() != 1 {
        return Err(Fault::refused("one statement at a time").hint("leave out the semicolons"));
    }
    if statements.iter().all(reads_only) { Ok(()) } else { Err(refusal()) }
}

/// What may be done with a statement, by its words.
pub fn verdict(statement: &ast::Statement) -> Verdict {
    use ast::Statement as S;
    match statement {
        S::Query(query) if query_reads(query) => Verdict::Reads,
        S::Explain { statement, .. } => match statement.as_ref() {
            S::Query(query) if query_reads(query) => Verdict::Reads,
            _ => Verdict::Refused,
        },
        S::ShowTables { .. }
        | S::ShowColumns { .. }
        | S::ShowVariable { .. }
        | S::ShowFunctions { .. }
        | S::ExplainTable { .. } => Verdict::Reads,
        S::Set(set) if is_harmless(set) => Verdict::Setting,
        S::Reset(reset) => match &reset.reset {
            ast::Reset::ALL => Verdict::Setting,
            ast::Reset::ConfigurationParameter(name) if is_harmless_name(name) => Verdict::Setting,
            ast::Reset::ConfigurationParameter(_) => Verdict::Refused,
        },
        S::StartTransaction { statements, .. } if statements.is_empty() => Verdict::Transaction,
        S::Commit { .. } | S::Rollback { .. } => Verdict::Transaction,
        S::Savepoint { .. } | S::ReleaseSavepoint { .. } => Verdict::Transaction,
        S::Declare { stmts } if stmts.iter().all(is_read_cursor) => Verdict::Cursor,
        S::Fetch { into: None, .. } | S::Close { .. } => Verdict::Cursor,
        S::Discard { .. } | S::Deallocate { .. } => Verdict::Tidying,
        _ => Verdict::Refused,
    }
}

/// Whether a plan only reads, whatever the statement looked like.
///
/// # Errors
/// When it, or a plan inside it, does anything else.
pub fn check_plan(plan: &LogicalPlan) -> std::result::Result<(), DataFusionError> {
    reading().verify_plan(plan)
}

/// The refusal that everybody gets who tries to write.
pub fn refusal() -> Fault {
    Fault::refused("only statements that read are run here")
        .hint("SELECT, EXPLAIN, SHOW and DESCRIBE are; what was landed and staged never changes")
}

async fn planned(session: &SessionContext, sql: &str) -> Result<DataFrame> {
    check_reads_only(sql)?;
    session.sql_with_options(sql, reading()).await.map_err(|error| failed(&error))
}

/// The plan is checked as well, because a statement may hide another one, as EXPLAIN does.
fn reading() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

fn reads_only(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => reads_only(&explain.statement),
        Statement::Statement(inner) => verdict(inner) == Verdict::Reads,
        _ => false,
    }
}

/// Looks through a query for what is more than reading: a statement inside it, as in
/// `with x as (delete …)`, SELECT INTO, and locks.
struct Suspicion;

impl Visitor for Suspicion {
    type Break = ();

    fn pre_visit_statement(&mut self, _: &ast::Statement) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
        if select.into.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        if query.locks.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

fn query_reads(query: &ast::Query) -> bool {
    query.visit(&mut Suspicion).is_continue()
}

fn is_read_cursor(declare: &ast::Declare) -> bool {
    declare.declare_type == Some(ast::DeclareType::Cursor)
        && declare.for_query.as_ref().is_some_and(|query| query_reads(query))
}

fn is_harmless(set: &ast::Set) -> bool {
    use ast::{ContextModifier, Set};
    match set {
        Set::SingleAssignment { scope, hivevar: false, variable, .. } => {
            *scope != Some(ContextModifier::Global) && is_harmless_name(variable)
        }
        Set::SetTimeZone { .. } | Set::SetNames { .. } | Set::SetNamesDefault {} => true,
        Set::SetTransaction { snapshot: None, .. } => true,
        _ => false,
    }
}

fn is_harmless_name(name: &ast::ObjectName) -> bool {
    HARMLESS_SETTINGS.contains(&name.to_string().replace('"', "").to_lowercase().as_str())
}

fn failed(error: &DataFusionError) -> Fault {
    Fault::data("the statement cannot be run")
        .hint("correct it; `deskferry query --describe` says which tables and columns there are")
        .because(std::io::Error::other(error.strip_backtrace()))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn of(sql: &str) -> Verdict {
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql);
        assert_eq!(parsed.len(), 1, "{sql}");
        verdict(&parsed[0])
    }

    #[test]
    fn what_reads_passes() {
        for sql in [
            "select 1",
            "values (1), (2)",
            "with a as (select 1 as x) select x from a union all select 2",
            "explain select 1",
            "explain analyze select 1",
            "show search_path",
            "show tables",
            "show columns from messages",
        ] {
            assert_eq!(of(sql), Verdict::Reads, "{sql}");
        }
    }

    #[test]
    fn what_clients_cannot_live_without_is_answered() {
        for (sql, expected) in [
            ("set extra_float_digits = 3", Verdict::Setting),
            ("set session characteristics as transaction read only", Verdict::Setting),
            ("set time zone 'UTC'", Verdict::Setting),
            ("set \"DateStyle\" to 'ISO'", Verdict::Setting),
            ("reset all", Verdict::Setting),
            ("begin", Verdict::Transaction),
            ("start transaction read only", Verdict::Transaction),
            ("commit", Verdict::Transaction),
            ("savepoint a", Verdict::Transaction),
            ("rollback to savepoint a", Verdict::Transaction),
            ("declare c cursor for select 1", Verdict::Cursor),
            ("fetch 10 from c", Verdict::Cursor),
            ("discard all", Verdict::Tidying),
            ("deallocate all", Verdict::Tidying),
        ] {
            assert_eq!(of(sql), expected, "{sql}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for sql in [
            "copy tickets to '/tmp/x'",
            "copy (select 1) to '/tmp/x'",
            "copy tickets from '/tmp/x'",
            "create table x as select 1",
            "create view x as select 1",
            "create schema x",
            "drop table tickets",
            "alter table tickets add column x int",
            "insert into tickets values (1)",
            "update tickets set subject = ''",
            "delete from tickets",
            "truncate tickets",
            "select 1 into x",
            "select * from tickets for update",
            "with x as (delete from tickets returning *) select * from x",
            "with x as (insert into tickets values (1) returning *) select * from x",
            "explain analyze delete from tickets",
            "explain copy (select 1) to '/tmp/x'",
            "set datafusion.runtime.memory_limit = '1G'",
            "set datafusion.catalog.default_schema = 'plan'",
            "set global search_path = 'plan'",
            "set role postgres",
            "set session authorization postgres",
            "reset datafusion.runtime.memory_limit",
            "prepare p as drop table tickets",
            "execute p",
            "call x()",
            "vacuum",
            "grant select on tickets to x",
            "declare c cursor for with x as (delete from tickets returning *) select * from x",
        ] {
            assert_eq!(of(sql), Verdict::Refused, "{sql}");
        }
    }
}
