use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use emulator::plain::{Answer, Asked, Plain};
use kernel::retry::Policy;
use serde_json::json;

use super::*;
use crate::manifest::tests::sample;

/// A clock that a test moves.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn auth(authenticator: &str, url: &str, clock: Arc<Hand>) -> Result<Auth> {
    let spec = "[spec.key]\nmeaning = \"m\"\nsecret = true";
    let stream = "[[streams]]\nname = \"s\"\npath = \"/s\"\nkey = [\"x\"]";
    let manifest = sample(&format!("authenticator = {authenticator}\n{spec}"), stream)?;
    let settings = [("key", "s3cr3t"), ("tier", "plugin")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let policy = Policy { pause_first_ms: 1, pause_max_ms: 1, ..Policy::default() };
    let client = ClientOptions {
        headers: Vec::new(),
        timeout_ms: 5_000,
        pace: Pace::unlimited(),
        policy,
        clock,
    };
    Auth::with(&manifest.authenticator, &settings, url, client)
}

async fn applied(auth: &Auth) -> Result<Request> {
    let mut request = Request::get("https://p.example/s?a=b%20c");
    auth.apply(&mut request).await.map(|()| request)
}

async fn serve(plain: &Plain) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
    tokio::spawn(plain.clone().serve(listener));
    url
}

#[tokio::test]
async fn every_kind_of_key_travels_where_the_manifest_says() {
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let bearer = "{ type = \"BearerAuthenticator\", api_token = \"{{ config.key }}\" }";
    let cases = [
        ("{ type = \"NoAuth\" }".to_owned(), vec![]),
        (bearer.to_owned(), header("authorization", "Bearer s3cr3t")),
        (
            "{ type = \"http_basic\", username = \"me\", password = \"{{ config.key }}\" }".to_owned(),
            header("authorization", &http::basic("me", "s3cr3t")),
        ),
        (
            "{ type = \"ApiKeyAuthenticator\", api_token = \"{{ config.key }}\", field_name = \"x-key\" }".to_owned(),
            header("x-key", "s3cr3t"),
        ),
        (
            format!("{{ type = \"SelectiveAuthenticator\", authenticator_selection = \"tier\", authenticators = {{ website = {{ type = \"NoAuth\" }}, plugin = {bearer} }} }}"),
            header("authorization", "Bearer s3cr3t"),
        ),
    ];
    for (authenticator, expected) in cases {
        let auth = auth(&authenticator, "http://127.0.0.1:1", Arc::default());
        let auth = auth.expect("has what it needs");
        let request = applied(&auth).await.expect("is applied");
        assert_eq!(request.headers, expected, "{authenticator}");
        assert_eq!(request.url, "https://p.example/s?a=b%20c");
        assert!(!auth.can_refresh());
    }
}

#[tokio::test]
async fn a_key_in_the_query_is_on_the_call_and_never_on_the_address_that_is_kept() {
    let authenticator = "{ type = \"api_key\", api_key = \"{{ config.key }}\", location = \"query\", name = \"key\" }";
    let auth = auth(authenticator, "http://127.0.0.1:1", Arc::default()).expect("builds");
    let request = applied(&auth).await.expect("is applied");
    assert_eq!(request.url, "https://p.example/s?a=b+c&key=s3cr3t");
    let mut next = Url::parse("https://p.example/s?page=2&key=s3cr3t").expect("is one");
    auth.strip(&mut next);
    assert_eq!(next.as_str(), "https://p.example/s?page=2");
    let mut request = Request::get("https://p.example/s?key=old&page=2");
    auth.apply(&mut request).await.expect("is applied");
    assert_eq!(request.url, "https://p.example/s?page=2&key=s3cr3t");
}

#[tokio::test]
async fn a_choice_without_an_authenticator_is_refused() {
    let authenticator = "{ type = \"SelectiveAuthenticator\", authenticator_selection = \"tier\", authenticators = { website = { type = \"NoAuth\" } } }";
    let refused = auth(authenticator, "http://127.0.0.1:1", Arc::default()).err();
    let fault = refused.expect("plugin is not among them");
    assert_eq!(fault.kind(), Kind::FixConfig);
}

/// A token endpoint that gives `t1`, `t2` and so on, and a new refresh token each time.
fn token_endpoint() -> Plain {
    let given = AtomicU64::new(0);
    Plain::new(move |asked: &Asked| {
        let fields = url::form_urlencoded::parse(&asked.body);
        let fields: BTreeMap<String, String> = fields.into_owned().collect();
        if fields.get("client_secret").map(String::as_str) != Some("s3cr3t") {
            return Answer::status(400, "{\"error\":\"invalid_client s3cr3t\"}");
        }
        let number = given.fetch_add(1, Ordering::Relaxed) + 1;
        Answer::json(&json!({
            "access_token": format!("t{number}"),
            "expires_in": 3_600,
            "refresh_token": format!("r{number}"),
        }))
    })
}

const OAUTH: &str = "{ type = \"OAuthAuthenticator\", token_refresh_endpoint = \"/oauth/token\", client_id = \"id\", client_secret = \"{{ config.key }}\", grant_type = \"refresh_token\", refresh_token = \"r0\", scopes = [\"a\", \"b\"] }";

#[tokio::test]
async fn a_token_is_used_until_shortly_before_it_runs_out_and_then_replaced() {
    let plain = token_endpoint();
    let url = serve(&plain).await;
    let clock = Arc::new(Hand::default());
    let auth = auth(OAUTH, &url, clock.clone()).expect("builds");
    let token = async |at_ms: i64| {
        clock.0.store(at_ms, Ordering::Relaxed);
        applied(&auth).await.expect("is applied").headers[0].1.clone()
    };
    assert_eq!(token(0).await, "Bearer t1");
    assert_eq!(token(3_539_999).await, "Bearer t1");
    assert_eq!(token(3_540_000).await, "Bearer t2");
    let asked = plain.asked();
    let bodies: Vec<&str> =
        asked.iter().map(|asked| std::str::from_utf8(&asked.body).expect("is text")).collect();
    let body = |refresh: &str| {
        format!(
            "grant_type=refresh_token&client_id=id&client_secret=s3cr3t&refresh_token={refresh}&scope=a+b"
        )
    };
    assert_eq!(bodies, [body("r0"), body("r1")], "the newest refresh token is handed in");
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/v1/oauth/token"));
}

#[tokio::test]
async fn a_token_that_is_refused_is_given_up_once_for_all_calls_in_flight() {
    let plain = token_endpoint();
    let url = serve(&plain).await;
    let clock = Arc::new(Hand::default());
    let auth = auth(OAUTH, &url, clock.clone()).expect("builds");
    assert!(auth.can_refresh());
    applied(&auth).await.expect("is applied");
    clock.0.store(10_000, Ordering::Relaxed);
    for _ in 0..3 {
        auth.refresh().await.expect("gives it up");
        let request = applied(&auth).await.expect("is applied");
        assert_eq!(request.headers[0].1, "Bearer t2");
    }
    assert_eq!(plain.asked().len(), 2);
}

#[tokio::test]
async fn a_refused_client_is_a_fault_of_the_configuration_without_the_secret() {
    let plain = token_endpoint();
    let url = serve(&plain).await;
    let wrong = OAUTH.replace("{{ config.key }}", "wrong-{{ config.key }}");
    let auth = auth(&wrong, &url, Arc::default()).expect("builds");
    let fault = applied(&auth).await.expect_err("is refused");
    assert_eq!(fault.kind(), Kind::FixConfig);
    let text = format!("{fault:?} {} {fault}", fault.advice());
    assert!(fault.to_string().contains("access token") && !text.contains("s3cr3t"), "{text}");
}
