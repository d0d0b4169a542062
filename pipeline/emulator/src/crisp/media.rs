//! Uploaded files: a plain GET of bytes, as from the vendor's storage host.
//!
//! A request that carries credentials is refused, so that a client which leaks them fails here.

use std::io;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Response};
use bytes::Bytes;

use super::Site;
use super::odd_files;
use super::options::FaultKind;
use super::store::Content;
use super::wire;

/// Answers a path below `/users/`. The last segment but one is the file's id.
pub(crate) async fn answer(site: &Site, path: &str, headers: &HeaderMap) -> Response<Body> {
    if headers.contains_key(AUTHORIZATION) {
        site.count(|counters| counters.files_with_credentials += 1);
        return plain(400, "a file is fetched without credentials");
    }
    let fault = site.fault(path, true).await;
    match fault {
        Some(FaultKind::Status(status)) => return plain(status, "try again"),
        Some(FaultKind::NonJson) => return plain(502, "bad gateway"),
        Some(FaultKind::Dropped) => return wire::dropped(),
        Some(FaultKind::Truncated) | None => {}
    }
    if let Some(odd) = path.strip_prefix("/users/odd/") {
        let slow_file_ms = site.emulator.conduct().quirks.slow_file_ms;
        let response = odd_files::answer(site, odd, slow_file_ms);
        site.count(|counters| {
            counters.files_served += u64::from(response.status().is_success());
            counters.files_missing += u64::from(!response.status().is_success());
        });
        return response;
    }
    let Some((media_type, bytes)) = find(site, path).await else {
        site.count(|counters| counters.files_missing += 1);
        return plain(404, "no such file");
    };
    site.count(|counters| counters.files_served += 1);
    if fault == Some(FaultKind::Truncated) {
        return wire::truncated(200, &media_type, bytes);
    }
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, wire::header_value(&media_type));
    response
}

async fn find(site: &Site, path: &str) -> Option<(String, Bytes)> {
    let mut segments = path.rsplit('/');
    let id = segments.nth(1)?;
    let (media_type, content) = {
        let store = site.emulator.store();
        let (note, content) = store.files.get(id)?;
        (note.media_type.clone(), content.clone())
    };
    match content {
        Content::Memory(bytes) => Some((media_type, bytes)),
        Content::Path(path) => {
            let read: io::Result<Vec<u8>> = tokio::fs::read(path).await;
            Some((media_type, Bytes::from(read.ok()?)))
        }
    }
}

fn plain(status: u16, message: &'static str) -> Response<Body> {
    wire::response(status, "text/plain", Body::from(message))
}
