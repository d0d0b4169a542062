//! A session of ours that looks like a database of Postgres: `pg_catalog`, the functions that
//! clients call, and the data dictionary as comments on tables and columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema};
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::{
    PgCatalogContextProvider, Role,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;

use super::functions::{self, Numbered};
use super::{DATABASE, USER};
use crate::dictionary::Comment;

/// Makes a session look like a database of Postgres.
pub(super) async fn prepare(session: &SessionContext, comments: &[Comment]) -> Result<()> {
    setup_pg_catalog(session, DATABASE, OneRole).map_err(|error| *error)?;
    session.state_ref().write().config_mut().options_mut().execution.time_zone =
        Some("UTC".to_owned());
    let known = Arc::new(numbered(session, comments).await?);
    functions::register_all(session, &known);
    let missing = || DataFusionError::Internal("pg_catalog is not there".to_owned());
    let catalog = session.catalog(DATABASE).ok_or_else(missing)?;
    let inner = catalog.schema("pg_catalog").ok_or_else(missing)?;
    let mut ours: BTreeMap<&str, Arc<dyn TableProvider>> = BTreeMap::new();
    if let Some(table) = inner.table("pg_description").await? {
        ours.insert("pg_description", descriptions(table.as_ref(), &known)?);
    }
    for (name, lists) in [
        ("pg_constraint", &["conkey", "confkey"][..]),
        ("pg_index", &["indkey", "indoption", "indclass", "indcollation"]),
    ] {
        if let Some(table) = inner.table(name).await? {
            ours.insert(name, emptied(table.as_ref(), lists)?);
        }
    }
    ours.insert("pg_class", classes(session).await?);
    catalog.register_schema("pg_catalog", Arc::new(PgCatalog { inner, ours }))?;
    Ok(())
}

/// The library's catalog, with tables of ours in the place of some.
#[derive(Debug)]
struct PgCatalog {
    inner: Arc<dyn SchemaProvider>,
    ours: BTreeMap<&'static str, Arc<dyn TableProvider>>,
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.ours.get(name) {
            Some(table) => Ok(Some(table.clone())),
            None => self.inner.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}

/// Tables by the numbers that the catalog gave them, and what is said about them.
async fn numbered(session: &SessionContext, comments: &[Comment]) -> Result<Numbered> {
    let sql = "select cast(c.oid as bigint) as oid, n.nspname as schema_name, \
               c.relname as table_name from pg_catalog.pg_class as c \
               join pg_catalog.pg_namespace as n on n.oid = c.relnamespace";
    let mut known = Numbered::default();
    for batch in session.sql(sql).await?.collect().await? {
        let oids = batch.column(0).as_primitive::<Int64Type>();
        let texts = |column: usize| cast(batch.column(column), &DataType::Utf8);
        let (schemas, names) = (texts(1)?, texts(2)?);
        for row in 0..batch.num_rows() {
            let schema = schemas.as_string::<i32>().value(row).to_owned();
            let name = names.as_string::<i32>().value(row).to_owned();
            known.tables.insert(oids.value(row), (schema, name));
        }
    }
    let sql = "select cast(oid as bigint) as oid, typname from pg_catalog.pg_type";
    for batch in session.sql(sql).await?.collect().await? {
        let names = cast(batch.column(1), &DataType::Utf8)?;
        let oids = batch.column(0).as_primitive::<Int64Type>();
        for (name, oid) in names.as_string::<i32>().iter().zip(oids) {
            known.types.extend(name.map(str::to_owned).zip(oid));
        }
    }
    let places: BTreeMap<(&str, &str), i64> =
        known.tables.iter().map(|(oid, (schema, name))| ((&**schema, &**name), *oid)).collect();
    let tables = transform::tables_of(session).await?;
    let mut said = BTreeMap::new();
    for table in &tables {
        let Some(oid) = places.get(&(&*table.schema, &*table.name)) else { continue };
        for comment in comments.iter().filter(|comment| comment.is_about(table)) {
            let place = match &comment.column {
                None => Some(0),
                Some(name) => table.columns.index_of(name).ok().map(|place| place as i64 + 1),
            };
            if let Some(place) = place {
                said.insert((*oid, place), comment.text.clone());
            }
        }
    }
    known.comments = said;
    Ok(known)
}

/// A table of the library's without rows, because we have no such things, and with its lists of
/// column numbers as lists, which there are texts.
fn emptied(like: &dyn TableProvider, lists: &[&str]) -> Result<Arc<dyn TableProvider>> {
    let numbers = DataType::List(Arc::new(Field::new_list_field(DataType::Int16, true)));
    let schema = like.schema();
    let fields = schema.fields().iter().map(|field| match lists.contains(&field.name().as_str()) {
        true => Arc::new(Field::new(field.name(), numbers.clone(), true)),
        false => field.clone(),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok(Arc::new(MemTable::try_new(schema, vec![Vec::new()])?))
}

/// `pg_class` as the library fills it, with two columns more that clients ask for.
async fn classes(session: &SessionContext) -> Result<Arc<dyn TableProvider>> {
    let rows = session.table("pg_catalog.pg_class").await?;
    let mut fields: Vec<FieldRef> = rows.schema().as_arrow().fields().iter().cloned().collect();
    let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    for name in ["relacl", "reloptions"] {
        fields.push(Arc::new(Field::new(name, texts.clone(), true)));
    }
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for batch in rows.collect().await? {
        let mut columns = batch.columns().to_vec();
        columns.extend([0, 1].map(|_| new_null_array(&texts, batch.num_rows())));
        batches.push(RecordBatch::try_new(schema.clone(), columns)?);
    }
    Ok(Arc::new(MemTable::try_new(schema, vec![batches])?))
}

/// `pg_description` with the columns of the library's, filled from the dictionary.
fn descriptions(like: &dyn TableProvider, known: &Numbered) -> Result<Arc<dyn TableProvider>> {
    let schema = like.schema();
    let is_classes = |of: &(String, String)| of.0 == "pg_catalog" && of.1 == "pg_class";
    let classes = known.tables.iter().find(|(_, table)| is_classes(table));
    let classes = classes.map_or(0, |(oid, _)| *oid);
    let all = || known.comments.iter();
    let columns = schema.fields().iter().map(|field| {
        let column: ArrayRef = match field.name().as_str() {
            "objoid" => Arc::new(Int64Array::from_iter_values(all().map(|((oid, _), _)| *oid))),
            "classoid" => Arc::new(Int64Array::from_iter_values(all().map(|_| classes))),
            "objsubid" => {
                Arc::new(Int64Array::from_iter_values(all().map(|((_, place), _)| *place)))
            }
            _ => Arc::new(StringArray::from_iter_values(all().map(|(_, text)| text))),
        };
        cast(&column, field.data_type()).map_err(DataFusionError::from)
    });
    let rows = RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>>>()?)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}

/// The one role there is, which may log in and nothing else.
#[derive(Debug, Clone)]
struct OneRole;

#[async_trait]
impl PgCatalogContextProvider for OneRole {
    async fn roles(&self) -> Vec<String> {
        vec![USER.to_owned()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        (name == USER).then(|| Role {
            name: USER.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: Vec::new(),
            inherited_roles: Vec::new(),
        })
    }
}
