-- grain: one row per file that was sent as a message
-- key: message_id, place
with

final as (
    select
        message_id,
        1 as place,
        file_url as url,
        coalesce(
            file_name,
            nullif(regexp_replace(split_part(file_url, '?', 1), '^.*/', ''), ''),
            'file'
        ) as name,
        file_type as content_type
    from source.messages
    where quarantine_rule is null and raw_content is null and file_url is not null
)

select * from final order by message_id, place
