//! Single Parquet tables: written whole or not at all, the same rows giving the same bytes.

pub(crate) mod shape;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{BatchCoalescer, concat_batches};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt};
use kernel::{Fault, Result};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::Warehouse;
use crate::exchange::hex;
use crate::warehouse::io;
use shape::{ROW_GROUP_ROWS, Shape};

/// Bytes of the mark that every Parquet file begins with.
pub(crate) const HEAD_BYTES: u64 = 4;
/// Rows handed to the encoder at a time, so that page borders do not depend on the sender.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// Pieces of a table that are on their way to the store at a time, 10 MiB each: a slow store must
/// not make them pile up in memory.
const PARTS_IN_FLIGHT: usize = 2;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Rows in the table.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Its row groups in their order, then its footer; they follow on each other without a gap.
    pub pieces: Vec<Piece>,
}

/// A stretch of a table's file that has a hash of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Number of the row group, from 0; `None` for the footer.
    pub group: Option<usize>,
    /// Where it begins in the file.
    pub offset: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// A table being written. Nothing is visible before [`TableWriter::finish`].
pub(crate) struct TableWriter {
    path: Path,
    writer: ArrowWriter<Vec<u8>>,
    sink: BufWriter,
    coalescer: BatchCoalescer,
    rows: u64,
    /// Bytes handed to the sink, and their hash.
    bytes: u64,
    hash: Sha256,
    pieces: Vec<Piece>,
}

impl TableWriter {
    /// Begins a table at `path`.
    pub(crate) fn begin(
        store: Arc<dyn ObjectStore>,
        path: &Path,
        schema: SchemaRef,
        shape: Shape<'_>,
    ) -> Result<Self> {
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(shape.properties()))
            .map_err(|error| unwritable(path, error))?;
        Ok(Self {
            path: path.clone(),
            writer,
            sink: BufWriter::new(store, path.clone()).with_max_concurrency(PARTS_IN_FLIGHT),
            coalescer: BatchCoalescer::new(schema, BATCH_ROWS),
            rows: 0,
            bytes: 0,
            hash: Sha256::new(),
            pieces: Vec::new(),
        })
    }

    /// Adds rows.
    pub(crate) async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        if batch.num_rows() == BATCH_ROWS && self.coalescer.is_empty() {
            // As the coalescer would hand it on, without its copy.
            return self.encode(&batch).await;
        }
        self.coalescer.push_batch(batch).map_err(|error| unwritable(&self.path, error))?;
        self.encode_gathered().await
    }

    /// Rows added so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the table; from now on it can be read.
    pub(crate) async fn finish(mut self) -> Result<Written> {
        self.coalescer.finish_buffered_batch().map_err(|error| unwritable(&self.path, error))?;
        self.encode_gathered().await?;
        self.writer.flush().map_err(|error| unwritable(&self.path, error))?;
        self.hand_over(false).await?;
        self.writer.finish().map_err(|error| unwritable(&self.path, error))?;
        self.hand_over(true).await?;
        self.sink.shutdown().await.map_err(|error| unwritable(&self.path, error))?;
        let sha256 = hex(&self.hash.finalize());
        Ok(Written { rows: self.rows, bytes: self.bytes, sha256, pieces: self.pieces })
    }

    async fn encode_gathered(&mut self) -> Result<()> {
        while let Some(batch) = self.coalescer.next_completed_batch() {
            self.encode(&batch).await?;
        }
        Ok(())
    }

    async fn encode(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|error| unwritable(&self.path, error))?;
        if self.writer.flushed_row_groups().len() > self.pieces.len() {
            self.hand_over(false).await?;
        }
        Ok(())
    }

    /// Hashes what the encoder has finished, row groups or at the end the footer, and passes it on
    /// to the store.
    async fn hand_over(&mut self, is_end: bool) -> Result<()> {
        self.writer.sync().map_err(|error| unwritable(&self.path, error))?;
        let done = Bytes::from(std::mem::take(self.writer.inner_mut()));
        let known = self.pieces.len();
        let borders: Vec<(Option<usize>, u64)> = if is_end {
            vec![(None, self.bytes + done.len() as u64)]
        } else {
            let groups = self.writer.flushed_row_groups().iter().enumerate().skip(known);
            groups.map(|(number, group)| (Some(number), end_of(group))).collect()
        };
        for (group, end) in borders {
            let offset = self.pieces.last().map_or(HEAD_BYTES, |piece| piece.offset + piece.bytes);
            let piece = &done[(offset - self.bytes) as usize..(end - self.bytes) as usize];
            let sha256 = crate::exchange::sha256(piece);
            self.pieces.push(Piece { group, offset, bytes: end - offset, sha256 });
        }
        self.hash.update(&done);
        self.bytes += done.len() as u64;
        self.sink.put(done).await.map_err(|error| unwritable(&self.path, error))
    }
}

/// One past the last byte of a row group.
fn end_of(group: &RowGroupMetaData) -> u64 {
    let ends = group.columns().iter().map(|column| {
        let (start, bytes) = column.byte_range();
        start + bytes
    });
    ends.max().expect("a table has a column")
}

/// Writes a table from a stream of batches. Its first rows decide how its columns are encoded.
pub async fn write(
    warehouse: &Warehouse,
    path: &Path,
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch>> + Send,
) -> Result<Written> {
    let mut batches = std::pin::pin!(batches);
    let mut first = Vec::new();
    let mut first_rows = 0;
    while first_rows < BATCH_ROWS
        && let Some(batch) = batches.next().await.transpose()?
    {
        first_rows += batch.num_rows();
        first.push(batch);
    }
    let first = concat_batches(&schema, &first).map_err(|error| unwritable(path, error))?;
    let shown = first.slice(0, first_rows.min(BATCH_ROWS));
    let shape = Shape { group_rows: ROW_GROUP_ROWS, columns: &shape::learned(&shown) };
    let mut writer = TableWriter::begin(warehouse.store(), path, schema, shape)?;
    writer.write(first).await?;
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
    read_some(warehouse, path, None, BATCH_ROWS).await
}

/// Reads some columns of a table, in the table's order; one that the table lacks is left out.
pub(crate) async fn read_some(
    warehouse: &Warehouse,
    path: &Path,
    columns: Option<&[&str]>,
    batch_rows: usize,
) -> Result<impl Stream<Item = Result<RecordBatch>> + Send + Unpin + use<>> {
    let meta = warehouse.store().head(path).await.map_err(|error| io("look up", path, error))?;
    let reader = StoredFile { store: warehouse.store(), path: meta.location, size: meta.size };
    let builder = ParquetRecordBatchStreamBuilder::new(reader)
        .await
        .map_err(|error| unreadable(path, error))?;
    let mask = match columns {
        Some(names) => ProjectionMask::columns(builder.parquet_schema(), names.iter().copied()),
        None => ProjectionMask::all(),
    };
    let stream = builder.with_projection(mask).with_batch_size(batch_rows).build();
    let stream = stream.map_err(|error| unreadable(path, error))?;
    let path = path.clone();
    Ok(stream.map_err(move |error| unreadable(&path, error)))
}

/// Reads some rows of a table as one batch; `rows` rise and are counted from 0.
pub(crate) async fn read_rows(
    warehouse: &Warehouse,
    path: &Path,
    rows: &[u64],
) -> Result<RecordBatch> {
    let meta = warehouse.store().head(path).await.map_err(|error| io("look up", path, error))?;
    let reader = StoredFile { store: warehouse.store(), path: meta.location, size: meta.size };
    let builder = ParquetRecordBatchStreamBuilder::new(reader)
        .await
        .map_err(|error| unreadable(path, error))?;
    let total = builder.metadata().file_metadata().num_rows().unsigned_abs() as usize;
    let ranges = rows.iter().map(|row| *row as usize..*row as usize + 1);
    let selection = RowSelection::from_consecutive_ranges(ranges, total);
    let schema = builder.schema().clone();
    let stream = builder.with_row_selection(selection).with_batch_size(BATCH_ROWS).build();
    let stream = stream.map_err(|error| unreadable(path, error))?;
    let batches: Vec<RecordBatch> =
        stream.try_collect().await.map_err(|error| unreadable(path, error))?;
    concat_batches(&schema, &batches).map_err(|error| unreadable(path, error))
}

/// How many rows each row group of a table has, and where its footer says that it ends.
pub(crate) async fn group_rows(warehouse: &Warehouse, path: &Path) -> Result<Vec<u64>> {
    let meta = warehouse.store().head(path).await.map_err(|error| io("look up", path, error))?;
    let mut reader = StoredFile { store: warehouse.store(), path: meta.location, size: meta.size };
    let footer = reader.get_metadata(None).await.map_err(|error| unreadable(path, error))?;
    Ok(footer.row_groups().iter().map(|group| group.num_rows() as u64).collect())
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
        let even = vec![Ok(numbers(0..8_192)), Ok(numbers(8_192..20_000))];
        let cut = vec![Ok(numbers(0..7)), Ok(numbers(7..9_000)), Ok(numbers(9_000..20_000))];
        let schema = numbers(0..1).schema();
        let mut hashes = Vec::new();
        for (name, batches) in [("whole", whole), ("cut", cut), ("even", even)] {
            let path = Path::from(name);
            let stream = futures::stream::iter(batches);
            let written = write(&warehouse, &path, schema.clone(), stream).await.expect("writes");
            assert_eq!(written.rows, 20_000);
            let body = warehouse.get(&path).await.expect("reads").expect("is there");
            assert_eq!(written.sha256, crate::exchange::sha256(&body));
            hashes.push(written.sha256);
        }
        assert_eq!(hashes, [hashes[0].as_str(); 3]);
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
