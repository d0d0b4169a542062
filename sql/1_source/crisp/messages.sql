-- grain: one row per message of a conversation, as it was landed last
-- key: source_key
-- Content is a string or an object, by type. What contradicts its type, and every type that is not
-- known, keeps its content as it stands in raw_content; content_rule says so, and also which kinds
-- of content can only be shown as a text.
-- Bots, plugins and triggers write on the operators' side. Crisp documents no field that tells them
-- apart, so author_type follows what is seen: a type or an origin that says so; else automated
-- lines without an operator are a bot's, and automated ones in an operator's name are a trigger's.
with

messages as (
    select
        platform,
        stream,
        key,
        parent_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        raw,
        json_row(
            raw,
            'session_id TEXT PATH $.session_id, fingerprint TEXT PATH $.fingerprint,
             type TEXT PATH $.type, side TEXT PATH $.from, origin TEXT PATH $.origin,
             sent_ms BIGINT PATH $.timestamp, original_id TEXT PATH $.original.original_id,
             user_id TEXT PATH $.user.user_id, user_type TEXT PATH $.user.type,
             nickname TEXT PATH $.user.nickname, avatar TEXT PATH $.user.avatar,
             mentions JSON PATH $.mentions, previews JSON PATH $.preview,
             referred JSON PATH $.references, properties JSON PATH $.properties,
             read_on TEXT PATH $.read, delivered_on TEXT PATH $.delivered,
             refusals JSON PATH $.ignored,
             is_automated BOOL PATH $.automated, is_edited BOOL PATH $.edited,
             is_translated BOOL PATH $.translated, is_stamped BOOL PATH $.stamped,
             content JSON PATH $.content, text TEXT PATH $.content,
             content_id TEXT PATH $.content.id, is_required BOOL PATH $.content.required,
             name TEXT PATH $.content.name, url TEXT PATH $.content.url,
             content_type TEXT PATH $.content.type, seconds BIGINT PATH $.content.duration,
             question TEXT PATH $.content.text, explanation TEXT PATH $.content.explain,
             answer TEXT PATH $.content.value, choices JSON PATH $.content.choices,
             cards JSON PATH $.content.targets, namespace TEXT PATH $.content.namespace,
             shape SHAPE PATH $ MAPS $.ignored | $.properties'
        ) as document
    from landing.messages
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        document['shape'] as shape,
        exchange_id,
        ordinal,
        raw,

        document['is_valid'] as is_valid,
        document['fingerprint'] as fingerprint,
        coalesce(nullif(document['session_id'], ''), parent_key) as conversation_id,
        document['original_id'] as original_id,
        nullif(document['user_id'], '') as user_id,

        coalesce(document['type'], '') as type,
        document['side'] as side,
        document['origin'] as origin,
        document['user_type'] as user_type,
        nullif(visible_line(document['nickname']), '') as author_name,
        nullif(trim(document['avatar']), '') as author_avatar_url,
        nullif(document['mentions'], '[]') as mentions,
        nullif(document['previews'], '[]') as previews,
        nullif(document['referred'], '[]') as referred,
        nullif(document['properties'], '{}') as properties,
        nullif(document['read_on'], '') as read_on,
        nullif(document['delivered_on'], '') as delivered_on,
        nullif(document['refusals'], '{}') as refusals,

        document['content'] as content,
        document['text'] as text,
        nullif(trim(document['name']), '') as file_name,
        nullif(trim(document['url']), '') as file_url,
        nullif(trim(document['content_type']), '') as file_type,
        document['seconds'] as file_seconds,
        nullif(document['content_id'], '') as content_id,
        document['is_required'] as is_required,
        document['question'] as question,
        document['explanation'] as explanation,
        document['answer'] as answer,
        document['choices'] as choices,
        document['cards'] as cards,
        document['namespace'] as namespace,

        coalesce(document['is_automated'], false) as is_automated,
        coalesce(document['is_edited'], false) as is_edited,
        coalesce(document['is_translated'], false) as is_translated,
        coalesce(document['is_stamped'], false) as is_stamped,
        utc_of_ms(document['sent_ms']) as sent_at
    from messages
),

judged as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        shape,
        exchange_id,
        ordinal,
        raw,
        conversation_id,
        original_id,
        user_id,
        type,
        origin,
        side,
        user_type,
        author_name,
        author_avatar_url,
        mentions,
        previews,
        referred,
        properties,
        read_on,
        delivered_on,
        refusals,
        content,
        text,
        file_name,
        file_url,
        file_type,
        file_seconds,
        content_id,
        is_required,
        question,
        explanation,
        answer,
        choices,
        cards,
        namespace,
        is_automated,
        is_edited,
        is_translated,
        is_stamped,
        sent_at,
        case type when 'note' then 'note' when 'event' then 'event' else 'message' end as kind,
        case
            when type in ('text', 'note') and content like '"%' then 'as_is'
            when type = 'file' and file_url is not null then 'as_is'
            when type = 'audio' and file_url is not null then 'audio_as_file'
            when type = 'animation' and file_url is not null then 'animation_as_file'
            when type = 'picker' and (question is not null or choices like '[%')
                then 'picker_as_text'
            when type = 'field' and question is not null then 'field_as_text'
            when type = 'carousel' and cards like '[%' then 'carousel_as_text'
            when type = 'event' and namespace is not null then 'event_as_note'
            when
                type in (
                    'text', 'note', 'file', 'audio', 'animation', 'picker', 'field', 'carousel',
                    'event'
                )
                then 'shape_contradicts_type'
            else 'unknown_type'
        end as content_rule,
        case
            when type = 'event' then 'system'
            when side = 'user' and user_type = 'participant' then 'participant'
            when side = 'user' then 'customer'
            when user_type in ('bot', 'plugin', 'trigger') then user_type
            when origin like 'urn:%:bot:%' then 'bot'
            when is_automated and user_id is not null then 'trigger'
            when is_automated and origin like 'urn:%' then 'plugin'
            when is_automated then 'bot'
            -- An imported history knows its operators by name only.
            when user_id is null and author_name is null then 'plugin'
            else 'agent'
        end as author_type,
        case
            when not is_valid then 'not_an_object'
            when coalesce(fingerprint, '') = '' or coalesce(conversation_id, '') = ''
                then 'missing_id'
            when sent_at is null then 'missing_time'
        end as quarantine_rule
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
        exchange_id,
        ordinal,

        source_key as message_id,
        conversation_id,
        original_id,
        case when author_type = 'agent' then user_id end as agent_id,
        user_id as author_source_id,

        kind,
        type as content_type,
        content_rule,
        coalesce(origin, '') as origin,
        cast(null as varchar) as subject,
        side,
        user_type,
        author_type,
        author_name,
        author_avatar_url,
        mentions,
        previews,
        referred,
        properties,
        read_on,
        delivered_on,
        refusals,

        case when type in ('text', 'note') and content_rule = 'as_is' then text end as text,
        false as is_plain,
        false as is_partial,
        file_name,
        file_url,
        file_type,
        file_seconds,
        content_id,
        is_required,
        case when type in ('picker', 'field', 'carousel', 'event') then question end as question,
        explanation,
        case when type = 'field' then answer end as answer,
        choices,
        cards,
        namespace,
        case
            when content_rule in ('shape_contradicts_type', 'unknown_type')
                then coalesce(content, '')
        end as raw_content,

        is_automated,
        is_edited,
        is_translated,
        is_stamped,
        sent_at,
        quarantine_rule,
        case when quarantine_rule is not null then cut_text(raw, 2000) end as offending
    from judged
)

select * from final order by source_key
