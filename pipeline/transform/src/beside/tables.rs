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
use crate::models::{Layer, Model, Models, prefer_own};
use crate::session::Session;
use crate::{landed, promises, staging, tables};

type Answer<T> = Result<T, DataFusionError>;

/// When a record was read, if a test does not say it: 2025-01-01T00:00:00Z.
const FETCHED_US: i64 = 1_735_689_600_000_000;

/// The target whose plan stands for all where none is named.
const USUAL_TARGET: &str = "gorgias";
/// The source whose records stand for all where none is named.
const USUAL_SOURCE: &str = "crisp";

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
}

impl Tables {
    /// The tables that the given models read and make, found by planning all of them.
    pub(super) fn of(models: &Models) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        let thread = std::thread::Builder::new().stack_size(super::STACK_BYTES);
        let all = models.of(|_| true).expect("are in their places");
        let worlds: BTreeSet<World> = all.iter().map(|model| world_of(&model.layer)).collect();
        let columns = std::thread::scope(|scope| {
            let planned = || {
                let columns = worlds.into_iter().map(|world| {
                    let planned = runtime.block_on(planned(models, &world));
                    (world, planned.expect("every model can be planned"))
                });
                columns.collect::<BTreeMap<_, _>>()
            };
            thread.spawn_scoped(scope, planned).expect("a thread starts").join()
        });
        Self { columns: columns.expect("is planned") }
    }

    /// An empty table that takes rows, for a model to read.
    pub(super) fn given(&self, name: &str, reader: &Model) -> Answer<MemTable> {
        let world = self.columns.get(&world_of(&reader.layer));
        let columns = world.and_then(|columns| columns.get(name)).ok_or_else(|| {
            DataFusionError::Execution(format!("there are no columns known of {name}"))
        })?;
        let platform = match &reader.layer {
            Layer::Source(platform) | Layer::Readback(platform) => platform,
            _ => USUAL_SOURCE,
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

/// The schema of the table that a model makes.
pub(super) fn schema_of(layer: &Layer) -> &'static str {
    match layer {
        Layer::Source(_) | Layer::AnySource => "source",
        Layer::Readback(_) => "readback",
        Layer::Staged => "staged",
        Layer::Plan(_) | Layer::AnyPlan => "plan",
        Layer::Reconcile | Layer::ReconcileFor(_) => "reconcile",
        Layer::Check(_) => "checks",
    }
}

/// Where a model of this layer is planned.
fn world_of(layer: &Layer) -> World {
    let target = match layer {
        Layer::Source(platform) => return World::Source(platform.clone()),
        Layer::Plan(target) | Layer::Readback(target) | Layer::ReconcileFor(target) => target,
        Layer::Check(of) => of.split_once('/').map_or(USUAL_TARGET, |(_, target)| target),
        _ => USUAL_TARGET,
    };
    World::Target(target.to_owned())
}

/// The models of a world. A platform's own stands in place of every platform's.
fn models_of(world: &World, models: &Models) -> Vec<Model> {
    let in_place = "are in their places";
    let wanted = models.of(|layer| match (world, layer) {
        (_, Layer::Check(_)) => false,
        (_, Layer::AnySource) => true,
        (World::Source(_), _) => world_of(layer) == *world,
        (World::Target(_), Layer::Source(_)) => false,
        (
            World::Target(target),
            Layer::Plan(of) | Layer::Readback(of) | Layer::ReconcileFor(of),
        ) => of == target,
        (World::Target(_), _) => true,
    });
    let of_sources = |model: &Model| schema_of(&model.layer) == "source";
    let (sources, others): (Vec<Model>, Vec<Model>) =
        wanted.expect(in_place).into_iter().partition(of_sources);
    let mut kept = prefer_own(sources, &Layer::AnySource);
    let of_plans = |model: &Model| schema_of(&model.layer) == "plan";
    let (plans, others): (Vec<Model>, Vec<Model>) = others.into_iter().partition(of_plans);
    kept.extend(prefer_own(plans, &Layer::AnyPlan));
    kept.extend(others);
    kept
}

/// The columns of every table: those that are there without a model, and those that models make of
/// them, in the types in which they are stored.
async fn planned(models: &Models, world: &World) -> kernel::Result<BTreeMap<String, SchemaRef>> {
    let warehouse = Warehouse::open("memory://")?;
    let session = Session::open_with(&warehouse, 1, Arc::default())?;
    let mut columns = inner(&warehouse).await?;
    let known = Known { tables: columns.keys().cloned().collect() };
    let ordered = graph::in_order(models_of(world, models), schema_of, &known)?;
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
    let ledger = ledger_log::read_tables(warehouse, &run).await?;
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let replay = Schema::new(vec![text("ticket_order"), text("follows")]);
    let own = BTreeMap::from([
        ("config.mapping".to_owned(), Arc::new(Schema::new(decisions.collect::<Vec<_>>()))),
        ("config.replay".to_owned(), Arc::new(replay)),
        ("ledger.records".to_owned(), all_nullable(&ledger.records.schema())),
        ("ledger.calls".to_owned(), all_nullable(&ledger.calls.schema())),
        ("ledger.time".to_owned(), all_nullable(&ledger.time.schema())),
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
    for (world, columns) in &tables.columns {
        let World::Target(target) = world else { continue };
        for (name, wanted) in before::schemas() {
            let planned = &columns[&name.replace("before.", "plan.")];
            for field in wanted.fields() {
                let (name, found) = (field.name(), planned.field_with_name(field.name()));
                let found = found.unwrap_or_else(|_| panic!("{target} plans no {name}"));
                assert_eq!(found.data_type(), field.data_type(), "{target} {name}");
            }
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
