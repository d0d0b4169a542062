//! What a source table holds, whatever the platform: a model in `1_source` says it, and the one that
//! a platform has in its place keeps to it.
//!
//! It compares columns and knows nothing of what they mean.

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use kernel::{Fault, Result};

use crate::models::{Layer, Model};
use crate::session::Session;
use crate::tables;

/// Checks that the table that a platform's own model made has every column of the model in whose
/// place it stands, in the same types. It may have more.
///
/// # Errors
/// `FixData` that names the columns.
pub(crate) async fn check(session: &Session, promised: &[Model], made: &Model) -> Result<()> {
    let promise = promised.iter().find(|promise| promise.name == made.name);
    let (Layer::Source(_), Some(promise)) = (&made.layer, promise) else { return Ok(()) };
    let wanted = tables::columns(session, promise).await?;
    let table = session.context.table_provider(format!("source.{}", made.name)).await;
    let table = table.map_err(|error| tables::failed(made, &error))?;
    let broken = broken(&wanted, &table.schema());
    if broken.is_empty() {
        return Ok(());
    }
    let columns = broken.join(", ");
    Err(Fault::data(format!("{} has not the columns of {}: {columns}", made.shown, promise.shown))
        .hint("every platform's table of this name has these columns in these types, and may have more"))
}

/// Columns that are missing or of another type, each with the type that it should have.
pub(crate) fn broken(wanted: &SchemaRef, found: &Schema) -> Vec<String> {
    let is_broken = |name: &str, kind| {
        found.field_with_name(name).map_or(true, |field| field.data_type() != kind)
    };
    let fields = wanted.fields().iter();
    let broken = fields.filter(|field| is_broken(field.name(), field.data_type()));
    broken.map(|field| format!("{} ({})", field.name(), field.data_type())).collect()
}
