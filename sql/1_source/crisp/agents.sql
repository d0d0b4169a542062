-- grain: one row per operator or invited operator, as it was landed last
-- key: source_key
with

operators as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'type TEXT PATH $.type, user_id TEXT PATH $.details.user_id,
             email TEXT PATH $.details.email, first_name TEXT PATH $.details.first_name,
             last_name TEXT PATH $.details.last_name, role TEXT PATH $.details.role,
             title TEXT PATH $.details.title,
             shape SHAPE PATH $'
        ) as document
    from landing.operators
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        document['shape'] as shape,
        raw,
        document['is_valid'] as is_valid,
        nullif(document['user_id'], '') as user_id,
        email_address(document['email']) as email,
        document['role'] as role,
        nullif(trim(document['title']), '') as title,
        document['type'] as kind,
        nullif(
            one_line(concat(
                coalesce(document['first_name'], ''),
                ' ',
                coalesce(document['last_name'], '')
            )),
            ''
        ) as name
    from operators
),

judged as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        shape,
        -- An invited person has not accepted yet and so has no id.
        coalesce(user_id, concat('invite:', email)) as agent_id,
        email,
        role,
        title,
        kind,
        name,
        user_id is null as is_invite,
        case
            when not is_valid then 'not_an_object'
            when user_id is null and email is null then 'missing_id'
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
        shape,
        agent_id,
        email,
        role,
        title,
        kind,
        name,
        is_invite,
        quarantine_rule,
        case when quarantine_rule is not null then cut_text(raw, 2000) end as offending
    from judged
)

select * from final order by source_key
