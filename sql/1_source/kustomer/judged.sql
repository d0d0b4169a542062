-- grain: one row per landed record that is neither a conversation, a message nor a profile
-- key: stream, source_key
with

library as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        cast(null as varchar) as drop_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.settings
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        cast(null as varchar) as drop_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.kobjects
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        drop_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.articles
    union all
    -- A category is a row for each of its languages.
    select
        platform,
        snapshot,
        stream,
        source_key,
        drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.categories
),

final as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        cast(null as varchar) as belongs_to,
        cast(null as varchar) as owner_id,
        cast(null as varchar) as orphan_rule,
        drop_rule,
        is_part,
        quarantine_rule,
        offending
    from library
)

select * from final order by stream, source_key
