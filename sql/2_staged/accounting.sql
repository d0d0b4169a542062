-- grain: one row per landed stream
-- key: stream
-- Every received record is a staged row, a quarantined one, or dropped by a named rule. Staged rows
-- are counted in the staged tables, not taken from the decision that should have put them there.
-- column stream: the landed stream
-- column received: rows that were landed, older versions of a key included
-- column staged: records that are staged rows, or part of one
-- column quarantined: records that cannot be understood
-- column dropped: records left out by a rule, and versions that a newer one or a deletion ended
-- column dropped_by: these rules, each with its count; null where there are none
with

received as (
    select
        stream,
        received,
        newest
    from source.received
),

part_streams as (
    select distinct stream
    from source.judged
    where is_part
),

staged_rows as (
    select stream, count(distinct conversation_id) as staged
    from staged.tickets
    group by stream
    union all
    select stream, count(*) as staged
    from staged.messages
    where content_type <> 'notepad'
    group by stream
    union all
    select split_part(source_id, '/', 1) as stream, count(*) as staged
    from staged.customer_identities
    where kind = 'person_id'
    group by split_part(source_id, '/', 1)
    union all
    select listed.stream, count(*) as staged
    from staged.agents
    inner join source.agents as listed
        on agents.source_id = listed.source_key and agents.agent_id = listed.agent_id
    where agents.is_known
    group by listed.stream
    union all
    select listed.stream, count(*) as staged
    from staged.teams
    inner join source.teams as listed on teams.source_id = listed.source_key
    group by listed.stream
    union all
    select left_events.stream, count(*) as staged
    from staged.customer_events
    inner join source.customer_events as left_events
        on customer_events.event_id = left_events.source_key
    group by left_events.stream
    union all
    select stream, count(*) as staged from staged.census group by stream
    union all
    select stream, count(*) as staged from staged.documents group by stream
    union all
    select stream, count(*) as staged from staged.kb_categories group by stream
    union all
    select stream, count(*) as staged from staged.kb_articles group by stream
),

-- A stream of parts may show in tables of wholes too; there it is not counted.
whole_rows as (
    select
        staged_rows.stream,
        sum(staged_rows.staged) as staged
    from staged_rows
    left anti join part_streams on staged_rows.stream = part_streams.stream
    group by staged_rows.stream
),

-- These become part of other rows, so the decision is all there is to count.
merged_rows as (
    select fates.stream, count(*) as staged
    from staged.fates
    left semi join part_streams on fates.stream = part_streams.stream
    where fates.fate = 'staged'
    group by fates.stream
),

-- Files that are read as the text of a message.
read_files as (
    select originals.url
    from source.originals
    left semi join staged.messages on originals.message_id = messages.message_id
    where originals.url is not null
),

named_files as (
    select url from staged.attachments where fetch_status = 'stored' or reason <> 'not_landed'
    union
    select url from staged.kb_files where fetch_status = 'stored' or reason <> 'not_landed'
    union
    select url from read_files
),

used_files as (
    select url
    from named_files
    where url is not null
),

counted_files as (
    select 'downloads' as stream, count(url) as staged
    from used_files
),

staged_counts as (
    select stream, staged from whole_rows
    union all
    select stream, staged from merged_rows
    union all
    select stream, staged from counted_files
),

quarantined as (
    select stream, count(*) as quarantined
    from staged.quarantine
    group by stream
),

unused_files as (
    select 'downloads' as stream, 'not_shown_anywhere' as rule, count(*) as rows
    from source.files
    left anti join used_files on files.url = used_files.url
),

dropped_rules as (
    select stream, rule, count(*) as rows
    from staged.fates
    where fate = 'dropped'
    group by stream, rule
    union all
    select stream, rule, rows from unused_files where rows > 0
    union all
    select stream, 'superseded' as rule, received - newest as rows
    from received
    where received > newest
),

dropped as (
    select
        stream,
        sum(rows) as dropped,
        string_agg(concat(rule, ' ', rows), ', ' order by rule) as dropped_by
    from dropped_rules
    group by stream
),

final as (
    select
        received.stream,
        received.received,
        coalesce(staged_counts.staged, 0) as staged,
        coalesce(quarantined.quarantined, 0) as quarantined,
        coalesce(dropped.dropped, 0) as dropped,
        dropped.dropped_by
    from received
    left join staged_counts on received.stream = staged_counts.stream
    left join quarantined on received.stream = quarantined.stream
    left join dropped on received.stream = dropped.stream
)

select * from final order by stream
