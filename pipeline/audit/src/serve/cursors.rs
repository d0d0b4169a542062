//! Cursors over a SELECT: DECLARE, and what columns a FETCH will bring. FETCH itself and CLOSE are
//! the library's, whose own DECLARE would run any text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::sqlparser::ast::{Declare, Statement};
use datafusion_postgres::arrow_pg::datatypes::df::encode_dataframe;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::api::stmt::StoredStatement;
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::error::PgWireResult;

use super::gate;

/// The columns of each cursor of a connection, by its name, as plans without rows.
#[derive(Default)]
struct Declared(Mutex<HashMap<String, LogicalPlan>>);

/// Opens a cursor over a query that was checked like any other.
pub(super) async fn declare(
    cursors: &[Declare],
    session: &SessionContext,
    client: &mut dyn HookClient,
) -> PgWireResult<Response> {
    for cursor in cursors {
        let (Some(name), Some(query)) = (cursor.names.first(), &cursor.for_query) else {
            return Err(gate::refused());
        };
        let name = name.value.clone();
        let statement = Statement::Query(query.clone());
        let plan = gate::plan(&statement, session, client).await?;
        let columns = LogicalPlan::EmptyRelation(EmptyRelation {
            produce_one_row: false,
            schema: plan.schema().clone(),
        });
        let rows = DataFrame::new(session.state(), plan.clone());
        let answer = encode_dataframe(rows, &Format::UnifiedText, None).await?;
        // With its plan, so that a client that asks for the cursor's columns gets them.
        let known = (query.to_string(), Some((statement, plan)));
        let stored = StoredStatement::new(name.clone(), known, Vec::new());
        let portal = Portal::new_cursor(name.clone(), Arc::new(stored));
        portal.start(answer).await;
        HookClient::portal_store(client).put_portal(Arc::new(portal));
        let declared = client.session_extensions().get_or_insert_with(Declared::default);
        declared.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, columns);
    }
    Ok(Response::Execution(Tag::new("DECLARE CURSOR")))
}

/// The columns that a FETCH will bring; `None` for every other statement.
pub(super) fn columns_of(
    statement: &Statement,
    client: &(dyn ClientInfo + Send + Sync),
) -> Option<LogicalPlan> {
    let Statement::Fetch { name, .. } = statement else { return None };
    let declared = client.session_extensions().get::<Declared>()?;
    let declared = declared.0.lock().unwrap_or_else(PoisonError::into_inner);
    declared.get(&name.value).cloned()
}
