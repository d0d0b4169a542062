//! What takes Crisp several calls: filling a conversation, closing it, and finding what may be
//! there.

use bytes::Bytes;
use kernel::{Instant, Result};
use serde_json::{Value, json};

use super::wire::Write;
use super::{Crisp, OUR_ID, fingerprint, key_of, reply, request};
use crate::plan;
use crate::target::{Found, Sent, TargetId, TicketDraft, phase};

/// What is said when the last message of a conversation stays away.
pub(super) const NOT_SHOWN: &str = "the target took its last message and does not show it";

/// What is set last of a conversation.
#[derive(Default)]
pub(super) struct Steps<'a> {
    pub read: Vec<&'static str>,
    pub assignee: Option<Option<&'a str>>,
    pub blocked: Option<bool>,
    pub state: Option<&'a str>,
}

impl Crisp {
    /// Makes a write once.
    pub(super) async fn once(
        &self,
        phase: &'static str,
        write: Write<'_>,
        now: Instant,
        read: impl Fn(&Value) -> Option<Found>,
    ) -> Result<Sent> {
        reply::sent(self.wire.write(phase, write, now).await?, read)
    }

    /// Sets what may be set twice, because the second time changes nothing.
    pub(super) async fn set(
        &self,
        phase: &'static str,
        (method, path): (&'static str, &str),
        (body, id): (&Value, &str),
        now: Instant,
    ) -> Result<Sent> {
        let body = Bytes::from(body.to_string());
        let mut attempt = 0;
        loop {
            attempt += 1;
            let write = Write { method, path, body: body.clone() };
            let sent = self.once(phase, write, now, |_| Some(reply::ours(id.to_owned()))).await?;
            if !matches!(sent, Sent::Unknown(_)) || !self.wire.calls.pause(attempt).await {
                return Ok(sent);
            }
        }
    }

    /// Puts into an empty conversation what the plan says about it.
    pub(super) async fn fill(
        &self,
        draft: &TicketDraft,
        session: &str,
        is_bare: bool,
        now: Instant,
    ) -> Result<Sent> {
        let meta = request::meta(&draft.ticket, &draft.tags, is_bare);
        let path = format!("/conversation/{session}/meta");
        let phase = phase::TICKETS_CREATE;
        let sent = self.set(phase, ("PATCH", &path), (&meta, session), now).await?;
        if let (Sent::Made(_), Some(others)) = (&sent, request::participants(&draft.ticket)) {
            let path = format!("/conversation/{session}/participants");
            // Who else takes part is told in the data as well, and a plan may not allow them all.
            self.set(phase, ("PUT", &path), (&others, session), now).await?;
        }
        Ok(sent)
    }

    /// Waits until the last message is shown: one that is stored after its reply would open the
    /// conversation again. False when it stays away.
    pub(super) async fn is_stored(
        &self,
        session: &str,
        messages: &[&plan::Message],
    ) -> Result<bool> {
        let Some(last) = messages.last() else { return Ok(true) };
        let fingerprint = fingerprint(&last.message_id);
        let path = format!("/conversation/{session}/message/{fingerprint}");
        let mut attempt = 0;
        loop {
            attempt += 1;
            if self.read(phase::LOOKUPS, &path).await?.is_some() {
                return Ok(true);
            }
            if !self.wire.calls.pause(attempt).await {
                return Ok(false);
            }
        }
    }

    /// Sets what is set last: read marks, assignee, block and state, in this order.
    pub(super) async fn close(
        &self,
        session: &str,
        steps: Steps<'_>,
        now: Instant,
    ) -> Result<Sent> {
        let below = |part: &str| format!("/conversation/{session}/{part}");
        let mut calls: Vec<(String, Value)> = Vec::new();
        for side in steps.read {
            calls.push((below("read"), json!({"from": side, "origin": request::CHAT})));
        }
        if let Some(assignee) = steps.assignee {
            let assigned = assignee.map(|id| json!({ "user_id": id }));
            calls.push((below("routing"), json!({"assigned": assigned, "silent": true})));
        }
        if let Some(blocked) = steps.blocked {
            calls.push((below("block"), json!({ "blocked": blocked })));
        }
        if let Some(state) = steps.state {
            calls.push((below("state"), json!({ "state": state })));
        }
        for (path, body) in &calls {
            let phase = phase::TICKETS_UPDATE;
            let sent = self.set(phase, ("PATCH", path), (body, session), now).await?;
            if !matches!(sent, Sent::Made(_)) {
                return Ok(sent);
            }
        }
        Ok(Sent::Made(reply::ours(session.to_owned())))
    }

    /// The profile of an address, with whether it carries our id.
    pub(super) async fn find_customer(&self, customer: &plan::Customer) -> Result<Vec<Found>> {
        let Some(email) = customer.email.as_deref() else { return Ok(Vec::new()) };
        let path = format!("/people/profile/{}", reply::encoded(email));
        let Some(profile) = self.read(phase::LOOKUPS, &path).await? else {
            return Ok(Vec::new());
        };
        let is_it = profile.get("email").and_then(Value::as_str).map(key_of);
        let Some(id) = reply::id(&profile, "people_id").filter(|_| is_it == Some(key_of(email)))
        else {
            return Ok(Vec::new());
        };
        let data = self.read(phase::LOOKUPS, &format!("/people/data/{id}")).await?;
        let data = data.as_ref().and_then(|data| data.get("data")?.get(OUR_ID)?.as_str());
        let ours = data == Some(customer.external_id.as_str());
        Ok(vec![Found { ours, ..reply::ours(id) }])
    }

    /// A message in the list, which also shows two of one fingerprint, and, where that shows none,
    /// at its own address: sending one twice is worse than a call too many.
    pub(super) async fn find_message(&self, session: &str, message_id: &str) -> Result<Vec<Found>> {
        let fingerprint = fingerprint(message_id);
        let ids = self.with_fingerprint(session, fingerprint).await?;
        if !ids.is_empty() {
            return Ok(ids.into_iter().map(reply::ours).collect());
        }
        let path = format!("/conversation/{session}/message/{fingerprint}");
        let found = self.read(phase::LOOKUPS, &path).await?;
        Ok(found.map(|_| reply::ours(fingerprint.to_string())).into_iter().collect())
    }

    pub(super) async fn with_fingerprint(
        &self,
        session: &str,
        fingerprint: i64,
    ) -> Result<Vec<TargetId>> {
        let messages = self.messages(phase::LOOKUPS, session).await?.unwrap_or_default();
        let key = fingerprint.to_string();
        let hits = reply::by_fingerprint(&messages).into_iter();
        Ok(hits.filter(|one| one.external_id == key).map(|one| one.id).collect())
    }
}
