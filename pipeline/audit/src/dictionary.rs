//! The data dictionary: what each table's rows and columns are.
//!
//! What a model makes is said in its header, and nowhere else; types and rows come from the tables
//! themselves; the tables without a model are described in `known`.

mod header;
mod known;
mod page;

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use kernel::{Fault, Result, nearest};
use serde::Serialize;
use transform::{KnownTable, Models, type_name};

use header::Header;
pub use page::markdown;

/// A table and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// As `schema.name`.
    pub table: String,
    /// How many rows it has.
    pub rows: u64,
    /// What one row is; empty when nobody said.
    pub grain: String,
    /// Columns that no two rows share; empty when nobody said.
    pub key: String,
    /// Its columns in their order.
    pub columns: Vec<Column>,
    /// Where its description does not fit its columns.
    pub disagreements: Vec<String>,
}

/// A column and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub column: String,
    /// Its type, as Postgres names it.
    pub r#type: String,
    /// Rows in which it is null; counted for one table only.
    pub nulls: Option<u64>,
    /// What it means; empty when nobody said.
    pub meaning: String,
    /// The fields of the source that it comes from.
    pub from: String,
}

/// What is said about a table, or one of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    schema: String,
    /// Any table of the schema when none is named.
    table: Option<String>,
    /// The column; the table itself when none is named.
    pub(crate) column: Option<String>,
    /// What is said.
    pub(crate) text: String,
}

impl Comment {
    /// Whether it is about this table.
    pub(crate) fn is_about(&self, table: &KnownTable) -> bool {
        self.schema == table.schema && self.table.as_ref().is_none_or(|name| *name == table.name)
    }
}

/// Everything that is said, by table, for clients that show comments.
pub(crate) fn comments(models: &Models) -> Vec<Comment> {
    let mut all = Vec::new();
    for ((schema, table), header) in headers(models) {
        let comment = |column: Option<String>, text: String| Comment {
            schema: schema.clone(),
            table: (table != known::ANY).then(|| table.clone()),
            column,
            text,
        };
        if !header.grain.is_empty() {
            all.push(comment(None, header.grain.clone()));
        }
        for column in &header.columns {
            let from = match column.from.is_empty() {
                true => String::new(),
                false => format!(" [{}]", column.from),
            };
            let text = format!("{}{from}", column.meaning);
            all.push(comment(Some(column.name.clone()), text));
        }
    }
    // What is said of one table comes after what is said of all, and so wins.
    all.sort_by_key(|comment| comment.table.is_some());
    all
}

/// Every table of a session with its columns; rows are counted.
///
/// # Errors
/// `FixData` when a table cannot be read.
pub async fn describe_all(session: &SessionContext, models: &Models) -> Result<Vec<Table>> {
    let headers = headers(models);
    let mut described = Vec::new();
    for table in known_tables(session).await? {
        let sql = format!("select count(*) as rows from {}", quoted(&table));
        let counted = numbers_of(session, &sql).await?;
        described.push(table_of(&table, counted[0], &headers));
    }
    Ok(described)
}

/// One table, named as `name` or `schema.name`, with the nulls of each column.
///
/// # Errors
/// `FixConfig` when there is no such table; the hint names the nearest one.
pub async fn describe(session: &SessionContext, models: &Models, name: &str) -> Result<Table> {
    let wanted = if name.contains('.') { name.to_owned() } else { format!("staged.{name}") };
    let known = known_tables(session).await?;
    let names: Vec<String> = known.iter().map(full_name).collect();
    let table = known.iter().find(|table| full_name(table) == wanted).ok_or_else(|| {
        Fault::config(format!("there is no table {wanted}"))
            .hint(nearest::hint(&wanted, names.iter().map(String::as_str)))
    })?;
    let nulls = table
        .columns
        .fields()
        .iter()
        .map(|field| format!("count(*) - count(\"{}\") as \"{}\"", field.name(), field.name()));
    let nulls: Vec<String> = nulls.collect();
    let sql = format!("select count(*) as rows, {} from {}", nulls.join(", "), quoted(table));
    let counted = numbers_of(session, &sql).await?;
    let mut described = table_of(table, counted[0], &headers(models));
    for (column, nulls) in described.columns.iter_mut().zip(&counted[1..]) {
        column.nulls = Some(*nulls);
    }
    Ok(described)
}

async fn known_tables(session: &SessionContext) -> Result<Vec<KnownTable>> {
    let known = transform::tables_of(session).await;
    known.map_err(|error| Fault::data("the tables cannot be listed").because(error))
}

fn full_name(table: &KnownTable) -> String {
    format!("{}.{}", table.schema, table.name)
}

fn quoted(table: &KnownTable) -> String {
    format!("\"{}\".\"{}\"", table.schema, table.name)
}

/// The one row of numbers that a statement gives.
async fn numbers_of(session: &SessionContext, sql: &str) -> Result<Vec<u64>> {
    let rows = transform::select(session, sql).await?;
    let row = rows.iter().find(|rows| rows.num_rows() > 0);
    let row = row.ok_or_else(|| Fault::bug("a count gave no row"))?;
    let cells = row.columns().iter().map(|column| {
        let number = column.as_primitive_opt::<Int64Type>().map(|column| column.value(0));
        number.and_then(|number| u64::try_from(number).ok())
    });
    let cells: Option<Vec<u64>> = cells.collect();
    cells.ok_or_else(|| Fault::bug("a count is no number"))
}

type Headers = BTreeMap<(String, String), Header>;

/// What is said, by schema and table.
fn headers(models: &Models) -> Headers {
    let mut headers = known::headers();
    let files: Vec<(&str, &str)> = models.files().collect();
    for (file, sql) in &files {
        if let Some((schema, table)) = place_of(file, &files) {
            headers.insert((schema, table), header::parse(sql));
        }
    }
    // What every platform's table holds is said once, in words for each column.
    for (file, sql) in &files {
        if let Some(table) = any_source(file) {
            headers.insert(("source".to_owned(), table.to_owned()), header::parse(sql));
        }
    }
    for (gathered, table, of) in
        [("quarantine", "records", "quarantine"), ("coverage", "paths", "coverage")]
    {
        if let Some(header) = headers.get(&("staged".to_owned(), of.to_owned())).cloned() {
            headers.insert((gathered.to_owned(), table.to_owned()), header);
        }
    }
    headers
}

/// The table that a model makes. What is read from a platform that is planned for is the read-back.
fn place_of(file: &str, files: &[(&str, &str)]) -> Option<(String, String)> {
    let parts: Vec<&str> = file.strip_suffix(".sql")?.split('/').collect();
    let (schema, table) = match parts[..] {
        ["1_source", platform, table] => {
            let plan = format!("3_plan/{platform}/");
            let is_target = files.iter().any(|(file, _)| file.starts_with(&plan));
            (if is_target { "readback" } else { "source" }, table)
        }
        ["2_staged", table] => ("staged", table),
        ["3_plan", _, table] => ("plan", table),
        ["4_reconcile", table] => ("reconcile", table),
        _ => return None,
    };
    Some((schema.to_owned(), table.to_owned()))
}

/// The table of a model that stands for every platform.
fn any_source(file: &str) -> Option<&str> {
    let table = file.strip_prefix("1_source/")?.strip_suffix(".sql")?;
    (!table.contains('/')).then_some(table)
}

fn table_of(table: &KnownTable, rows: u64, headers: &Headers) -> Table {
    let any = (table.schema.clone(), known::ANY.to_owned());
    let of_all = headers.get(&any);
    let header = headers.get(&(table.schema.clone(), table.name.clone())).or(of_all);
    let said = |name: &str| {
        header.and_then(|header| header.columns.iter().find(|column| column.name == name))
    };
    let columns = table.columns.fields().iter().map(|field| Column {
        column: field.name().clone(),
        r#type: type_name(field.data_type()),
        nulls: None,
        meaning: said(field.name()).map(|column| column.meaning.clone()).unwrap_or_default(),
        from: said(field.name()).map(|column| column.from.clone()).unwrap_or_default(),
    });
    let actual: Vec<&str> =
        table.columns.fields().iter().map(|field| field.name().as_str()).collect();
    let needs_words = !["source", "readback"].contains(&table.schema.as_str());
    Table {
        table: full_name(table),
        rows,
        grain: header.map(|header| header.grain.clone()).unwrap_or_default(),
        key: header.map(|header| header.key.clone()).unwrap_or_default(),
        columns: columns.collect(),
        disagreements: match header {
            Some(header) if needs_words => header.disagreements(&actual),
            None if needs_words => vec!["nobody says what it is".to_owned()],
            _ => Vec::new(),
        },
    }
}
