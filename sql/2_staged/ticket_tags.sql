-- grain: one row per ticket and tag
-- key: ticket_id, tag
-- Every part of a split conversation has its tags; only the last part can be pending.
-- column platform: where it comes from
-- column ticket_id: the ticket
-- column tag: on one line, at most 256 characters [conversations $.meta.segments]
-- column rule: where it comes from: segment, import_tag or pending_tag
-- column source_tag: as the source or the configuration spells it
-- column is_cut: whether it was longer
with

tickets as (
    select
        platform,
        ticket_id,
        conversation_id,
        state
    from staged.tickets
),

conversations as (
    select
        ticket_id as conversation_id,
        tags
    from source.tickets
    where quarantine_rule is null and tags is not null
),

segments as (
    select
        conversation_id,
        unnest(json_texts(tags)) as tag
    from conversations
),

wanted as (
    select tickets.platform, tickets.ticket_id, segments.tag, 'segment' as rule
    from segments
    inner join tickets on segments.conversation_id = tickets.conversation_id
    union all
    select tickets.platform, tickets.ticket_id, mapping.import_tag as tag, 'import_tag' as rule
    from tickets
    cross join config.mapping as mapping
    union all
    select tickets.platform, tickets.ticket_id, mapping.pending_tag as tag, 'pending_tag' as rule
    from tickets
    cross join config.mapping as mapping
    where tickets.state = 'pending'
),

styled as (
    select
        wanted.platform,
        wanted.ticket_id,
        wanted.tag as source_tag,
        case
            when mapping.tag_style = 'kebab' and wanted.rule = 'segment'
                and regexp_like(wanted.tag, '[\p{L}\p{N}]')
                then trim(
                    both '-' from
                    regexp_replace(lower(wanted.tag), '[^\p{L}\p{N}]+', '-', 'g')
                )
            else visible_line(wanted.tag)
        end as tag,
        wanted.rule
    from wanted
    cross join config.mapping as mapping
),

final as (
    select
        min(platform) as platform,
        ticket_id,
        cut_text(tag, 256) as tag,
        min(rule) as rule,
        min(source_tag) as source_tag,
        max(char_length(tag)) > 256 as is_cut
    from styled
    where tag <> ''
    group by ticket_id, cut_text(tag, 256)
)

select * from final order by ticket_id, tag
