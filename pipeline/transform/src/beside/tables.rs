//! The tables that a model under test may read: their columns, and what a row holds that a test
//! does not say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{Expr, lit};
use kernel::{Mapping, RunId};
use landing::{Warehouse, ledger_log};

use crate::before;
use crate::functions::utc_time;
use crate::graph::{self, Known};
use crate::models::{Layer, Model, Models};
use crate::session::Session;
use crate::{landed, promises, staging, tables};

type Answer<T> = Result<T, DataFusionError>;

/// When a record was read, if a test does not say it: 2025-01-01T00:00:00Z.
const FETCHED_US: i64 = 1_735_689_600_000_000;

/// The target whose plan stands for all where none is named.
const USUAL_TARGET: &str = "gorgias";

/// Which models are planned together: those that make tables of the same names are apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum World {
    /// The source tables of one platform.
    Source(String),
    /// What every platform's source tables hold, and all that is made of it for one target.
    Target(String),
}

/// Every table with its columns.
pub(super) struct Tables {
    columns: BTreeMap<World, BTreeMap<String, SchemaRef>>,
    targets: BTreeSet<String>,
}

impl Tables {
    /// The tables that the given models read and make, found by planning all of them.
    pub(super) fn of(models: &Models) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        let thread = std::thread::Builder::new().stack_size(super::STACK_BYTES);
        let targets = targets(models);
        let all = models.of(|_| true).expect("are in their places");
        let worlds: BTreeSet<World> =
            all.iter().map(|model| world_of(&targets, &model.layer)).collect();
        let columns = std::thread::scope(|scope| {
            let planned = || {
                let columns = worlds.into_iter().map(|world| {
                    let planned = runtime.block_on(planned(models, &targets, &world));
                    (world, planned.expect("every model can be planned"))
                });
                columns.collect::<BTreeMap<_, _>>()
            };
            thread.spawn_scoped(scope, planned).expect("a thread starts").join()
        });
        Self { columns: columns.expect("is planned"), targets }
    }

    /// The schema of the table that a model makes.
    pub(super) fn schema_of(&self, layer: &Layer) -> &'static str {
        schema_of(&self.targets, layer)
    }

    /// An empty table that takes rows, for a model to read.
    pub(super) fn given(&self, name: &str, reader: &Model) -> Answer<MemTable> {
        let world = self.columns.get(&world_of(&self.targets, &reader.layer));
        let columns = world.and_then(|columns| columns.get(name)).ok_or_else(|| {
            DataFusionError::Execution(format!("there are no columns known of {name}"))
        })?;
        let platform = match &reader.layer {
            Layer::Source(platform) => platform,
            _ => "crisp",
        };
        let defaults = columns.fields().iter().filter_map(|field| {
            let value = unsaid(name, field, platform)?;
            Some((field.name().clone(), lit(value)))
        });
        let defaults: HashMap<String, Expr> = defaults.collect();
        Ok(MemTable::try_new(columns.clone(), vec![vec![]])?.with_column_defaults(defaults))
    }
}

/// What a column holds where a test does not say it; nothing for most of them.
fn unsaid(table: &str, field: &Field, platform: &str) -> Option<ScalarValue> {
    let text = |text: String| Some(ScalarValue::Utf8(Some(text)));
    match (table.split_once('.')?, field.name().as_str()) {
        (_, "platform") => text(platform.to_owned()),
        (_, "snapshot") => text(format!("{platform}/0001")),
        (("landing" | "landing_all", stream), "stream") => text(stream.to_owned()),
        (("source" | "staged", "tickets"), "stream") => text("conversations".to_owned()),
        (("source", "messages"), "stream") => text("messages".to_owned()),
        (("source", "customers"), "stream") => text("people".to_owned()),
        (_, "fetched_at") => {
            Some(ScalarValue::TimestampMicrosecond(Some(FETCHED_US), Some("UTC".into())))
        }
        (_, "exchange_id") => Some(ScalarValue::Int64(Some(1))),
        (_, "ordinal" | "offset") => ScalarValue::Int64(Some(0)).cast_to(field.data_type()).ok(),
        _ if field.data_type() == &DataType::Boolean => Some(ScalarValue::Boolean(Some(false))),
        _ => None,
    }
}

/// Platforms that can be moved to; what is read from them is a read-back.
fn targets(models: &Models) -> BTreeSet<String> {
    let planned = models.of(|layer| matches!(layer, Layer::Plan(_))).expect("are in their places");
    let of = |model: Model| match model.layer {
        Layer::Plan(target) => Some(target),
        _ => None,
    };
    planned.into_iter().filter_map(of).collect()
}

fn schema_of(targets: &BTreeSet<String>, layer: &Layer) -> &'static str {
    match layer {
        Layer::Source(platform) if targets.contains(platform) => "readback",
        Layer::Source(_) | Layer::AnySource => "source",
        Layer::Staged => "staged",
        Layer::Plan(_) => "plan",
        Layer::Reconcile => "reconcile",
        Layer::Check(_) => "checks",
    }
}

/// Where a model of this layer is planned.
fn world_of(targets: &BTreeSet<String>, layer: &Layer) -> World {
    match layer {
        Layer::Source(platform) if !targets.contains(platform) => World::Source(platform.clone()),
        Layer::Source(target) | Layer::Plan(target) => World::Target(target.clone()),
        _ => World::Target(USUAL_TARGET.to_owned()),
    }
}

/// The models of a world. A platform's own stands in place of every platform's.
fn models_of(world: &World, targets: &BTreeSet<String>, models: &Models) -> Vec<Model> {
    let wanted = models.of(|layer| match (world, layer) {
        (_, Layer::Check(_)) => false,
        (_, Layer::AnySource) => true,
        (World::Source(_), _) => world_of(targets, layer) == *world,
        (World::Target(target), Layer::Source(of) | Layer::Plan(of)) => of == target,
        (World::Target(_), _) => true,
    });
    let wanted = wanted.expect("are in their places");
    let is_own = |model: &&Model| schema_of(targets, &model.layer) == "source";
    let own = wanted.iter().filter(is_own).filter(|model| model.layer != Layer::AnySource);
    let own: BTreeSet<String> = own.map(|model| model.name.clone()).collect();
    let is_kept = |model: &Model| model.layer != Layer::AnySource || !own.contains(&model.name);
    wanted.into_iter().filter(is_kept).collect()
}

/// The columns of every table: those that are there without a model, and those that models make of
/// them, in the types in which they are stored.
async fn planned(
    models: &Models,
    targets: &BTreeSet<String>,
    world: &World,
) -> kernel::Result<BTreeMap<String, SchemaRef>> {
    let warehouse = Warehouse::open("memory://")?;
    let session = Session::open_with(&warehouse, 1, Arc::default())?;
    let schema_of = |layer: &Layer| schema_of(targets, layer);
    let mut columns = inner(&warehouse).await?;
    let known = Known { tables: columns.keys().cloned().collect() };
    let ordered = graph::in_order(models_of(world, targets, models), schema_of, &known)?;
    for stream in staging::landed_streams(&ordered)? {
        for schema in ["landing", "landing_all"] {
            columns.insert(format!("{schema}.{stream}"), landed_columns(&stream));
        }
    }
    for (name, schema) in &columns {
        register(&session, name, schema)?;
    }
    for model in &ordered {
        let schema = tables::columns(&session, model).await?;
        let name = format!("{}.{}", schema_of(&model.layer), model.name);
        register(&session, &name, &schema)?;
        columns.insert(name, schema);
    }
    Ok(columns)
}

/// Tables that the program makes known itself.
async fn inner(warehouse: &Warehouse) -> kernel::Result<BTreeMap<String, SchemaRef>> {
    let mapping = Mapping::default();
    let decisions = mapping.columns().map(|(key, _)| Field::new(key, DataType::Utf8, true));
    let run = RunId(1);
    let records = ledger_log::read_table(warehouse, &run).await?.schema();
    let calls = ledger_log::read_calls(warehouse, &run).await?.schema();
    let time = ledger_log::read_time(warehouse, &run).await?.schema();
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let replay = Schema::new(vec![text("ticket_order"), text("follows")]);
    let own = BTreeMap::from([
        ("config.mapping".to_owned(), Arc::new(Schema::new(decisions.collect::<Vec<_>>()))),
        ("config.replay".to_owned(), Arc::new(replay)),
        ("ledger.records".to_owned(), all_nullable(&records)),
        ("ledger.calls".to_owned(), all_nullable(&calls)),
        ("ledger.time".to_owned(), all_nullable(&time)),
    ]);
    Ok(own.into_iter().chain(before::schemas()).collect())
}

fn landed_columns(stream: &str) -> SchemaRef {
    let snapshot = Field::new("snapshot", DataType::Utf8, true);
    let columns = all_nullable(&landed::schema_of(stream));
    let all = std::iter::once(Arc::new(snapshot)).chain(columns.fields().iter().cloned());
    Arc::new(Schema::new(all.collect::<Vec<_>>()))
}

fn all_nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter();
    Arc::new(Schema::new(
        fields.map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    ))
}

fn register(session: &Session, name: &str, schema: &SchemaRef) -> kernel::Result<()> {
    let (space, table) = name.split_once('.').unwrap_or(("staged", name));
    let empty = MemTable::try_new(schema.clone(), vec![vec![]]).expect("an empty table");
    session.register(space, table, Arc::new(empty))
}

#[test]
fn times_that_are_not_said_have_the_type_of_every_time() {
    let field = Field::new("fetched_at", utc_time(), true);
    let value = unsaid("landing.people", &field, "crisp").expect("is given");
    assert_eq!(value.data_type(), utc_time());
}

#[test]
fn what_a_plan_reads_of_an_earlier_one_is_what_plans_hold() {
    let tables = Tables::of(&super::written());
    let columns = &tables.columns[&World::Target(USUAL_TARGET.to_owned())];
    for (name, wanted) in before::schemas() {
        let planned = &columns[&name.replace("before.", "plan.")];
        for field in wanted.fields() {
            let found = planned.field_with_name(field.name()).expect("is planned");
            assert_eq!(found.data_type(), field.data_type(), "{name}.{}", field.name());
        }
    }
}

#[test]
fn the_tables_of_each_platform_keep_to_what_every_platform_promises() {
    let models = super::written();
    let tables = Tables::of(&models);
    let promised = &tables.columns[&World::Target(USUAL_TARGET.to_owned())];
    let promises = models.of(|layer| *layer == Layer::AnySource).expect("are in their places");
    for (world, columns) in &tables.columns {
        let World::Source(platform) = world else { continue };
        for promise in &promises {
            let name = format!("source.{}", promise.name);
            let broken = promises::broken(&promised[&name], &columns[&name]);
            assert!(broken.is_empty(), "{name} of {platform} lacks {broken:?}");
        }
    }
}
