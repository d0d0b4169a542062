//! `information_schema` as Postgres words it: what tables and columns a session has, with the type
//! names that people and their tools know.
//!
//! It is filled once, when every table is known. It knows schemas; it reads no table.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use crate::session::CATALOG;

const NAME: &str = "information_schema";

/// A table of a session.
#[derive(Debug, Clone)]
pub struct KnownTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: SchemaRef,
    is_view: bool,
}

/// Every table of a session that holds data, by schema and name.
///
/// # Errors
/// When a table cannot say what columns it has.
pub async fn tables_of(session: &SessionContext) -> Result<Vec<KnownTable>> {
    let mut known = Vec::new();
    let Some(catalog) = session.catalog(CATALOG) else { return Ok(known) };
    for schema in catalog.schema_names() {
        if [NAME, "pg_catalog"].contains(&schema.as_str()) {
            continue;
        }
        let Some(provider) = catalog.schema(&schema) else { continue };
        for name in provider.table_names() {
            if let Some(table) = provider.table(&name).await? {
                let is_view = table.table_type() == TableType::View;
                known.push(KnownTable {
                    schema: schema.clone(),
                    name,
                    columns: table.schema(),
                    is_view,
                });
            }
        }
    }
    known.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    Ok(known)
}

/// The name that Postgres has for a type.
pub fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "smallint".to_owned(),
        DataType::UInt16 | DataType::Int32 => "integer".to_owned(),
        DataType::UInt32 | DataType::Int64 => "bigint".to_owned(),
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "numeric".to_owned()
        }
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double precision".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::Timestamp(_, None) => "timestamp without time zone".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time without time zone".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "bytea".to_owned(),
        DataType::List(item) | DataType::LargeList(item) => {
            format!("{}[]", type_name(item.data_type()))
        }
        other => other.to_string(),
    }
}

/// Puts our `information_schema` in the place of the engine's, which names its own types.
pub(crate) async fn register(session: &SessionContext) -> Result<()> {
    let known = tables_of(session).await?;
    let state = session.state();
    let engine = InformationSchemaProvider::new(state.catalog_list().clone());
    let engine = engine.with_table_functions(state.table_functions().clone());
    let ours = InformationSchema {
        ours: BTreeMap::from([
            ("tables", table(tables(&known))?),
            ("columns", table(columns(&known))?),
            ("schemata", table(schemata(&known))?),
            ("table_constraints", table(without_rows(&TABLE_CONSTRAINTS))?),
            ("key_column_usage", table(without_rows(&KEY_COLUMN_USAGE))?),
        ]),
        engine,
    };
    let catalog = session
        .catalog(CATALOG)
        .ok_or_else(|| DataFusionError::Internal("a session has no catalog of ours".to_owned()))?;
    catalog.register_schema(NAME, Arc::new(ours))?;
    let state = session.state_ref();
    let mut state = state.write();
    state.config_mut().options_mut().catalog.information_schema = false;
    Ok(())
}

/// Our tables, and the engine's where we have none: its functions and settings.
#[derive(Debug)]
struct InformationSchema {
    ours: BTreeMap<&'static str, Arc<dyn TableProvider>>,
    engine: InformationSchemaProvider,
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.engine.table_names();
        names.extend(self.ours.keys().map(|name| (*name).to_owned()));
        names.sort();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.ours.get(name) {
            Some(table) => Ok(Some(table.clone())),
            None => self.engine.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.ours.contains_key(name) || self.engine.table_exist(name)
    }
}

/// Nobody checks keys when rows are read, so there are no constraints to list.
const TABLE_CONSTRAINTS: [&str; 7] = [
    "constraint_catalog",
    "constraint_schema",
    "constraint_name",
    "table_catalog",
    "table_schema",
    "table_name",
    "constraint_type",
];
const KEY_COLUMN_USAGE: [&str; 7] = [
    "constraint_catalog",
    "constraint_schema",
    "constraint_name",
    "table_catalog",
    "table_schema",
    "table_name",
    "column_name",
];

fn without_rows(names: &[&'static str]) -> Columns {
    names.iter().map(|name| (*name, texts(std::iter::empty()))).collect()
}

/// The short name that Postgres keeps for a type.
fn short_name(name: &str) -> String {
    let short = match name {
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" => "float8",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time without time zone" => "time",
        other => match other.strip_suffix("[]") {
            Some(item) => return format!("_{}", short_name(item)),
            None => other,
        },
    };
    short.to_owned()
}

type Columns = Vec<(&'static str, ArrayRef)>;

fn table(columns: Columns) -> Result<Arc<dyn TableProvider>> {
    let fields =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let values = columns.into_iter().map(|(_, values)| values).collect();
    let rows = RecordBatch::try_new(schema.clone(), values)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn numbers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn tables(known: &[KnownTable]) -> Columns {
    let kind = |table: &KnownTable| if table.is_view { "VIEW" } else { "BASE TABLE" };
    vec![
        ("table_catalog", texts(known.iter().map(|_| Some(CATALOG)))),
        ("table_schema", texts(known.iter().map(|table| Some(table.schema.as_str())))),
        ("table_name", texts(known.iter().map(|table| Some(table.name.as_str())))),
        ("table_type", texts(known.iter().map(|table| Some(kind(table))))),
    ]
}

fn schemata(known: &[KnownTable]) -> Columns {
    let mut names: Vec<&str> = known.iter().map(|table| table.schema.as_str()).collect();
    names.push(NAME);
    names.dedup();
    vec![
        ("catalog_name", texts(names.iter().map(|_| Some(CATALOG)))),
        ("schema_name", texts(names.iter().map(|name| Some(*name)))),
        ("schema_owner", texts(names.iter().map(|_| Some(CATALOG)))),
    ]
}

fn columns(known: &[KnownTable]) -> Columns {
    let all: Vec<(&KnownTable, usize, &Field)> = known
        .iter()
        .flat_map(|table| {
            let fields = table.columns.fields().iter().enumerate();
            fields.map(move |(place, field)| (table, place, field.as_ref()))
        })
        .collect();
    let types: Vec<String> = all.iter().map(|(_, _, field)| type_name(field.data_type())).collect();
    let short: Vec<String> = types.iter().map(|name| short_name(name)).collect();
    let nullable = |field: &Field| if field.is_nullable() { "YES" } else { "NO" };
    let bits = |name: &String| match name.as_str() {
        "smallint" => Some(16),
        "integer" => Some(32),
        "bigint" => Some(64),
        "double precision" => Some(53),
        _ => None,
    };
    let is_time = |name: &String| name.starts_with("time").then_some(6);
    vec![
        ("table_catalog", texts(all.iter().map(|_| Some(CATALOG)))),
        ("table_schema", texts(all.iter().map(|(table, _, _)| Some(table.schema.as_str())))),
        ("table_name", texts(all.iter().map(|(table, _, _)| Some(table.name.as_str())))),
        ("column_name", texts(all.iter().map(|(_, _, field)| Some(field.name().as_str())))),
        ("ordinal_position", numbers(all.iter().map(|(_, place, _)| Some(*place as i64 + 1)))),
        ("column_default", texts(all.iter().map(|_| None))),
        ("is_nullable", texts(all.iter().map(|(_, _, field)| Some(nullable(field))))),
        ("data_type", texts(types.iter().map(|name| Some(name.as_str())))),
        ("character_maximum_length", numbers(all.iter().map(|_| None))),
        ("numeric_precision", numbers(types.iter().map(bits))),
        ("numeric_precision_radix", numbers(types.iter().map(|name| bits(name).map(|_| 2)))),
        ("numeric_scale", numbers(types.iter().map(|name| bits(name).map(|_| 0)))),
        ("datetime_precision", numbers(types.iter().map(is_time))),
        ("udt_catalog", texts(all.iter().map(|_| Some(CATALOG)))),
        ("udt_schema", texts(all.iter().map(|_| Some("pg_catalog")))),
        ("udt_name", texts(short.iter().map(|name| Some(name.as_str())))),
        ("is_identity", texts(all.iter().map(|_| Some("NO")))),
        ("is_generated", texts(all.iter().map(|_| Some("NEVER")))),
        ("is_updatable", texts(all.iter().map(|_| Some("NO")))),
    ]
}
