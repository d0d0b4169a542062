-- grain: one row per message of the target
-- key: target_id
-- A message carries a number that is made of our id, so the plan says whose it is. Of messages of
-- one moment those of an older page come first, because pages are read from the newest to the
-- oldest.
with

landed as (
    select
        key,
        parent_key as conversation_id,
        exchange_id,
        ordinal,
        json_row(
            raw,
            'session_id TEXT PATH $.session_id, fingerprint BIGINT PATH $.fingerprint,
             type TEXT PATH $.type, side TEXT PATH $.from, origin TEXT PATH $.origin,
             sent_ms BIGINT PATH $.timestamp, nickname TEXT PATH $.user.nickname,
             avatar TEXT PATH $.user.avatar, text TEXT PATH $.content,
             name TEXT PATH $.content.name, url TEXT PATH $.content.url,
             content_type TEXT PATH $.content.type, properties JSON PATH $.properties,
             is_automated BOOL PATH $.automated'
        ) as document
    from landing.messages
),

listed as (
    select
        key as target_id,
        coalesce(document['session_id'], conversation_id) as ticket_target_id,
        document['fingerprint'] as fingerprint,
        document['type'] as type,
        document['side'] as side,
        document['origin'] as origin,
        document['sent_ms'] as sent_ms,
        document['nickname'] as nickname,
        document['avatar'] as avatar,
        case when document['type'] in ('text', 'note') then document['text'] end as text,
        document['name'] as file_name,
        document['url'] as file_url,
        document['content_type'] as file_type,
        nullif(json_sorted(document['properties']), '{}') as properties,
        coalesce(document['is_automated'], false) as is_automated,
        exchange_id,
        ordinal
    from landed
),

conversations as (
    select
        target_id,
        external_id
    from readback.conversations
),

planned as (
    select
        ticket_id,
        message_id,
        hash_number(message_id) as fingerprint,
        json_at(meta, '$.user') is not null as has_user
    from plan.messages
),

pages as (
    select
        parent_key as target_id,
        max(json_at(raw, '$.content')) as content
    from landing.originals
    group by parent_key
),

page_texts as (
    select
        target_id,
        json_row(concat('{"content":', content, '}'), 'content TEXT PATH $.content') as document
    from pages
    where content is not null
),

known as (
    select
        listed.target_id,
        listed.ticket_target_id,
        planned.message_id as external_id,
        coalesce(planned.has_user, false) as has_user,
        listed.type,
        listed.side,
        listed.origin,
        listed.sent_ms,
        listed.nickname,
        listed.avatar,
        listed.text,
        page_texts.document['content'] as page,
        listed.file_name,
        listed.file_url,
        listed.file_type,
        listed.properties,
        listed.is_automated,
        listed.exchange_id,
        listed.ordinal
    from listed
    left join conversations on listed.ticket_target_id = conversations.target_id
    left join planned
        on conversations.external_id = planned.ticket_id
        and listed.fingerprint = planned.fingerprint
    left join page_texts on listed.target_id = page_texts.target_id
),

-- Addresses of pictures that a text or a page shows, and of the file that a note leads to.
shown as (
    select
        target_id,
        unnest(image_urls(concat_ws(chr(10), text, page))) as url
    from known
    where external_id is not null and (text is not null or page is not null)
    union
    select
        target_id,
        regexp_replace(text, '^\[[^\]]*\]\((.*)\)$', '\1') as url
    from known
    where external_id is not null and type = 'note' and regexp_like(text, '^\[[^\]]*\]\(.*\)$')
),

shown_lists as (
    select
        target_id,
        concat(
            '[',
            string_agg(json_text(named_struct('url', url, 'in_text', true)), ',' order by url),
            ']'
        ) as attachments
    from shown
    group by target_id
),

final as (
    select
        known.target_id,
        cast(
            row_number() over (
                partition by known.ticket_target_id
                order by known.sent_ms, known.exchange_id desc, known.ordinal
            ) as bigint
        ) as number,
        known.ticket_target_id,
        known.external_id,
        known.origin as channel,
        cast(null as varchar) as via,
        known.type <> 'note' as public,
        known.side = 'operator' as from_agent,
        cast(null as varchar) as sender_target_id,
        cast(null as varchar) as receiver_target_id,
        cast(null as varchar) as source_type,
        nullif(known.nickname, '') as source_from_name,
        cast(null as varchar) as source_from_address,
        cast(null as varchar) as source_to,
        cast(null as varchar) as subject,
        known.text as body_text,
        nullif(known.page, '') as body_html,
        cast(null as varchar) as message_ref,
        case
            when known.type = 'file'
                then json_text(make_array(named_struct(
                    'name', known.file_name,
                    'content_type', known.file_type,
                    'url', known.file_url
                )))
            else shown_lists.attachments
        end as attachments,
        concat(
            '{',
            concat_ws(
                ',',
                concat('"automated":', known.is_automated),
                concat('"origin":', json_text(known.origin)),
                case when known.properties is not null
                    then concat('"properties":', known.properties) end,
                case when known.has_user and nullif(known.avatar, '') is not null
                    then concat('"user":', json_text(named_struct('avatar', known.avatar))) end
            ),
            '}'
        ) as meta,
        false as has_intents,
        utc_of_ms(known.sent_ms) as sent_at,
        cast(null as timestamp) as created_at,
        false as has_failed
    from known
    left join shown_lists on known.target_id = shown_lists.target_id
)

select * from final order by target_id
