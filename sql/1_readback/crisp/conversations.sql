-- grain: one row per conversation of the target, as its list shows it
-- key: target_id
-- Of what it holds about a person and in its data, only what the plan sets is kept.
with

conversations as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.session_id, external_id TEXT PATH $.meta.data.deskferry_id,
             people_id TEXT PATH $.people_id, state TEXT PATH $.state,
             assignee_id TEXT PATH $.assigned.user_id, subject TEXT PATH $.meta.subject,
             origin TEXT PATH $.meta.origin, nickname TEXT PATH $.meta.nickname,
             email TEXT PATH $.meta.email, phone TEXT PATH $.meta.phone,
             address TEXT PATH $.meta.address, avatar TEXT PATH $.meta.avatar,
             ip TEXT PATH $.meta.ip, locale TEXT PATH $.meta.device.locales[0],
             segments JSON PATH $.meta.segments, data JSON PATH $.meta.data,
             participants JSON PATH $.participants, is_blocked BOOL PATH $.is_blocked,
             created_ms BIGINT PATH $.created_at, updated_ms BIGINT PATH $.updated_at'
        ) as document
    from landing.conversations
),

listed as (
    select
        coalesce(document['id'], key) as target_id,
        nullif(document['external_id'], '') as external_id,
        document['people_id'] as customer_target_id,
        document['state'] as state,
        document['assignee_id'] as assignee_target_id,
        nullif(document['subject'], '') as subject,
        nullif(document['origin'], '') as origin,
        nullif(document['nickname'], '') as nickname,
        nullif(document['email'], '') as email,
        nullif(document['phone'], '') as phone,
        nullif(document['address'], '') as address,
        nullif(document['avatar'], '') as avatar,
        nullif(document['ip'], '') as ip,
        nullif(document['locale'], '') as locale,
        document['segments'] as segments,
        nullif(document['data'], '{}') as data,
        nullif(document['participants'], '[]') as participants,
        coalesce(document['is_blocked'], false) as is_blocked,
        utc_of_ms(document['created_ms']) as made_at,
        utc_of_ms(document['updated_ms']) as updated_at
    from conversations
),

entries as (
    select
        target_id,
        unnest(json_entries(data)) as entry
    from listed
    where data is not null
),

-- Our id is no data of the source.
kept as (
    select
        target_id,
        entry['key'] as data_key,
        case
            when entry['type'] in ('number', 'boolean') then entry['value']
            else json_text(entry['value'])
        end as value
    from entries
    where entry['key'] <> 'deskferry_id' and entry['value'] is not null
),

data as (
    select
        target_id,
        string_agg(concat(json_text(data_key), ':', value), ',' order by data_key) as data
    from kept
    group by target_id
),

times as (
    select
        target_id,
        max(entry['value']) filter (where entry['key'] = 'deskferry_created_at') as created_at
    from entries
    group by target_id
),

segments as (
    select
        target_id,
        unnest(json_texts(segments)) as segment
    from listed
    where segments is not null
),

segment_lists as (
    select
        target_id,
        concat(
            '[',
            string_agg(json_text(named_struct('name', segment)), ',' order by segment),
            ']'
        ) as tags
    from segments
    group by target_id
),

planned as (
    select
        external_id,
        json_at(meta, '$.nickname') is not null as has_nickname,
        json_at(meta, '$.email') is not null as has_email,
        json_at(meta, '$.phone') is not null as has_phone,
        json_at(meta, '$.avatar') is not null as has_avatar,
        json_at(meta, '$.address') is not null as has_address,
        json_at(meta, '$.ip') is not null as has_ip,
        json_at(meta, '$.device') is not null as has_device
    from plan.tickets
),

final as (
    select
        listed.target_id,
        listed.external_id,
        listed.customer_target_id,
        listed.state,
        listed.assignee_target_id,
        listed.subject,
        listed.origin,
        listed.email,
        listed.is_blocked,
        segment_lists.tags,
        concat(
            '{',
            concat_ws(
                ',',
                case when planned.has_nickname and listed.nickname is not null
                    then concat('"nickname":', json_text(listed.nickname)) end,
                case when planned.has_email and listed.email is not null
                    then concat('"email":', json_text(listed.email)) end,
                case when planned.has_phone and listed.phone is not null
                    then concat('"phone":', json_text(listed.phone)) end,
                case when planned.has_avatar and listed.avatar is not null
                    then concat('"avatar":', json_text(listed.avatar)) end,
                case when planned.has_address and listed.address is not null
                    then concat('"address":', json_text(listed.address)) end,
                case when planned.has_ip and listed.ip is not null
                    then concat('"ip":', json_text(listed.ip)) end,
                case when planned.has_device and listed.locale is not null
                    then concat('"device":{"locales":[', json_text(listed.locale), ']}') end,
                concat('"data":{', coalesce(data.data, ''), '}'),
                case when listed.participants is not null
                    then concat('"participants":', listed.participants) end,
                case when listed.is_blocked then '"is_blocked":true' end
            ),
            '}'
        ) as meta,
        listed.data is null as has_no_data,
        listed.made_at,
        listed.updated_at,
        utc_of_text(times.created_at) as created_at
    from listed
    left join planned on listed.external_id = planned.external_id
    left join data on listed.target_id = data.target_id
    left join times on listed.target_id = times.target_id
    left join segment_lists on listed.target_id = segment_lists.target_id
)

select * from final order by target_id
