//! Single Parquet tables: written whole or not at all, the same rows giving the same bytes.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt};
use kernel::{Fault, Result};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::arrow::async_writer::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;

use crate::Warehouse;
use crate::warehouse::io;

/// Rows in a row group; about 68 MB of raw JSON at 680 bytes a record.
const ROW_GROUP_ROWS: usize = 100_000;
/// Rows handed to the encoder at a time, so that page borders do not depend on the sender.
const BATCH_ROWS: usize = 8_192;
/// Best ratio for its speed of all settings that were measured: DECISIONS.md has the figures.
const ZSTD_LEVEL: i32 = 3;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Rows in the table.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// A table being written. Nothing is visible before [`TableWriter::finish`].
pub struct TableWriter {
    path: Path,
    writer: AsyncArrowWriter<HashingWriter>,
    coalescer: BatchCoalescer,
    rows: u64,
}

impl TableWriter {
    /// Begins a table at `path`. Columns named in `plain` are written without a dictionary, which
    /// long texts gain nothing from.
    pub fn begin(
        warehouse: &Warehouse,
        path: &Path,
        schema: SchemaRef,
        plain: &[&str],
    ) -> Result<Self> {
        let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd knows level 3");
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        for column in plain {
            properties = properties.set_column_dictionary_enabled((*column).into(), false);
        }
        let sink = HashingWriter::new(BufWriter::new(warehouse.store(), path.clone()));
        let writer = AsyncArrowWriter::try_new(sink, schema.clone(), Some(properties.build()))
            .map_err(|error| unwritable(path, error))?;
        let coalescer = BatchCoalescer::new(schema, BATCH_ROWS);
        Ok(Self { path: path.clone(), writer, coalescer, rows: 0 })
    }

    /// Adds rows.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.coalescer.push_batch(batch).map_err(|error| unwritable(&self.path, error))?;
        self.drain().await
    }

    /// Rows added so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the table; from now on it can be read.
    pub async fn finish(mut self) -> Result<Written> {
        self.coalescer.finish_buffered_batch().map_err(|error| unwritable(&self.path, error))?;
        self.drain().await?;
        self.writer.finish().await.map_err(|error| unwritable(&self.path, error))?;
        let (bytes, sha256) = self.writer.into_inner().outcome();
        Ok(Written { rows: self.rows, bytes, sha256 })
    }

    async fn drain(&mut self) -> Result<()> {
        while let Some(batch) = self.coalescer.next_completed_batch() {
            self.writer.write(&batch).await.map_err(|error| unwritable(&self.path, error))?;
        }
        Ok(())
    }
}

/// Writes a table from a stream of batches.
pub async fn write(
    warehouse: &Warehouse,
    path: &Path,
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch>> + Send,
) -> Result<Written> {
    let mut writer = TableWriter::begin(warehouse, path, schema, &[])?;
    let mut batches = std::pin::pin!(batches);
    while let Some(batch) = batches.next().await {
        writer.write(batch?).await?;
    }
    writer.finish().await
}

/// Reads a table as a stream of batches.
///
/// # Errors
/// `FixData` when there is no such table or it cannot be read.
pub async fn read(
    warehouse: &Warehouse,
    path: &Path,
) -> Result<impl Stream<Item = Result<RecordBatch>> + Send + Unpin + use<>> {
    let meta = warehouse.store().head(path).await.map_err(|error| io("look up", path, error))?;
    let reader = StoredFile { store: warehouse.store(), path: meta.location, size: meta.size };
    let stream = ParquetRecordBatchStreamBuilder::new(reader)
        .await
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|error| unreadable(path, error))?;
    let path = path.clone();
    Ok(stream.map_err(move |error| unreadable(&path, error)))
}

fn unwritable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::retry(format!("the table {path} could not be written")).because(error)
}

fn unreadable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::data(format!("the table {path} could not be read"))
        .hint("deskferry snapshot verify says whether a snapshot is as it was sealed")
        .because(error)
}

/// A Parquet file in the store, read by ranges.
struct StoredFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let read = async move { self.store.get_range(&self.path, range).await };
        read.map_err(|error| ParquetError::External(error.into())).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let size = self.size;
        let load = async move { ParquetMetaDataReader::new().load_and_finish(self, size).await };
        load.map_ok(Arc::new).boxed()
    }
}

/// Passes bytes on to the store and hashes them on the way.
struct HashingWriter {
    inner: BufWriter,
    hash: Sha256,
    bytes: u64,
}

impl HashingWriter {
    fn new(inner: BufWriter) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    fn outcome(self) -> (u64, String) {
        (self.bytes, crate::exchange::hex(&self.hash.finalize()))
    }
}

impl AsyncWrite for HashingWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(taken)) = &polled {
            self.hash.update(&bytes[..*taken]);
            self.bytes += *taken as u64;
        }
        polled
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
        RecordBatch::try_from_iter([("number", column)]).expect("one column")
    }

    #[tokio::test]
    async fn the_same_rows_give_the_same_bytes_however_they_are_cut() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let whole = vec![Ok(numbers(0..20_000))];
        let cut = vec![Ok(numbers(0..7)), Ok(numbers(7..9_000)), Ok(numbers(9_000..20_000))];
        let schema = numbers(0..1).schema();
        let mut hashes = Vec::new();
        for (name, batches) in [("whole", whole), ("cut", cut)] {
            let path = Path::from(name);
            let stream = futures::stream::iter(batches);
            let written = write(&warehouse, &path, schema.clone(), stream).await.expect("writes");
            assert_eq!(written.rows, 20_000);
            let body = warehouse.get(&path).await.expect("reads").expect("is there");
            assert_eq!(written.sha256, crate::exchange::sha256(&body));
            hashes.push(written.sha256);
        }
        assert_eq!(hashes[0], hashes[1]);
        let back = read(&warehouse, &Path::from("cut")).await.expect("opens");
        let rows: usize = back
            .map(|batch| batch.expect("reads").num_rows())
            .collect::<Vec<_>>()
            .await
            .iter()
            .sum();
        assert_eq!(rows, 20_000);
    }
}
