-- grain: one row per thing that can only be looked up or made again by hand
-- key: kind, source_key
with

inboxes as (
    select
        platform,
        'inbox' as kind,
        coalesce(name, inbox_id) as name,
        concat(
            coalesce(array_length(json_items(conditions)), 0), ' conditions (',
            coalesce(condition_operator, 'and'), '), ',
            coalesce(array_length(json_texts(agent_ids)), 0), ' agents, ',
            coalesce(array_length(json_texts(team_ids)), 0), ' teams'
        ) as summary,
        definition,
        'a view with the same conditions' as recommended_target,
        'an inbox sorts by rules that every helpdesk words differently' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        created_at,
        updated_at
    from source.inboxes
    where quarantine_rule is null
),

campaigns as (
    select
        platform,
        'campaign' as kind,
        coalesce(name, campaign_id) as name,
        concat(
            coalesce(type, 'campaign'),
            case when is_running then ', running' else '' end,
            ', ', coalesce(reached, 0), ' of ', coalesce(targets, 0), ' reached'
        ) as summary,
        definition,
        'a campaign, if it shall go on' as recommended_target,
        'made again it would be sent again' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        coalesce(created_at, dispatched_at) as created_at,
        coalesce(updated_at, dispatched_at) as updated_at
    from source.campaigns
    where quarantine_rule is null
),

spam_contents as (
    select
        spam_id,
        source_key,
        definition
    from source.spam_contents
    where quarantine_rule is null
),

spams as (
    select
        spams.platform,
        'spam_mail' as kind,
        coalesce(spams.subject, spams.sender, spams.spam_id) as name,
        concat_ws(', ', spams.type, spams.reason, spams.sender) as summary,
        coalesce(spam_contents.definition, spams.definition) as definition,
        cast(null as varchar) as recommended_target,
        'the source took it for spam and showed it to nobody' as reason_not_migrated,
        spams.stream,
        spams.source_key,
        spams.snapshot,
        spams.received_at as created_at,
        cast(null as timestamp) as updated_at
    from source.spams
    left join spam_contents on spams.source_key = spam_contents.source_key
    where spams.quarantine_rule is null
),

blocked_visitors as (
    select
        platform,
        'blocked_visitor' as kind,
        coalesce(rule, source_key) as name,
        case
            when until_at is null then 'for good'
            else concat('until ', to_char(until_at, '%Y-%m-%d'))
        end as summary,
        definition,
        'a rule that marks as spam' as recommended_target,
        'who is unwanted in one helpdesk may be a customer in the next' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    from source.blocked_visitors
    where quarantine_rule is null
),

help_centers as (
    select
        platform,
        'help_center' as kind,
        coalesce(name, 'help center') as name,
        coalesce(url, '') as summary,
        definition,
        'a help center' as recommended_target,
        'its address and looks are decided once, by a person' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    from source.helpdesk
    where quarantine_rule is null
),

languages as (
    select
        platform,
        'help_center_language' as kind,
        locale as name,
        case
            when articles is not null
                then concat(articles, ' articles, ', coalesce(categories, 0), ' categories')
            else coalesce(statistics, '')
        end as summary,
        definition,
        'a language of the help center' as recommended_target,
        'a language is switched on by a person' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    from source.helpdesk_locales
    where quarantine_rule is null
),

redirections as (
    select
        platform,
        'help_center_redirection' as kind,
        coalesce(path, redirection_id, source_key) as name,
        concat('to ', coalesce(target, 'nowhere')) as summary,
        definition,
        'a redirection of the help center' as recommended_target,
        'where it leads to has another address afterwards' as reason_not_migrated,
        stream,
        source_key,
        snapshot,
        created_at,
        updated_at
    from source.helpdesk_redirections
    where quarantine_rule is null
),

everything as (
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from inboxes
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from campaigns
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from spams
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from blocked_visitors
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from help_centers
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from languages
    union all
    select
        platform, kind, name, summary, definition, recommended_target, reason_not_migrated,
        stream, source_key, snapshot, created_at, updated_at
    from redirections
),

final as (
    select
        platform,
        kind,
        name,
        summary,
        cast(null as varchar) as content,
        definition,
        recommended_target,
        reason_not_migrated,
        stream,
        source_key,
        snapshot,
        created_at,
        updated_at
    from everything
)

select * from final order by kind, source_key
