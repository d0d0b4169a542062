-- grain: one row per value in a field without a column of its own
-- key: object, object_id, field, source_key
-- The end of a custom attribute's name says its type: Num, Bool, At; all others are text. Fields of
-- the source itself are named by what they belong to. A value that only some keys may see is a row
-- of stars, which is no value.
with

conversations as (
    select
        platform,
        stream,
        source_key,
        conversation_id,
        custom,
        priority,
        channels,
        assignee_ids,
        team_ids,
        brand_id,
        sub_status_id,
        external_id,
        snoozed_until,
        ended,
        ended_reason,
        sla,
        sla_is_breached,
        rating,
        score,
        answers,
        merged_into,
        linked
    from source.conversations
    where quarantine_rule is null
),

profiles as (
    select
        platform,
        stream,
        source_key,
        person_id,
        company_id,
        custom,
        username,
        external_id,
        external_ids,
        shared_external_ids,
        shared_emails,
        shared_phones,
        whatsapps,
        facebook_ids,
        instagram_ids,
        socials,
        urls,
        locations,
        time_zone,
        gender,
        birthday,
        avatar_url
    from source.profiles
    where quarantine_rule is null
),

organisations as (
    select
        company_id,
        domains,
        external_id,
        custom
    from source.organisations
    where quarantine_rule is null
),

custom_of_conversations as (
    select
        platform,
        stream,
        source_key,
        conversation_id as object_id,
        '' as prefix,
        unnest(json_entries(custom)) as entry
    from conversations
    where custom is not null
),

custom_of_profiles as (
    select
        platform,
        stream,
        source_key,
        person_id as object_id,
        '' as prefix,
        unnest(json_entries(custom)) as entry
    from profiles
    where custom is not null
),

-- A company is flattened onto everybody who belongs to it.
custom_of_companies as (
    select
        profiles.platform,
        profiles.stream,
        profiles.source_key,
        profiles.person_id as object_id,
        'company.' as prefix,
        unnest(json_entries(organisations.custom)) as entry
    from profiles
    inner join organisations on profiles.company_id = organisations.company_id
    where organisations.custom is not null
),

of_conversations as (
    select
        platform,
        stream,
        source_key,
        conversation_id as object_id,
        'conversation.' as prefix,
        unnest(make_array(
            named_struct('key', 'priority', 'value', priority, 'type', 'number'),
            named_struct(
                'key', 'channels',
                'value', case when array_length(json_texts(channels)) > 1 then channels end,
                'type', 'text'
            ),
            named_struct(
                'key', 'assignedUsers',
                'value', case when array_length(json_texts(assignee_ids)) > 1 then assignee_ids end,
                'type', 'text'
            ),
            named_struct('key', 'assignedTeams', 'value', team_ids, 'type', 'text'),
            named_struct('key', 'brand', 'value', brand_id, 'type', 'text'),
            named_struct('key', 'subStatus', 'value', sub_status_id, 'type', 'text'),
            named_struct('key', 'externalId', 'value', external_id, 'type', 'text'),
            named_struct('key', 'snoozedUntil', 'value', snoozed_until, 'type', 'date'),
            named_struct('key', 'endedAt', 'value', ended, 'type', 'date'),
            named_struct('key', 'endedReason', 'value', ended_reason, 'type', 'text'),
            named_struct('key', 'sla', 'value', sla, 'type', 'text'),
            named_struct('key', 'slaBreached', 'value', sla_is_breached, 'type', 'boolean'),
            named_struct('key', 'satisfactionRating', 'value', rating, 'type', 'number'),
            named_struct('key', 'satisfactionScore', 'value', score, 'type', 'number'),
            named_struct('key', 'satisfactionAnswers', 'value', answers, 'type', 'text'),
            named_struct(
                'key', 'mergedTarget',
                'value', case when merged_into <> 'false' then merged_into end,
                'type', 'text'
            ),
            named_struct('key', 'linkedConversations', 'value', linked, 'type', 'text')
        )) as entry
    from conversations
),

of_profiles as (
    select
        platform,
        stream,
        source_key,
        person_id as object_id,
        'customer.' as prefix,
        unnest(make_array(
            named_struct('key', 'username', 'value', username, 'type', 'text'),
            named_struct('key', 'externalId', 'value', external_id, 'type', 'text'),
            named_struct('key', 'externalIds', 'value', external_ids, 'type', 'text'),
            named_struct('key', 'sharedExternalIds', 'value', shared_external_ids, 'type', 'text'),
            named_struct('key', 'sharedEmails', 'value', shared_emails, 'type', 'text'),
            named_struct('key', 'sharedPhones', 'value', shared_phones, 'type', 'text'),
            named_struct('key', 'whatsapps', 'value', whatsapps, 'type', 'text'),
            named_struct('key', 'facebookIds', 'value', facebook_ids, 'type', 'text'),
            named_struct('key', 'instagramIds', 'value', instagram_ids, 'type', 'text'),
            named_struct('key', 'socials', 'value', socials, 'type', 'text'),
            named_struct('key', 'urls', 'value', urls, 'type', 'text'),
            named_struct('key', 'locations', 'value', locations, 'type', 'text'),
            named_struct('key', 'timeZone', 'value', time_zone, 'type', 'text'),
            named_struct('key', 'gender', 'value', gender, 'type', 'text'),
            named_struct('key', 'birthdayAt', 'value', birthday, 'type', 'date'),
            named_struct('key', 'avatarUrl', 'value', avatar_url, 'type', 'text')
        )) as entry
    from profiles
),

of_companies as (
    select
        profiles.platform,
        profiles.stream,
        profiles.source_key,
        profiles.person_id as object_id,
        'company.' as prefix,
        unnest(make_array(
            named_struct('key', 'domains', 'value', organisations.domains, 'type', 'text'),
            named_struct('key', 'externalId', 'value', organisations.external_id, 'type', 'text')
        )) as entry
    from profiles
    inner join organisations on profiles.company_id = organisations.company_id
),

custom_entries as (
    select platform, 'ticket' as object, stream, source_key, object_id, prefix, entry
    from custom_of_conversations
    union all
    select platform, 'customer' as object, stream, source_key, object_id, prefix, entry
    from custom_of_profiles
    union all
    select platform, 'customer' as object, stream, source_key, object_id, prefix, entry
    from custom_of_companies
),

own_entries as (
    select platform, 'ticket' as object, stream, source_key, object_id, prefix, entry
    from of_conversations
    union all
    select platform, 'customer' as object, stream, source_key, object_id, prefix, entry
    from of_profiles
    union all
    select platform, 'customer' as object, stream, source_key, object_id, prefix, entry
    from of_companies
),

everything as (
    select
        platform,
        object,
        object_id,
        concat(prefix, entry['key']) as field,
        case
            when entry['type'] in ('number', 'boolean') then entry['type']
            when
                entry['key'] like '%Num'
                and regexp_like(entry['value'], '^-?(0|[1-9][0-9]*)([.][0-9]+)?$')
                then 'number'
            when entry['key'] like '%Bool' and entry['value'] in ('true', 'false') then 'boolean'
            when entry['key'] like '%At' then 'date'
            else 'text'
        end as type,
        entry['value'] as value,
        stream,
        source_key
    from custom_entries
    union all
    select
        platform,
        object,
        object_id,
        concat(prefix, entry['key']) as field,
        entry['type'] as type,
        entry['value'] as value,
        stream,
        source_key
    from own_entries
),

final as (
    select
        platform,
        object,
        object_id,
        field,
        type,
        value,
        stream,
        source_key
    from everything
    where value is not null and not regexp_like(value, '^[*]{4,}$')
)

select * from final order by object, object_id, field, source_key
