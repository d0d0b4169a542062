//! A session for one test: empty tables that take rows, and the table that the model makes of them.
//!
//! The table is made anew when it is asked for after rows were given, in the types in which it
//! would be stored.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;
use kernel::{Fault, Mapping, Order};
use landing::Warehouse;
use sqllogictest::{ColumnType, DB, DBOutput};
use tokio::runtime::Runtime;

use crate::beside::tables::{Tables, schema_of};
use crate::models::{Layer, Model};
use crate::session::Session;
use crate::{graph, tables};

type Result<T> = std::result::Result<T, DataFusionError>;

/// The letter of a column's type in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    Boolean,
    Time,
    Other,
}

const KINDS: [(char, Kind); 6] = [
    ('T', Kind::Text),
    ('I', Kind::Integer),
    ('R', Kind::Float),
    ('B', Kind::Boolean),
    ('P', Kind::Time),
    ('?', Kind::Other),
];

impl ColumnType for Kind {
    fn from_char(letter: char) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == letter).map(|(_, kind)| *kind)
    }

    fn to_char(&self) -> char {
        let found = KINDS.iter().find(|(_, kind)| kind == self);
        found.map_or('?', |(letter, _)| *letter)
    }
}

impl Kind {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
            DataType::Boolean => Kind::Boolean,
            DataType::Timestamp(..) => Kind::Time,
            kind if kind.is_integer() => Kind::Integer,
            kind if kind.is_numeric() => Kind::Float,
            _ => Kind::Other,
        }
    }
}

/// What the statements of one test are run on.
pub(super) struct Given {
    runtime: Arc<Runtime>,
    session: Session,
    model: Model,
    schema: &'static str,
    is_current: bool,
}

impl Given {
    /// A session in which a model's tables are there and empty.
    pub(super) fn open(tables: &Tables, model: &Model) -> Result<Self> {
        let warehouse = Warehouse::open("memory://").map_err(of_fault)?;
        let session = Session::open_with(&warehouse, 1, Arc::default()).map_err(of_fault)?;
        for name in graph::tables_of(model).map_err(of_fault)? {
            if name == "config.mapping" {
                tables::register_mapping(&session, &Mapping::default()).map_err(of_fault)?;
                continue;
            }
            if name == "config.replay" {
                tables::register_replay(&session, Order::default(), None).map_err(of_fault)?;
                continue;
            }
            let (schema, table) = name.split_once('.').unwrap_or(("staged", &name));
            let given = Arc::new(tables.given(&name, model)?);
            session.register(schema, table, given).map_err(of_fault)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self {
            runtime: Arc::new(runtime),
            session,
            model: model.clone(),
            schema: schema_of(&model.layer),
            is_current: false,
        })
    }

    async fn answer(&mut self, sql: &str) -> Result<DBOutput<Kind>> {
        let asks = ["select", "with"].iter().any(|word| sql.trim_start().starts_with(word));
        if !asks {
            self.is_current = false;
        } else if !self.is_current {
            self.make().await?;
            self.is_current = true;
        }
        let answer = self.session.context.sql(sql).await?;
        let types = answer.schema().fields().iter().map(|field| Kind::of(field.data_type()));
        let types = types.collect();
        let batches = answer.collect().await?;
        if asks {
            Ok(DBOutput::Rows { types, rows: lines(&batches)? })
        } else {
            Ok(DBOutput::StatementComplete(0))
        }
    }

    /// Makes the table of the model from what was given.
    async fn make(&self) -> Result<()> {
        let found = self.session.context.sql(&self.model.sql).await?.execute_stream().await?;
        let stored = tables::stored_schema(&self.model, &found.schema()).map_err(of_fault)?;
        let batches: Vec<RecordBatch> = found.try_collect().await?;
        let batches = batches.iter().map(|batch| tables::stored_batch(batch, &stored));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let table = MemTable::try_new(stored, vec![batches])?;
        let name = TableReference::partial(self.schema, self.model.name.as_str());
        // There is no such schema before the first table of it.
        if self.session.context.table_exist(name.clone()).unwrap_or(false) {
            self.session.context.deregister_table(name)?;
        }
        self.session.register(self.schema, &self.model.name, Arc::new(table)).map_err(of_fault)?;
        if matches!(self.model.layer, Layer::Check(_)) {
            return Ok(());
        }
        let doubled = tables::check_key(&self.session, &self.model, self.schema).await;
        match doubled.map_err(of_fault)? {
            None => Ok(()),
            Some(finding) => Err(DataFusionError::Execution(format!(
                "{}, but not here: {}",
                finding.check,
                finding.samples.join("; ")
            ))),
        }
    }
}

impl DB for Given {
    type Error = DataFusionError;
    type ColumnType = Kind;

    fn run(&mut self, sql: &str) -> Result<DBOutput<Kind>> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.answer(sql))
    }
}

/// Each row as one line: cells between bars, nothing as NULL, no text as (empty), line breaks
/// escaped.
fn lines(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::new().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let columns = columns.map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| cell(&column.value(row).to_string()));
            lines.push(vec![cells.collect::<Vec<_>>().join(" | ")]);
        }
    }
    Ok(lines)
}

fn cell(text: &str) -> String {
    match text {
        "" => "(empty)".to_owned(),
        text => text.replace('\r', "\\r").replace('\n', "\\n"),
    }
}

fn of_fault(fault: Fault) -> DataFusionError {
    let cause =
        std::error::Error::source(&fault).map_or(String::new(), |cause| format!(": {cause}"));
    DataFusionError::Execution(format!("{fault}{cause}"))
}
