//! The plan that another one follows, as the schema `before`.
//!
//! Without a run to follow its tables are empty, so the same SQL makes the first plan and every
//! later one. What the columns mean is said by the models of the plan.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::prelude::col;
use kernel::{Fault, Result, RunId};
use landing::layout;

use crate::functions::utc_time;
use crate::session::Session;
use crate::tables;

/// Columns that models may read of an earlier plan, each with the letter of its type: text, whole
/// number, flag, time.
const TABLES: [(&str, &[(&str, char)]); 9] = [
    ("agents", &[("agent_id", 't'), ("email", 't'), ("name", 't')]),
    (
        "customers",
        &[
            ("customer_id", 't'),
            ("email", 't'),
            ("name", 't'),
            ("phone", 't'),
            ("language", 't'),
            ("custom_fields", 't'),
        ],
    ),
    (
        "articles",
        &[
            ("article_id", 't'),
            ("section_id", 't'),
            ("locale", 't'),
            ("content_type", 't'),
            ("title", 't'),
            ("description", 't'),
            ("slug", 't'),
            ("path", 't'),
            ("body", 't'),
            ("is_published", 'f'),
            ("is_hidden", 'f'),
            ("is_featured", 'f'),
            ("files", 't'),
            ("version", 'i'),
        ],
    ),
    ("fields", &[("field_id", 't'), ("object", 't'), ("label", 't'), ("data_type", 't')]),
    (
        "messages",
        &[
            ("position", 'i'),
            ("ticket_id", 't'),
            ("message_id", 't'),
            ("part_of", 't'),
            ("channel", 't'),
            ("via", 't'),
            ("from_agent", 'f'),
            ("public", 'f'),
            ("sender_kind", 't'),
            ("sender_id", 't'),
            ("receiver_customer_id", 't'),
            ("source_type", 't'),
            ("source_from_name", 't'),
            ("source_from_address", 't'),
            ("source_to", 't'),
            ("subject", 't'),
            ("body_text", 't'),
            ("body_html", 't'),
            ("sent_at", 'p'),
            ("message_ref", 't'),
            ("attachments", 't'),
            ("mention_agent_ids", 't'),
            ("meta", 't'),
            ("bytes", 'i'),
        ],
    ),
    (
        "sections",
        &[
            ("section_id", 't'),
            ("parent_section_id", 't'),
            ("locale", 't'),
            ("content_type", 't'),
            ("title", 't'),
            ("description", 't'),
            ("slug", 't'),
            ("path", 't'),
            ("color", 't'),
            ("version", 'i'),
        ],
    ),
    ("tags", &[("name", 't')]),
    (
        "tickets",
        &[
            ("ticket_id", 't'),
            ("customer_id", 't'),
            ("subject", 't'),
            ("status", 't'),
            ("channel", 't'),
            ("from_agent", 'f'),
            ("assignee_agent_id", 't'),
            ("answering_agent_id", 't'),
            ("tags", 't'),
            ("spam", 'f'),
            ("created_at", 'p'),
            ("updated_at", 'p'),
            ("closed_at", 'p'),
            ("last_message_at", 'p'),
            ("last_received_message_at", 'p'),
            ("messages", 'i'),
            ("custom_fields", 't'),
            ("meta", 't'),
        ],
    ),
    ("uploads", &[("sha256", 't')]),
];

/// Columns that plans did not have from the beginning, each with the one that says the same in a
/// plan without it.
const LATER: [(&str, &str, &str); 1] = [("messages", "part_of", "message_id")];

/// Tables that plans did not have from the beginning; a plan without them has none of their rows.
const LATER_TABLES: [&str; 2] = ["articles", "sections"];

/// The names of the tables, each as `before.name` with the columns that models may read.
pub(crate) fn schemas() -> impl Iterator<Item = (String, SchemaRef)> {
    TABLES.iter().map(|(name, columns)| {
        let fields = columns.iter().map(|(column, letter)| {
            let kind = match letter {
                'i' => DataType::Int64,
                'f' => DataType::Boolean,
                'p' => utc_time(),
                _ => DataType::Utf8,
            };
            Field::new(*column, kind, true)
        });
        let schema = Schema::new(fields.collect::<Vec<_>>());
        (format!("before.{name}"), Arc::new(schema))
    })
}

/// Makes the plan of a run known as `before`, or empty tables, and names them.
///
/// # Errors
/// `FixConfig` when the plan of that run lacks a table or a column.
pub(crate) async fn register(session: &Session, follows: Option<&RunId>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, wanted) in schemas() {
        let table = name.trim_start_matches("before.").to_owned();
        let follows = match follows {
            Some(run) if is_planned(session, run, &table).await? => Some(run),
            _ => None,
        };
        match follows {
            None => {
                tables::register_rows(session, "before", &table, RecordBatch::new_empty(wanted))?
            }
            Some(run) => {
                let path = layout::plan_table(run, &table);
                let found = completed(session, &table, session.parquet(&path, None).await?)?;
                let missing = wanted
                    .fields()
                    .iter()
                    .find(|field| found.schema().field_with_name(field.name()).is_err());
                if let Some(column) = missing {
                    return Err(other_version(run, &table, column.name()));
                }
                session.register("before", &table, found)?;
            }
        }
        names.push(name);
    }
    Ok(names)
}

/// Whether the plan of a run has a table, which only those lack that came later.
async fn is_planned(session: &Session, run: &RunId, table: &str) -> Result<bool> {
    if !LATER_TABLES.contains(&table) {
        return Ok(true);
    }
    session.warehouse.exists(&layout::plan_table(run, table)).await
}

/// A table of an earlier plan with the columns that came later.
fn completed(
    session: &Session,
    table: &str,
    found: Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    let lacks = |column: &str| found.schema().field_with_name(column).is_err();
    let Some((_, column, instead)) =
        LATER.iter().find(|(of, column, _)| *of == table && lacks(column))
    else {
        return Ok(found);
    };
    let unreadable = |error: DataFusionError| {
        Fault::bug(format!("before.{table} cannot be completed")).because(error)
    };
    let rows = session.context.read_table(found).map_err(unreadable)?;
    Ok(rows.with_column(column, col(*instead)).map_err(unreadable)?.into_view())
}

fn other_version(run: &RunId, table: &str, column: &str) -> Fault {
    Fault::config(format!("the plan of run {run} has no {table}.{column}"))
        .hint("another version made it: deskferry plan, without --delta, asks the target instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_plan_from_before_there_was_a_help_center_has_none_of_its_rows() {
        let warehouse = landing::Warehouse::open("memory://").expect("opens");
        let session = Session::open(&warehouse).expect("opens");
        let run = RunId(1);
        for (name, schema) in schemas() {
            let table = name.trim_start_matches("before.");
            if LATER_TABLES.contains(&table) {
                continue;
            }
            let rows = futures::stream::iter([Ok(RecordBatch::new_empty(schema.clone()))]);
            let path = layout::plan_table(&run, table);
            landing::table::write(&warehouse, &path, schema, rows).await.expect("is written");
        }
        register(&session, Some(&run)).await.expect("an older plan can be followed");
        for table in LATER_TABLES {
            let sql = format!("select * from before.{table}");
            let rows = crate::select::select(&session.context, &sql).await.expect("is there");
            assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0, "{table}");
        }
    }
}
