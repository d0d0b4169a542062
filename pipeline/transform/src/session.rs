//! A DataFusion session as every stage uses it: options, memory, functions, the warehouse.
//!
//! It knows nothing of snapshots, models or tables; others register those.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemorySchemaProvider;
use datafusion::common::TableReference;
use datafusion::datasource::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use kernel::{Fault, Result};
use landing::Warehouse;
use object_store::path::Path;
use url::Url;

use crate::functions;
use crate::join_sizes;
use crate::memory::Memory;

/// The catalog that holds every schema.
pub(crate) const CATALOG: &str = "deskferry";
/// Memory that sorts and groups share before they go to disk.
const SPILLING_BYTES: usize = 256 << 20;
/// Memory for what cannot go to disk: the smaller sides of joins, and merges. It is a limit, not a
/// share: small builds take little of it.
const STAYING_BYTES: usize = 768 << 20;
/// How much of it a sort keeps from the beginning for merging what it has spilled.
const MERGE_BYTES_MIN: usize = 4 << 20;
/// How much of it a single merge may take: no less than the batches of a sort that did not go to
/// disk, which are half of what sorts reserve.
const MERGE_BYTES_MAX: usize = SPILLING_BYTES / 2 + SPILLING_BYTES / 8;
/// Rows in a batch. A sort that has gone to disk holds two batches of each of its runs while it
/// merges them, so long texts want short batches.
const BATCH_ROWS: usize = 1_024;

/// A session of DataFusion over one warehouse.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    pub(crate) warehouse: Warehouse,
    memory: Arc<Memory>,
}

impl Session {
    /// A session with every function and no table, on as many threads as the machine has.
    pub(crate) fn open(warehouse: &Warehouse) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self::open_with(warehouse, threads, Arc::default())
    }

    /// A session on `threads` threads whose `json_row` counts into `documents`.
    pub(crate) fn open_with(
        warehouse: &Warehouse,
        threads: usize,
        documents: Arc<AtomicU64>,
    ) -> Result<Self> {
        let memory = Memory::new(SPILLING_BYTES, STAYING_BYTES, MERGE_BYTES_MAX);
        Self::open_within(memory, warehouse, threads, documents)
    }

    /// [`Session::open_with`] with memory of its own.
    pub(crate) fn open_within(
        memory: Memory,
        warehouse: &Warehouse,
        threads: usize,
        documents: Arc<AtomicU64>,
    ) -> Result<Self> {
        let memory = Arc::new(memory);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(memory.clone())
            .build_arc()
            .map_err(|error| Fault::retry("the query engine could not start").because(error))?;
        runtime.register_object_store(&root(), warehouse.store());
        let state = SessionStateBuilder::new()
            .with_config(config(threads))
            .with_runtime_env(runtime)
            .with_default_features()
            .with_statistics_registry(join_sizes::registry())
            .build();
        let context = SessionContext::new_with_state(state);
        functions::register(&context, documents);
        Ok(Self { context, warehouse: warehouse.clone(), memory })
    }

    /// The same tables, with joins that sort both sides and go to disk: slower, and bounded. Many
    /// sorts then run at a time, so that each has less.
    pub(crate) fn joining_on_disk(&self) -> Result<Self> {
        let mut state = self.context.state();
        state.config_mut().options_mut().optimizer.prefer_hash_join = false;
        let memory = Arc::new(self.memory.with_smaller_sorts());
        let runtime = RuntimeEnvBuilder::from_runtime_env(state.runtime_env())
            .with_memory_pool(memory.clone())
            .build_arc()
            .map_err(|error| Fault::retry("the query engine could not start").because(error))?;
        let state = SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime).build();
        let context = SessionContext::new_with_state(state);
        Ok(Self { context, warehouse: self.warehouse.clone(), memory })
    }

    /// The same tables, with joins that keep the side in memory that is thought to be smaller.
    pub(crate) fn keeping_smaller_sides(&self) -> Self {
        let mut state = self.context.state();
        state.config_mut().options_mut().optimizer.use_statistics_registry = true;
        Self { context: SessionContext::new_with_state(state), ..self.clone() }
    }

    /// Makes a table known as `schema.name`; the schema is made when it is not there.
    pub(crate) fn register(
        &self,
        schema: &str,
        name: &str,
        table: Arc<dyn TableProvider>,
    ) -> Result<()> {
        let catalog = self.context.catalog(CATALOG).expect("every session has its catalog");
        if catalog.schema(schema).is_none() {
            catalog
                .register_schema(schema, Arc::new(MemorySchemaProvider::new()))
                .map_err(|error| unreadable(schema, error))?;
        }
        let reference = TableReference::full(CATALOG, schema, name);
        self.context
            .deregister_table(reference.clone())
            .map_err(|error| unreadable(name, error))?;
        self.context.register_table(reference, table).map_err(|error| unreadable(name, error))?;
        Ok(())
    }

    /// A Parquet file of the warehouse, or a folder of them, as a table. Without a schema it is
    /// read from the file.
    pub(crate) async fn parquet(
        &self,
        path: &Path,
        schema: Option<SchemaRef>,
    ) -> Result<Arc<dyn TableProvider>> {
        let is_folder = !path.as_ref().ends_with(".parquet");
        let end = if is_folder { "/" } else { "" };
        let table = ListingTableUrl::parse(format!("{}{path}{end}", root()));
        let table = table.map_err(|error| unreadable(path.as_ref(), error))?;
        // The format has its own idea of the types of text, whatever the session says.
        let format = ParquetFormat::default().with_force_view_types(false);
        let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
        let config = ListingTableConfig::new(table).with_listing_options(options);
        let config = match schema {
            Some(schema) => config.with_schema(schema),
            None => config
                .infer_schema(&self.context.state())
                .await
                .map_err(|error| unreadable(path.as_ref(), error))?,
        };
        let table = ListingTable::try_new(config);
        Ok(Arc::new(table.map_err(|error| unreadable(path.as_ref(), error))?))
    }
}

fn root() -> Url {
    Url::parse("warehouse://here/").expect("a constant address")
}

fn config(threads: usize) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_create_default_catalog_and_schema(true)
        .with_default_catalog_and_schema(CATALOG, "staged")
        .with_information_schema(true)
        .with_sort_spill_reservation_bytes(MERGE_BYTES_MIN)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.sql_parser.collect_spans", true)
        // Left on, this rule moves each field access below the sub-select and so calls json_row
        // once for each field instead of once for each document: six times slower when measured.
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
}

fn unreadable(name: &str, error: DataFusionError) -> Fault {
    Fault::data(format!("the table {name} cannot be used")).because(error)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
    use datafusion::arrow::util::pretty::pretty_format_batches;

    use super::*;

    async fn counted(sql: &str) -> (u64, String) {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let documents = Arc::new(AtomicU64::new(0));
        let session = Session::open_with(&warehouse, 2, documents.clone()).expect("opens");
        let texts = (0..500).map(|n| format!(r#"{{"a":{n},"b":"x","c":{{"d":true}}}}"#));
        let texts: ArrayRef = Arc::new(texts.map(Some).collect::<StringArray>());
        let rows = RecordBatch::try_from_iter([("raw", texts)]).expect("one column");
        session.context.register_batch("documents", rows).expect("a table");
        let rows = session.context.sql(sql).await.expect("plans").collect().await.expect("runs");
        let shown = pretty_format_batches(&rows).expect("can be shown").to_string();
        (documents.load(Ordering::Relaxed), shown)
    }

    #[tokio::test]
    async fn a_document_is_read_once_however_many_of_its_fields_are_used() {
        let list = "'a BIGINT PATH $.a, b TEXT PATH $.b, d BOOL PATH $.c.d'";
        let nested = format!(
            "with read as (select json_row(raw, {list}) as document from documents),
             named as (
                 select document['a'] as a, document['b'] as b, document['d'] as d,
                        document['is_valid'] as is_valid
                 from read
             ),
             kept as (select a, b, d, case when is_valid then 1 end as one from named where d)
             select sum(a) as a, min(b) as b, count(d) as d, sum(one) as ones from kept"
        );
        let (documents, shown) = counted(&nested).await;
        assert_eq!(documents, 500, "{shown}");
        assert!(shown.contains("| 124750 | x | 500 | 500  |"), "{shown}");
        let flat = format!(
            "select json_row(raw, {list})['a'], json_row(raw, {list})['b'],
                    json_row(raw, {list})['d'] from documents"
        );
        assert_eq!(counted(&flat).await.0, 500);
    }

    #[tokio::test]
    async fn arrows_reach_into_a_document_and_leave_our_own_functions_alone() {
        let sql = r#"select sum((raw->>'a')::bigint) as a, min(raw->>'b') as b,
                min(json_text(named_struct('d', json_at(raw, '$.c.d')))) as d,
                count(*) filter (where (raw->'c'->>'d') = 'true' and (raw->>'no') is null) as ones,
                min(json_row(raw, 'd BOOL PATH $.c.d')['d']) as e
            from documents where (raw->>'b') = 'x'"#;
        let (documents, shown) = counted(sql).await;
        assert_eq!(documents, 500, "{shown}");
        assert!(shown.contains(r#"| 124750 | x | {"d":"true"} | 500  | true |"#), "{shown}");
    }

    #[tokio::test]
    async fn shapes_are_counted_taken_apart_and_sampled() {
        let sql = "with read as (
                select raw, json_row(raw, 'shape SHAPE PATH $ MAPS $.c')['shape'] as shape
                from documents
            ),
            lines as (
                select min(raw) as sample, count(*) as documents,
                    unnest(string_to_array(shape, chr(10))) as line
                from read group by shape
            ),
            named as (
                select sample, documents, split_part(line, ' ', 1) as path,
                    split_part(line, ' ', 2) as type
                from lines
            )
            select path, type, sum(documents) as documents, min(json_at(sample, path)) as sample
            from named group by path, type order by path";
        let (documents, shown) = counted(sql).await;
        assert_eq!(documents, 500, "{shown}");
        for line in [
            "| $.a   | number  | 500       | 0      |",
            "| $.b   | string  | 500       | \"x\"    |",
            "| $.c.* | boolean | 500       | true   |",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
    }

    #[tokio::test]
    async fn values_become_json_and_absent_members_stay_away() {
        let sql = r#"select json_text(named_struct('name', 'a "b"', 'none', cast(null as varchar),
            'list', make_array(1, 2), 'flag', true, 'at', utc_of_ms(1500))) as text"#;
        let (_, shown) = counted(sql).await;
        let expected = r#"{"name":"a \"b\"","list":[1,2],"flag":true,"at":"1970-01-01T00:00:01.500000+00:00"}"#;
        assert!(shown.contains(expected), "{shown}");
    }

    #[tokio::test]
    async fn functions_take_nothing_for_an_answer() {
        let sql = "select json_items(null) is null and markdown_html(null) is null
            and cut_text(null, 3) is null and utc_of_text('soon') is null
            and email_address('nobody') is null and coalesce(array_length(image_urls(null)), 0) = 0
            and json_row(null, 'a TEXT PATH $.a')['is_valid'] = false as all_null";
        let (_, shown) = counted(sql).await;
        assert!(shown.contains("true"), "{shown}");
    }
}
