//! Rows of the catalog by the value of a column, as JSON objects; none where a table is missing.
//!
//! It knows no table by name. Nothing that a person typed becomes a part of a statement.

use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};
use kernel::{Fault, Result};
use serde_json::{Map, Value};

use crate::question::read_rows;

/// One row: values by column, in the order of the table.
pub type Row = Map<String, Value>;

/// Every table that a scope has.
pub(super) struct Tables {
    session: SessionContext,
}

impl Tables {
    pub(super) fn new(session: SessionContext) -> Self {
        Self { session }
    }

    /// Whether there is such a table, named as in `staged.tickets`.
    pub(super) fn has(&self, table: &str) -> bool {
        self.session.table_exist(TableReference::from(table)).unwrap_or(false)
    }

    /// The names of the tables of a schema.
    pub(super) fn names(&self, schema: &str) -> Vec<String> {
        let state = self.session.state();
        let catalog = self.session.catalog(&state.config_options().catalog.default_catalog);
        let schema = catalog.and_then(|catalog| catalog.schema(schema));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort();
        names
    }

    /// The rows of a table in which a column has one of these values.
    pub(super) async fn rows(
        &self,
        table: &str,
        column: &str,
        values: &[&str],
    ) -> Result<Vec<Row>> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let values: Vec<Expr> = values.iter().map(|value| lit(*value)).collect();
        self.rows_where(table, &[column], ident(column).in_list(values, false)).await
    }

    /// The rows of a table for which a condition holds; none where it lacks one of the columns.
    pub(super) async fn rows_where(
        &self,
        table: &str,
        columns: &[&str],
        condition: Expr,
    ) -> Result<Vec<Row>> {
        let Some(rows) = self.table_with(table, columns).await? else { return Ok(Vec::new()) };
        let rows = rows.filter(condition).map_err(|error| unreadable(table, error))?;
        collect(table, rows).await
    }

    /// A column of texts, each once.
    pub(super) async fn texts(&self, table: &str, column: &str) -> Result<Vec<String>> {
        let Some(rows) = self.table_with(table, &[column]).await? else { return Ok(Vec::new()) };
        let rows = rows.select(vec![ident(column)]).and_then(DataFrame::distinct);
        let rows = collect(table, rows.map_err(|error| unreadable(table, error))?).await?;
        Ok(rows.iter().filter_map(|row| text(row, column).map(str::to_owned)).collect())
    }

    async fn table_with(&self, table: &str, columns: &[&str]) -> Result<Option<DataFrame>> {
        if !self.has(table) {
            return Ok(None);
        }
        let rows = self.session.table(TableReference::from(table)).await;
        let rows = rows.map_err(|error| unreadable(table, error))?;
        let has_all =
            columns.iter().all(|name| rows.schema().has_column_with_unqualified_name(name));
        Ok(has_all.then_some(rows))
    }
}

async fn collect(table: &str, rows: DataFrame) -> Result<Vec<Row>> {
    let batches = rows.collect().await.map_err(|error| unreadable(table, error))?;
    read_rows(&batches)
}

fn unreadable(table: &str, error: DataFusionError) -> Fault {
    Fault::data(format!("the table {table} cannot be read"))
        .hint("deskferry snapshot verify and deskferry transform say whether it is whole")
        .because(error)
}

/// A cell that holds text.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column)?.as_str()
}

/// A cell that holds a whole number.
pub(super) fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column)?.as_i64()
}

/// A cell that holds true.
pub(super) fn is_true(row: &Row, column: &str) -> bool {
    row.get(column).and_then(Value::as_bool).unwrap_or(false)
}

/// Some columns of a row, in the given order; those that the row lacks are left out.
pub(super) fn only(row: &Row, columns: &[&str]) -> Row {
    let kept =
        columns.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone())));
    kept.collect()
}
