//! Looking at a Gorgias account before anything is written to it. Every call only reads, and the
//! number of calls is the same whatever is found, as long as each list fits one page.
//!
//! What Gorgias does with rules, integrations, surveys and merging on imported tickets is not
//! documented, so each of them counts as able to act. What the answers mean is in `live` and
//! `needs`; whether a load may begin is decided in [`crate::preflight`].

mod live;
mod needs;

use http::Reply;
use kernel::Result;
use serde_json::{Value, json};

use super::{Gorgias, no_gorgias, reply};
use crate::preflight::{Observation, State, Wants};
use crate::target::phase;

/// Pages of one list; nobody has 10,000 rules.
const PAGES_MAX: usize = 100;
/// Roles that may see rules and settings and make what a replay makes; `agent` is what the
/// helpdesk shows as lead agent.
const ROLES: [&str; 2] = ["admin", "agent"];
/// What the vendor calls an account that is paid for and in use.
const ACTIVE: &str = "active";

/// What an address answered.
enum Seen<T> {
    Yes(T),
    /// It did not let us see: the status.
    No(u16),
}

impl Gorgias {
    /// Everything that is asked for, in the order in which it is shown.
    pub(super) async fn look(&self, wants: &Wants) -> Result<Vec<Observation>> {
        let mut seen = vec![self.own_role().await?, self.account().await?];
        seen.push(needs::bucket(self.wire.calls.vitals().bucket, wants.calls_per_window));
        seen.extend(live::rules(&self.whole("/api/rules").await?));
        seen.extend(live::integrations(&self.whole("/api/integrations").await?));
        seen.extend(live::settings(&self.whole("/api/account/settings").await?));
        if wants.everything {
            seen.push(live::macros(&self.whole("/api/macros").await?));
            seen.extend(self.needed(wants).await?);
        }
        Ok(seen)
    }

    /// What the plan needs and the account lacks.
    async fn needed(&self, wants: &Wants) -> Result<Vec<Observation>> {
        let users = self.whole("/api/users").await?;
        let tags = self.whole("/api/tags").await?;
        let mut seen = needs::agents(&users, wants.needs.as_ref());
        seen.push(needs::tags(&tags, wants.needs.as_ref()));
        for object in ["Ticket", "Customer"] {
            let path = format!("/api/custom-fields?object_type={object}");
            seen.push(needs::fields(&self.whole(&path).await?, object, wants.needs.as_ref()));
        }
        Ok(seen)
    }

    /// Whose credentials these are, which also shows whether a Gorgias answers at all.
    async fn own_role(&self) -> Result<Observation> {
        let reply = self.wire.look(phase::PREFLIGHT, "/api/users/0").await?;
        let body = reply::json(&reply.body);
        let user = match (reply.is_success(), body) {
            (true, Some(user)) if reply::is_user(&user) => user,
            (false, Some(error)) if error.get("error").is_some() => {
                let what = format!("the role of the account cannot be seen ({})", shown(&reply));
                return Ok(Observation::new("account:role", State::Unseen, what)
                    .hint("use the API key of an admin or a lead agent")
                    .blocking(&json!({"role": reply.status})));
            }
            _ => return Err(no_gorgias()),
        };
        let role = user.pointer("/role/name").or(user.get("role")).and_then(Value::as_str);
        let role = role.unwrap_or("unknown");
        if ROLES.contains(&role) {
            let what = format!("the credentials are those of an account with the role {role}");
            return Ok(Observation::new("account:role", State::Fine, what));
        }
        let what = format!("the role {role} may not see or make all that a load needs");
        Ok(Observation::new("account:role", State::Wrong, what)
            .hint("use the API key of an admin or a lead agent")
            .blocking(&json!({"role": role})))
    }

    async fn account(&self) -> Result<Observation> {
        let reply = self.wire.look(phase::PREFLIGHT, "/api/account").await?;
        let account = reply::json(&reply.body).filter(|_| reply.is_success());
        let Some(account) = account else {
            let what = format!("the account cannot be seen ({})", shown(&reply));
            return Ok(Observation::new("account", State::Unseen, what)
                .hint("use the API key of an admin; a quota of a trial shows itself only then"));
        };
        let is_off = account.get("deactivated_datetime").is_some_and(|time| !time.is_null());
        let status = account.pointer("/status/status").and_then(Value::as_str).unwrap_or("unknown");
        if is_off {
            return Ok(Observation::new("account", State::Wrong, "the account is deactivated")
                .hint("let Gorgias activate it")
                .blocking(&json!({"deactivated": true, "status": status})));
        }
        let what = format!("its status is {status}");
        if status == ACTIVE {
            return Ok(Observation::new("account", State::Fine, what));
        }
        Ok(Observation::new("account", State::Note, what).hint(
            "an account that is not active may refuse tickets (status 403, messaging quota), which \
             cannot be seen without writing; have it lifted before the cutover",
        ))
    }

    /// Every record of a list, whatever its number of pages, or why it cannot be seen.
    async fn whole(&self, path: &str) -> Result<Seen<Vec<Value>>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        // The settings are one page and know no limit.
        let is_paged = !path.ends_with("/settings");
        let mut address = match is_paged {
            true => format!("{path}{joint}limit=100"),
            false => path.to_owned(),
        };
        let mut records = Vec::new();
        for _ in 0..PAGES_MAX {
            let reply = self.wire.look(phase::PREFLIGHT, &address).await?;
            let body = reply::json(&reply.body).filter(|_| reply.is_success());
            let Some(page) = body.as_ref().and_then(reply::page) else {
                return Ok(Seen::No(reply.status));
            };
            records.extend(page.items);
            let Some(cursor) = page.next_cursor else {
                return Ok(Seen::Yes(records));
            };
            address = format!("{path}{joint}limit=100&cursor={}", reply::encoded(&cursor));
        }
        Ok(Seen::No(200))
    }
}

fn shown(reply: &Reply) -> String {
    format!("status {}", reply.status)
}

/// Something that could act and cannot be seen.
fn unseen(subject: &str, what: &str, status: u16) -> Observation {
    Observation::new(subject, State::Unseen, format!("{what} cannot be seen (status {status})"))
        .hint("use the API key of an admin, or look in the helpdesk and acknowledge")
        .blocking(&json!({"unseen": status}))
}
