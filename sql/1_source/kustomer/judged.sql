-- grain: one row per landed record that is neither a conversation, a message nor a profile
-- key: stream, source_key
with

desk as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        case when is_doubled then 'in_another_list' end as drop_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.users
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        null as drop_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.teams
    union all
    -- Their names go to what carries them, and companies to those who belong to them.
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.tags
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.metadata
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.organisations
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        'message' as belongs_to,
        message_id as owner_id,
        'file_without_message' as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.listed_files
),

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

everything as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        belongs_to,
        owner_id,
        orphan_rule,
        drop_rule,
        is_part,
        quarantine_rule,
        offending
    from desk
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        drop_rule,
        is_part,
        quarantine_rule,
        offending
    from library
),

final as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        cast(belongs_to as varchar) as belongs_to,
        cast(owner_id as varchar) as owner_id,
        cast(orphan_rule as varchar) as orphan_rule,
        cast(drop_rule as varchar) as drop_rule,
        is_part,
        quarantine_rule,
        offending
    from everything
)

select * from final order by stream, source_key
