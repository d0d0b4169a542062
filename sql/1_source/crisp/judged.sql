-- grain: one row per landed record that is neither a conversation, a message nor a profile
-- key: stream, source_key
with

-- Records that stand for themselves: nothing else decides about them.
alone as (
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.agents
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.blocked_visitors
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.campaigns
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.census
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_articles
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_categories
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_locales
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_pages
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_redirections
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_sections
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.helpdesk_tree
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.inboxes
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.spams
    union all
    select platform, snapshot, stream, source_key, quarantine_rule, offending
    from source.teams
),

wholes as (
    select
        stream,
        source_key
    from alone
    where quarantine_rule is null
),

-- The rest of a record whose first half came with a list.
halves as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        source_key as whole_key,
        'spams' as whole,
        quarantine_rule,
        offending
    from source.spam_contents
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        source_key as whole_key,
        'helpdesk_articles' as whole,
        quarantine_rule,
        offending
    from source.helpdesk_article_bodies
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        source_key as whole_key,
        'helpdesk_articles' as whole,
        quarantine_rule,
        offending
    from source.helpdesk_article_categories
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        parent_key as whole_key,
        'helpdesk_pages' as whole,
        quarantine_rule,
        offending
    from source.helpdesk_page_contents
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        parent_key as whole_key,
        'helpdesk_pages' as whole,
        quarantine_rule,
        offending
    from source.helpdesk_page_metadata
),

known_people as (
    select distinct person_id
    from source.customers
    where quarantine_rule is null
),

of_people as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        person_id,
        'data_without_profile' as orphan_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.customer_data
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        person_id,
        'event_without_profile' as orphan_rule,
        false as is_part,
        quarantine_rule,
        offending
    from source.customer_events
),

judged as (
    select
        platform,
        snapshot,
        stream,
        source_key,
        cast(null as varchar) as belongs_to,
        cast(null as varchar) as owner_id,
        cast(null as varchar) as orphan_rule,
        cast(null as varchar) as drop_rule,
        stream = 'helpdesk_tree' as is_part,
        quarantine_rule,
        offending
    from alone
    union all
    select
        halves.platform,
        halves.snapshot,
        halves.stream,
        halves.source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        case when wholes.source_key is null then 'half_without_whole' end as drop_rule,
        true as is_part,
        halves.quarantine_rule,
        halves.offending
    from halves
    left join wholes on halves.whole = wholes.stream and halves.whole_key = wholes.source_key
    union all
    select
        of_people.platform,
        of_people.snapshot,
        of_people.stream,
        of_people.source_key,
        null as belongs_to,
        null as owner_id,
        null as orphan_rule,
        case when known_people.person_id is null then of_people.orphan_rule end as drop_rule,
        of_people.is_part,
        of_people.quarantine_rule,
        of_people.offending
    from of_people
    left join known_people on of_people.person_id = known_people.person_id
    union all
    -- A list of files says nothing that messages do not say; it is there to be compared.
    select
        platform,
        snapshot,
        stream,
        source_key,
        'message' as belongs_to,
        source_key as owner_id,
        'file_without_message' as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.conversation_files
    union all
    select
        platform,
        snapshot,
        stream,
        source_key,
        'message' as belongs_to,
        message_id as owner_id,
        'original_without_message' as orphan_rule,
        null as drop_rule,
        true as is_part,
        quarantine_rule,
        offending
    from source.originals
),

final as (
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
    from judged
)

select * from final order by stream, source_key
