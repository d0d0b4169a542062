//! Landed files that are texts, as a table: `landing.texts`.
//!
//! It reads files when the table is read, a few at a time, so that a question may take many more
//! of them than fit into memory. It knows nothing of whose text a file is.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::DataFrame;
use futures::{StreamExt, TryStreamExt};
use kernel::{Fault, Result, SnapshotId};
use landing::{Warehouse, layout};

/// The table's name below `landing`.
pub(crate) const TEXTS: &str = "texts";
/// Bytes of a file that is read as a text; a larger one stays a file.
const TEXT_BYTES_MAX: u64 = 2_000_000;
/// Files that are in memory at a time.
const FILES_AT_A_TIME: usize = 16;

/// The columns of the table: the address of a file as the record spells it, and its text.
pub(crate) fn columns() -> Schema {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Schema::new(vec![text("url"), text("text")])
}

/// Which downloads are texts, of `landing.downloads`.
pub(crate) fn question() -> String {
    format!(
        "select snapshot, url, sha256 from landing.downloads \
         where sha256 is not null and bytes <= {TEXT_BYTES_MAX} \
           and starts_with(lower(coalesce(content_type, sniffed_type)), 'text/')"
    )
}

/// The table over the downloads that `files` lists.
///
/// # Errors
/// `Bug` when the engine does not take the table.
pub(crate) fn table(warehouse: &Warehouse, files: DataFrame) -> Result<Arc<dyn TableProvider>> {
    let schema = Arc::new(columns());
    let texts = Texts { warehouse: warehouse.clone(), files, schema: schema.clone() };
    let table = StreamingTable::try_new(schema, vec![Arc::new(texts)]);
    let table = table.map_err(|error| Fault::bug("landing.texts is no table").because(error))?;
    Ok(Arc::new(table))
}

struct Texts {
    warehouse: Warehouse,
    files: DataFrame,
    schema: SchemaRef,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl PartitionStream for Texts {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (warehouse, files) = (self.warehouse.clone(), self.files.clone());
        let schema = self.schema.clone();
        let lists = futures::stream::once(async move { files.execute_stream().await });
        let named = lists.try_flatten().map_ok(|list| futures::stream::iter(addresses(&list)));
        let texts = named.try_flatten().map_ok(move |named| {
            let warehouse = warehouse.clone();
            async move { Ok((named.url.clone(), text_of(&warehouse, &named).await?)) }
        });
        let read = texts.try_buffered(FILES_AT_A_TIME).try_chunks(FILES_AT_A_TIME);
        let (made, given) = (schema.clone(), schema);
        let batches = read.map(move |chunk| {
            let chunk = chunk.map_err(|error| error.1)?;
            let (urls, texts): (Vec<String>, Vec<String>) = chunk.into_iter().unzip();
            let columns =
                [urls, texts].map(|column| Arc::new(StringArray::from(column)) as ArrayRef);
            Ok(RecordBatch::try_new(made.clone(), columns.into())?)
        });
        Box::pin(RecordBatchStreamAdapter::new(given, batches))
    }
}

struct Named {
    snapshot: String,
    url: String,
    sha256: String,
}

fn addresses(list: &RecordBatch) -> Vec<std::result::Result<Named, DataFusionError>> {
    let [snapshots, urls, hashes] = [0, 1, 2].map(|place| list.column(place).as_string::<i32>());
    let named = (0..list.num_rows()).map(|row| {
        let text = |column: &StringArray| column.value(row).to_owned();
        Ok(Named { snapshot: text(snapshots), url: text(urls), sha256: text(hashes) })
    });
    named.collect()
}

async fn text_of(
    warehouse: &Warehouse,
    named: &Named,
) -> std::result::Result<String, DataFusionError> {
    let failed = |fault: Fault| DataFusionError::External(Box::new(fault));
    let id: SnapshotId = named.snapshot.parse().map_err(failed)?;
    let body = warehouse.get(&layout::file(&id, &named.sha256)).await.map_err(failed)?;
    let body = body.ok_or_else(|| {
        failed(
            Fault::data(format!("the file {} is not in snapshot {id}", named.sha256))
                .hint("deskferry snapshot verify says what else is missing"),
        )
    })?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
