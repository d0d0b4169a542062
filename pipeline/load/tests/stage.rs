//! What a test needs around the loader: a warehouse with a plan, a stand-in for Gorgias, a clock,
//! and a way to look at what the stand-in holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskferry_load::{Gorgias, Options, Outcome, Patience, Progress, Target};
use emulator::gorgias::{Agent, Emulator, Options as Setting};
use http::{Client, ClientOptions, Pace, Request};
use kernel::retry::Policy;
use kernel::{Clock, Instant, Result, RunId, SnapshotId};
use landing::{Warehouse, layout};
use serde_json::{Value, json};

use crate::plan_tables::PlanTables;
use crate::shop::files;

pub const RUN: RunId = RunId(1);
pub const KEY: &str = "demo-gorgias-key";
pub const ADMIN: &str = "admin@shop.example";
/// Short enough for a test, long enough for a stand-in that is late by some milliseconds.
pub const QUICK: Policy = Policy {
    attempts_max: 6,
    pause_first_ms: 1,
    pause_max_ms: 20,
    quota_pause_ms: 1,
    quota_attempts_max: 6,
};

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_micros(chrono::Utc::now().timestamp_micros())
    }
}

pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &str, _: u64) {}
    fn advance(&self, _: &str, _: u64) {}
}

pub struct Stage {
    pub warehouse: Warehouse,
    pub emulator: Emulator,
    pub origin: String,
    pub client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stage {
    /// A stand-in with the agent Anna, a warehouse with the plan and its files.
    pub async fn new(plan: &PlanTables, setting: Setting) -> Self {
        Self::called_by(client(KEY), plan, setting).await
    }

    /// The same with a client that is there already: making one reads the machine's certificates,
    /// which takes longer than a replay.
    pub async fn called_by(client: Client, plan: &PlanTables, setting: Setting) -> Self {
        let warehouse = Warehouse::open("memory://").expect("opens");
        Self::over(client, plan, setting, warehouse).await
    }

    /// The same over a warehouse that a test has made.
    pub async fn over(
        client: Client,
        plan: &PlanTables,
        mut setting: Setting,
        warehouse: Warehouse,
    ) -> Self {
        let anna =
            Agent { email: "Anna@shop.example".into(), name: "Anna".into(), role: "agent".into() };
        setting.agents.push(anna);
        let emulator = Emulator::new(setting).expect("the stand-in starts");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let serving = emulator.clone();
        let server = tokio::spawn(async move {
            serving.serve(listener).await.expect("serves");
        });
        plan.write(&warehouse, RUN).await;
        let stage = Self { warehouse, emulator, origin, client, server };
        for (_, bytes) in files() {
            stage.land(bytes.to_vec()).await;
        }
        stage
    }

    /// Puts a file into the snapshot.
    pub async fn land(&self, bytes: Vec<u8>) {
        let path = layout::file(&snapshot(), &landing::exchange::sha256(&bytes));
        self.warehouse.put(&path, bytes).await.expect("the file is landed");
    }

    /// From here on the stand-in does what it is asked to.
    pub fn clear_faults(&self) {
        let clear = json!({"faults": {}, "quirks": {"lookup_lag_ms": 0}});
        self.emulator.control(&clear).expect("is possible");
    }

    pub fn gorgias(&self) -> Gorgias {
        Gorgias::new(self.client.clone(), &self.origin, ADMIN).with_policy(QUICK)
    }

    pub async fn load(&self) -> Result<Outcome> {
        self.load_with(&options(), Arc::new(self.gorgias())).await
    }

    pub async fn load_with(&self, options: &Options, target: Arc<dyn Target>) -> Result<Outcome> {
        deskferry_load::load(&self.warehouse, target, options, Arc::new(SystemClock), &Silent).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = Request::get(format!("{}{path}", self.origin));
        for _ in 0..20 {
            if let Ok(reply) = self.client.send(&request).await
                && reply.is_success()
                && let Ok(value) = serde_json::from_slice(&reply.body)
            {
                return value;
            }
        }
        panic!("{path} cannot be read");
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let body = body.to_string();
        let request = Request::json("POST", format!("{}{path}", self.origin), body);
        let reply = self.client.send(&request).await.expect("a reply");
        assert!(reply.is_success(), "{}: {:?}", reply.status, reply.body);
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    pub async fn put(&self, path: &str, body: Value) {
        let request = Request::json("PUT", format!("{}{path}", self.origin), body.to_string());
        let reply = self.client.send(&request).await.expect("a reply");
        assert!(reply.is_success(), "{}: {:?}", reply.status, reply.body);
    }

    pub async fn all(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut address = format!("{path}{joint}limit=100");
        let mut items = Vec::new();
        loop {
            let page = self.get(&address).await;
            items.extend(page["data"].as_array().expect("a list").iter().cloned());
            match page["meta"]["next_cursor"].as_str().filter(|cursor| !cursor.is_empty()) {
                None => return items,
                Some(cursor) => address = format!("{path}{joint}limit=100&cursor={cursor}"),
            }
        }
    }

    /// Everything that was replayed, in a form that is the same whatever ids, servers and upload
    /// addresses happened to be. Whatever exists twice shows twice.
    pub async fn replayed(&self) -> Value {
        let users = names(&self.all("/api/users").await);
        let customers = self.all("/api/customers").await;
        let people = names(&customers);
        let mut tickets = Vec::new();
        for item in self.all("/api/tickets").await {
            let ticket = self.get(&format!("/api/tickets/{}", item["id"])).await;
            tickets.push(self.plain_ticket(&ticket, &users, &people));
        }
        let mut tags: Vec<Value> =
            self.all("/api/tags").await.iter().map(|tag| tag["name"].clone()).collect();
        let mut persons: Vec<Value> = customers
            .iter()
            .map(|one| json!([one["external_id"], one["email"], one["name"]]))
            .collect();
        for list in [&mut tickets, &mut tags, &mut persons] {
            list.sort_by_key(Value::to_string);
        }
        json!({"tickets": tickets, "tags": tags, "customers": persons, "users": users.len()})
    }

    fn plain_ticket(&self, ticket: &Value, users: &Names, people: &Names) -> Value {
        let who = |id: &Value| {
            let id = id.to_string();
            users.get(&id).or(people.get(&id)).cloned().unwrap_or_default()
        };
        let messages = ticket["messages"].as_array().expect("messages");
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| {
                let files = message["attachments"].as_array().cloned().unwrap_or_default();
                let files: Vec<Value> = files
                    .iter()
                    .map(|file| {
                        let url = file["url"].as_str().unwrap_or_default();
                        let url = url.starts_with(&format!("{}/uploads/", self.origin));
                        json!([file["name"], file["content_type"], file["size"], url])
                    })
                    .collect();
                json!({
                    "id": message["external_id"],
                    "text": self.plain(&message["body_text"]),
                    "html": self.plain(&message["body_html"]),
                    "sender": who(&message["sender"]["id"]),
                    "receiver": who(&message["receiver"]["id"]),
                    "channel": message["channel"],
                    "public": message["public"],
                    "created": message["created_datetime"],
                    "sent": message["sent_datetime"],
                    "files": files,
                })
            })
            .collect();
        let mut tags: Vec<Value> = ticket["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .map(|tag| tag["name"].clone())
            .collect();
        tags.sort_by_key(Value::to_string);
        json!({
            "id": ticket["external_id"],
            "subject": ticket["subject"],
            "status": ticket["status"],
            "customer": who(&ticket["customer"]["id"]),
            "assignee": who(&ticket["assignee_user"]["id"]),
            "created": ticket["created_datetime"],
            "closed": ticket["closed_datetime"],
            "last": ticket["last_message_datetime"],
            "spam": ticket["spam"],
            "tags": tags,
            "messages": messages,
        })
    }

    /// A text with the addresses of uploads made alike.
    fn plain(&self, text: &Value) -> Value {
        let Some(text) = text.as_str() else { return text.clone() };
        let prefix = format!("{}/uploads/", self.origin);
        let mut parts = text.split(&prefix);
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(['"', ')', ' ', '<']).unwrap_or(part.len());
            plain.push_str("UPLOAD");
            plain.push_str(&part[end..]);
        }
        plain.into()
    }

    /// What must hold after every replay, however it went.
    pub fn assert_quiet(&self) {
        let counters = self.emulator.counters();
        assert_eq!(counters.outbox, 0, "a message would have reached a person");
        assert_eq!(counters.foreign_files, 0, "a file points to the source");
        assert_eq!(counters.nested_mutations, 0, "a reference changed its record");
        assert_eq!(counters.customers_by_mention, 0, "a reference made a customer");
        assert_eq!(counters.reattributed_notes, 0, "a note became the bot's");
        assert_eq!(counters.agent_messages_by_customers, 0, "a customer wrote as an agent");
    }
}

pub fn client(key: &str) -> Client {
    a_client(key, 5_000)
}

/// A client that does not wait for long.
pub fn client_with_timeout(timeout_ms: u64) -> Client {
    a_client(KEY, timeout_ms)
}

fn a_client(key: &str, timeout_ms: u64) -> Client {
    let headers = vec![("authorization".to_owned(), http::basic(ADMIN, key))];
    let clock = Arc::new(SystemClock);
    let pace = Pace::unlimited();
    Client::new(ClientOptions { headers, timeout_ms, pace, policy: QUICK, clock })
        .expect("a client")
}

type Names = BTreeMap<String, String>;

fn names(people: &[Value]) -> Names {
    let names = people
        .iter()
        .map(|one| (one["id"].to_string(), one["name"].as_str().unwrap_or_default().to_owned()));
    names.collect()
}

pub fn snapshot() -> SnapshotId {
    SnapshotId { platform: "crisp".into(), number: 1 }
}

pub fn options() -> Options {
    Options {
        run: RUN,
        snapshots: vec![snapshot()],
        lookup: Patience { looks: 2, pause_first_ms: 2 },
        permission: None,
        ..Options::default()
    }
}
