//! Owns the carrying out of trouble around one call: before it, after it, instead of it, or twice.
//! It must not know what the call does.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;

use super::{Fault, Faults};

/// How long half a reply has to leave before the connection breaks.
const HALF_REPLY_MS: u64 = 30;

/// One call's trouble, with what it needs to happen.
pub(crate) struct Around {
    fault: Option<Fault>,
    delay_ms: u64,
    late_ms: u64,
    advice: Option<&'static str>,
}

impl Around {
    /// What a call has coming.
    pub(crate) fn of(fault: Option<Fault>, faults: &Faults) -> Around {
        let advice = faults.advice();
        Around { fault, delay_ms: faults.delay_ms, late_ms: faults.late_ms, advice }
    }

    /// Makes the call with its trouble. `refuse` gives the vendor's error of a status.
    pub(crate) async fn carry_out<P, F>(
        self,
        request: Request,
        perform: P,
        refuse: fn(u16) -> Response,
    ) -> Response
    where
        P: Fn(Request) -> F + Send + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let Some(fault) = self.fault else {
            return perform(request).await;
        };
        match fault {
            Fault::DropBefore => dropped(),
            Fault::FailBefore => refuse(503),
            Fault::Throttle => {
                let mut response = refuse(429);
                if let Some(advice) = self.advice {
                    let advice = HeaderValue::from_static(advice);
                    response.headers_mut().insert(header::RETRY_AFTER, advice);
                }
                response
            }
            Fault::Delay => {
                tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
                perform(request).await
            }
            Fault::DropAfter => {
                perform(request).await;
                dropped()
            }
            Fault::FailAfter => {
                perform(request).await;
                bad_gateway()
            }
            Fault::Truncate => truncated(perform(request).await).await,
            Fault::Duplicate => {
                let Ok((first, second)) = twice(request).await else {
                    return dropped();
                };
                perform(first).await;
                perform(second).await
            }
            Fault::Late => {
                // Taken in whole, so that it outlives the connection.
                let Ok((request, _)) = twice(request).await else {
                    return dropped();
                };
                let late = Duration::from_millis(self.late_ms);
                tokio::spawn(async move {
                    tokio::time::sleep(late).await;
                    perform(request).await;
                });
                dropped()
            }
        }
    }
}

/// What stands between client and server answers in its own words.
fn bad_gateway() -> Response {
    let mut response = Response::new(Body::from("<html>Bad Gateway</html>"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let kind = HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The same call two times.
async fn twice(request: Request) -> Result<(Request, Request), axum::Error> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await?;
    let first = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    Ok((first, Request::from_parts(parts, Body::from(bytes))))
}

/// A reply whose body fails before its first byte: the server closes the connection unanswered.
fn dropped() -> Response {
    let failure: Result<Bytes, std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
    Response::new(Body::from_stream(stream::iter([failure])))
}

/// The first half of a reply, with the length of the whole, and then the end of the connection.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if whole.is_empty() {
        return dropped();
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let chunks = stream::unfold(0, move |step| {
        let half = half.clone();
        async move {
            match step {
                0 => Some((Ok(half), 1)),
                _ => {
                    tokio::time::sleep(Duration::from_millis(HALF_REPLY_MS)).await;
                    let kind = std::io::ErrorKind::ConnectionReset;
                    Some((Err(std::io::Error::from(kind)), 2))
                }
            }
        }
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}
