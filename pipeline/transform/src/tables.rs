//! Making tables from models: running a SELECT, writing its rows, counting offenders of a check.
//!
//! The same rows give the same bytes: a model ends in the order of its key, and nothing here
//! depends on how many threads ran it.

use std::error::Error;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::common::spawn_buffered;
use futures::StreamExt;
use kernel::{Fault, Mapping, Order, Result, RunId};
use landing::table::Written;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::functions::utc_time;
use crate::graph::line_in;
use crate::models::Model;
use crate::session::Session;

/// Characters of an offending row that a finding keeps.
const SAMPLE_CHARACTERS_MAX: usize = 300;
/// Offending rows that a finding keeps.
const SAMPLES_MAX: usize = 50;

/// Batches that a query may be ahead of the encoder.
const BATCHES_AHEAD: usize = 8;

/// A claim that does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file of the check, or the table whose key is not unique.
    pub check: String,
    /// Rows that break the claim.
    pub offenders: u64,
    /// The first of them, each as `column=value …`.
    #[serde(default)]
    pub samples: Vec<String>,
    /// Whether these rows say nothing of a person, so that they may be printed: `-- print:
    /// offenders` in the head of the check.
    #[serde(default)]
    pub is_printable: bool,
    /// What to do about it: `-- hint: …` in the head of the check.
    #[serde(default)]
    pub hint: Option<String>,
}

/// Writes what a model selects to `path`, makes it known as `schema.name`, and says how many rows
/// there are.
pub(crate) async fn build(
    session: &Session,
    model: &Model,
    schema: &str,
    path: &Path,
) -> Result<u64> {
    let written = match write(session, model, path).await {
        Err(fault) if is_out_of_memory(&fault) => {
            // DataFusion 55.2 cannot plan every statement so; what it cannot goes to disk, too.
            match write(&session.keeping_smaller_sides(), model, path).await {
                Ok(written) => written,
                Err(_) => write(&session.joining_on_disk()?, model, path).await?,
            }
        }
        other => other?,
    };
    session.register(schema, &model.name, session.parquet(path, None).await?)?;
    Ok(written.rows)
}

async fn write(session: &Session, model: &Model, path: &Path) -> Result<Written> {
    let rows = stream_of(session, &model.sql).await.map_err(|error| failed(model, &error))?;
    // One thread merges what is sorted while another encodes what is already merged.
    let rows = spawn_buffered(rows, BATCHES_AHEAD);
    let stored = stored_schema(model, &rows.schema())?;
    let target = stored.clone();
    let file = model.shown.clone();
    let batches = rows.map(move |batch| {
        batch
            .and_then(|batch| stored_batch(&batch, &target))
            .map_err(|error| Fault::data(format!("{file} failed")).because(error))
    });
    landing::table::write(&session.warehouse, path, stored, batches).await
}

/// Whether the smaller side of a join, or another thing that cannot go to disk, was too large.
fn is_out_of_memory(fault: &Fault) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(fault);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(is_exhausted) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Runs a check; `None` when no row breaks it.
pub(crate) async fn check(session: &Session, model: &Model) -> Result<Option<Finding>> {
    let found = offenders(session, &model.sql, model.shown.clone()).await;
    let found = found.map_err(|error| failed(model, &error))?;
    Ok(found.map(|finding| Finding {
        is_printable: head_line(&model.sql, "print") == Some("offenders"),
        hint: head_line(&model.sql, "hint").map(str::to_owned),
        ..finding
    }))
}

/// What the head of a model says behind `-- name:`.
fn head_line<'a>(sql: &'a str, name: &str) -> Option<&'a str> {
    let head = sql.lines().take_while(|line| line.starts_with("--"));
    let mut words = head.filter_map(|line| line.trim_start_matches('-').trim().split_once(':'));
    words.find(|(word, _)| *word == name).map(|(_, rest)| rest.trim())
}

/// Checks that no two rows of a table share its key.
pub(crate) async fn check_key(
    session: &Session,
    model: &Model,
    schema: &str,
) -> Result<Option<Finding>> {
    let key = model.key.join(", ");
    let table = format!("{schema}.{}", model.name);
    let sql = format!(
        "select {key}, count(*) as rows from {table} group by {key} having count(*) > 1 \
         order by {key}"
    );
    let name = format!("{table} has one row for each {key}");
    offenders(session, &sql, name).await.map_err(|error| failed(model, &error))
}

async fn offenders(
    session: &Session,
    sql: &str,
    check: String,
) -> std::result::Result<Option<Finding>, DataFusionError> {
    match offenders_in(session, sql, &check).await {
        Err(error) if is_exhausted(&error) => {
            let on_disk = session.joining_on_disk();
            let on_disk = on_disk.map_err(|fault| DataFusionError::External(fault.into()))?;
            offenders_in(&on_disk, sql, &check).await
        }
        other => other,
    }
}

async fn offenders_in(
    session: &Session,
    sql: &str,
    check: &str,
) -> std::result::Result<Option<Finding>, DataFusionError> {
    let mut rows = stream_of(session, sql).await?;
    let mut finding = Finding { check: check.to_owned(), ..Finding::default() };
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let wanted = SAMPLES_MAX - finding.samples.len();
        for row in 0..batch.num_rows().min(wanted) {
            finding.samples.push(sample_of(&batch, row)?);
        }
        finding.offenders += batch.num_rows() as u64;
    }
    Ok((finding.offenders > 0).then_some(finding))
}

fn sample_of(batch: &RecordBatch, row: usize) -> std::result::Result<String, DataFusionError> {
    let options = FormatOptions::new().with_null("null");
    let mut cells = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let shown = ArrayFormatter::try_new(column, &options)?;
        cells.push(format!("{}={}", field.name(), shown.value(row)));
    }
    Ok(cells.join(" ").chars().take(SAMPLE_CHARACTERS_MAX).collect())
}

async fn stream_of(
    session: &Session,
    sql: &str,
) -> std::result::Result<SendableRecordBatchStream, DataFusionError> {
    session.context.sql(sql).await?.execute_stream().await
}

/// The mapping as a table of one row, a column for each decision.
pub(crate) fn register_mapping(session: &Session, mapping: &Mapping) -> Result<()> {
    let columns = mapping.columns().map(|(key, value)| {
        let value: ArrayRef = Arc::new(StringArray::from(vec![value]));
        (key, value)
    });
    let row = RecordBatch::try_from_iter(columns)
        .map_err(|error| Fault::bug("the mapping does not fit a row").because(error))?;
    register_rows(session, "config", "mapping", row)
}

/// How the plan is made as a table of one row: the order of its tickets, and the run that it
/// follows.
pub(crate) fn register_replay(
    session: &Session,
    order: Order,
    follows: Option<&RunId>,
) -> Result<()> {
    let word: ArrayRef = Arc::new(StringArray::from(vec![order.word()]));
    let follows = follows.map(ToString::to_string);
    let follows: ArrayRef = Arc::new(StringArray::from(vec![follows]));
    let row = RecordBatch::try_from_iter_with_nullable([
        ("ticket_order", word, true),
        ("follows", follows, true),
    ])
    .map_err(|error| Fault::bug("the replay does not fit a row").because(error))?;
    register_rows(session, "config", "replay", row)
}

/// Rows in memory as a table.
pub(crate) fn register_rows(
    session: &Session,
    schema: &str,
    name: &str,
    rows: RecordBatch,
) -> Result<()> {
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]])
        .map_err(|error| Fault::bug(format!("{schema}.{name} is no table")).because(error))?;
    session.register(schema, name, Arc::new(table))
}

/// The columns that a model makes, in the types in which they are stored, without running it.
///
/// # Errors
/// `FixData` for SQL that cannot be planned.
pub(crate) async fn columns(session: &Session, model: &Model) -> Result<SchemaRef> {
    let planned = async {
        let (state, plan) = session.context.sql(&model.sql).await?.into_parts();
        state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
    };
    let plan = planned.await.map_err(|error| failed(model, &error))?;
    stored_schema(model, &Arc::new(plan.schema().as_arrow().clone()))
}

pub(crate) fn stored_schema(model: &Model, schema: &SchemaRef) -> Result<SchemaRef> {
    let mut fields = Vec::new();
    for field in schema.fields() {
        if field.data_type() == &DataType::Null {
            return Err(Fault::data(format!(
                "column {} of {} has no type",
                field.name(),
                model.shown
            ))
            .hint("cast the null to the type that is meant"));
        }
        fields.push(Field::new(field.name(), stored_type(field.data_type()), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// One type for all spellings of text and of time, so that a table's schema does not depend on
/// which function happened to make a column.
fn stored_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::Timestamp(..) => utc_time(),
        DataType::Dictionary(_, values) => stored_type(values),
        DataType::UInt64 | DataType::Int32 | DataType::UInt32 => DataType::Int64,
        other => other.clone(),
    }
}

pub(crate) fn stored_batch(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> std::result::Result<RecordBatch, DataFusionError> {
    let pairs = batch.columns().iter().zip(schema.fields());
    let columns = pairs.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// A failed statement, with the line when the engine knows it.
pub(crate) fn failed(model: &Model, error: &DataFusionError) -> Fault {
    let line = error
        .diagnostic()
        .and_then(|found| found.span)
        .map(|span| span.start.line)
        .or_else(|| line_in(&error.to_string()));
    let line = line.map_or(String::new(), |line| format!(":{line}"));
    let reason = error.strip_backtrace();
    let fault = Fault::data(format!("{}{line} cannot be run", model.shown))
        .because(std::io::Error::other(reason));
    if model.leans_on.is_empty() {
        return fault;
    }
    fault.hint(format!(
        "it reads the table of {}, which must have every column of the model in whose place it \
         stands",
        model.leans_on.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use futures::TryStreamExt;
    use landing::Warehouse;

    use super::*;
    use crate::memory::Memory;
    use crate::models::Layer;

    /// Both sides of the join are about 110 MB.
    async fn joined_within(staying_bytes: usize) -> (Warehouse, u64) {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let memory = Memory::new(32 << 20, staying_bytes, 20 << 20);
        let session = Session::open_within(memory, &warehouse, 2, Arc::default());
        let session = session.expect("opens");
        for name in ["one", "other"] {
            let keys = Int64Array::from_iter_values(0..400_000);
            let keys: ArrayRef = Arc::new(keys);
            let texts = (0..400_000).map(|row| Some(format!("{row}").repeat(50)));
            let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
            let rows = RecordBatch::try_from_iter([("key", keys), ("text", texts)]);
            register_rows(&session, "staged", name, rows.expect("a table")).expect("is known");
        }
        let model = Model {
            file: "2_staged/both.sql".to_owned(),
            shown: "sql/2_staged/both.sql".to_owned(),
            layer: Layer::Staged,
            name: "both".to_owned(),
            key: vec!["key".to_owned()],
            sql: "select one.key, one.text, other.text as text_other from staged.one as one \
                  inner join staged.other as other on one.key = other.key order by one.key"
                .to_owned(),
            leans_on: Vec::new(),
        };
        let rows = build(&session, &model, "staged", &"both.parquet".into()).await;
        (warehouse, rows.expect("is built"))
    }

    #[tokio::test]
    async fn a_join_without_room_goes_to_disk_and_gives_the_same_table() {
        let mut tables = Vec::new();
        for staying_bytes in [256 << 20, 96 << 20] {
            let (warehouse, rows) = joined_within(staying_bytes).await;
            assert_eq!(rows, 400_000);
            let read = landing::table::read(&warehouse, &"both.parquet".into()).await;
            let batches: Vec<RecordBatch> =
                read.expect("is there").try_collect().await.expect("can be read");
            tables.push(batches);
        }
        assert_eq!(tables[0], tables[1]);
    }
}
