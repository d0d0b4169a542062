-- grain: one row per conversation, as it was landed last
-- key: source_key
-- A row that cannot be used says why in quarantine_rule.
with

conversations as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'session_id TEXT PATH $.session_id, people_id TEXT PATH $.people_id,
             state TEXT PATH $.state, assignee_id TEXT PATH $.assigned.user_id,
             subject TEXT PATH $.meta.subject, topic TEXT PATH $.topic,
             origin TEXT PATH $.meta.origin, nickname TEXT PATH $.meta.nickname,
             email TEXT PATH $.meta.email, phone TEXT PATH $.meta.phone,
             locale TEXT PATH $.meta.device.locales[0],
             segments JSON PATH $.meta.segments, data JSON PATH $.meta.data,
             participants JSON PATH $.participants,
             is_blocked BOOL PATH $.is_blocked, is_verified BOOL PATH $.is_verified,
             created_ms BIGINT PATH $.created_at, updated_ms BIGINT PATH $.updated_at,
             waiting_ms BIGINT PATH $.waiting_since'
        ) as document
    from landing.conversations
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        raw,

        document['is_valid'] as is_valid,
        document['session_id'] as ticket_id,
        nullif(trim(document['people_id']), '') as person_id,
        nullif(document['assignee_id'], '') as assignee_id,

        document['state'] as state,
        document['subject'] as subject,
        document['topic'] as topic,
        document['origin'] as origin,
        nullif(trim(document['nickname']), '') as person_name,
        email_address(document['email']) as person_email,
        phone_number(document['phone']) as person_phone,
        document['locale'] as person_locale,
        document['segments'] as tags,
        nullif(document['data'], '{}') as data,
        nullif(document['participants'], '[]') as participants,

        coalesce(document['is_blocked'], false) as is_blocked,
        coalesce(document['is_verified'], false) as is_verified,

        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        utc_of_ms(document['waiting_ms']) as waiting_since_at
    from conversations
),

judged as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        ticket_id,
        person_id,
        assignee_id,
        state,
        subject,
        topic,
        origin,
        person_name,
        person_email,
        person_phone,
        person_locale,
        tags,
        data,
        participants,
        is_blocked,
        is_verified,
        created_at,
        updated_at,
        waiting_since_at,
        case
            when not is_valid then 'not_an_object'
            when coalesce(ticket_id, '') = '' then 'missing_id'
            when coalesce(created_at, updated_at) is null then 'missing_time'
        end as quarantine_rule,
        raw
    from named
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        ticket_id,
        person_id,
        assignee_id,
        state,
        subject,
        topic,
        origin,
        person_name,
        person_email,
        person_phone,
        person_locale,
        tags,
        data,
        participants,
        is_blocked,
        is_verified,
        created_at,
        updated_at,
        waiting_since_at,
        quarantine_rule,
        case when quarantine_rule is not null then cut_text(raw, 2000) end as offending
    from judged
)

select * from final order by source_key
