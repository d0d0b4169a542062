//! An API without any data: it answers what a test tells it to and notes what it was asked.
//!
//! It is for ways of paging, of being recognized and of failing that no vendor's stand-in has. It
//! knows no platform.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;

/// The largest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// One request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In capitals.
    pub method: String,
    /// Without the query, still escaped.
    pub path: String,
    /// The query's names and values, decoded; of doubled names the last.
    pub query: BTreeMap<String, String>,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// Status 200 with this JSON.
    pub fn json(body: &serde_json::Value) -> Self {
        Self::status(200, body.to_string())
    }

    /// A status and a body.
    pub fn status(status: u16, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into() }
    }
}

/// A server that answers by a function. Cloning it is cheap; clones share what was asked.
#[derive(Clone)]
pub struct Plain {
    answer: Arc<dyn Fn(&Asked) -> Answer + Send + Sync>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Plain {
    /// A server that answers like this.
    pub fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default() }
    }

    /// Everything that was asked so far, in its order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves until the listener fails.
    ///
    /// # Errors
    /// What the listener says.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, Router::new().fallback(handle).with_state(self)).await
    }
}

async fn handle(State(plain): State<Plain>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.unwrap_or_default(),
    };
    plain.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    response((plain.answer)(&asked))
}

fn response(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("tests use real statuses");
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).expect("tests use names that headers can have");
        let value = HeaderValue::try_from(value).expect("tests use values that headers can have");
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_as_told_and_notes_what_it_was_asked() {
        let plain =
            Plain::new(|asked| Answer::status(if asked.path == "/a%2Fb" { 207 } else { 404 }, "x"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("is bound");
        tokio::spawn(plain.clone().serve(listener));
        let request = reqwest::Client::new().post(format!("http://{address}/a%2Fb?n=1%202"));
        let reply = request.header("X-Key", "k").body("body").send().await.expect("answers");
        assert_eq!(reply.status(), 207);
        assert_eq!(reply.text().await.expect("is text"), "x");
        let asked = plain.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].method.as_str(), &asked[0].body[..]), ("POST", &b"body"[..]));
        assert_eq!(
            (asked[0].query["n"].as_str(), asked[0].headers["x-key"].as_str()),
            ("1 2", "k")
        );
    }
}
