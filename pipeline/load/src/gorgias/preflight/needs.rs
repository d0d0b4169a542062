//! What a plan needs and an account lacks: agents, tags, room in the bucket. Reads what Gorgias
//! answered and makes no calls.

use std::collections::HashSet;

use serde_json::Value;

use super::super::reply;
use super::Seen;
use crate::preflight::{Needs, Observation, State};

/// What to do where there is no plan yet.
const NO_PLAN: &str = "deskferry plan first; then deskferry check compares";

/// The bucket, as the header of the last reply says it, beside the configuration.
pub(super) fn bucket(told: Option<(u32, u32)>, configured: Option<u32>) -> Observation {
    let Some((used, limit)) = told else {
        let what = "the replies do not say how many calls the bucket holds";
        return Observation::new("bucket", State::Unseen, what).hint(
            "without the header nobody notices when something else uses the same bucket; set \
             calls_per_window and window_s in [target] with care",
        );
    };
    let what = format!("{limit} calls fit the bucket, {used} are in it");
    match configured {
        Some(configured) if configured > limit => Observation::new("bucket", State::Note, what)
            .hint(format!("[target] counts on {configured}; what the vendor says wins")),
        Some(configured) if configured < limit => Observation::new("bucket", State::Note, what)
            .hint(format!("[target] counts on {configured}; a load could be faster")),
        _ => Observation::new("bucket", State::Fine, what),
    }
}

/// Each agent of the plan who has no user.
pub(super) fn agents(seen: &Seen<Vec<Value>>, needs: Option<&Needs>) -> Vec<Observation> {
    let users = match seen {
        Seen::No(status) => return vec![hidden("agents", *status)],
        Seen::Yes(users) => users,
    };
    let Some(needs) = needs else {
        let what = format!("users: {}; no run is planned, so nobody is compared", users.len());
        return vec![Observation::new("agents", State::Note, what).hint(NO_PLAN)];
    };
    let known: HashSet<String> =
        users.iter().filter_map(reply::person).filter_map(|person| person.email).collect();
    let is_known = |email: &str| known.contains(&email.trim().to_lowercase());
    let lacking = needs.agents.iter().filter(|agent| !agent.email.as_deref().is_some_and(is_known));
    let lacking: Vec<Observation> = lacking
        .map(|agent| {
            let name = agent.name.as_deref().unwrap_or("somebody without a name");
            Observation::new(
                format!("agent:{}", agent.agent_id),
                State::Note,
                format!("{name} has no user with the same e-mail address"),
            )
            .hint("make the user first, or missing_agent in [mapping] says who stands in")
        })
        .collect();
    let what = format!("agents planned: {}, without a user: {}", needs.agents.len(), lacking.len());
    let state = if lacking.is_empty() { State::Fine } else { State::Note };
    let mut all = vec![Observation::new("agents", state, what)];
    all.extend(lacking);
    all
}

/// How many tags will be created.
pub(super) fn tags(seen: &Seen<Vec<Value>>, needs: Option<&Needs>) -> Observation {
    let tags = match seen {
        Seen::No(status) => return hidden("tags", *status),
        Seen::Yes(tags) => tags,
    };
    let Some(needs) = needs else {
        let what = format!("tags: {}; no run is planned, so none is compared", tags.len());
        return Observation::new("tags", State::Note, what).hint(NO_PLAN);
    };
    let known: HashSet<String> = tags.iter().filter_map(reply::tag).map(|(name, _)| name).collect();
    let new = needs.tags.iter().filter(|name| !known.contains(*name)).count();
    let what = format!("tags planned: {}, to be created: {new}", needs.tags.len());
    Observation::new("tags", State::Fine, what)
}

/// How many custom fields will be created.
pub(super) fn fields(seen: &Seen<Vec<Value>>, object: &str, needs: Option<&Needs>) -> Observation {
    let subject = format!("custom_fields:{object}");
    let fields = match seen {
        Seen::No(status) => return hidden(&subject, *status),
        Seen::Yes(fields) => fields,
    };
    let Some(needs) = needs else {
        let what =
            format!("there already: {}; no run is planned, so none is compared", fields.len());
        return Observation::new(subject, State::Note, what).hint(NO_PLAN);
    };
    let known: HashSet<&str> =
        fields.iter().filter_map(|field| field.get("external_id")?.as_str()).collect();
    let wanted = needs.fields.iter().filter(|(of, _)| of.eq_ignore_ascii_case(object));
    let wanted: Vec<&str> = wanted.map(|(_, id)| id.as_str()).collect();
    let new = wanted.iter().filter(|id| !known.contains(*id)).count();
    let there = fields.len();
    let what = format!("planned: {}, to be created: {new}, there already: {there}", wanted.len());
    Observation::new(subject, State::Fine, what)
}

fn hidden(subject: &str, status: u16) -> Observation {
    let what = format!("the list cannot be seen (status {status})");
    Observation::new(subject, State::Unseen, what).hint("use the API key of an admin")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::Agent;

    #[test]
    fn agents_are_compared_by_address_and_no_address_is_shown() {
        let users = Seen::Yes(vec![json!({"id": 1, "email": "Ada@shop.example", "role": {}})]);
        let agent = |id: &str, email: Option<&str>| Agent {
            agent_id: id.into(),
            email: email.map(str::to_owned),
            name: Some(id.to_uppercase()),
        };
        let agents_of_plan = vec![
            agent("ada", Some("ada@shop.example")),
            agent("bo", Some("bo@shop.example")),
            agent("cy", None),
        ];
        let fields_of_plan = [("ticket", "f1"), ("ticket", "f2"), ("customer", "f3")];
        let needs = Needs {
            agents: agents_of_plan,
            tags: vec!["vip".into(), "VIP".into()],
            fields: fields_of_plan.map(|(of, id)| (of.to_owned(), id.to_owned())).into(),
        };
        let seen = agents(&users, Some(&needs));
        let subjects: Vec<&str> = seen.iter().map(|one| one.subject.as_str()).collect();
        assert_eq!(subjects, ["agents", "agent:bo", "agent:cy"]);
        assert!(seen.iter().all(|one| !one.what.contains('@') && !one.is_finding()));
        let known = Seen::Yes(vec![json!({"id": 3, "name": "VIP"})]);
        assert!(tags(&known, Some(&needs)).what.contains("to be created: 1"));
        assert_eq!(tags(&known, None).state, State::Note);
        let known = Seen::Yes(vec![json!({"id": 4, "external_id": "f1"})]);
        let seen = fields(&known, "Ticket", Some(&needs));
        assert!(seen.what.contains("planned: 2, to be created: 1"), "{}", seen.what);
        assert_eq!(agents(&Seen::No(403), Some(&needs))[0].state, State::Unseen);
    }

    #[test]
    fn the_bucket_is_compared_with_the_configuration() {
        let state = |told, configured| bucket(told, configured).state;
        assert_eq!(state(Some((3, 40)), Some(40)), State::Fine);
        assert_eq!(state(Some((3, 40)), Some(80)), State::Note);
        assert_eq!(state(Some((3, 80)), Some(40)), State::Note);
        assert_eq!(state(None, Some(40)), State::Unseen);
    }
}
