//! Landed records as tables: every row of every snapshot of a chain, and the newest of each key.
//!
//! `landing_all.<stream>` is every row that was received, `landing.<stream>` the newest version of
//! each key that was not deleted since; `records` in both is all streams of the platform in one
//! table; `landing.texts` is the text of landed files. It knows the columns of a landed table, and
//! nothing of what a record means.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, col, lit};
use kernel::{Fault, Result, SnapshotId};
use landing::exchange::{deletions_schema, downloads_schema, exchanges_schema, records_schema};
use landing::{layout, snapshot};

use crate::session::Session;
use crate::texts::{self, TEXTS};

/// Streams that are always there and are no records of the platform.
const INNER: [&str; 3] = ["deletions", "downloads", "exchanges"];
/// Those of them whose rows are not versions of anything.
const EVENTS: [&str; 2] = ["deletions", "exchanges"];
/// All streams of the platform in one table.
pub(crate) const RECORDS: &str = "records";

/// A chain of snapshots whose records are to be read.
pub(crate) struct Landed<'a> {
    pub(crate) session: &'a Session,
    pub(crate) snapshots: &'a [SnapshotId],
}

impl Landed<'_> {
    /// Makes every landed stream, and every other one in `wanted`, known as a table. Older rows of
    /// a key are looked for now, so that reading the newest ones costs nothing later.
    pub(crate) async fn register(&self, wanted: &BTreeSet<String>) -> Result<()> {
        let mut records = Vec::new();
        for (stream, all) in self.all(wanted).await? {
            let is_event = EVENTS.contains(&stream.as_str());
            let newest = if is_event { all } else { self.newest(&stream, all).await? };
            self.session.register("landing", &stream, newest.clone().into_view())?;
            records.push((stream, newest));
        }
        self.register_records("landing", records)?;
        self.register_texts().await
    }

    /// Like [`Landed::register`], but older rows are looked for when a table is read: for sessions
    /// that may never read it.
    pub(crate) async fn register_lazily(&self) -> Result<()> {
        let mut records = Vec::new();
        for (stream, all) in self.all(&BTreeSet::new()).await? {
            let columns = columns_of(&all).join(", ");
            let newest = if EVENTS.contains(&stream.as_str()) {
                all
            } else {
                self.sql(&format!(
                    "select {columns} from ({}) as ranked where age = 1 and not is_deleted",
                    ranked(&stream)
                ))
                .await?
            };
            self.session.register("landing", &stream, newest.clone().into_view())?;
            records.push((stream, newest));
        }
        self.register_records("landing", records)?;
        self.register_texts().await
    }

    /// Files that are texts, with their text.
    async fn register_texts(&self) -> Result<()> {
        let files = self.sql(&texts::question()).await?;
        self.session.register("landing", TEXTS, texts::table(&self.session.warehouse, files)?)
    }

    /// Every row of every stream, known as `landing_all.<stream>`.
    async fn all(&self, wanted: &BTreeSet<String>) -> Result<Vec<(String, DataFrame)>> {
        let mut all = Vec::new();
        for stream in self.streams(wanted).await? {
            let rows = self.register_all(&stream).await?;
            all.push((stream, rows));
        }
        self.register_records("landing_all", all.clone())?;
        Ok(all)
    }

    /// All streams of the platform as one table, whose plan reads the columns that are asked for.
    fn register_records(&self, schema: &str, streams: Vec<(String, DataFrame)>) -> Result<()> {
        let of_platform = streams.into_iter().filter(|(name, _)| !INNER.contains(&name.as_str()));
        let mut records = self.empty(RECORDS, records_schema())?;
        for (stream, rows) in of_platform {
            records = records.union(rows).map_err(|error| unreadable(&stream, error))?;
        }
        self.session.register(schema, RECORDS, records.into_view())
    }

    async fn streams(&self, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let mut streams: BTreeSet<String> = INNER.map(str::to_owned).into();
        let is_stream = |name: &&String| *name != RECORDS && *name != TEXTS;
        streams.extend(wanted.iter().filter(is_stream).cloned());
        for id in self.snapshots {
            streams.extend(snapshot::streams(&self.session.warehouse, id).await?);
        }
        Ok(streams)
    }

    async fn register_all(&self, stream: &str) -> Result<DataFrame> {
        let schema = schema_of(stream);
        let mut all: Option<DataFrame> = None;
        for id in self.snapshots {
            let folder = layout::records(id, stream);
            if self.session.warehouse.list(&folder).await?.is_empty() {
                continue;
            }
            let table = self.session.parquet(&folder, Some(schema.clone())).await?;
            let rows = self.session.context.read_table(table);
            let rows = rows.and_then(|rows| with_snapshot(rows, &schema, &id.to_string()));
            let rows = rows.map_err(|error| unreadable(stream, error))?;
            all = Some(match all {
                Some(older) => older.union(rows).map_err(|error| unreadable(stream, error))?,
                None => rows,
            });
        }
        let all = match all {
            Some(all) => all,
            None => self.empty(stream, schema)?,
        };
        self.session.register("landing_all", stream, all.clone().into_view())?;
        Ok(all)
    }

    fn empty(&self, stream: &str, schema: SchemaRef) -> Result<DataFrame> {
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        fields.insert(0, Arc::new(Field::new("snapshot", DataType::Utf8, false)));
        let schema = Arc::new(Schema::new(fields));
        self.session
            .context
            .read_batch(RecordBatch::new_empty(schema))
            .map_err(|error| unreadable(stream, error))
    }

    async fn newest(&self, stream: &str, all: DataFrame) -> Result<DataFrame> {
        let places = "snapshot, exchange_id, ordinal, key";
        let places = if stream == "downloads" { "snapshot, exchange_id, url" } else { places };
        let older = format!(
            "select {places} from ({}) as ranked where age > 1 or is_deleted",
            ranked(stream)
        );
        let older = self.sql(&older).await?;
        let schema = Arc::new(older.schema().as_arrow().clone());
        let rows = older.collect().await.map_err(|error| unreadable(stream, error))?;
        if rows.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(all);
        }
        let table = MemTable::try_new(schema, vec![rows]);
        let table = table.map_err(|error| unreadable(stream, error))?;
        self.session.register("superseded", stream, Arc::new(table))?;
        let columns: Vec<String> =
            columns_of(&all).iter().map(|name| format!("everything.{name}")).collect();
        let matches: Vec<String> =
            places.split(", ").map(|name| format!("everything.{name} = older.{name}")).collect();
        self.sql(&format!(
            "select {} from landing_all.{stream} as everything \
             left anti join superseded.{stream} as older on {}",
            columns.join(", "),
            matches.join(" and "),
        ))
        .await
    }

    async fn sql(&self, sql: &str) -> Result<DataFrame> {
        self.session.context.sql(sql).await.map_err(|error| unreadable("landing", error))
    }
}

/// Every row with its age within its key, 1 being the newest, and whether it was deleted later. Of
/// files, one that was fetched is newer than any that was not, because an address may expire after
/// its bytes were landed.
fn ranked(stream: &str) -> String {
    if stream == "downloads" {
        let order = "url order by sha256 is null, snapshot desc, exchange_id desc";
        return format!(
            "select *, row_number() over (partition by {order}) as age, false as is_deleted \
             from landing_all.downloads"
        );
    }
    format!(
        "select versions.*, \
           coalesce(\
             gone.snapshot > versions.snapshot \
               or (gone.snapshot = versions.snapshot and gone.noticed_at >= versions.fetched_at), \
             false\
           ) as is_deleted \
         from ( \
           select *, row_number() over (\
             partition by key order by snapshot desc, exchange_id desc, ordinal desc\
           ) as age \
           from landing_all.{stream} \
         ) as versions \
         left join ( \
           select key, max(snapshot) as snapshot, max(noticed_at) as noticed_at \
           from landing_all.deletions where stream = '{stream}' group by key \
         ) as gone on gone.key = versions.key"
    )
}

/// The columns of a landed table as they are stored, without its snapshot.
pub(crate) fn schema_of(stream: &str) -> SchemaRef {
    match stream {
        "deletions" => deletions_schema(),
        "downloads" => downloads_schema(),
        "exchanges" => exchanges_schema(),
        TEXTS => Arc::new(texts::columns()),
        _ => records_schema(),
    }
}

fn columns_of(rows: &DataFrame) -> Vec<String> {
    rows.schema().fields().iter().map(|field| format!("\"{}\"", field.name())).collect()
}

fn with_snapshot(
    rows: DataFrame,
    schema: &SchemaRef,
    id: &str,
) -> std::result::Result<DataFrame, DataFusionError> {
    let named = [lit(id).alias("snapshot")];
    let columns = schema.fields().iter().map(|field| col(format!("\"{}\"", field.name())));
    rows.select(named.into_iter().chain(columns).collect::<Vec<_>>())
}

fn unreadable(stream: &str, error: DataFusionError) -> Fault {
    Fault::data(format!("the landed stream {stream} cannot be read"))
        .hint("deskferry snapshot verify says whether a snapshot is as it was sealed")
        .because(error)
}
