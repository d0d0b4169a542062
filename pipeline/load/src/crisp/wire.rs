//! The only way out to Crisp, which keeps to the pace of the plan and holds back every write that is
//! not one of the few a replay needs or that could make Crisp deliver.

mod held;

use std::sync::Arc;

use bytes::Bytes;
use http::{Body, Client, Pace, Reply, Request};
use kernel::ledger::RecordKind;
use kernel::{Clock, Instant, Result};

use super::rates::Plan;
use super::reply::{self, Replies};
use crate::target::calls::{Calls, Vendor, Written};
use crate::target::phase;
use held::deliver_nothing;
pub(super) use held::family;

/// Where conversations are made.
pub(super) const CONVERSATION: &str = "/conversation";

/// A call that changes something.
#[derive(Debug, Clone)]
pub(super) struct Write<'a> {
    pub method: &'static str,
    /// Below the workspace.
    pub path: &'a str,
    pub body: Bytes,
}

pub(super) struct Wire {
    pub calls: Calls,
    /// The address of the workspace.
    website: String,
    plan: Option<Plan>,
    /// Whether articles may become public.
    pub publishes: bool,
    creations: Pace,
    clock: Arc<dyn Clock>,
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
            calls: Calls::new(client, &Replies),
            website: format!("{base_url}/website/{}", reply::encoded(website_id)),
            plan,
            publishes: false,
            creations,
            clock,
        }
    }

    pub fn plan(&self) -> Option<Plan> {
        self.plan
    }

    /// Asks until there is a reply other than "too fast" or trouble on the other side.
    ///
    /// # Errors
    /// When the reply says that no further call makes sense.
    pub async fn ask(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let reply = self.look(phase, path).await?;
        Replies.check_account(&reply)?;
        Ok(reply)
    }

    /// Asks likewise, and takes "you may not" for an answer.
    ///
    /// # Errors
    /// When the credentials are refused, or there is no usable reply.
    pub async fn look(&self, phase: &'static str, path: &str) -> Result<Reply> {
        let request = Request::get(format!("{}{path}", self.website));
        self.calls.ask(phase, path, &request).await
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
        // A creation that came too fast is too fast for the plan's window, which is longer than the
        // patience with a busy server.
        let plan = self.plan.filter(|_| is_creation);
        let pause_ms = plan.map(|plan| plan.creations().window_ms / 2);
        let written = self.calls.once(phase, path, &request, pause_ms).await;
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
        self.calls.once(phase::ROLLBACK_DELETE, path, &request, None).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use kernel::Code;
    use kernel::retry::Policy;
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
        assert_eq!(wire.calls.counted(), BTreeMap::new());
    }
}
