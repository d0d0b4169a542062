//! Looking at a Crisp workspace before anything is written to it. Every call only reads.
//!
//! Crisp shows by no call which triggers, bots, workflows, plugins and hooks are on, nor whether
//! mail leaves the workspace, so somebody has to look and say so by name.

use std::collections::HashSet;

use http::Reply;
use kernel::Result;
use serde_json::{Value, json};

use super::{Crisp, Generation, no_crisp, reply};
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
        seen.extend(self.help_center_there(&wants.help_center).await?);
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

    /// Whether the workspace has the help center that the plan was made for, in its languages.
    async fn help_center_there(&self, locales: &[String]) -> Result<Option<Observation>> {
        let (Some(generation), [first, ..]) = (self.help_center, locales) else { return Ok(None) };
        let subject = "help-center";
        let wrong = |what: String, state: Value| {
            Observation::new(subject, State::Wrong, what).blocking(&state)
        };
        let reply = self.wire.look(phase::PREFLIGHT, "/helpdesk/locales/1?per_page=50").await?;
        let Some(Value::Array(rows)) = reply::data(&reply) else {
            let what = "the workspace has no help center".to_owned();
            return Ok(Some(wrong(what, json!({"help_center": "none"})).hint(
                "set one up in Crisp, or set help_center in [mapping] to skip and plan again",
            )));
        };
        let there: HashSet<&str> =
            rows.iter().filter_map(|row| row.get("locale").and_then(Value::as_str)).collect();
        let missing: Vec<&str> =
            locales.iter().map(String::as_str).filter(|locale| !there.contains(locale)).collect();
        if !missing.is_empty() {
            let what = format!("the help center lacks languages: {}", missing.join(", "));
            return Ok(Some(
                wrong(what, json!({"help_center": missing}))
                    .hint("add them to the help center in Crisp; no load makes a language"),
            ));
        }
        // The calls of the other generation do not exist.
        let path = format!("/helpdesk/tree/list/{first}/articles/1?per_page=20");
        let reply = self.wire.look(phase::PREFLIGHT, &path).await?;
        let found = match reply::data(&reply) {
            Some(_) => Generation::New,
            None => Generation::Legacy,
        };
        let what = format!("the help center is of the {} make", found.name());
        Ok(Some(match found == generation {
            true => Observation::new(subject, State::Fine, what),
            false => {
                let what = format!("{what}, planned for {}", generation.name());
                wrong(what, json!({"help_center": found.name()})).hint(format!(
                    "set help_center in [mapping] to {} and plan again",
                    found.name()
                ))
            }
        }))
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
