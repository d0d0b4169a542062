//! The only way out to Crisp: counts calls, waits out what surely was not carried out, keeps to the
//! pace of the plan, and holds back every write that is not one of the few a replay needs or that
//! could make Crisp deliver.

mod held;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Body, Client, Lost, Pace, Reply, Request};
use kernel::ledger::RecordKind;
use kernel::retry::{Decision, Ending, Policy, retry_after_ms};
use kernel::{Clock, Code, Fault, Instant, Result};

use super::rates::Plan;
use super::reply;
use crate::target::{Vitals, phase};
use held::deliver_nothing;

/// Where conversations are made.
pub(super) const CONVERSATION: &str = "/conversation";

/// How a write ended.
#[derive(Debug)]
pub(super) enum Written {
    Replied(Reply),
    Lost(String),
}

/// A call that changes something.
#[derive(Debug, Clone)]
pub(super) struct Write<'a> {
    pub method: &'static str,
    /// Below the workspace.
    pub path: &'a str,
    pub body: Bytes,
}

pub(super) struct Wire {
    client: Client,
    /// The address of the workspace.
    website: String,
    pub policy: Policy,
    plan: Option<Plan>,
    /// Whether articles may become public.
    pub publishes: bool,
    creations: Pace,
    clock: Arc<dyn Clock>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    vitals: Mutex<Vitals>,
}

impl Wire {
    pub fn new(
        client: Client,
        base_url: &str,
        website_id: &str,
        plan: Option<Plan>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let base_url = base_url.trim_end_matches('/');
        let creations = match plan {
            None => Pace::unlimited(),
            Some(plan) => Pace::bucket(plan.pace(), None, clock.now()),
        };
        Self {
            client,
            website: format!("{base_url}/website/{}", reply::encoded(website_id)),
            policy: Policy::default(),
            plan,
            publishes: false,
            creations,
            clock,
            calls: Mutex::default(),
            vitals: Mutex::default(),
        }
    }

    pub fn plan(&self) -> Option<Plan> {
        self.plan
    }

    pub fn calls(&self) -> BTreeMap<String, u64> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = calls.iter().map(|(phase, count)| ((*phase).to_owned(), *count));
        owned.collect()
    }

    pub fn vitals(&self) -> Vitals {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks until there is a reply other than "too fast" or trouble on the other side.
    ///
    /// # Errors
    /// When the reply says that no further call makes sense.
    pub async fn ask(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let reply = self.look(phase, path).await?;
        reply::check_account(&reply)?;
        Ok(reply)
    }

    /// Asks likewise, and takes "you may not" for an answer.
    ///
    /// # Errors
    /// When the credentials are refused, or there is no usable reply.
    pub async fn look(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let request = Request::get(format!("{}{path}", self.website));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (ending, last) = match self.send(&request).await {
                Err(lost) => {
                    if matches!(lost, Lost::NoReply(_)) {
                        self.count(phase);
                    }
                    (Ending::NoReply, lost.to_string())
                }
                Ok(reply) => match limited(&reply) {
                    Some(ending) => {
                        self.count(phase::THROTTLED);
                        (ending, format!("status {}", reply.status))
                    }
                    None => {
                        self.count(phase);
                        let is_empty = reply.is_success() && reply::json(&reply.body).is_none();
                        if reply.status != 408 && reply.status < 500 && !is_empty {
                            if reply.status == 401 {
                                reply::check_account(&reply)?;
                            }
                            return Ok(reply);
                        }
                        (Ending::ServerTrouble, format!("status {}", reply.status))
                    }
                },
            };
            if !self.wait(attempt, ending).await {
                return Err(given_up(path, ending, &last));
            }
        }
    }

    /// Makes a call that changes something, and makes it once: it is repeated only where it surely
    /// was not carried out. At `now` a message in it must have been sent.
    pub async fn write(
        &self,
        phase: &'static str,
        write: Write<'_>,
        now: Instant,
    ) -> Result<Written> {
        let Write { method, path, body } = write;
        deliver_nothing(method, path, &body, now)?;
        if !self.publishes {
            held::publish_nothing(path, &body)?;
        }
        let body = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
        let request = Request::json(method, format!("{}{path}", self.website), body);
        let is_creation = method == "POST" && path == CONVERSATION;
        let turn = match is_creation {
            true => Some(self.creations.wait(self.clock.as_ref()).await),
            false => None,
        };
        let written = self.once(phase, path, &request, is_creation).await;
        drop(turn);
        written
    }

    /// Removes one record. Repeated only where it surely was not carried out.
    pub async fn remove(&self, kind: RecordKind, id: &str) -> Result<Written> {
        self.delete(&held::removal(kind, id)?).await
    }

    /// Removes one message of a conversation, likewise.
    pub async fn remove_message(&self, session: &str, id: &str) -> Result<Written> {
        self.delete(&held::message_removal(session, id)?).await
    }

    /// Removes one section or one article of the help center, likewise.
    pub async fn remove_page(&self, path: &str) -> Result<Written> {
        held::page_removal(path)?;
        self.delete(path).await
    }

    async fn delete(&self, path: &str) -> Result<Written> {
        let request = Request {
            method: "DELETE",
            url: format!("{}{path}", self.website),
            headers: Vec::new(),
            body: Body::Empty,
        };
        self.once(phase::ROLLBACK_DELETE, path, &request, false).await
    }

    /// Sends what changes something until it may have been carried out.
    async fn once(
        &self,
        phase: &'static str,
        path: &str,
        request: &Request,
        is_creation: bool,
    ) -> Result<Written> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (ending, last) = match self.send(request).await {
                Err(Lost::NotSent(why)) => (Ending::NoReply, why),
                Err(lost @ Lost::NoReply(_)) => {
                    self.count(phase);
                    return Ok(Written::Lost(lost.to_string()));
                }
                Ok(reply) => match limited(&reply) {
                    Some(ending) => {
                        self.count(phase::THROTTLED);
                        (self.of_plan(ending, is_creation), format!("status {}", reply.status))
                    }
                    None => {
                        self.count(phase);
                        return Ok(Written::Replied(reply));
                    }
                },
            };
            if !self.wait(attempt, ending).await {
                return Err(given_up(path, ending, &last));
            }
        }
    }

    /// A creation that came too fast is too fast for the plan's window, which is longer than the
    /// patience with a busy server.
    fn of_plan(&self, ending: Ending, is_creation: bool) -> Ending {
        match (ending, self.plan.filter(|_| is_creation)) {
            (Ending::RateLimited { retry_after_ms: None }, Some(plan)) => {
                Ending::RateLimited { retry_after_ms: Some(plan.creations().window_ms / 2) }
            }
            (ending, _) => ending,
        }
    }

    async fn send(&self, request: &Request) -> std::result::Result<Reply, Lost> {
        let ended = self.client.send(request).await;
        if let Some(code) = trouble(request.method, &ended) {
            let mut vitals = self.vitals.lock().unwrap_or_else(PoisonError::into_inner);
            *vitals.troubles.entry(code).or_default() += 1;
        }
        ended
    }

    /// Pauses after the `attempt`th bad ending; false when patience ends.
    pub async fn pause(&self, attempt: u32) -> bool {
        self.wait(attempt, Ending::ServerTrouble).await
    }

    async fn wait(&self, attempt: u32, ending: Ending) -> bool {
        match self.policy.decide(attempt, ending, 1.0) {
            Decision::GiveUp => false,
            Decision::After(pause_ms) => {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                true
            }
        }
    }

    fn count(&self, phase: &'static str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(phase).or_default() += 1;
    }
}

/// What a reply says about calling too fast or too often, which was surely not carried out then.
fn limited(reply: &Reply) -> Option<Ending> {
    let header = reply.headers.get("retry-after");
    let retry_after_ms = header.and_then(|text| retry_after_ms(text, reply.ended_at));
    match reply.status {
        420 | 429 => Some(Ending::RateLimited { retry_after_ms }),
        423 => Some(Ending::QuotaExhausted { retry_after_ms }),
        _ => None,
    }
}

/// What went wrong, if anything. A read of something that is not there is no trouble.
fn trouble(method: &str, ended: &std::result::Result<Reply, Lost>) -> Option<Code> {
    let reply = match ended {
        Err(Lost::NotSent(_)) => return Some(Code::NoUsableReply),
        Err(Lost::NoReply(_)) => return Some(Code::ReplyLost),
        Ok(reply) => reply,
    };
    match reply.status {
        200..=399 => None,
        401 => Some(Code::CredentialsRefused),
        403 => Some(Code::RightMissing),
        408 | 500.. => Some(Code::ServerTrouble),
        420 | 429 => Some(Code::Throttled),
        423 => Some(Code::DayUsedUp),
        404 | 409 if method == "GET" => None,
        _ => Some(Code::RecordRefused),
    }
}

fn given_up(path: &str, ending: Ending, last: &str) -> Fault {
    let message = format!("no usable reply to calls of {}: {last}", held::family(path));
    match ending {
        Ending::QuotaExhausted { .. } => {
            Fault::wait("the calls of the day are used up in the target (status 423)")
                .coded(Code::DayUsedUp)
                .hint(
                    "run the same command again tomorrow, which goes on where this one stopped; \
                     Crisp raises the quota of a plugin on request",
                )
        }
        Ending::RateLimited { .. } => Fault::wait(message).coded(Code::Throttled).hint(
            "something else uses the same token, or plan in [target] is larger than the \
             workspace's; wait, then run the same command again",
        ),
        _ => Fault::retry(message).coded(Code::NoUsableReply).hint(
            "check that the target answers at base_url of [target]; then run the same command \
             again, which goes on where this one stopped",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A clock that stands still; calls that are held back need no other.
    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Instant {
            Instant::from_millis(0)
        }
    }

    #[tokio::test]
    async fn what_could_be_delivered_does_not_even_reach_the_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let client = Client::new(http::ClientOptions {
            headers: Vec::new(),
            timeout_ms: 1_000,
            pace: Pace::unlimited(),
            policy: Policy::default(),
            clock: Arc::new(Standing),
        });
        let client = client.expect("a client");
        let wire = Wire::new(client, &origin, "w", None, Arc::new(Standing));
        let now = Instant::from_millis(1_800_000_000_000);
        let message = json!({"type": "text", "from": "operator", "origin": "chat", "content": "x",
                             "timestamp": 1_700_000_000_000_i64, "fingerprint": 7});
        let path = "/conversation/session_1/message";
        let write = Write { method: "POST", path, body: message.to_string().into() };
        let fault = wire.write(phase::MESSAGES_APPEND, write, now).await.expect_err("held back");
        assert_eq!((fault.kind(), fault.code()), (kernel::fault::Kind::Bug, Code::HeldBack));
        let knock = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(knock.is_err(), "somebody called");
        assert_eq!(wire.calls(), BTreeMap::new());
    }
}
