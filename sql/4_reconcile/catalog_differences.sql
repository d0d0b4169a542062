-- grain: one row per tag or agent of the plan and field in which plan and target differ
-- key: "table", source_id, field
-- Agents who were in the target before keep the name that they have there.
-- column table: kind of record: tags or agents
-- column
-- column source_id: the tag's name, or the staged agent
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when it is not there
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

tags as (
    select name
    from plan.tags
),

tags_in_target as (
    select name
    from readback.tags
),

refused as (
    select source_id as name
    from ledger.records
    where kind = 'tag' and state = 'refused'
),

missing_tags as (
    select
        tags.name as source_id,
        case when refused.name is not null then 'tag_refused' end as rule
    from tags
    left anti join tags_in_target on tags.name = tags_in_target.name
    left join refused on tags.name = refused.name
),

agents as (
    select
        planned.agent_id,
        planned.email,
        planned.name,
        records.state,
        records.target_id
    from plan.agents as planned
    inner join ledger.records as records
        on records.kind = 'agent' and planned.agent_id = records.source_id
    where records.target_id is not null
),

agents_in_target as (
    select
        target_id,
        email,
        name
    from readback.agents
),

paired_agents as (
    select
        agents.agent_id,
        agents.state,
        agents.target_id,
        lower(trim(agents.email)) as email,
        coalesce(agents.name, agents.email) as name,
        agents_in_target.target_id is not null as is_there,
        agents_in_target.email as found_email,
        agents_in_target.name as found_name
    from agents
    left join agents_in_target on agents.target_id = agents_in_target.target_id
),

final as (
    select
        'tags' as "table",
        source_id,
        cast(null as varchar) as target_id,
        'existence' as field,
        'once' as expected,
        'missing' as found,
        rule
    from missing_tags
    union all
    select
        'agents' as "table",
        agent_id as source_id,
        target_id,
        'existence' as field,
        'once' as expected,
        'missing' as found,
        cast(null as varchar) as rule
    from paired_agents
    where not is_there
    union all
    select
        'agents' as "table",
        agent_id as source_id,
        target_id,
        'email' as field,
        email as expected,
        found_email as found,
        cast(null as varchar) as rule
    from paired_agents
    where is_there and state = 'done' and email is distinct from found_email
    union all
    select
        'agents' as "table",
        agent_id as source_id,
        target_id,
        'name' as field,
        name as expected,
        found_name as found,
        cast(null as varchar) as rule
    from paired_agents
    where is_there and state = 'done' and name is distinct from found_name
)

select * from final order by "table", source_id, field
