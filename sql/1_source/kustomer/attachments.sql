-- grain: one row per file of a message: a listed one, the recording of a call, or its whole text
-- key: message_id, place
with

gathered as (
    select
        message_id,
        1 as rank,
        source_key,
        url,
        coalesce(name, 'file') as name,
        content_type
    from source.listed_files
    where quarantine_rule is null
    union all
    select
        message_id,
        2 as rank,
        source_key,
        recording_url as url,
        coalesce(
            nullif(regexp_replace(split_part(recording_url, '?', 1), '^.*/', ''), ''),
            'recording'
        ) as name,
        null as content_type
    from source.messages
    where quarantine_rule is null and recording_url is not null
    union all
    select
        message_id,
        3 as rank,
        source_key,
        body_url as url,
        'whole-message.html' as name,
        'text/html' as content_type
    from source.messages
    where quarantine_rule is null and body_url is not null
),

final as (
    select
        message_id,
        row_number() over (partition by message_id order by rank, source_key) as place,
        url,
        name,
        content_type
    from gathered
)

select * from final order by message_id, place
