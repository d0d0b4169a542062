//! The gate that each statement of a client goes through: what reads is planned, checked and run;
//! what only tidies or sets is answered; everything else is refused.
//!
//! It decides nothing itself: `transform::verdict` and `transform::check_plan` do.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::{DFSchema, ParamValues};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement as Outer;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::arrow_pg::datatypes::df::encode_dataframe;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::query::ExtendedQueryHandler;
use datafusion_postgres::pgwire::api::results::{FieldInfo, Response, Tag};
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, Type};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::types::format::FormatOptions;
use datafusion_postgres::{DfSessionService, Parser, QueryHook};
use transform::Verdict;

use super::{adapt, cursors, settings};

/// The gate.
#[derive(Debug)]
pub(super) struct Gate;

#[async_trait]
impl QueryHook for Gate {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match transform::verdict(statement) {
            Verdict::Reads => Some(read(statement, session, client).await),
            other => without_reading(other, statement, session, client).await,
        }
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        Some(match transform::verdict(statement) {
            Verdict::Reads => plan(statement, session, client).await,
            Verdict::Refused => Err(refused()),
            Verdict::Cursor => Ok(cursors::columns_of(statement, client).unwrap_or_else(nothing)),
            Verdict::Setting | Verdict::Transaction | Verdict::Tidying => Ok(nothing()),
        })
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        plan: &LogicalPlan,
        _: &ParamValues,
        session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match transform::verdict(statement) {
            // The plan that was made of it is run by the library; it is looked at once more.
            Verdict::Reads => transform::check_plan(plan).err().map(|_| Err(refused())),
            other => without_reading(other, statement, session, client).await,
        }
    }
}

/// ROLLBACK TO, which leaves a transaction open and no longer failed; the library would end it.
#[derive(Debug)]
pub(super) struct BackToSavepoint;

#[async_trait]
impl QueryHook for BackToSavepoint {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        _: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        let is_it = matches!(statement, Statement::Rollback { savepoint: Some(_), .. });
        is_it.then(|| Ok(Response::TransactionStart(Tag::new("ROLLBACK"))))
    }

    async fn handle_extended_parse_query(
        &self,
        _: &Statement,
        _: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        None
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _: &LogicalPlan,
        _: &ParamValues,
        session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.handle_simple_query(statement, session, client).await
    }
}

/// Answers what does not read; `None` hands it to the hooks that know transactions and cursors.
async fn without_reading(
    verdict: Verdict,
    statement: &Statement,
    session: &SessionContext,
    client: &mut dyn HookClient,
) -> Option<PgWireResult<Response>> {
    match verdict {
        Verdict::Setting => Some(settings::set(statement, session, client).await),
        Verdict::Tidying => {
            let words = statement.to_string();
            let first = words.split(' ').next().unwrap_or("DISCARD");
            Some(Ok(Response::Execution(Tag::new(first))))
        }
        Verdict::Cursor => match statement {
            Statement::Declare { stmts } => Some(cursors::declare(stmts, session, client).await),
            _ => None,
        },
        Verdict::Transaction => match statement {
            Statement::Savepoint { .. } => Some(Ok(Response::Execution(Tag::new("SAVEPOINT")))),
            Statement::ReleaseSavepoint { .. } => {
                Some(Ok(Response::Execution(Tag::new("RELEASE"))))
            }
            _ => None,
        },
        Verdict::Reads | Verdict::Refused => Some(Err(refused())),
    }
}

async fn read(
    statement: &Statement,
    session: &SessionContext,
    client: &mut dyn HookClient,
) -> PgWireResult<Response> {
    let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
    let plan = plan(statement, session, client).await?;
    let rows = DataFrame::new(session.state(), plan);
    let answer = encode_dataframe(rows, &Format::UnifiedText, Some(options)).await?;
    Ok(Response::Query(answer))
}

/// The plan of a statement that reads.
pub(super) async fn plan(
    statement: &Statement,
    session: &SessionContext,
    client: &(impl ClientInfo + ?Sized),
) -> PgWireResult<LogicalPlan> {
    if let Statement::ShowVariable { variable } = statement
        && let Some((name, value)) = settings::shown(variable, session, client.metadata())?
    {
        let row = LogicalPlanBuilder::empty(true).project([lit(value).alias(name)]);
        return row.and_then(LogicalPlanBuilder::build).map_err(|error| failed(&error));
    }
    let statement = adapt::adapt(statement.clone());
    let plan = session.state().statement_to_plan(Outer::Statement(Box::new(statement))).await;
    let plan = plan.map_err(|error| failed(&error))?;
    transform::check_plan(&plan).map_err(|_| refused())?;
    Ok(plan)
}

fn nothing() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })
}

/// The refusal of somebody who tries to write, as Postgres words it in a read-only transaction.
pub(super) fn refused() -> PgWireError {
    let fault = transform::refusal();
    let mut info = ErrorInfo::new("ERROR".to_owned(), "25006".to_owned(), fault.to_string());
    info.hint = Some(fault.advice().to_owned());
    PgWireError::UserError(Box::new(info))
}

fn failed(error: &DataFusionError) -> PgWireError {
    let words = error.strip_backtrace();
    let code = match words.contains("not found") {
        true if words.contains("table '") => "42P01",
        true => "42703",
        false => "42601",
    };
    let info = ErrorInfo::new("ERROR".to_owned(), code.to_owned(), words);
    PgWireError::UserError(Box::new(info))
}

/// The library's handler, except that a text with two statements is refused instead of losing the
/// second one.
pub(super) struct OneAtATime {
    inner: Arc<DfSessionService>,
    parser: Arc<OneStatement>,
}

impl OneAtATime {
    pub(super) fn new(inner: Arc<DfSessionService>) -> Self {
        let parser =
            OneStatement { words: PostgresCompatibilityParser::new(), inner: inner.query_parser() };
        Self { inner, parser: Arc::new(parser) }
    }
}

#[async_trait]
impl ExtendedQueryHandler for OneAtATime {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;
    type QueryParser = OneStatement;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        self.parser.clone()
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        rows_max: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo
            + ClientPortalStore
            + futures::Sink<PgWireBackendMessage>
            + Unpin
            + Send
            + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as futures::Sink<PgWireBackendMessage>>::Error>,
    {
        ExtendedQueryHandler::do_query(self.inner.as_ref(), client, portal, rows_max).await
    }
}

/// A parser that takes one statement.
pub(super) struct OneStatement {
    words: PostgresCompatibilityParser,
    inner: Arc<Parser>,
}

#[async_trait]
impl QueryParser for OneStatement {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let statements = self.words.parse(sql);
        if statements.is_ok_and(|statements| statements.len() > 1) {
            let info = ErrorInfo::new(
                "ERROR".to_owned(),
                "42601".to_owned(),
                "one statement at a time".to_owned(),
            );
            return Err(PgWireError::UserError(Box::new(info)));
        }
        self.inner.parse_sql(client, sql, types).await
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        self.inner.get_parameter_types(statement)
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        self.inner.get_result_schema(statement, format)
    }
}
