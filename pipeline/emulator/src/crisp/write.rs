//! Writes: what a workspace that may be written to accepts, and what it makes of it.
//!
//! It owns which write is a call of the service and what the calls about whole conversations do.
//! It must not know of HTTP, of trouble on the way or of who is writing.

mod check;
mod helpdesk;
mod messages;
mod people;

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::change;
use super::counters::Counters;
use super::options::{Operator, Quirks};
use super::raw;
use super::reply::Reply;
use super::route::{Part, Route};
use super::store::Store;
use crate::dice::Dice;
use check::{object, only, refused};
pub(crate) use messages::store as store_message;

/// Fields of a conversation's meta that may be written.
const META: [&str; 11] = [
    "nickname", "email", "phone", "address", "subject", "ip", "origin", "avatar", "segments",
    "data", "device",
];

/// When conversations were made, as far as the plan counts them.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    made: VecDeque<Instant>,
    ids: u64,
}

impl Limits {
    /// A new id; the same ones in the same order in every run.
    fn uuid(&mut self) -> String {
        self.ids += 1;
        Dice::new(0xC215, "written", self.ids).uuid()
    }
}

/// A workspace without records but for its operators and the languages of its help center.
pub(crate) fn empty(operators: &[Operator], locales: &[String]) -> Store {
    let rows = operators.iter().enumerate().map(|(number, operator)| {
        let user_id = Dice::new(0xC215, "operator", number as u64).uuid();
        json!({
            "type": "operator",
            "details": {
                "user_id": user_id, "email": operator.email, "avatar": null,
                "first_name": operator.name, "last_name": "", "role": operator.role,
                "title": "", "availability": "online", "has_token": false,
            },
        })
        .to_string()
    });
    let mut store = Store::default();
    store.set_list("operators", rows.collect()).expect("operators are a list");
    let rows = locales.iter().enumerate().map(|(number, locale)| {
        let locale_id = Dice::new(0xC215, "locale", number as u64).uuid();
        helpdesk::locale(&locale_id, locale).to_string()
    });
    store.set_list("helpdesk_locales", rows.collect()).expect("locales are a list");
    store.settle();
    store
}

/// What a write answers, and what it leaves to be done later.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    /// A message that is stored after the answer.
    pub(crate) later: Option<String>,
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Done {
        Done { reply, later: None }
    }
}

/// Carries out one write.
pub(crate) struct Clerk<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) quirks: &'a Quirks,
    pub(crate) counters: &'a mut Counters,
    pub(crate) limits: &'a mut Limits,
    pub(crate) website_id: &'a str,
    pub(crate) now_ms: i64,
}

/// Whether the service has such a call.
pub(crate) fn is_known(method: &Method, route: Route<'_>) -> bool {
    match route {
        Route::NewConversation | Route::NewMessage(_) | Route::NewProfile => {
            *method == Method::POST
        }
        Route::SideEffect(_) => [Method::POST, Method::PATCH].contains(method),
        Route::Mark(_) => *method == Method::PATCH,
        Route::ConversationPart(_, Part::Participants) => *method == Method::PUT,
        Route::ConversationPart(_, Part::Meta | Part::State | Part::Routing | Part::Block) => {
            *method == Method::PATCH
        }
        Route::Conversation(_) | Route::Message(..) => *method == Method::DELETE,
        Route::Profile(_) => [Method::PUT, Method::PATCH, Method::DELETE].contains(method),
        Route::PersonData(_) => [Method::PUT, Method::PATCH].contains(method),
        Route::Helpdesk(route) => helpdesk::is_known(method, route),
        _ => false,
    }
}

impl Clerk<'_> {
    /// Carries out a call that [`is_known`].
    pub(crate) fn perform(
        &mut self,
        method: &Method,
        route: Route<'_>,
        body: &[u8],
    ) -> Result<Done, Reply> {
        if *method == Method::DELETE {
            return self.delete(route).map(Done::from);
        }
        let body = object(body)?;
        let written = match route {
            Route::Helpdesk(route) => self.helpdesk(method, route, &body)?,
            Route::NewConversation => self.conversation()?,
            Route::NewMessage(session) => return self.message(session, &body),
            Route::Mark(session) => self.mark(session, &body)?,
            Route::SideEffect(session) => {
                self.position(session)?;
                self.counters.side_effects += 1;
                Reply::written(200, "updated", "{}")
            }
            Route::ConversationPart(session, part) => self.part(session, part, &body)?,
            Route::NewProfile => self.profile(&body)?,
            Route::Profile(handle) => self.change_profile(method, handle, &body)?,
            Route::PersonData(handle) => self.person_data(method, handle, &body)?,
            _ => return Err(Reply::no_route()),
        };
        Ok(written.into())
    }

    fn delete(&mut self, route: Route<'_>) -> Result<Reply, Reply> {
        match route {
            Route::Conversation(session) => {
                let position = self.position(session)?;
                self.store.remove(position);
            }
            Route::Message(session, fingerprint) => {
                let position = self.position(session)?;
                let number = fingerprint.parse().map_err(|_| Reply::missing("message"))?;
                if !self.store.remove_message(position, number) {
                    return Err(Reply::missing("message"));
                }
            }
            Route::Profile(handle) => {
                let position = self.person(handle)?;
                self.store.remove_person(position);
            }
            Route::Helpdesk(route) => self.delete_of_helpdesk(route)?,
            _ => return Err(Reply::no_route()),
        }
        Ok(Reply::written(200, "deleted", "{}"))
    }

    /// A conversation that nobody has said anything in. Its date is that of the call.
    fn conversation(&mut self) -> Result<Reply, Reply> {
        self.admit()?;
        let session_id = format!("session_{}", self.limits.uuid());
        let number = self.limits.ids;
        let record = json!({
            "session_id": session_id,
            "website_id": self.website_id,
            "state": "pending",
            "status": 0,
            "is_blocked": false,
            "availability": "offline",
            "active": { "now": false },
            "mentions": [],
            "participants": [],
            "unread": { "operator": 0, "visitor": 0 },
            "assigned": null,
            "meta": {
                "nickname": format!("visitor{number}"), "email": "", "phone": "", "avatar": "",
                "origin": "chat", "segments": [], "data": {}, "device": { "geolocation": {} },
            },
            "created_at": self.now_ms,
            "updated_at": self.now_ms,
        });
        self.store.append_conversation(&record.to_string()).map_err(|why| refused(&why))?;
        let data = json!({ "session_id": session_id });
        Ok(Reply::written(201, "added", &data.to_string()))
    }

    /// Whether the plan lets one more conversation be made now.
    fn admit(&mut self) -> Result<(), Reply> {
        let Some(plan) = self.quirks.plan else { return Ok(()) };
        let (count, window_ms) = plan.creations();
        let window = Duration::from_millis(self.quirks.plan_window_ms.unwrap_or(window_ms));
        let made = &mut self.limits.made;
        while made.front().is_some_and(|at| at.elapsed() >= window) {
            made.pop_front();
        }
        if made.len() >= count {
            self.counters.plan_throttled += 1;
            let message = "Too many conversations were created.";
            return Err(Reply::error(
                self.quirks.plan_status,
                "rate_limited",
                "rate_limit",
                message,
            ));
        }
        made.push_back(Instant::now());
        Ok(())
    }

    fn part(
        &mut self,
        session: &str,
        part: Part,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        let position = self.position(session)?;
        match part {
            Part::Meta => return self.meta(position, body),
            Part::State => {
                only(body, &["state", "user", "origin"])?;
                let state = body.get("state").and_then(Value::as_str).unwrap_or_default();
                change::set_state(self.store, session, state, self.now_ms)
                    .map_err(|why| refused(&why))?;
            }
            Part::Routing => {
                only(body, &["assigned", "silent"])?;
                let assigned =
                    body.get("assigned").ok_or_else(|| refused("assigned is missing"))?;
                if !assigned.is_null() && !self.is_operator(assigned) {
                    return Err(Reply::missing("operator"));
                }
                self.set(position, "assigned", assigned)?;
            }
            Part::Participants => {
                only(body, &["participants", "user", "origin"])?;
                let list = body.get("participants").filter(|list| list.is_array());
                let list = list.ok_or_else(|| refused("participants should be array"))?;
                let count = list.as_array().map_or(0, Vec::len);
                if self.quirks.plan.is_some_and(|plan| count > plan.participants_max()) {
                    return Err(check::upgrade("participants"));
                }
                self.set(position, "participants", list)?;
            }
            Part::Block => {
                only(body, &["blocked"])?;
                let blocked = body.get("blocked").filter(|blocked| blocked.is_boolean());
                let blocked = blocked.ok_or_else(|| refused("blocked should be boolean"))?;
                self.set(position, "is_blocked", blocked)?;
            }
            Part::Verify => return Err(Reply::no_route()),
        }
        Ok(Reply::written(200, "updated", "{}"))
    }

    /// Fields that are given replace those that are there; `data` and `segments` as a whole.
    fn meta(&mut self, position: u32, body: &Map<String, Value>) -> Result<Reply, Reply> {
        only(body, &META)?;
        check::meta(body)?;
        let text = self.store.conversation_text(self.store.conversation(position));
        let mut meta = raw::field(&text, "meta").unwrap_or("{}").to_owned();
        for (name, value) in body {
            meta = raw::with_field(&meta, name, &value.to_string());
        }
        let text = raw::with_field(&text, "meta", &meta);
        self.store.rewrite(position, &text).map_err(|why| refused(&why))?;
        let email = body.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
        if let Some(email) = email.filter(|_| self.quirks.binds_people) {
            let nickname = body.get("nickname").and_then(Value::as_str).unwrap_or(email);
            self.bind(position, email, nickname)?;
        }
        self.touch(position)?;
        Ok(Reply::written(200, "updated", "{}"))
    }

    fn set(&mut self, position: u32, field: &str, value: &Value) -> Result<(), Reply> {
        let text = self.store.conversation_text(self.store.conversation(position));
        let text = raw::with_field(&text, field, &value.to_string());
        self.store.rewrite(position, &text).map_err(|why| refused(&why))?;
        self.touch(position)
    }

    fn touch(&mut self, position: u32) -> Result<(), Reply> {
        change::touch(self.store, position, None, self.now_ms).map_err(|why| refused(&why))
    }

    fn is_operator(&self, assigned: &Value) -> bool {
        let user_id = assigned.get("user_id").and_then(Value::as_str);
        self.store.list("operators").iter().any(|row| {
            let own = raw::path(row, &["details", "user_id"]).and_then(raw::text_of);
            own.is_some() && own.as_deref() == user_id
        })
    }

    fn position(&self, session: &str) -> Result<u32, Reply> {
        self.store.position(session).ok_or_else(|| Reply::missing("session"))
    }
}
