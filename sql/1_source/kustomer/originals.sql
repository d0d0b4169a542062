-- grain: one row per message whose whole text was landed as a file
-- key: source_key
with

messages as (
    select
        source_key,
        message_id,
        fetched_at,
        body_url
    from source.messages
    where quarantine_rule is null and body_url is not null
),

texts as (
    select
        url,
        text
    from landing.texts
),

final as (
    select
        messages.source_key,
        messages.fetched_at,
        messages.message_id,
        texts.url,
        cast(null as varchar) as subject,
        cast(null as varchar) as message_ref,
        nullif(texts.text, '') as content,
        cast(null as varchar) as quarantine_rule
    from messages
    inner join texts on messages.body_url = texts.url
)

select * from final order by source_key
