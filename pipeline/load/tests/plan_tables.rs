//! Writes the tables of a plan from rows of JSON, so that tests can say what matters in them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
use kernel::RunId;
use landing::{Warehouse, layout, table};
use serde_json::{Value, json};

/// Rows of every table of a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanTables {
    pub agents: Vec<Value>,
    pub tags: Vec<Value>,
    pub customers: Vec<Value>,
    pub fields: Vec<Value>,
    pub uploads: Vec<Value>,
    pub sections: Vec<Value>,
    pub articles: Vec<Value>,
    pub tickets: Vec<Value>,
    pub messages: Vec<Value>,
    pub forecast: Vec<Value>,
}

const AGENTS: &[&str] = &["agent_id", "email", "name"];
const TAGS: &[&str] = &["name"];
const CUSTOMERS: &[&str] = &[
    "seq:int",
    "customer_id",
    "external_id",
    "email",
    "name",
    "phone",
    "language",
    "timezone",
    "custom_fields",
    "meta",
];
const FIELDS: &[&str] = &["field_id", "object", "label", "data_type"];
const UPLOADS: &[&str] =
    &["seq:int", "sha256", "name", "content_type", "bytes:int", "is_too_large:bool"];
const SECTIONS: &[&str] = &[
    "seq:int",
    "section_id",
    "parent_section_id",
    "locale",
    "content_type",
    "title",
    "description",
    "slug",
    "path",
    "color",
    "bytes:int",
];
const ARTICLES: &[&str] = &[
    "seq:int",
    "article_id",
    "section_id",
    "locale",
    "content_type",
    "title",
    "description",
    "slug",
    "path",
    "body",
    "is_published:bool",
    "is_hidden:bool",
    "is_featured:bool",
    "files",
    "bytes:int",
];
const TICKETS: &[&str] = &[
    "seq:int",
    "ticket_id",
    "external_id",
    "customer_id",
    "subject",
    "status",
    "channel",
    "via",
    "from_agent:bool",
    "assignee_agent_id",
    "tags",
    "spam:bool",
    "created_at:time",
    "updated_at:time",
    "opened_at:time",
    "closed_at:time",
    "last_message_at:time",
    "last_received_message_at:time",
    "messages:int",
    "custom_fields",
    "meta",
    "updates",
];
const MESSAGES: &[&str] = &[
    "ticket_seq:int",
    "position:int",
    "ticket_id",
    "message_id",
    "in_create:bool",
    "channel",
    "via",
    "from_agent:bool",
    "public:bool",
    "sender_kind",
    "sender_id",
    "receiver_customer_id",
    "source_type",
    "source_from_name",
    "source_from_address",
    "source_to",
    "subject",
    "body_text",
    "body_html",
    "sent_at:time",
    "message_ref",
    "attachments",
    "mention_agent_ids",
    "meta",
    "bytes:int",
];
const FORECAST: &[&str] = &["phase", "calls:int"];

impl PlanTables {
    pub async fn write(&self, warehouse: &Warehouse, run: RunId) {
        for (name, columns, rows) in [
            ("agents", AGENTS, &self.agents),
            ("tags", TAGS, &self.tags),
            ("customers", CUSTOMERS, &self.customers),
            ("fields", FIELDS, &self.fields),
            ("uploads", UPLOADS, &self.uploads),
            ("tickets", TICKETS, &self.tickets),
            ("messages", MESSAGES, &self.messages),
            ("forecast", FORECAST, &self.forecast),
            ("sections", SECTIONS, &self.sections),
            ("articles", ARTICLES, &self.articles),
        ] {
            // Targets without a help center have plans without these.
            if rows.is_empty() && ["sections", "articles"].contains(&name) {
                continue;
            }
            let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
            let batch = batch(&schema, rows);
            let schema = batch.schema();
            let path = layout::plan_table(&run, name);
            let batches = futures::stream::iter([Ok(batch)]);
            table::write(warehouse, &path, schema, batches).await.expect("the plan is written");
        }
    }

    /// Adds a ticket with messages; gives them their places.
    pub fn thread(&mut self, mut ticket: Value, messages: Vec<Value>) {
        let seq = self.tickets.len() as i64 + 1;
        ticket["seq"] = json!(seq);
        ticket["messages"] = json!(messages.len());
        for (place, mut message) in messages.into_iter().enumerate() {
            message["ticket_seq"] = json!(seq);
            message["position"] = json!(place + 1);
            message["ticket_id"] = ticket["ticket_id"].clone();
            self.messages.push(message);
        }
        self.tickets.push(ticket);
    }
}

fn field(column: &&str) -> Field {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    match column.split_once(':') {
        None => Field::new(*column, DataType::Utf8, true),
        Some((name, "int")) => Field::new(name, DataType::Int64, true),
        Some((name, "bool")) => Field::new(name, DataType::Boolean, true),
        Some((name, _)) => Field::new(name, micros, true),
    }
}

fn batch(schema: &Arc<Schema>, rows: &[Value]) -> RecordBatch {
    if rows.is_empty() {
        return in_utc(&RecordBatch::new_empty(schema.clone()));
    }
    let mut decoder = arrow::json::ReaderBuilder::new(schema.clone())
        .with_strict_mode(true)
        .with_batch_size(rows.len())
        .build_decoder()
        .expect("the schema can be decoded");
    decoder.serialize(rows).expect("rows fit their columns");
    in_utc(&decoder.flush().expect("rows fit their columns").expect("there are rows"))
}

/// The same with `UTC` as the name of the zone, which the decoder of JSON does not know.
fn in_utc(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let column = match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(micros) => Arc::new(micros.clone().with_timezone("UTC")) as ArrayRef,
            None => column.clone(),
        };
        (field.name().clone(), column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).expect("same lengths")
}
