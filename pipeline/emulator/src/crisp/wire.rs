//! Bytes on the wire: responses, whole and broken, and the origin in texts.
//!
//! It knows HTTP and nothing of routes or records.

use std::io;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures::{StreamExt, stream};

/// What stands for the origin of files in stored texts.
const FILES_MARK: &str = "@@FILES@@";

/// A response with a status and a media type.
pub(crate) fn response(status: u16, media_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, header_value(media_type));
    response
}

/// A response that announces all its bytes and ends in the middle of them.
pub(crate) fn truncated(status: u16, media_type: &str, bytes: Bytes) -> Response<Body> {
    let announced = bytes.len().max(2);
    let half = bytes.slice(..bytes.len() / 2);
    // The pause lets the server send what it has before the body fails.
    let failure = async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let chunks = stream::iter([Ok(half)]).chain(stream::once(failure));
    let mut response = response(status, media_type, Body::from_stream(chunks));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(announced));
    response
}

/// No response at all: the body fails before its first byte, so the server closes the connection
/// with the head still unsent.
pub(crate) fn dropped() -> Response<Body> {
    let failure: [io::Result<Bytes>; 1] = [Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    Response::new(Body::from_stream(stream::iter(failure)))
}

/// A text as a header value; what does not fit becomes the general binary type.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// The text with the origin put where stored texts leave a mark.
pub(crate) fn with_origin(text: String, origin: &str) -> String {
    if text.contains(FILES_MARK) { text.replace(FILES_MARK, origin) } else { text }
}
