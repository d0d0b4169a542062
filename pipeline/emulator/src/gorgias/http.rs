//! Owns the transport: credentials, rate limit, bodies, uploads, headers, and the control endpoints
//! under `/_emulator`. It must not know what any endpoint of the vendor does.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Inner;
use super::ask::{Ask, Refusal, to_bytes as json_bytes};
use super::instant::Instant;
use super::routes::{File, UPLOAD_PATH};
use super::store::uuid;

type Shared = Arc<Inner>;

/// All paths.
pub(super) fn router(inner: Shared) -> Router {
    Router::new()
        .route("/_emulator/counters", get(counters))
        .route("/_emulator/outbox", get(outbox))
        .route("/_emulator/faults", post(faults))
        .route("/_emulator/records", get(records))
        .route("/uploads/{hash}/{name}", get(download))
        .fallback(vendor)
        .layer(DefaultBodyLimit::disable())
        .with_state(inner)
}

async fn counters(State(inner): State<Shared>) -> Response {
    answer(200, Some(json_bytes(&inner.counters())))
}

async fn records(State(inner): State<Shared>) -> Response {
    answer(200, Some(json_bytes(&inner.records())))
}

async fn outbox(State(inner): State<Shared>) -> Response {
    let counters = inner.counters();
    answer(
        200,
        Some(json_bytes(&json!({
            "outbox": counters.outbox, "messages": counters.messages_sent,
            "surveys": counters.surveys_sent,
        }))),
    )
}

async fn faults(State(inner): State<Shared>, body: Bytes) -> Response {
    let changed = serde_json::from_slice::<Value>(&body)
        .map_err(|error| error.to_string())
        .and_then(|body| inner.control(&body));
    match changed {
        Ok(now) => answer(200, Some(json_bytes(&now))),
        Err(why) => refuse(&Refusal::new(400, why)),
    }
}

async fn download(
    State(inner): State<Shared>,
    Path((hash, name)): Path<(String, String)>,
) -> Response {
    let path = format!("/uploads/{hash}/{name}");
    let Some((digest, content_type)) = inner.upload(&path) else {
        return refuse(&Refusal::missing());
    };
    let Ok(bytes) = inner.files.read(&digest).await else {
        return refuse(&Refusal::missing());
    };
    let mut response = Response::new(Body::from(bytes));
    let kind = HeaderValue::from_str(&content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// One call of the vendor's API.
async fn vendor(State(inner): State<Shared>, request: Request) -> Response {
    let now = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Some(below) = path.strip_prefix("/api/").map(|below| below.trim_matches('/').to_owned())
    else {
        return refuse(&Refusal::missing());
    };
    let gate = inner.enter(method.as_str(), &below, now);
    let mut response = if !is_authorized(&inner, request.headers()) {
        refuse(&Refusal::new(401, "Unauthorized."))
    } else if let Some(wait_s) = gate.retry_after_s {
        throttled(wait_s)
    } else {
        let performing = inner.clone();
        let perform = move |request| {
            let (inner, below) = (performing.clone(), below.clone());
            async move { perform(&inner, request, below).await }
        };
        gate.around.carry_out(request, perform, trouble).await
    };
    inner.leave(response.status().as_u16());
    let headers = response.headers_mut();
    if let Ok(limit) = HeaderValue::from_str(&gate.limit) {
        headers.insert("x-gorgias-account-api-call-limit", limit);
    }
    if let Ok(id) = HeaderValue::from_str(&uuid(4, gate.number)) {
        headers.insert("x-request-id", id);
    }
    response
}

/// The vendor's error of a status that was injected.
fn trouble(status: u16) -> Response {
    let why = if status == 429 { "Too many requests." } else { "Service unavailable." };
    refuse(&Refusal::new(status, why))
}

async fn perform(inner: &Shared, request: Request, path: String) -> Response {
    let at = Instant::now();
    let query = request.uri().query().unwrap_or_default();
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let method = request.method().as_str().to_owned();
    let is_upload = path == UPLOAD_PATH && request.method() == Method::POST;
    let read = if is_upload { upload(inner, request).await } else { body(inner, request).await };
    match read {
        Ok((raw, body)) => inner.call(Ask { method, path, query, body, raw, at }),
        Err(refusal) => refuse(&refusal),
    }
}

async fn body(inner: &Shared, request: Request) -> Result<(Bytes, Value), Refusal> {
    let is_json = is_type(request.headers(), "json");
    let raw = to_bytes(request.into_body(), inner.body_bytes_max())
        .await
        .map_err(|_| Refusal::new(413, "Payload too large."))?;
    if raw.is_empty() {
        return Ok((raw, Value::Null));
    }
    if !is_json {
        return Err(Refusal::new(400, "Expected a JSON body."));
    }
    let body = serde_json::from_slice(&raw).map_err(|_| Refusal::new(400, "Invalid JSON body."))?;
    Ok((raw, body))
}

async fn upload(inner: &Shared, request: Request) -> Result<(Bytes, Value), Refusal> {
    let broken = || Refusal::new(400, "Expected multipart form data.");
    if !is_type(request.headers(), "multipart/form-data") {
        return Err(broken());
    }
    let bytes_max = inner.upload_bytes_max();
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
    let mut files: Vec<File> = Vec::new();
    while let Some(mut part) = parts.next_field().await.map_err(|_| broken())? {
        let label = part.name().map(str::to_owned);
        let name = part.file_name().map(str::to_owned).or(label).unwrap_or_default();
        let content_type = part.content_type().unwrap_or("application/octet-stream").to_owned();
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|_| broken())? {
            if bytes.len() + chunk.len() > bytes_max {
                return Err(Refusal::new(413, "Payload too large."));
            }
            bytes.extend_from_slice(&chunk);
        }
        let size = bytes.len() as u64;
        let kept = inner.files.keep(bytes.into()).await;
        let sha256 = kept.map_err(|_| Refusal::new(500, "The file could not be stored."))?;
        files.push(File { name, content_type, size, sha256 });
    }
    let raw = json_bytes(&files);
    let body = serde_json::from_slice(&raw).map_err(|_| broken())?;
    Ok((raw.into(), body))
}

fn is_type(headers: &HeaderMap, part: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.contains(part))
}

fn is_authorized(inner: &Inner, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
    let Some((scheme, token)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    let expected = format!("{}:{}", inner.options.email, inner.options.api_key);
    let decoded = STANDARD.decode(token.trim()).unwrap_or_default();
    scheme.eq_ignore_ascii_case("basic") && decoded == expected.as_bytes()
}

/// An answer with or without a body.
pub(super) fn answer(status: u16, body: Option<Vec<u8>>) -> Response {
    let has_body = body.is_some();
    let mut response = Response::new(Body::from(body.unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if has_body {
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// An error answer.
pub(super) fn refuse(refusal: &Refusal) -> Response {
    let mut response = answer(refusal.status, Some(refusal.body()));
    locate(&mut response, refusal.location.as_deref());
    response
}

/// Says where the caller should go instead.
pub(super) fn locate(response: &mut Response, location: Option<&str>) {
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
}

fn throttled(wait_s: u64) -> Response {
    let mut response = trouble(429);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}
