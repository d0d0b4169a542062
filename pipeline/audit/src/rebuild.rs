//! The rebuild kit: everything that has no equal in the target, kind by kind, with what it does,
//! how to make it again, why nobody moved it, and where the original lies.
//!
//! It reads a build and renders; what a thing means is said by SQL. How the pages look is in
//! `templates/`; every value is escaped for the page it gets into.

mod page;

use std::collections::BTreeMap;

use kernel::{Fault, Result};
use landing::Warehouse;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use transform::Scope;

use crate::question::read_rows;

pub use page::Page;

/// What is carried into a help center that takes it: made again by hand where a target has a way of
/// its own for that, or where there is no target.
const ARTICLE: &str = "article";

/// Kinds in the order in which somebody would make them again, with their headings. Other kinds
/// come after them.
const KINDS: &[(&str, &str)] = &[
    ("agent", "Agents"),
    ("team", "Teams"),
    ("brand", "Brands"),
    ("channel", "Channels"),
    ("inbox", "Inboxes"),
    ("queue", "Queues"),
    ("sub_status", "States of one's own"),
    ("macro", "Saved replies"),
    ("automation", "Rules and workflows"),
    ("sla", "Service levels"),
    ("sla_version", "Versions of service levels"),
    ("view", "Saved searches"),
    ("view_order", "Order of saved searches"),
    ("survey", "Surveys"),
    ("webhook", "Hooks"),
    ("campaign", "Campaigns"),
    ("custom_object_schema", "Classes of custom objects"),
    ("custom_object_attributes", "Fields of custom objects"),
    ("help_center", "Help centers"),
    ("help_center_language", "Languages of the help center"),
    (ARTICLE, "Articles of the help center"),
    ("help_center_redirection", "Redirections of the help center"),
    ("help_center_theme", "Themes of the help center"),
    ("help_center_template", "Templates of the help center"),
    ("help_center_form", "Forms of the help center"),
    ("help_center_tag", "Tags of the help center"),
    ("blocked_visitor", "Blocked visitors"),
    ("custom_object_record", "Custom objects"),
    ("survey_response", "Answers to surveys"),
    ("spam_mail", "Mail in quarantine"),
];

/// Everything that is made again by hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RebuildKit {
    /// The build that it was read from.
    pub build: String,
    /// Where it comes from.
    pub platform: String,
    /// Its snapshots, the newest last.
    pub snapshots: Vec<String>,
    /// The helpdesk in which it is made again, where one is configured.
    pub target: Option<String>,
    /// How many things there are.
    pub count: usize,
    /// Them, kind by kind.
    pub groups: Vec<Group>,
}

/// All things of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The kind.
    pub kind: String,
    /// Its heading.
    pub title: String,
    /// How many there are.
    pub count: usize,
    /// How to make one again, in the target where that is known.
    pub way: Option<String>,
    /// Them, by name.
    pub things: Vec<Thing>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    #[serde(skip_serializing)]
    kind: String,
    #[serde(skip_serializing)]
    platform: String,
    /// What it is called.
    pub name: String,
    /// What it does, in words and numbers.
    pub summary: Option<String>,
    /// Its text, where it is one.
    pub content: Option<String>,
    /// What to make of it in any helpdesk.
    pub recommended_target: Option<String>,
    /// Why nobody moved it.
    pub reason_not_migrated: String,
    /// The snapshot that holds the original.
    pub snapshot: String,
    /// Its stream there; none where several tell of it.
    pub stream: Option<String>,
    /// Its key there.
    pub key: String,
    /// When it was made.
    pub created_at: Option<String>,
    /// When it was changed last.
    pub updated_at: Option<String>,
    /// All that the source says of it.
    #[serde(deserialize_with = "as_json")]
    pub definition: Option<Value>,
}

/// A text that holds JSON, as JSON; as it is when it holds something else.
fn as_json<'de, D: serde::Deserializer<'de>>(
    input: D,
) -> std::result::Result<Option<Value>, D::Error> {
    let text: Option<String> = Option::deserialize(input)?;
    Ok(text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// Things that a build tells of, those that have tables of their own first.
const THINGS: &str = "
select 'agent' as kind, platform, coalesce(agents.name, agents.email, agents.agent_id) as name,
    concat_ws(', ', agents.email, agents.role, agents.kind,
        case when agents.is_invite then 'invited' end) as summary,
    cast(null as varchar) as content,
    'somebody who may answer, with the same e-mail address' as recommended_target,
    'an account has a person, a password and a price' as reason_not_migrated,
    agents.snapshot, cast(null as varchar) as stream, agents.source_id as \"key\",
    cast(null as varchar) as created_at, cast(null as varchar) as updated_at,
    cast(null as varchar) as definition
from staged.agents where agents.is_known
union all
select 'team' as kind, teams.platform, teams.name,
    concat_ws(', ', concat(teams.members, case teams.members when 1 then ' agent'
        else ' agents' end), members.names) as summary,
    null as content, 'a team of the same agents' as recommended_target,
    'its members have to be there first' as reason_not_migrated,
    teams.snapshot, null as stream, teams.source_id as \"key\",
    cast(teams.created_at as varchar) as created_at,
    cast(teams.updated_at as varchar) as updated_at, null as definition
from staged.teams
left join (
    select listed.team_id, string_agg(agents.name, ' · ' order by agents.name) as names
    from (
        select team_id, unnest(json_texts(member_agent_ids)) as agent_id from staged.teams
    ) as listed
    inner join staged.agents on listed.agent_id = agents.agent_id
    group by listed.team_id
) as members on teams.team_id = members.team_id
union all
select 'article' as kind, kb_articles.platform,
    concat(kb_articles.title, ' (', kb_articles.locale, ')') as name,
    concat_ws(', ', kb_articles.status, kb_articles.visibility, kb_categories.title) as summary,
    kb_articles.body_markdown as content,
    'an article of the help center with the same text' as recommended_target,
    'nothing is carried into the help center of this target' as reason_not_migrated,
    kb_articles.snapshot, kb_articles.stream, kb_articles.source_id as \"key\",
    cast(kb_articles.created_at as varchar) as created_at,
    cast(kb_articles.updated_at as varchar) as updated_at, null as definition
from staged.kb_articles
left join staged.kb_categories on kb_articles.category_id = kb_categories.category_id
union all
select kind, platform, name, summary, content, recommended_target, reason_not_migrated, snapshot,
    stream, source_id as \"key\", cast(created_at as varchar) as created_at,
    cast(updated_at as varchar) as updated_at, definition
from staged.documents";

const WAYS: &str = "select target, kind, way from staged.rebuild_ways";

#[derive(Deserialize)]
struct Way {
    target: String,
    kind: String,
    way: String,
}

/// Reads the rebuild kit of the scope's build, for a target or for none.
///
/// # Errors
/// `FixConfig` when nothing is staged yet.
pub async fn rebuild_kit(
    warehouse: &Warehouse,
    scope: &Scope,
    target: Option<&str>,
) -> Result<RebuildKit> {
    let build = scope.build.as_ref().ok_or_else(|| {
        Fault::config("nothing is staged yet")
            .hint("deskferry transform makes the tables that the report reads")
    })?;
    let session = transform::catalog(warehouse, scope).await?;
    let mut things: Vec<Thing> = read_rows(&transform::select(&session, THINGS).await?)?;
    let ways: Vec<Way> = read_rows(&transform::select(&session, WAYS).await?)?;
    let ways = ways.into_iter().filter(|way| Some(way.target.as_str()) == target);
    let ways: BTreeMap<String, String> = ways.map(|way| (way.kind, way.way)).collect();
    let is_carried = target.is_some() && !ways.contains_key(ARTICLE);
    things.retain(|thing| thing.kind != ARTICLE || !is_carried);
    Ok(RebuildKit {
        build: build.0.clone(),
        platform: things.first().map(|thing| thing.platform.clone()).unwrap_or_default(),
        snapshots: scope.snapshots.iter().map(ToString::to_string).collect(),
        target: target.map(str::to_owned),
        count: things.len(),
        groups: grouped(things, &ways),
    })
}

/// Things by kind, the kinds in their order, the things by name.
fn grouped(things: Vec<Thing>, ways: &BTreeMap<String, String>) -> Vec<Group> {
    let rank = |kind: &str| KINDS.iter().position(|(known, _)| *known == kind);
    let mut by_kind: BTreeMap<(usize, String), Vec<Thing>> = BTreeMap::new();
    for thing in things {
        let place = rank(&thing.kind).unwrap_or(KINDS.len());
        by_kind.entry((place, thing.kind.clone())).or_default().push(thing);
    }
    let groups = by_kind.into_iter().map(|((place, kind), mut things)| {
        things.sort_by(|one, other| (&one.name, &one.key).cmp(&(&other.name, &other.key)));
        let title =
            KINDS.get(place).map_or_else(|| kind.replace('_', " "), |(_, title)| (*title).into());
        let general = things.iter().find_map(|thing| thing.recommended_target.clone());
        let way = ways.get(&kind).cloned().or(general);
        Group { title, count: things.len(), way, things, kind }
    });
    groups.collect()
}
