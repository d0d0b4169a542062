-- grain: one row per user, as it was landed last, of those who are there and of those who have left
-- key: stream, source_key
-- Who left between two readings may be in both lists; the list of those who are there counts.
with

lists as (
    select platform, stream, key, snapshot, fetched_at, raw from landing.users
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.deleted_users
),

records as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name,
             display_name TEXT PATH $.attributes.displayName,
             email TEXT PATH $.attributes.email, type TEXT PATH $.attributes.userType,
             roles JSON PATH $.attributes.roles, role TEXT PATH $.attributes.roles[0],
             mobile TEXT PATH $.attributes.mobile, shape SHAPE PATH $'
        ) as document
    from lists
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(trim(document['id']), '') as user_id,
        nullif(
            visible_line(coalesce(nullif(document['display_name'], ''), document['name'])),
            ''
        ) as name,
        email_address(document['email']) as email,
        document['type'] as type,
        document['role'] as role,
        nullif(document['roles'], '[]') as roles,
        nullif(trim(document['mobile']), '') as mobile,
        stream = 'deleted_users' as has_left,
        document['shape'] as shape,
        raw,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(trim(document['id']), '') = '' then 'missing_id'
        end as quarantine_rule
    from records
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        user_id,
        name,
        email,
        type,
        role,
        roles,
        mobile,
        has_left,
        row_number() over (partition by user_id order by has_left, source_key) > 1
        and user_id is not null as is_doubled,
        shape,
        quarantine_rule,
        case when quarantine_rule is not null then cut_text(raw, 2000) end as offending
    from named
)

select * from final order by stream, source_key
