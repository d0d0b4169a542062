//! The Crisp stand-in, asked over the wire as any client would ask it.
//!
//! This file owns the harness: a served emulator and a client with its credentials.

mod around;
mod changes;
mod data;
mod gate;
mod helpdesk;
mod helpdesk_writes;
mod lists;
mod messages;
mod moving;
mod odd;
mod people;
mod writes;

use std::collections::BTreeMap;

use deskferry_emulator::crisp::{
    DEMO_IDENTIFIER, DEMO_KEY, DEMO_WEBSITE_ID, Data, Emulator, Options, Quirks,
};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A served emulator; it stops when the value is dropped.
struct Desk {
    emulator: Emulator,
    origin: String,
    http: reqwest::Client,
    task: JoinHandle<std::io::Result<()>>,
}

/// A reply as the tests look at it.
struct Reply {
    status: u16,
    bloom: Option<String>,
    text: String,
    json: Value,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    async fn open(options: Options) -> Desk {
        let emulator = Emulator::new(options).expect("the data is readable");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("a bound address"));
        let task = tokio::spawn(emulator.clone().serve(listener));
        Desk { emulator, origin, http: reqwest::Client::new(), task }
    }

    /// A shop of the demo size.
    async fn shop() -> Desk {
        Desk::open(Options::default()).await
    }

    async fn with_quirks(quirks: Quirks) -> Desk {
        Desk::open(Options { quirks, ..Options::default() }).await
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/website/{DEMO_WEBSITE_ID}/{path}", self.origin);
        let request = self.http.request(method, url);
        request.basic_auth(DEMO_IDENTIFIER, Some(DEMO_KEY)).header("X-Crisp-Tier", "plugin")
    }

    async fn get(&self, path: &str) -> Reply {
        let request = self.request(reqwest::Method::GET, path);
        Reply::of(request.send().await.expect("a reply")).await
    }

    /// The data of a read that must succeed.
    async fn data(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert!(matches!(reply.status, 200 | 206), "{path}: {} {}", reply.status, reply.text);
        assert_eq!(reply.json["error"], false, "{path}");
        reply.json["data"].clone()
    }

    /// All rows of a numbered list, walked until an empty page.
    async fn walk(&self, list: &str, query: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        for page in 1..1_000 {
            let data = self.data(&format!("{list}/{page}?per_page=50&{query}")).await;
            let found = data.as_array().expect("a list");
            if found.is_empty() {
                return rows;
            }
            rows.extend(found.iter().cloned());
        }
        panic!("{list} does not end");
    }

    /// All messages of a conversation, by fingerprint: pages bounded by one millisecond more than
    /// the oldest one seen, which loses nothing at a page edge.
    async fn messages(&self, session_id: &str) -> BTreeMap<i64, Value> {
        let mut found = BTreeMap::new();
        let mut query = String::new();
        for _ in 0..1_000 {
            let reply = self.get(&format!("conversation/{session_id}/messages{query}")).await;
            let page = reply.json["data"].as_array().expect("a list").clone();
            let oldest = page.iter().filter_map(|message| message["timestamp"].as_i64()).min();
            for message in page {
                found.insert(message["fingerprint"].as_i64().expect("an integer"), message);
            }
            match (reply.status, oldest) {
                (206, Some(oldest)) => query = format!("?timestamp_before={}", oldest + 1),
                _ => return found,
            }
        }
        panic!("the messages of {session_id} do not end");
    }

    /// The conversation of each ordinal of the shop: the n-th hard case is the n-th that was made.
    async fn sessions(&self) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        deskferry_emulator::crisp::write_folder(1, 120, folder.path()).expect("a written shop");
        let text = std::fs::read_to_string(folder.path().join("conversations.jsonl"))
            .expect("a readable file");
        text.lines().map(|line| text_at(&json(line), "session_id")).collect()
    }

    async fn control(&self, path: &str, body: &str) -> Reply {
        let url = format!("{}/_emulator/{path}", self.origin);
        let response = self.http.post(url).body(body.to_owned()).send().await.expect("a reply");
        Reply::of(response).await
    }
}

impl Reply {
    async fn of(response: reqwest::Response) -> Reply {
        let status = response.status().as_u16();
        let bloom = response.headers().get("bloom-status");
        let bloom = bloom.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, bloom, text, json }
    }

    fn reason(&self) -> &str {
        self.json["reason"].as_str().expect("an envelope has a reason")
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn text_at(record: &Value, name: &str) -> String {
    record[name].as_str().expect("a text").to_owned()
}

fn ids(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| text_at(row, name)).collect()
}

fn folder(path: &std::path::Path) -> Options {
    Options { data: Data::Folder(path.to_owned()), ..Options::default() }
}
