//! People who answer: matched by address, and who stands in for those whom the target lacks.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Fault, Result};

use super::Replay;
use crate::plan;
use crate::recovery::Settled;
use crate::target::{Draft, Person, TargetId, phase};

/// The ledger's id of the agent who stands in.
const LEGACY: &str = "legacy";
/// Detail of an agent for whom somebody stands in.
pub(super) const STANDS_IN: &str = "the target has no such agent; the legacy agent stands in";
/// Detail of an agent who is not there and for whom nobody has to stand in.
const NOT_THERE: &str = "the target has no such agent, and takes none from outside";

/// Every agent of the plan, in the target.
pub(super) struct Agents {
    by_id: HashMap<String, TargetId>,
    replaced: HashSet<String>,
    /// Who stands in, where the target needs somebody.
    legacy: Option<TargetId>,
}

impl Agents {
    /// Who writes for an agent of the plan.
    pub fn writer(&self, agent_id: &str) -> Option<&TargetId> {
        self.by_id.get(agent_id).or(self.legacy.as_ref())
    }

    /// Who writes for nobody in particular.
    pub fn legacy(&self) -> Option<&TargetId> {
        self.legacy.as_ref()
    }

    /// An agent as somebody whom a note names: nobody is named in another one's place.
    pub fn mentioned(&self, agent_id: &str) -> Option<&TargetId> {
        let known = self.by_id.get(agent_id);
        known.filter(|_| !self.replaced.contains(agent_id))
    }
}

impl Replay<'_> {
    /// Matches or creates every agent of the plan. They are few, so all are done in any replay.
    pub(super) async fn bring_agents(&self) -> Result<Agents> {
        let planned = plan::agents(self.warehouse, &self.options.run).await?;
        let planned: Vec<plan::Agent> = planned.try_collect().await?;
        self.progress.phase(phase::AGENTS_READ, planned.len() as u64);
        let ledger = self.desk.ledger;
        let is_new = |id: &str| ledger.standing(RecordKind::Agent, id).is_none();
        let needs_authors = self.desk.target.abilities().needs_authors;
        let legacy_known = !needs_authors || !is_new(LEGACY);
        let people = if legacy_known && !planned.iter().any(|agent| is_new(&agent.agent_id)) {
            Vec::new()
        } else {
            self.desk.target.agents().await?
        };
        let legacy = match needs_authors {
            true => Some(self.legacy_agent(&people).await?),
            false => None,
        };
        let matched = self.match_agents(&planned, &people);
        if !matched.is_empty() {
            ledger.commit(matched).await?;
        }
        let mut agents = Agents { by_id: HashMap::new(), replaced: HashSet::new(), legacy };
        for agent in &planned {
            self.bring_agent(agent, &mut agents).await?;
            self.progress.advance(phase::AGENTS_READ, 1);
        }
        Ok(agents)
    }

    /// Every agent of the plan as the ledger knows them; asks nobody and changes nothing.
    pub(super) async fn known_agents(&self) -> Result<Agents> {
        let standing = |id: &str| self.desk.ledger.standing(RecordKind::Agent, id);
        let target_id = |id: &str| standing(id)?.target_id.map(TargetId::from);
        let legacy = target_id(LEGACY);
        let mut agents = Agents { by_id: HashMap::new(), replaced: HashSet::new(), legacy };
        let mut planned = plan::agents(self.warehouse, &self.options.run).await?;
        while let Some(plan::Agent { agent_id, .. }) = planned.try_next().await? {
            let detail = standing(&agent_id).and_then(|standing| standing.detail);
            if detail.as_deref() == Some(STANDS_IN) {
                agents.replaced.insert(agent_id.clone());
            }
            if let Some(id) = target_id(&agent_id) {
                agents.by_id.insert(agent_id, id);
            }
        }
        Ok(agents)
    }

    async fn bring_agent(&self, agent: &plan::Agent, agents: &mut Agents) -> Result<()> {
        let id = agent.agent_id.clone();
        let ledger = self.desk.ledger;
        let can_create = self.desk.target.abilities().creates_agents && agent.email.is_some();
        let create = can_create && self.options.mapping.get("missing_agent") == "create";
        let standing = ledger.standing(RecordKind::Agent, &id);
        match (&agents.legacy, standing) {
            (Some(legacy), None) if !create => {
                ledger.commit(vec![self.matched(&id, legacy, Some(STANDS_IN))]).await?;
            }
            (None, None) if !create => {
                let entry = Entry {
                    state: State::Refused,
                    target_id: None,
                    ..self.matched(&id, "", Some(NOT_THERE))
                };
                return ledger.commit(vec![entry]).await;
            }
            // Not a finding: nothing could be done about it, and each message keeps the name.
            (None, Some(standing)) if standing.detail.as_deref() == Some(NOT_THERE) => {
                return Ok(());
            }
            _ => {}
        }
        match self.bring(Draft::Agent(agent)).await? {
            Settled::In(target) => {
                // Not a finding: the mapping wants it so, and the ledger says for whom.
                let standing = ledger.standing(RecordKind::Agent, &id);
                let detail = standing.and_then(|standing| standing.detail);
                if detail.as_deref() == Some(STANDS_IN) {
                    agents.replaced.insert(id.clone());
                }
                agents.by_id.insert(id, target);
            }
            Settled::Refused | Settled::Open => {
                self.desk.findings.add(RecordKind::Agent, &id, STANDS_IN);
                agents.replaced.insert(id.clone());
                if let Some(legacy) = agents.legacy.clone() {
                    agents.by_id.insert(id, legacy);
                }
            }
        }
        Ok(())
    }

    /// Agents of the plan that the target has, as entries.
    fn match_agents(&self, planned: &[plan::Agent], people: &[Person]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for agent in planned {
            let known = self.desk.ledger.standing(RecordKind::Agent, &agent.agent_id);
            let Some(email) = agent.email.as_deref().filter(|_| known.is_none()) else {
                continue;
            };
            if let Some(person) = by_email(people, email) {
                entries.push(self.matched(&agent.agent_id, &person.id, None));
            }
        }
        entries
    }

    /// The agent who stands in, as the mapping says or else the account itself.
    async fn legacy_agent(&self, people: &[Person]) -> Result<TargetId> {
        let ledger = self.desk.ledger;
        let known = ledger.standing(RecordKind::Agent, LEGACY);
        if let Some(id) = known.and_then(|standing| standing.target_id) {
            return Ok(id.into());
        }
        let chosen = self.options.mapping.get("legacy_agent");
        let id = if !chosen.is_empty() {
            let person = by_email(people, chosen).ok_or_else(|| {
                Fault::config("the legacy_agent of the mapping is no agent of the target")
                    .hint("name an agent that the target has, or leave legacy_agent empty")
            })?;
            person.id.clone()
        } else if let Some(person) = by_email(people, self.desk.target.account_email()) {
            person.id.clone()
        } else {
            self.desk.target.own_agent().await?
        };
        ledger.commit(vec![self.matched(LEGACY, &id, None)]).await?;
        Ok(id)
    }

    fn matched(&self, source_id: &str, target_id: &str, detail: Option<&str>) -> Entry {
        Entry {
            kind: RecordKind::Agent,
            source_id: source_id.to_owned(),
            state: State::Matched,
            target_id: Some(target_id.to_owned()),
            at: self.desk.clock.now(),
            detail: detail.map(str::to_owned),
        }
    }
}

/// The only person with an address. Two of them would make a guess, so they count as none.
fn by_email<'a>(people: &'a [Person], email: &str) -> Option<&'a Person> {
    let email = email.trim().to_lowercase();
    let mut hits = people.iter().filter(|person| person.email.as_deref() == Some(email.as_str()));
    hits.next().filter(|_| hits.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_in_a_note_in_another_ones_place() {
        let agents = Agents {
            by_id: HashMap::from([("anna".into(), "1".into()), ("bo".into(), "9".into())]),
            replaced: HashSet::from(["bo".into()]),
            legacy: Some("9".into()),
        };
        assert_eq!(agents.writer("bo"), Some(&"9".to_owned()));
        assert_eq!(agents.mentioned("bo"), None);
        assert_eq!(agents.mentioned("stranger"), None);
        assert_eq!(agents.mentioned("anna"), Some(&"1".to_owned()));
    }

    #[test]
    fn two_people_with_one_address_are_nobody() {
        let person = |id: &str| Person { id: id.into(), email: Some("a@shop.example".into()) };
        let one = [person("1")];
        assert_eq!(by_email(&one, " A@shop.example").map(|found| found.id.as_str()), Some("1"));
        assert_eq!(by_email(&[person("1"), person("2")], "a@shop.example"), None);
    }
}
