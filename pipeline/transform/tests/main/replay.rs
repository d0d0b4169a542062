//! A loader that makes no mistake: it turns a plan into what the target would say of it, and into
//! a ledger. Tests then spoil what it made.

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;
use deskferry_transform::{Scope, catalog, select};
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{BuildId, Instant, RunId};
use landing::Warehouse;
use landing::ledger_log::{LedgerLog, Line};
use serde_json::{Map, Value, json};

use crate::fixture::{File, Record};

/// Where uploads of the target lie.
pub const UPLOADS: &str = "https://uploads.target.example";

/// What the target holds after a replay.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub customers: Vec<Value>,
    pub tickets: Vec<Value>,
    /// What a customer and a ticket show only when they are read alone.
    pub customer_details: Vec<Value>,
    pub ticket_details: Vec<Value>,
    pub messages: Vec<Value>,
    pub tags: Vec<Value>,
    pub users: Vec<Value>,
    /// Files by their addresses, as they are fetched again.
    pub files: Vec<File>,
    entries: Vec<Entry>,
    ids: BTreeMap<(RecordKind, String), u64>,
    urls: BTreeMap<String, String>,
    id_next: u64,
}

type Row = Map<String, Value>;

async fn rows_of(session: &SessionContext, sql: &str) -> Vec<Row> {
    let batches = select(session, sql).await.expect("the plan is read");
    let mut writer = arrow::json::ArrayWriter::new(Vec::new());
    for batch in &batches {
        writer.write(batch).expect("rows are JSON");
    }
    writer.finish().expect("rows end");
    let text = writer.into_inner();
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_slice(&text).expect("rows are JSON")
}

fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

fn inner(row: &Row, column: &str) -> Value {
    serde_json::from_str(text(row, column).unwrap_or("null")).expect("a JSON column")
}

impl Target {
    /// Replays the plan of a run.
    pub async fn replay(warehouse: &Warehouse, build: &BuildId, run: RunId) -> Self {
        let scope = Scope { build: Some(build.clone()), run: Some(run), ..Scope::default() };
        let session = catalog(warehouse, &scope).await.expect("the plan is there");
        let mut target = Target { id_next: 3_000_000_000, ..Target::default() };
        for row in rows_of(&session, "select * from plan.agents order by agent_id").await {
            if let (Some(id), Some(email)) = (text(&row, "agent_id"), text(&row, "email")) {
                let number = target.note(RecordKind::Agent, id, None);
                target.users.push(json!({"id": number, "email": email, "name": row.get("name")}));
            }
        }
        for row in rows_of(&session, "select * from plan.uploads order by seq").await {
            let sha256 = text(&row, "sha256").expect("a hash");
            let url = format!("{UPLOADS}/{sha256}");
            target.urls.insert(sha256.to_owned(), url.clone());
            target.files.push(File {
                url: url.clone(),
                sha256: Some(sha256.to_owned()),
                bytes: row.get("bytes").and_then(Value::as_i64).expect("a length"),
                content_type: text(&row, "content_type").expect("a type").to_owned(),
                reason: None,
            });
            target.note(RecordKind::Upload, sha256, Some(url));
        }
        for row in rows_of(&session, "select * from plan.customers order by seq").await {
            target.customer(&row);
        }
        for row in rows_of(&session, "select * from plan.tags order by name").await {
            let number = target.note(RecordKind::Tag, text(&row, "name").expect("a name"), None);
            target.tags.push(json!({"id": number, "name": row.get("name")}));
        }
        for row in rows_of(&session, "select * from plan.tickets order by seq").await {
            target.ticket(&row);
        }
        let sql = "select * from plan.messages order by ticket_seq, position";
        for row in rows_of(&session, sql).await {
            target.message(&row);
        }
        target.write_ledger(warehouse, run).await;
        target
    }

    /// Everything that is read back, as landed records.
    pub fn records(&self) -> Vec<Record> {
        let kinds = [
            ("customers", &self.customers),
            ("tickets", &self.tickets),
            ("customer_details", &self.customer_details),
            ("ticket_details", &self.ticket_details),
            ("messages", &self.messages),
            ("tags", &self.tags),
            ("users", &self.users),
        ];
        let mut records = Vec::new();
        for (stream, values) in kinds {
            for (place, value) in values.iter().enumerate() {
                let key = value["id"].to_string();
                records.push(Record::new(stream, &key, value.to_string()).at(1, place as i32));
            }
        }
        records
    }

    async fn write_ledger(&self, warehouse: &Warehouse, run: RunId) {
        let lines: Vec<Line> = self.entries.iter().cloned().map(Line::Entry).collect();
        let (mut log, _) = LedgerLog::open(warehouse, run).await.expect("the ledger opens");
        log.append(&lines).await.expect("the ledger is written");
    }

    fn note(&mut self, kind: RecordKind, source_id: &str, target_id: Option<String>) -> u64 {
        self.id_next += 1;
        let id = self.id_next;
        self.ids.insert((kind, source_id.to_owned()), id);
        self.entries.push(Entry {
            kind,
            source_id: source_id.to_owned(),
            state: State::Done,
            target_id: Some(target_id.unwrap_or_else(|| id.to_string())),
            at: Instant::from_millis(0),
            detail: None,
        });
        id
    }

    fn id_of(&self, kind: RecordKind, source_id: Option<&str>) -> Option<u64> {
        self.ids.get(&(kind, source_id?.to_owned())).copied()
    }

    fn customer(&mut self, row: &Row) {
        let id = self.note(RecordKind::Customer, text(row, "customer_id").expect("an id"), None);
        self.customers.push(json!({
            "id": id, "external_id": row.get("external_id"), "email": row.get("email"),
            "name": text(row, "name").unwrap_or(""),
            "language": text(row, "language").unwrap_or("fr"), "timezone": row.get("timezone"),
        }));
        let phone = text(row, "phone").map(|phone| json!({"type": "phone", "address": phone}));
        self.customer_details.push(json!({
            "id": id, "external_id": row.get("external_id"), "custom_fields": {},
            "channels": phone.into_iter().collect::<Vec<_>>(),
        }));
    }

    fn ticket(&mut self, row: &Row) {
        let id = self.note(RecordKind::Ticket, text(row, "ticket_id").expect("an id"), None);
        let tags = inner(row, "tags");
        let tags: Vec<Value> = tags
            .as_array()
            .expect("a list of tags")
            .iter()
            .map(|name| json!({"id": 1, "name": name, "decoration": {}}))
            .collect();
        self.tickets.push(json!({
            "id": id, "external_id": row.get("external_id"), "subject": row.get("subject"),
            "status": row.get("status"), "channel": row.get("channel"), "spam": row.get("spam"),
            "customer": {"id": self.id_of(RecordKind::Customer, text(row, "customer_id"))},
            "assignee_user_id": self.id_of(RecordKind::Agent, text(row, "assignee_agent_id")),
            "tags": tags, "created_datetime": row.get("created_at"), "language": "fr",
            "via": row.get("via"), "from_agent": row.get("from_agent"),
            "messages_count": row.get("messages"), "updated_datetime": row.get("updated_at"),
            "opened_datetime": null, "closed_datetime": row.get("closed_at"),
            "last_message_datetime": row.get("last_message_at"),
            "last_received_message_datetime": row.get("last_received_message_at"),
        }));
        self.ticket_details.push(json!({
            "id": id, "external_id": row.get("external_id"), "meta": inner(row, "meta"),
        }));
    }

    fn message(&mut self, row: &Row) {
        let id = self.note(RecordKind::Message, text(row, "message_id").expect("an id"), None);
        let mut body = text(row, "body_text").expect("a body").to_owned();
        let mut page = text(row, "body_html").map(str::to_owned);
        let mut attachments = Vec::new();
        for file in inner(row, "attachments").as_array().expect("a list of files") {
            let Some(url) = file["sha256"].as_str().and_then(|hash| self.urls.get(hash)) else {
                continue;
            };
            let old = file["url"].as_str().expect("an address");
            body = body.replace(old, url);
            page = page.map(|page| page.replace(&old.replace('&', "&amp;"), url));
            attachments.push(json!({
                "url": url, "name": file["name"], "size": file["bytes"],
                "content_type": file["content_type"],
            }));
        }
        let sender = match text(row, "sender_kind") {
            Some("customer") => self.id_of(RecordKind::Customer, text(row, "sender_id")),
            Some("agent") => self.id_of(RecordKind::Agent, text(row, "sender_id")),
            _ => None,
        };
        let from = json!({
            "name": row.get("source_from_name"), "address": row.get("source_from_address"),
        });
        let receiver = text(row, "receiver_customer_id");
        let receiver = self.id_of(RecordKind::Customer, receiver).map(|id| json!({"id": id}));
        let source = json!({
            "type": row.get("source_type"), "from": from, "to": inner(row, "source_to"),
        });
        self.messages.push(json!({
            "id": id, "ticket_id": self.id_of(RecordKind::Ticket, text(row, "ticket_id")),
            "external_id": row.get("message_id"), "channel": row.get("channel"),
            "public": row.get("public"), "from_agent": row.get("from_agent"),
            "sender": {"id": sender.unwrap_or(7)}, "body_text": body.replace('\n', "\r\n"),
            "attachments": if attachments.is_empty() { Value::Null } else { attachments.into() },
            "sent_datetime": row.get("sent_at"), "created_datetime": row.get("sent_at"),
            "via": row.get("via"), "receiver": receiver, "source": source,
            "subject": row.get("subject"), "body_html": page, "meta": inner(row, "meta"),
            "message_id": row.get("message_ref"), "intents": [{"name": "other/question"}],
        }));
    }
}
