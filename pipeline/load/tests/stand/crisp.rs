//! Crisp as a stand: its stand-in, and what a plan means to it, in the form of the judge.
//!
//! It reads the plan's rows and the stand-in's own state, and must not know the loader. Plans are
//! written for Gorgias and turned into what the SQL of Crisp writes.

mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use deskferry_load::Crisp;
use deskferry_load::crisp::{Generation, Hosting, Plan, Setup};
use emulator::crisp::{
    DEMO_IDENTIFIER, DEMO_KEY, DEMO_WEBSITE_ID, Data, Emulator, Faults, Operator, Options, Quirks,
};
use http::{Client, ClientOptions, Pace};
use landing::exchange::sha256;
use landing::{Warehouse, layout};
use serde_json::{Value, json};

use super::{Stand, Trouble};
use crate::campaign::judge::Holdings;
use crate::plan_tables::PlanTables;
use crate::shop::files;
use crate::stage::{QUICK, RUN, SystemClock, snapshot};

/// Where the files of a plan are served.
const FILES: &str = "https://files.shop.example/archive";
/// The operator who is there.
const ANNA: &str = "anna@shop.example";

pub struct CrispStage {
    pub warehouse: Warehouse,
    pub emulator: Emulator,
    pub origin: String,
    pub client: Client,
    /// Whether drivers may make articles public.
    pub publishes: bool,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for CrispStage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl CrispStage {
    /// The same with a setting of a test's own.
    pub async fn with(plan: &PlanTables, setting: Options) -> Self {
        let warehouse = Warehouse::open("memory://").expect("opens");
        Self::over(Self::client(5_000), plan, setting, warehouse).await
    }

    pub async fn over(
        client: Client,
        plan: &PlanTables,
        setting: Options,
        warehouse: Warehouse,
    ) -> Self {
        let operator = |email: &str, name: &str, role: &str| Operator {
            email: email.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
        };
        let operators =
            vec![operator("Owner@shop.example", "Olga", "owner"), operator(ANNA, "Anna", "member")];
        let data = Data::Empty(operators);
        let options = Options { data, writable: true, ..setting };
        let emulator = Emulator::new(options).expect("the stand-in starts");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let serving = emulator.clone();
        let server = tokio::spawn(async move {
            serving.serve(listener).await.expect("serves");
        });
        plan.write(&warehouse, RUN).await;
        let publishes = true;
        let stage = Self { warehouse, emulator, origin, client, publishes, server };
        for (_, bytes) in files() {
            stage.land(bytes.to_vec()).await;
        }
        stage
    }

    /// A driver that has files to serve, or none.
    pub fn driver(&self, has_files: bool) -> Crisp {
        self.driver_of(None, has_files)
    }

    /// The same for a plan.
    pub fn driver_of(&self, plan: Option<Plan>, has_files: bool) -> Crisp {
        self.driver_with(plan, has_files, None)
    }

    /// The same for a help center.
    pub fn driver_with(
        &self,
        plan: Option<Plan>,
        has_files: bool,
        help_center: Option<Generation>,
    ) -> Crisp {
        let store = self.warehouse.clone();
        let files = has_files.then(|| Hosting { store, base_url: format!("{FILES}/") });
        let setup = Setup { plan, files, help_center, clock: Arc::new(SystemClock) };
        let base_url = format!("{}/v1", self.origin);
        Crisp::new(self.client.clone(), &base_url, DEMO_WEBSITE_ID, setup)
            .with_policy(QUICK)
            .publishing(self.publishes)
    }
}

#[async_trait]
impl Stand for CrispStage {
    type Driver = Crisp;

    const CALLS: &'static [(&'static str, &'static str)] = &[
        ("GET", "/operators/list"),
        ("GET", "/conversations/{page}"),
        ("POST", "/people/profile"),
        ("PATCH", "/people/data/{people_id}"),
        ("POST", "/conversation"),
        ("PATCH", "/conversation/{session_id}/meta"),
        ("POST", "/conversation/{session_id}/message"),
        ("GET", "/conversation/{session_id}/message/{fingerprint}"),
        ("PATCH", "/conversation/{session_id}/read"),
        ("PATCH", "/conversation/{session_id}/routing"),
        ("PATCH", "/conversation/{session_id}/block"),
        ("PATCH", "/conversation/{session_id}/state"),
    ];

    const THREADS_FEW: usize = 2;

    const LEAVES_UNNAMED: bool = true;
    const LEDGER_READS_FAIL: f64 = 0.015;

    fn client(timeout_ms: u64) -> Client {
        let headers = vec![
            ("authorization".to_owned(), http::basic(DEMO_IDENTIFIER, DEMO_KEY)),
            ("x-crisp-tier".to_owned(), "plugin".to_owned()),
        ];
        let (pace, clock) = (Pace::unlimited(), Arc::new(SystemClock));
        Client::new(ClientOptions { headers, timeout_ms, pace, policy: QUICK, clock })
            .expect("a client")
    }

    fn plan(plan: PlanTables) -> PlanTables {
        rows::for_crisp(&plan)
    }

    async fn start(
        client: Client,
        plan: &PlanTables,
        trouble: Trouble,
        warehouse: Warehouse,
    ) -> Self {
        let Trouble { faults: around, lag_ms } = trouble;
        // What arrives after the end would open its conversation again, which nobody can prevent.
        let reopens = around.late == 0.0 && around.duplicate == 0.0;
        // What was read before is given again for a while.
        let (store_lag_ms, cache_ms) = (lag_ms / 4, lag_ms);
        let quirks = Quirks { store_lag_ms, cache_ms, reopens, ..Quirks::default() };
        let faults = Faults { around, ..Faults::default() };
        let setting = Options { quirks, faults, ..Options::default() };
        Self::over(client, plan, setting, warehouse).await
    }

    fn target(&self) -> Crisp {
        self.driver(true)
    }

    fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    async fn land(&self, bytes: Vec<u8>) {
        let path = layout::file(&snapshot(), &sha256(&bytes));
        self.warehouse.put(&path, bytes).await.expect("the file is landed");
    }

    fn clear(&self) {
        self.emulator.set_faults(Faults::default());
        self.emulator.set_quirks(Quirks::default());
    }

    fn writes(&self) -> u64 {
        self.emulator.counters().writes_attempted
    }

    fn planned(plan: &PlanTables) -> Holdings {
        let sheet = Sheet::new(plan);
        let mut holdings = Holdings {
            customers: plan.customers.iter().map(planned_customer).collect(),
            tags: Vec::new(),
            tickets: plan.tickets.iter().map(|ticket| sheet.ticket(ticket)).collect(),
            pages: Vec::new(),
        };
        holdings.sort();
        holdings
    }

    fn found(&self) -> Holdings {
        let records = self.emulator.records();
        let list = |name: &str| records[name].as_array().expect("a list").iter();
        let operators = list("operators").map(|one| {
            let email = one["details"]["email"].as_str().expect("is text").to_lowercase();
            (one["details"]["user_id"].to_string(), json!(email))
        });
        let operators: BTreeMap<String, Value> = operators.collect();
        let customers = list("people").map(|one| {
            let data = without_our_id(&one["_data"]);
            json!([one["email"], one["person"]["nickname"], one["person"]["phone"], data])
        });
        // The empty places that lost replies left hold nothing of anybody.
        let filled = list("conversations").filter(|one| {
            one["messages"].as_array().is_some_and(|list| !list.is_empty())
                || one["meta"]["data"]["deskferry_id"].is_string()
        });
        let mut holdings = Holdings {
            customers: customers.collect(),
            tags: Vec::new(),
            tickets: filled.map(|one| found_ticket(one, &operators)).collect(),
            pages: Vec::new(),
        };
        holdings.sort();
        holdings
    }

    fn assert_quiet(&self) {
        let counters = self.emulator.counters();
        assert_eq!(counters.outbox, 0, "a message would have reached a person");
        assert_eq!(counters.side_effects, 0, "the service was asked to act");
        assert_eq!(counters.untimed, 0, "a message lost its time");
        assert_eq!(counters.profiles_by_meta, 0, "a conversation made a profile");
    }

    fn count(&self) -> u64 {
        let holdings = self.emulator.counters().holdings;
        holdings.conversations + holdings.messages + holdings.people
    }
}

/// JSON that a column holds as text.
pub fn parsed(value: &Value) -> Value {
    let text = value.as_str().unwrap_or("null");
    serde_json::from_str(text).expect("the column holds JSON")
}

fn planned_customer(one: &Value) -> Value {
    let meta = parsed(&one["meta"]);
    let mut data = meta["data"].clone();
    data.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    json!([one["email"], meta["person"]["nickname"], meta["person"]["phone"], data])
}

/// The key of a message, written out again here.
fn fingerprint(message_id: &str) -> i64 {
    let hash = sha256(message_id.as_bytes());
    let bits = u64::from_str_radix(&hash[..16], 16).expect("is hexadecimal") >> 11;
    bits.max(1) as i64
}

fn millis(value: &Value) -> i64 {
    let moment = value.as_str().and_then(kernel::Instant::parse).expect("a moment");
    moment.micros().div_euclid(1_000)
}

/// A planned text with the addresses of files replaced by their contents' hashes.
pub fn placed(text: &Value, files: &[Value]) -> Value {
    let Some(text) = text.as_str() else { return Value::Null };
    let place = |text: String, file: &Value| {
        let (url, sha256) = (file["url"].as_str(), file["sha256"].as_str());
        let (url, sha256) = (url.expect("is text"), sha256.expect("is text"));
        let hash = format!("upload:{sha256}");
        text.replace(&url.replace('&', "&amp;"), &hash).replace(url, &hash)
    };
    files.iter().fold(text.to_owned(), place).into()
}

/// A found text with the addresses of files replaced likewise.
pub fn hashed(text: &Value) -> Value {
    let Some(text) = text.as_str() else { return Value::Null };
    let prefix = format!("{FILES}/");
    let mut parts = text.split(&prefix);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (sha256, rest) = part.split_at(64);
        let end = rest.find(['"', ')', ' ', '<']).unwrap_or(rest.len());
        plain.push_str(&format!("upload:{sha256}{}", &rest[end..]));
    }
    plain.into()
}

struct Sheet<'a> {
    plan: &'a PlanTables,
}

impl<'a> Sheet<'a> {
    fn new(plan: &'a PlanTables) -> Self {
        Self { plan }
    }

    /// The operator who is an agent of the plan.
    fn operator(&self, id: &Value) -> Option<Value> {
        let agent = self.plan.agents.iter().find(|one| one["agent_id"] == *id)?;
        (agent["email"] == ANNA).then(|| json!(ANNA))
    }

    fn ticket(&self, ticket: &Value) -> Value {
        let meta = parsed(&ticket["meta"]);
        let own = self.plan.messages.iter().filter(|one| one["ticket_id"] == ticket["ticket_id"]);
        let mut messages: Vec<Value> = own.map(|one| self.message(one)).collect();
        messages.sort_by_key(place);
        let mut tags = parsed(&ticket["tags"]);
        tags.as_array_mut().expect("a list").sort_by_key(Value::to_string);
        json!({
            "id": ticket["external_id"], "subject": ticket["subject"],
            "status": ticket["status"], "origin": ticket["channel"],
            "customer": meta.get("email").cloned().unwrap_or_default(),
            "nickname": meta["nickname"], "phone": meta["phone"], "device": meta["device"],
            "data": meta["data"], "tags": tags, "blocked": ticket["spam"],
            "assignee": self.operator(&ticket["assignee_agent_id"]), "messages": messages,
        })
    }

    fn message(&self, message: &Value) -> Value {
        let id = message["message_id"].as_str().expect("is text");
        let files = parsed(&message["attachments"]);
        let files = files.as_array().expect("a list");
        let is_public = message["public"] == true;
        let (kind, content) = match message["body_text"].is_null() {
            true => {
                let (file, sha256) = (&files[0], files[0]["sha256"].as_str().expect("is text"));
                let url = format!("upload:{sha256}");
                ("file", json!({"name": file["name"], "url": url, "type": file["content_type"]}))
            }
            false if is_public => ("text", placed(&message["body_text"], files)),
            false => ("note", placed(&message["body_text"], files)),
        };
        let mentions = parsed(&message["mention_agent_ids"]);
        let mentions = mentions.as_array().cloned().unwrap_or_default();
        let mentions: Vec<Value> = mentions.iter().filter_map(|id| self.operator(id)).collect();
        json!({
            "id": id, "fingerprint": fingerprint(id), "type": kind, "content": content,
            "from": if message["from_agent"] == true { "operator" } else { "user" },
            "html": if kind == "text" { placed(&message["body_html"], files) } else { Value::Null },
            "sent": millis(&message["sent_at"]), "nickname": message["source_from_name"],
            "mentions": if is_public { Vec::new() } else { mentions },
        })
    }
}

/// Messages of one moment have no order of their own.
fn place(message: &Value) -> (i64, i64) {
    let number = |name: &str| message[name].as_i64().unwrap_or_default();
    (number("sent"), number("fingerprint"))
}

fn without_our_id(data: &Value) -> Value {
    let mut data = data.clone();
    if let Some(data) = data.as_object_mut() {
        data.remove("deskferry_id");
    }
    data
}

fn found_ticket(one: &Value, operators: &BTreeMap<String, Value>) -> Value {
    let meta = &one["meta"];
    let messages = one["messages"].as_array().expect("a list").iter();
    let mut messages: Vec<Value> =
        messages.map(|message| found_message(message, operators)).collect();
    messages.sort_by_key(place);
    let mut tags = meta["segments"].clone();
    tags.as_array_mut().expect("a list").sort_by_key(Value::to_string);
    let email = meta["email"].as_str().filter(|email| !email.is_empty());
    json!({
        "id": meta["data"]["deskferry_id"], "subject": meta["subject"], "status": one["state"],
        "origin": meta["origin"], "customer": email, "nickname": meta["nickname"],
        "phone": meta["phone"], "device": meta["device"], "data": without_our_id(&meta["data"]),
        "tags": tags, "blocked": one["is_blocked"],
        "assignee": operators.get(&one["assigned"]["user_id"].to_string()),
        "messages": messages,
    })
}

fn found_message(message: &Value, operators: &BTreeMap<String, Value>) -> Value {
    let content = &message["content"];
    let content = match content.is_object() {
        true => json!({"name": content["name"], "type": content["type"],
                       "url": hashed(&content["url"])}),
        false => hashed(content),
    };
    let mentions = message["mentions"].as_array().cloned().unwrap_or_default();
    let mentions = mentions.iter().map(|id| operators.get(&id.to_string()));
    json!({
        "id": message["properties"]["deskferry_id"], "fingerprint": message["fingerprint"],
        "type": message["type"], "content": content, "from": message["from"],
        "html": hashed(&message["original"]["content"]), "sent": message["timestamp"],
        "nickname": message["user"]["nickname"], "mentions": mentions.collect::<Vec<_>>(),
    })
}
