//! The site: takes a request from the wire, leads it through the gate to the desk and counts it.
//!
//! It owns the order of the checks. What a route answers is the desk's business.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use bytes::Bytes;
use tokio::time::Instant;

use super::desk::{Desk, Query};
use super::options::{FaultKind, Quirks};
use super::reply::Reply;
use super::route::{self, Helpdesk, Matched, Route};
use super::write::{self, Clerk, Done};
use super::{Counters, Emulator, change, control, gate, lock, media, odd, wire};
use crate::faults::Around;

/// The media type of every JSON reply.
const JSON: &str = "application/json; charset=utf-8";

/// An emulator at an origin.
pub(crate) struct Site {
    pub(crate) emulator: Emulator,
    pub(crate) origin: String,
}

/// One call as it came in, without its path.
#[derive(Clone, Copy)]
struct Asked<'a> {
    method: &'a Method,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// Where a reply came from, as the `Bloom-Status` header tells.
#[derive(Clone, Copy)]
enum Bloom {
    Miss,
    Hit,
    Direct,
}

/// Answers any request.
pub(crate) async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix("/_emulator/") {
        return control::answer(&site.emulator, rest, request).await;
    }
    if path.starts_with("/users/") {
        return media::answer(&site, &path, request.headers()).await;
    }
    let Some(rest) = path.strip_prefix("/v1/") else {
        return wire::response(404, "text/plain", Body::from("the api is below /v1"));
    };
    let rest = rest.to_owned();
    let around = site.around(request.method(), &rest);
    let perform = move |request| {
        let (site, rest) = (site.clone(), rest.clone());
        async move { site.call(&rest, request).await }
    };
    around.carry_out(request, perform, injected).await
}

/// The service's error of a status that was injected around a call.
fn injected(status: u16) -> Response<Body> {
    wire::response(status, JSON, Body::from(gate::injected(status).body))
}

impl Site {
    /// Changes the counts.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.emulator.inner.counters));
    }

    /// The fault of this call, after the configured delay.
    pub(crate) async fn fault(&self, path: &str, is_file: bool) -> Option<FaultKind> {
        let ordinal = self.emulator.inner.calls.fetch_add(1, Ordering::Relaxed);
        let (fault, delay_ms) = {
            let mut conduct = self.emulator.conduct();
            (gate::draw(&mut conduct.faults, ordinal, path, is_file), conduct.faults.delay_ms)
        };
        if fault.is_some() {
            self.count(|counters| counters.faults += 1);
        }
        if delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        fault
    }

    /// What happens around a call; a named place is its family in the counts.
    fn around(&self, method: &Method, path: &str) -> Around {
        let segments: Vec<String> = path.trim_end_matches('/').split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let family = route::resolve(&segments).map_or("", |matched| matched.family);
        let mut conduct = self.emulator.conduct();
        let fault = conduct.dice.roll(method.as_str(), &format!("/{family}"));
        let around = Around::of(fault, conduct.dice.faults());
        drop(conduct);
        if fault.is_some() {
            self.count(|counters| counters.faults += 1);
        }
        around
    }

    /// One call, with its body read.
    async fn call(&self, path: &str, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes_max = self.emulator.conduct().quirks.body_bytes_max;
        let Ok(body) = to_bytes(body, bytes_max).await else {
            return injected(413);
        };
        let asked = Asked {
            method: &parts.method,
            query: parts.uri.query(),
            headers: &parts.headers,
            body: &body,
        };
        self.api(path, asked).await
    }

    async fn api(&self, path: &str, asked: Asked<'_>) -> Response<Body> {
        let method = asked.method;
        let segments: Vec<String> = path.trim_end_matches('/').split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let matched = route::resolve(&segments);
        self.count_call(method, matched.as_ref());
        let fault = self.fault(path, false).await;
        let quirks = self.emulator.conduct().quirks.clone();
        self.move_on(&quirks);
        let (reply, bloom) = match fault {
            Some(FaultKind::Dropped) => {
                self.count(|counters| *counters.statuses.entry(0).or_default() += 1);
                return wire::dropped();
            }
            Some(FaultKind::NonJson) => {
                self.count(|counters| *counters.statuses.entry(502).or_default() += 1);
                let page = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";
                return wire::response(502, "text/html", Body::from(page));
            }
            Some(FaultKind::Status(status)) => (gate::injected(status), Bloom::Direct),
            Some(FaultKind::Truncated) | None => self.pass(matched, path, asked, &quirks),
        };
        self.count_reply(&reply);
        self.respond(reply, bloom, method, fault == Some(FaultKind::Truncated), &quirks)
    }

    /// Gate, then cache, then desk.
    fn pass(
        &self,
        matched: Option<Matched<'_>>,
        path: &str,
        asked: Asked<'_>,
        quirks: &Quirks,
    ) -> (Reply, Bloom) {
        let options = &self.emulator.inner.options;
        let Asked { method, query, headers, body } = asked;
        if let Err(reply) = gate::credentials(headers, options) {
            return (reply, Bloom::Direct);
        }
        let is_read = method == Method::GET || method == Method::HEAD;
        let address = format!("{path}?{}", query.unwrap_or_default());
        if is_read && quirks.cache_ms > 0 {
            let hit = lock(&self.emulator.inner.cache).get(&address, quirks.cache_ms);
            if let Some(reply) = hit {
                self.count(|counters| counters.cache_hits += 1);
                return (reply, Bloom::Hit);
            }
        }
        let taken = lock(&self.emulator.inner.quota).take(
            options.calls_per_day,
            options.day_ms,
            Instant::now(),
        );
        if let Err(reply) = taken {
            return (reply, Bloom::Direct);
        }
        let reply = match self.checked(matched, method, quirks) {
            Ok(matched) if is_read => self.read(matched.route, query, quirks),
            Ok(matched) => self.write(method, matched.route, body, quirks),
            Err(reply) => reply,
        };
        if is_read && quirks.cache_ms > 0 && reply.status < 300 {
            lock(&self.emulator.inner.cache).put(address, reply.clone());
        }
        (reply, Bloom::Miss)
    }

    /// The route, if it exists, belongs to the caller's workspace and is a call in scope.
    fn checked<'a>(
        &self,
        matched: Option<Matched<'a>>,
        method: &Method,
        quirks: &Quirks,
    ) -> Result<Matched<'a>, Reply> {
        let options = &self.emulator.inner.options;
        let matched = matched.ok_or_else(Reply::no_route)?;
        if matched.website_id.is_some_and(|website_id| website_id != options.website_id) {
            let message = "This token does not belong to the website.";
            return Err(match options.tier.as_str() {
                "plugin" => Reply::not_installed(),
                _ => Reply::error(403, "not_allowed", "website", message),
            });
        }
        let has_head = matches!(
            matched.route,
            Route::Conversation(_) | Route::Profile(_) | Route::Helpdesk(Helpdesk::Root)
        );
        let is_read = method == Method::GET || (method == Method::HEAD && has_head);
        let is_write = options.writable && write::is_known(method, matched.route);
        if !is_write && (!is_read || matched.route.is_write_only()) {
            let message = "The method is not allowed on this route.";
            return Err(Reply::error(405, "method_not_allowed", "route", message));
        }
        let is_in_scope = match (&options.scopes, matched.scope) {
            (Some(scopes), Some(scope)) => scopes.iter().any(|own| own == scope),
            _ => true,
        };
        let is_refused = quirks.refuse.iter().any(|family| family == matched.family);
        if !is_in_scope || is_refused {
            let message = "The token lacks the scope of this route.";
            return Err(Reply::error(403, "not_allowed", "scope", message));
        }
        Ok(matched)
    }

    fn read(&self, route: Route<'_>, query: Option<&str>, quirks: &Quirks) -> Reply {
        let options = &self.emulator.inner.options;
        let reply = {
            let store = self.emulator.store();
            let desk = Desk {
                store: &store,
                quirks,
                scopes: options.scopes.as_deref(),
                website_id: &options.website_id,
                query: Query::of(query),
            };
            desk.answer(route).unwrap_or_else(|refusal| refusal)
        };
        if matches!(route, Route::Conversations(_)) {
            self.live_on(quirks);
        }
        reply
    }

    /// A write; a message is stored a little after its reply where the quirks want it so.
    fn write(&self, method: &Method, route: Route<'_>, body: &[u8], quirks: &Quirks) -> Reply {
        let inner = &self.emulator.inner;
        let done = {
            let mut store = self.emulator.store_mut();
            let mut counters = lock(&inner.counters);
            let mut clerk = Clerk {
                store: &mut store,
                quirks,
                counters: &mut counters,
                limits: &mut lock(&inner.limits),
                website_id: &inner.options.website_id,
                now_ms: change::now_ms(),
            };
            let done = clerk.perform(method, route, body).unwrap_or_else(Done::from);
            if let (Some(text), 0) = (&done.later, quirks.store_lag_ms) {
                write::store_message(&mut store, text, quirks.reopens, change::now_ms());
            }
            done
        };
        if let Some(text) = done.later.filter(|_| quirks.store_lag_ms > 0) {
            let (emulator, reopens) = (self.emulator.clone(), quirks.reopens);
            let lag = Duration::from_millis(quirks.store_lag_ms);
            tokio::spawn(async move {
                tokio::time::sleep(lag).await;
                let mut store = emulator.store_mut();
                write::store_message(&mut store, &text, reopens, change::now_ms());
            });
        }
        done.reply
    }

    /// The workspace is alive: some list reads are followed by an update or a deletion.
    fn live_on(&self, quirks: &Quirks) {
        let inner = &self.emulator.inner;
        let reads = inner.list_reads.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = |every: u64| every > 0 && reads.is_multiple_of(every);
        if !is_due(quirks.touch_every) && !is_due(quirks.delete_every) {
            return;
        }
        let mut store = self.emulator.store_mut();
        if is_due(quirks.touch_every)
            && let Some(oldest) = store.by_updated.started.last().copied()
        {
            change::touch(&mut store, oldest, None, change::now_ms())
                .expect("a served record stays readable");
        }
        if is_due(quirks.delete_every)
            && let Some(newest) = store.by_created.started.first().copied()
        {
            store.remove(newest);
        }
    }

    /// The workspace moves by itself: what the dice say happens between the call before and this.
    fn move_on(&self, quirks: &Quirks) {
        let inner = &self.emulator.inner;
        let call = inner.moves.fetch_add(1, Ordering::Relaxed);
        let Some(moving) = &quirks.moving else {
            return;
        };
        for nth in 0..moving.due(call) {
            let mut store = self.emulator.store_mut();
            let mut counters = lock(&inner.counters);
            let made: u64 = counters.events.values().sum();
            if moving.events_max.is_some_and(|events_max| made >= events_max) {
                return;
            }
            let website_id = &inner.options.website_id;
            let event = moving.make(&mut store, website_id, (call, nth), change::now_ms());
            if let Some(name) = event {
                *counters.events.entry(name.to_owned()).or_default() += 1;
            }
        }
    }

    fn respond(
        &self,
        reply: Reply,
        bloom: Bloom,
        method: &Method,
        is_truncated: bool,
        quirks: &Quirks,
    ) -> Response<Body> {
        let is_limited = matches!(reply.status, 420 | 423 | 429);
        let body = wire::with_origin(reply.body, &self.origin);
        let body = if quirks.odd_bytes { odd::with_bytes(&body) } else { Bytes::from(body) };
        let mut response = if is_truncated {
            wire::truncated(reply.status, JSON, body)
        } else {
            wire::response(reply.status, JSON, Body::from(body))
        };
        if method == Method::GET || method == Method::HEAD {
            let status = match bloom {
                Bloom::Miss => "MISS",
                Bloom::Hit => "HIT",
                Bloom::Direct => "DIRECT",
            };
            response.headers_mut().insert("bloom-status", HeaderValue::from_static(status));
        }
        if let Some(wait_s) = quirks.retry_after_s.filter(|_| is_limited) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response
    }

    fn count_call(&self, method: &Method, matched: Option<&Matched<'_>>) {
        let family = matched.map_or("unknown route", |matched| matched.family);
        let is_write = !matches!(*method, Method::GET | Method::HEAD);
        self.count(|counters| {
            *counters.calls.entry(format!("{method} {family}")).or_default() += 1;
            counters.writes_attempted += u64::from(is_write);
        });
    }

    fn count_reply(&self, reply: &Reply) {
        self.count(|counters| {
            *counters.statuses.entry(reply.status).or_default() += 1;
            counters.refused += u64::from(matches!(reply.status, 401 | 403));
            counters.limited += u64::from(matches!(reply.status, 420 | 423 | 429));
        });
    }
}

/// A path segment with its percent signs undone; a plus sign is itself in a path.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = segment.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}
