//! The Kustomer stand-in, called over HTTP as a reader would call it. Each test names one thing a
//! careless reader trips over. Everything happens on 127.0.0.1.

use std::collections::BTreeSet;

use deskferry_emulator::kustomer::{DEMO_API_KEY, Emulator, Options, Quirks, RateHeaders};
use reqwest::Response;
use serde_json::{Value, json};

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

async fn serve(options: Options) -> Desk {
    let emulator = Emulator::new(options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
    let server = tokio::spawn(emulator.clone().serve(listener));
    Desk { emulator, origin, client: reqwest::Client::new(), server }
}

fn quirky(quirks: Quirks) -> Options {
    Options { quirks, ..Options::default() }
}

impl Desk {
    async fn asked(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.origin)).bearer_auth(DEMO_API_KEY);
        request.send().await.expect("it answers")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        parts(self.asked(path).await).await
    }

    async fn search(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/v1/customers/{path}", self.origin));
        let request = request.bearer_auth(DEMO_API_KEY).json(body);
        parts(request.send().await.expect("it answers")).await
    }
}

async fn parts(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

fn ids(body: &Value) -> Vec<String> {
    let data = body["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|record| record["id"].as_str().unwrap_or_default().to_owned()).collect()
}

fn conversations(criteria: Value) -> Value {
    let sort = json!([{ "conversation_updated_at": "asc" }]);
    json!({ "queryContext": "conversation", "and": criteria, "sort": sort })
}

#[tokio::test]
async fn a_list_is_walked_by_relative_links_and_has_page_size_caps() {
    let desk = serve(Options::default()).await;
    let mut path = "/v1/customers?pageSize=30".to_owned();
    let mut seen = BTreeSet::new();
    loop {
        let (status, body) = desk.get(&path).await;
        assert_eq!(status, 200);
        seen.extend(ids(&body));
        match body["links"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
        assert!(path.starts_with("/v1/"), "{path} is relative");
    }
    assert_eq!(seen, desk.emulator.inventory()["customers"]);
    assert_eq!(desk.get("/v1/customers?pageSize=101").await.0, 400);
    assert_eq!(desk.get("/v1/users?pageSize=500").await.0, 200);
    assert_eq!(desk.get("/v1/users?pageSize=501").await.0, 400);
    assert_eq!(desk.get("/v1/sub-statuses").await.0, 400, "resource is required");
}

#[tokio::test]
async fn a_search_ends_at_its_wall_although_it_links_further() {
    let quirks = Quirks { search_pages_max: 3, ..Quirks::default() };
    let desk = serve(quirky(quirks)).await;
    let all = conversations(json!([]));
    let (status, body) = desk.search("search?page=3&pageSize=5", &all).await;
    assert_eq!((status, ids(&body).len()), (200, 5));
    assert!(body["links"]["next"].is_string());
    let (status, body) = desk.search("search?page=4&pageSize=5", &all).await;
    assert_eq!(status, 400);
    assert!(body["errors"][0]["detail"].is_string(), "a JSON:API error: {body}");
}

#[tokio::test]
async fn what_was_updated_before_two_years_is_in_the_archive_alone() {
    let at = 1_717_200_000_000;
    let quirks = Quirks { archive_before_ms: Some(at), ..Quirks::default() };
    let desk = serve(quirky(quirks)).await;
    let all = conversations(json!([]));
    let (_, recent) = desk.search("search?pageSize=500", &all).await;
    let (_, old) = desk.search("archive/search?pageSize=500", &all).await;
    let (recent, old): (BTreeSet<_>, BTreeSet<_>) =
        (ids(&recent).into_iter().collect(), ids(&old).into_iter().collect());
    assert!(!recent.is_empty() && !old.is_empty() && recent.is_disjoint(&old));
    let both: BTreeSet<String> = recent.union(&old).cloned().collect();
    assert_eq!(both, desk.emulator.inventory()["conversations"]);
    let by_status = conversations(json!([{ "conversation_status": { "equals": "open" } }]));
    assert_eq!(desk.search("search", &by_status).await.0, 200);
    assert_eq!(desk.search("archive/search", &by_status).await.0, 400, "fewer attributes there");
}

#[tokio::test]
async fn many_conversations_share_one_moment_of_update() {
    let desk = serve(Options::default()).await;
    let (_, body) = desk.search("search?pageSize=500", &conversations(json!([]))).await;
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for record in body["data"].as_array().expect("is a list") {
        let text = record["attributes"]["updatedAt"].as_str().expect("is there");
        *counts.entry(text.to_owned()).or_default() += 1;
    }
    let (moment, most) = counts.iter().max_by_key(|(_, count)| **count).expect("is there");
    assert!(*most >= 30, "{counts:?}");
    let from = conversations(json!([{ "conversation_updated_at": { "gte": moment } }]));
    let after = conversations(json!([{ "conversation_updated_at": { "gt": moment } }]));
    let (_, from) = desk.search("search?pageSize=500", &from).await;
    let (_, after) = desk.search("search?pageSize=500", &after).await;
    assert_eq!(ids(&from).len() - ids(&after).len(), *most);
}

#[tokio::test]
async fn criteria_that_nobody_knows_are_refused() {
    let desk = serve(Options::default()).await;
    for body in [
        json!({ "queryContext": "invoice" }),
        json!({ "queryContext": "conversation", "where": [] }),
        conversations(json!([{ "customer_name": { "equals": "x" } }])),
        conversations(json!([{ "conversation_status": { "like": "x" } }])),
        conversations(json!([{ "conversation_updated_at": { "gte": "yesterday" } }])),
        json!([]),
    ] {
        assert_eq!(desk.search("search", &body).await.0, 400, "{body}");
    }
    let groups = json!({ "queryContext": "conversation", "or": [
        { "conversation_status": { "equals": "open" } },
        { "conversation_status": { "equals": "done" } },
    ], "not": [{ "conversation_spam": { "equals": true } }] });
    let (status, body) = desk.search("search?idsOnly=true&pageSize=500", &groups).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"][0].as_object().map(|record| record.len()), Some(2));
}

#[tokio::test]
async fn searches_are_limited_apart_from_lists_and_the_reset_may_be_told_only_then() {
    let quirks = Quirks { rate_headers: RateHeaders::ResetWhenLimited, ..Quirks::default() };
    let options = Options { searches_per_window: Some(2), window_ms: 600_000, ..quirky(quirks) };
    let desk = serve(options).await;
    let all = conversations(json!([]));
    assert_eq!(desk.search("search", &all).await.0, 200);
    assert_eq!(desk.search("search", &all).await.0, 200);
    let (status, body) = desk.search("search", &all).await;
    assert_eq!((status, &body["errors"][0]["code"]), (429, &json!("rate_limit")));
    let listed = desk.asked("/v1/tags").await;
    assert_eq!(listed.status(), 200);
    assert!(listed.headers().contains_key("x-ratelimit-remaining"));
    assert!(!listed.headers().contains_key("x-ratelimit-reset"));
}

#[tokio::test]
async fn errors_come_in_two_forms() {
    let refuse = vec!["GET /v1/shortcuts".to_owned(), "GET /v1/kb/routes".to_owned()];
    let desk = serve(quirky(Quirks { refuse, ..Quirks::default() })).await;
    let (status, plain) = desk.get("/v1/shortcuts").await;
    assert_eq!(status, 403);
    assert!(plain["errors"][0]["message"].is_string() && plain["errors"][0]["title"].is_null());
    let (status, json_api) = desk.get("/v1/kb/routes").await;
    assert_eq!(status, 403);
    assert!(json_api["errors"][0]["title"].is_string());
    assert_eq!(desk.get("/v1/tags").await.0, 200);
    assert_eq!(desk.get("/v1/nothing").await.0, 404);
    let without = desk.client.get(format!("{}/v1/tags", desk.origin)).send().await;
    assert_eq!(without.expect("it answers").status(), 401);
    let write = desk.client.post(format!("{}/v1/tags", desk.origin)).bearer_auth(DEMO_API_KEY);
    assert_eq!(write.send().await.expect("it answers").status(), 405);
    assert_eq!(desk.emulator.counters().writes_attempted, 1);
}

#[tokio::test]
async fn a_signed_address_opens_a_file_for_a_while_and_refuses_the_key() {
    let desk = serve(Options::default()).await;
    let attachments = desk.emulator.records("attachments").expect("is a shelf");
    let attachments = attachments.as_array().expect("is a list").clone();
    let (with, without): (Vec<_>, Vec<_>) =
        attachments.iter().partition(|one| one["links"]["related"].is_string());
    assert!(!with.is_empty() && !without.is_empty(), "some have only their metadata");
    let own = with[0]["links"]["self"].as_str().expect("is there");
    let address = |body: &Value| body["data"]["links"]["related"].as_str().map(str::to_owned);
    let good = address(&desk.get(own).await.1).expect("is there");
    let file = desk.client.get(&good).send().await.expect("it answers");
    assert_eq!(file.status(), 200);
    let known = desk.client.get(&good).bearer_auth(DEMO_API_KEY).send().await;
    assert_eq!(known.expect("it answers").status(), 400);
    desk.emulator.set_quirks(Quirks { signed_ms: 0, ..Quirks::default() });
    let old = address(&desk.get(own).await.1).expect("is there");
    assert_eq!(desk.client.get(&old).send().await.expect("it answers").status(), 403);
    let forged = good.replace("signature=", "signature=0");
    assert_eq!(desk.client.get(&forged).send().await.expect("it answers").status(), 403);
    let counters = desk.emulator.counters();
    assert_eq!((counters.files_served, counters.files_with_credentials), (1, 1));
}

#[tokio::test]
async fn bodies_of_articles_come_only_when_they_are_asked_for() {
    let desk = serve(Options::default()).await;
    let (_, bare) = desk.get("/v1/kb/articles?pageSize=500").await;
    assert!(
        bare["data"][0]["attributes"]["langVersions"].as_object().is_some_and(|all| all.is_empty())
    );
    let (_, titles) = desk.get("/v1/kb/articles?includeLang=en_us").await;
    assert!(
        !titles.to_string().contains("htmlBody") && titles.to_string().contains("currentVersion")
    );
    let (_, bodies) = desk.get("/v1/kb/articles?includeLang=fr&includeBody=true").await;
    assert!(bodies.to_string().contains("htmlBody") && !bodies.to_string().contains("\"en_us\":{"));
}

#[tokio::test]
async fn shapes_differ_from_record_to_record_as_they_do_at_the_vendor() {
    let desk = serve(Options::default()).await;
    let messages = desk.emulator.records("messages").expect("is a shelf");
    let messages = messages.as_array().expect("is a list").clone();
    let to = |message: &Value| message["attributes"]["meta"]["to"].clone();
    assert!(messages.iter().any(|message| to(message).is_string()));
    assert!(messages.iter().any(|message| to(message).is_array()));
    assert!(messages.iter().any(|message| to(message).is_object()));
    let kinds: BTreeSet<String> = messages
        .iter()
        .map(|message| message["relationships"]["customer"]["data"]["type"].to_string())
        .collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(messages.iter().all(|message| message["attributes"].get("body").is_none()));
    let (_, customers) = desk.get("/v1/customers").await;
    let customer = &customers["data"][0];
    assert_eq!(customer["relationships"]["order"]["meta"]["kobject"], true);
    assert_eq!(customer["attributes"]["custom"]["ssnStr"], "********");
    let (_, slas) = desk.get("/v1/slas?versions=all").await;
    assert_eq!(slas["included"].as_array().map(Vec::len), Some(2));
    assert!(desk.get("/v1/slas").await.1.get("included").is_none());
}

#[tokio::test]
async fn the_same_seed_gives_the_same_shop() {
    let shop = |seed| Emulator::new(Options { seed, ..Options::default() });
    let messages = |seed| shop(seed).records("messages");
    assert_eq!(messages(4), messages(4));
    assert_ne!(messages(4), messages(5));
}
