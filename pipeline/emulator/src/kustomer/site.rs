//! The site: takes a request from the wire, leads it through the gate to the desk, counts it, and
//! serves files and control.
//!
//! It owns the order of the checks. What a route answers is the desk's business.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use futures::{StreamExt, stream};

use super::desk::{self, Asked, Desk, Searched, form_of};
use super::gate::{self, Fault, Standing};
use super::lists::Query;
use super::reply::Reply;
use super::{Emulator, control, moment, show};

/// The longest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What signed addresses in stale lists have behind them, in milliseconds.
const STALE_MS: i64 = 1_000;

/// An emulator at an origin.
pub(super) struct Site {
    pub(super) emulator: Emulator,
    pub(super) origin: String,
}

/// Answers any request.
pub(super) async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default();
    let query: Query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return respond(413, "text/plain", Body::from("the body is too long"));
    };
    if let Some(rest) = path.strip_prefix("/_emulator/") {
        return control::answer(&site.emulator, rest, &head.method, &body);
    }
    if let Some(name) = path.strip_prefix("/files/") {
        return site.file(name, &query, &head.headers);
    }
    let Some(rest) = path.strip_prefix("/v1/") else {
        return respond(404, "text/plain", Body::from("the api is below /v1"));
    };
    let path = rest.trim_end_matches('/');
    let asked = Asked { method: &head.method, path, query, body: &body, now_ms: moment::now_ms() };
    site.api(&asked, &head.headers)
}

impl Site {
    fn api(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Response<Body> {
        let is_search = desk::is_search(asked.path);
        let (quirks, faults) = self.emulator.conduct();
        let (standing, number) = self.enter(asked, is_search);
        let fault = gate::draw(&faults, number);
        let (reply, searched) = match (gate::credentials(headers, self.emulator.options()), fault) {
            (Err(refusal), _) => (refusal, None),
            _ if standing.is_over => (limited(asked), None),
            (_, Some(Fault::Status(429))) => (limited(asked), None),
            (_, Some(Fault::Status(status))) => {
                let form = form_of(asked.path);
                (Reply::error(form, status, "internal_error", "Something went wrong."), None)
            }
            (_, Some(Fault::NonJson)) => {
                self.leave(502);
                return respond(502, "text/html", Body::from("<html>Bad Gateway</html>"));
            }
            _ if quirks.refuse.contains(&desk::family(asked.method, asked.path)) => {
                let form = form_of(asked.path);
                (Reply::error(form, 403, "forbidden", "A role is missing."), None)
            }
            _ => Desk { store: &self.emulator.store(), quirks: &quirks }.answer(asked),
        };
        if let Some(searched) = searched {
            self.live_on(&searched);
        }
        self.leave(reply.status);
        let is_truncated = fault == Some(Fault::Truncated);
        let mut response = self.shown(&reply, is_truncated);
        for (name, value) in standing.headers(quirks.rate_headers) {
            let value = HeaderValue::try_from(value).expect("numbers are header values");
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }

    /// Counts a call; its number, from 0, draws its fault.
    fn enter(&self, asked: &Asked<'_>, is_search: bool) -> (Standing, u64) {
        let mut state = self.emulator.state();
        let family = desk::family(asked.method, asked.path);
        let number = state.number;
        state.number += 1;
        *state.counters.calls.entry(family).or_default() += 1;
        let is_read = *asked.method == Method::GET || (is_search && *asked.method == Method::POST);
        state.counters.writes_attempted += u64::from(!is_read);
        let standing = state.windows.enter(self.emulator.options(), is_search, asked.now_ms);
        state.counters.searches_limited += u64::from(standing.is_over && is_search);
        (standing, number)
    }

    fn leave(&self, status: u16) {
        let mut state = self.emulator.state();
        *state.counters.statuses.entry(status).or_default() += 1;
    }

    fn shown(&self, reply: &Reply, is_truncated: bool) -> Response<Body> {
        let (quirks, _) = self.emulator.conduct();
        let now_ms = moment::now_ms();
        let expires_ms = match reply.is_list && quirks.stale_lists {
            true => now_ms - STALE_MS,
            false => now_ms + i64::try_from(quirks.signed_ms).unwrap_or(i64::MAX / 2),
        };
        let body = show::with_addresses(&reply.body.to_string(), &self.origin, expires_ms);
        if !is_truncated {
            return respond(reply.status, "application/json; charset=utf-8", Body::from(body));
        }
        let half = body.as_bytes()[..body.len() / 2].to_vec();
        let broken = std::io::Error::other("cut off on purpose");
        let parts = stream::iter([Ok(half), Err(broken)]).boxed();
        respond(reply.status, "application/json", Body::from_stream(parts))
    }

    /// The shop lives: some searches are followed by an update or a deletion.
    fn live_on(&self, searched: &Searched) {
        let Some(oldest) = &searched.oldest else { return };
        let (quirks, _) = self.emulator.conduct();
        let number = {
            let mut state = self.emulator.state();
            state.searches += 1;
            state.searches
        };
        let is_due = |every: u64| every > 0 && number.is_multiple_of(every);
        if is_due(quirks.delete_every) {
            self.emulator.delete(searched.shelf, oldest);
        } else if is_due(quirks.touch_every) {
            self.emulator.touch(searched.shelf, oldest);
        }
    }

    /// A file, for whoever has an address with a signature that is still good.
    fn file(&self, name: &str, query: &Query, headers: &HeaderMap) -> Response<Body> {
        let (quirks, _) = self.emulator.conduct();
        let mut state = self.emulator.state();
        if headers.contains_key(AUTHORIZATION) {
            state.counters.files_with_credentials += 1;
            if quirks.bearer_refused {
                let message = "<Error><Code>InvalidArgument</Code></Error>";
                return respond(400, "application/xml", Body::from(message));
            }
        }
        let name = name.strip_prefix("plain/").unwrap_or_else(|| {
            let expires_ms = query.get("expires").and_then(|text| text.parse().ok()).unwrap_or(0);
            let is_signed = query
                .get("signature")
                .is_some_and(|given| *given == show::signature(name, expires_ms));
            let is_good = is_signed && moment::now_ms() < expires_ms;
            if is_good { name } else { "" }
        });
        if name.is_empty() {
            state.counters.files_expired += 1;
            let message =
                "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
            return respond(403, "application/xml", Body::from(message));
        }
        let store = self.emulator.store();
        match store.files.get(name) {
            Some(file) => {
                state.counters.files_served += 1;
                respond(200, file.content_type, Body::from(file.bytes.clone()))
            }
            None => {
                respond(404, "application/xml", Body::from("<Error><Code>NoSuchKey</Code></Error>"))
            }
        }
    }
}

fn limited(asked: &Asked<'_>) -> Reply {
    let message = "The rate limit is reached.";
    Reply::error(form_of(asked.path), 429, "rate_limit", message)
}

/// A response with a status and a media type.
pub(super) fn respond(status: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("statuses are real ones");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
