//! The Gorgias stand-in, called over HTTP as a loader would call it. Each test names one thing a
//! bad loader trips over. Everything happens on 127.0.0.1.

use std::time::Duration;

use deskferry_emulator::gorgias::{Agent, Emulator, Options};
use reqwest::{Method, Response};
use serde_json::{Value, json};

mod lists;
mod messages;
mod records;
mod refusals;
mod trouble;

/// A served stand-in and a client for it.
struct Desk {
    emulator: Emulator,
    origin: String,
    client: reqwest::Client,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn options() -> Options {
    let agent = |email: &str, name: &str| Agent {
        email: email.to_owned(),
        name: name.to_owned(),
        role: "agent".to_owned(),
    };
    Options { agents: vec![agent("ada@shop.example", "Ada Agent")], ..Options::default() }
}

async fn serve(options: Options) -> Desk {
    let emulator = Emulator::new(options).expect("the stand-in starts");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
    let server = tokio::spawn(emulator.clone().serve(listener));
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("the client is built");
    Desk { emulator, origin, client, server }
}

impl Desk {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}/api/{path}", self.origin))
            .basic_auth("admin@shop.example", Some("demo-gorgias-key"))
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        let sent = self.request(method, path).json(&body).send().await;
        sent.expect("the stand-in answers")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        parts(self.request(Method::GET, path).send().await.expect("it answers")).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        parts(self.send(Method::POST, path, body).await).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        parts(self.send(Method::PUT, path, body).await).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        parts(self.request(Method::DELETE, path).send().await.expect("it answers")).await
    }

    async fn control(&self, body: Value) -> u16 {
        let url = format!("{}/_emulator/faults", self.origin);
        self.client.post(url).json(&body).send().await.expect("it answers").status().as_u16()
    }

    async fn customer(&self, email: &str) -> u64 {
        let body = json!({"name": "Grace Brewster Hopper", "channels": [
            {"type": "email", "address": email, "preferred": true}]});
        let (status, customer) = self.post("customers", body).await;
        assert_eq!(status, 201, "{customer}");
        id(&customer)
    }

    async fn agent(&self) -> u64 {
        id(&self.get("users?email=ada@shop.example").await.1["data"][0])
    }

    async fn ticket(&self, customer: u64, external_id: &str) -> Value {
        let body = ticket(external_id, vec![incoming(customer)]);
        let (status, ticket) = self.post("tickets", body).await;
        assert_eq!(status, 201, "{ticket}");
        ticket
    }
}

async fn parts(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("the body arrives");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn id(record: &Value) -> u64 {
    record["id"].as_u64().expect("a record has an id")
}

fn incoming(customer: u64) -> Value {
    json!({
        "channel": "api", "via": "api", "from_agent": false, "sender": {"id": customer},
        "body_text": "where is my coffee", "external_id": "m1",
        "created_datetime": "2024-03-01T10:00:00Z", "sent_datetime": "2024-03-01T10:00:00Z",
    })
}

fn outgoing(agent: u64, customer: u64) -> Value {
    json!({
        "channel": "api", "via": "api", "from_agent": true, "sender": {"id": agent},
        "receiver": {"id": customer}, "body_text": "on its way",
        "created_datetime": "2024-03-01T11:00:00Z", "sent_datetime": "2024-03-01T11:00:00Z",
    })
}

fn note(agent: u64) -> Value {
    json!({
        "channel": "internal-note", "via": "api", "from_agent": true, "public": false,
        "sender": {"id": agent}, "body_text": "be kind",
        "created_datetime": "2024-03-01T12:00:00Z", "sent_datetime": "2024-03-01T12:00:00Z",
    })
}

fn ticket(external_id: &str, messages: Vec<Value>) -> Value {
    json!({
        "external_id": external_id, "channel": "api", "via": "api", "status": "open",
        "imported": true, "created_datetime": "2024-03-01T10:00:00Z", "messages": messages,
    })
}

fn field_errors(body: &Value) -> Vec<&str> {
    let data = body["error"]["data"].as_object();
    data.map(|data| data.keys().map(String::as_str).collect()).unwrap_or_default()
}
