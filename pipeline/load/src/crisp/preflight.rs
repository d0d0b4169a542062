//! Looking at a Crisp workspace before anything is written to it. Every call only reads.
//!
//! Crisp shows by no call which triggers, bots, workflows, plugins and hooks are on, nor whether
//! mail leaves the workspace, so somebody has to look and say so by name.

use std::collections::HashSet;

use http::Reply;
use kernel::Result;
use serde_json::{Value, json};

use super::{Crisp, no_crisp, reply};
use crate::preflight::{Needs, Observation, State, Wants};
use crate::target::phase;

impl Crisp {
    /// Everything that is asked for, in the order in which it is shown.
    pub(super) async fn look_around(&self, wants: &Wants) -> Result<Vec<Observation>> {
        let operators = self.wire.look(phase::PREFLIGHT, "/operators/list").await?;
        let mut seen = Vec::new();
        seen.push(right("operators", "operators", &operators)?);
        for (subject, what, path) in [
            ("conversations", "conversations", "/conversations/1?per_page=20"),
            ("people", "people profiles", "/people/stats"),
        ] {
            seen.push(right(subject, what, &self.wire.look(phase::PREFLIGHT, path).await?)?);
        }
        let state = |what: &str| json!({"website": self.website_id, "unseen": what});
        seen.push(
            Observation::new(
                "outgoing-mail",
                State::Unseen,
                "whether mail leaves this workspace cannot be seen",
            )
            .hint(
                "ask Crisp's support to block outgoing mails of the workspace during the load; \
                 then acknowledge",
            )
            .blocking(&state("outgoing-mail")),
        );
        seen.push(
            Observation::new(
                "automations",
                State::Unseen,
                "triggers, bots, workflows, plugins and hooks cannot be seen",
            )
            .hint("switch off in Crisp whatever reacts to new messages; then acknowledge")
            .blocking(&state("automations")),
        );
        seen.push(self.plan());
        seen.push(self.hosting());
        if wants.everything {
            seen.extend(agents(&operators, wants.needs.as_ref()));
        }
        Ok(seen)
    }

    fn plan(&self) -> Observation {
        let Some(plan) = self.wire.plan() else {
            let what = "no plan is configured, so conversations are created unpaced";
            return Observation::new("plan", State::Note, what);
        };
        let pace = plan.creations();
        let what = format!(
            "plan {}: {} conversations in {} s may be created",
            plan.name(),
            pace.calls,
            pace.window_ms / 1_000
        );
        match plan.has_notes() {
            true => Observation::new("plan", State::Fine, what),
            false => Observation::new("plan", State::Wrong, format!("{what}, and no notes"))
                .hint("take a plan with notes, or acknowledge that each note will be refused")
                .blocking(&json!({"plan": plan.name()})),
        }
    }

    fn hosting(&self) -> Observation {
        match &self.files {
            Some(files) => {
                let what = format!("files are served from {}", files.base_url);
                Observation::new("files", State::Fine, what)
                    .hint("whoever knows the address of a file can read it, as it is in Crisp")
            }
            None => Observation::new("files", State::Wrong, "no file can be brought")
                .hint(
                    "set files_base_url in [target] to an address that serves the folder of files; \
                     Crisp tells the address of an upload only by its real-time channel, which is \
                     not used",
                )
                .blocking(&json!({"files": "none"})),
        }
    }
}

/// Whether a list may be read, which also shows whether a Crisp answers at all.
fn right(subject: &str, what: &str, reply: &Reply) -> Result<Observation> {
    if reply::data(reply).is_some() {
        return Ok(Observation::new(subject, State::Fine, format!("{what} can be seen")));
    }
    match reply::reason(&reply.body) {
        Some(reason) => {
            let status = reply.status;
            let what = format!("{what} cannot be seen (status {status}, {reason})");
            Ok(Observation::new(subject, State::Wrong, what)
                .hint(reply::SCOPES)
                .blocking(&json!({"status": status})))
        }
        None => Err(no_crisp()),
    }
}

/// Each agent of the plan who is no operator: nobody can be created from outside.
fn agents(operators: &Reply, needs: Option<&Needs>) -> Vec<Observation> {
    let (Some(Value::Array(rows)), Some(needs)) = (reply::data(operators), needs) else {
        return Vec::new();
    };
    let people: HashSet<String> =
        rows.iter().filter_map(reply::person).filter_map(|person| person.email).collect();
    let missing = needs.agents.iter().filter(|agent| {
        let email = agent.email.as_deref().map(|email| email.trim().to_lowercase());
        email.is_none_or(|email| !people.contains(&email))
    });
    let observations = missing.map(|agent| {
        let subject = format!("agent:{}", agent.agent_id);
        let what = "is no operator of the workspace; messages keep the name, nothing is assigned";
        Observation::new(subject, State::Note, what).hint("invite them in Crisp before the load")
    });
    observations.collect()
}
