//! Files that do not simply arrive: what each address below `/users/odd/` answers.
//!
//! It knows HTTP, and nothing of the messages that point here.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use super::{Site, lock, shop, wire};

/// The odd cases by the name in their address; with an address of their own where a message holds
/// one that leads elsewhere without any redirect.
pub(super) const CASES: [(&str, Option<&str>); 16] = [
    ("whole", None),
    ("missing", None),
    ("forbidden", None),
    ("gone", None),
    ("moved", None),
    ("loop", None),
    ("elsewhere", None),
    ("metadata", None),
    ("huge", None),
    ("endless", None),
    ("slow", None),
    ("short", None),
    ("flaky", None),
    ("broken", None),
    ("direct-loopback", Some("http://127.0.0.1:1/secret.png")),
    ("direct-link-local", Some("http://169.254.169.254/latest/meta-data/")),
];

/// What a huge file says of itself: 1 TiB.
const HUGE_BYTES: u64 = 1 << 40;

const CHUNK_BYTES: usize = 64 * 1_024;

const PNG: &str = "image/png";

/// Answers a path below `/users/odd/`: a case and a name that may be anything.
pub(super) fn answer(site: &Site, path: &str, slow_file_ms: u64) -> Response<Body> {
    let (case, name) = path.split_once('/').unwrap_or((path, ""));
    let plain =
        |status, message: &'static str| wire::response(status, "text/plain", Body::from(message));
    let picture = shop::picture(name);
    match case {
        "whole" => wire::response(200, PNG, Body::from(picture)),
        "missing" => plain(404, "no such file"),
        "forbidden" => plain(403, "the link has expired"),
        "gone" => plain(410, "the file was removed"),
        "moved" => redirect(&format!("/users/odd/whole/{name}")),
        // Every answer names another address, so that remembering addresses does not end it.
        "loop" => redirect(&format!("/users/odd/loop/{}", next_name(name))),
        "elsewhere" => redirect("http://127.0.0.1:1/secret.png"),
        "metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
        "huge" => {
            let mut response = wire::response(200, PNG, Body::from_stream(zeros()));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(HUGE_BYTES));
            response
        }
        "endless" => wire::response(200, PNG, Body::from_stream(zeros())),
        "slow" => wire::response(200, PNG, slowly(picture, slow_file_ms)),
        "short" => wire::truncated(200, PNG, Bytes::from(picture)),
        "flaky" if lock(&site.emulator.inner.flaky).insert(name.to_owned()) => {
            plain(503, "try again")
        }
        "flaky" => wire::response(200, PNG, Body::from(picture)),
        "broken" => plain(500, "never works"),
        _ => plain(404, "no such case"),
    }
}

fn redirect(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, wire::header_value(address));
    response
}

/// `7.png` after `6.png`; a name without a number begins at 1.
fn next_name(name: &str) -> String {
    let number: u64 = name.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    format!("{}.png", number.wrapping_add(1))
}

/// Zeros until nobody reads any more.
fn zeros() -> impl Stream<Item = Result<Bytes, Infallible>> {
    let chunk = Bytes::from(vec![0; CHUNK_BYTES]);
    stream::repeat(chunk).then(async |chunk| {
        tokio::task::yield_now().await;
        Ok(chunk)
    })
}

/// Half of the bytes at once and the other half after a while.
fn slowly(bytes: Vec<u8>, wait_ms: u64) -> Body {
    let bytes = Bytes::from(bytes);
    let (first, second) = (bytes.slice(..bytes.len() / 2), bytes.slice(bytes.len() / 2..));
    let late = async move {
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        Ok::<Bytes, Infallible>(second)
    };
    Body::from_stream(stream::iter([Ok(first)]).chain(stream::once(late)))
}
