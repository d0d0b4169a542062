-- grain: one row per message or note of a conversation, as it was landed last
-- key: source_key
-- A message has no text of its own but a preview; where that is not all, an address leads to the
-- whole of it, which is landed as a file. What was written and not sent, or not delivered, becomes
-- a note: nobody got it. Machines are users, too.
with

lists as (
    select platform, stream, key, snapshot, fetched_at, raw from landing.messages
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.notes
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
            'id TEXT PATH $.id, channel TEXT PATH $.attributes.channel,
             app TEXT PATH $.attributes.app, subject TEXT PATH $.attributes.subject,
             preview TEXT PATH $.attributes.preview, body TEXT PATH $.attributes.body,
             size BIGINT PATH $.attributes.size, direction TEXT PATH $.attributes.direction,
             status TEXT PATH $.attributes.status, meta JSON PATH $.attributes.meta,
             sender TEXT PATH $.attributes.meta.from | $.attributes.meta.from.email |
                 $.attributes.meta.from[0].email,
             receiver TEXT PATH $.attributes.meta.to | $.attributes.meta.to.email |
                 $.attributes.meta.to[0].email | $.attributes.meta.to[0],
             cc JSON PATH $.attributes.meta.cc,
             recording TEXT PATH $.attributes.meta.externalRecordingUrl,
             answered TEXT PATH $.attributes.meta.answeredAt,
             ended TEXT PATH $.attributes.meta.endedAt, is_auto BOOL PATH $.attributes.auto,
             read_at TEXT PATH $.attributes.firstRead.timestamp,
             delivered_at TEXT PATH $.attributes.firstDelivered.timestamp,
             error JSON PATH $.attributes.error, failed TEXT PATH $.attributes.errorAt,
             body_url TEXT PATH $.links.related,
             conversation_id TEXT PATH $.relationships.conversation.data.id,
             customer_id TEXT PATH $.relationships.customer.data.id,
             author_id TEXT PATH $.relationships.createdBy.data.id,
             author_kind TEXT PATH $.relationships.createdBy.data.type,
             sent TEXT PATH $.attributes.sentAt, created TEXT PATH $.attributes.createdAt,
             shape SHAPE PATH $ MAPS $.attributes.error'
        ) as document
    from lists
),

users as (
    select
        user_id,
        name,
        type
    from source.users
    where not is_doubled
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
        nullif(trim(document['id']), '') as record_id,
        nullif(trim(document['conversation_id']), '') as conversation_id,
        stream = 'notes' as is_note,
        document['channel'] as channel,
        document['app'] as app,
        nullif(visible_line(document['subject']), '') as subject,
        coalesce(document['body'], document['preview']) as text,
        document['body'] is null as is_preview,
        document['size'] as size,
        document['direction'] as direction,
        lower(document['status']) as status,
        nullif(document['meta'], '{}') as meta,
        email_address(document['sender']) as sender,
        email_address(document['receiver']) as receiver,
        nullif(document['cc'], '[]') as cc,
        nullif(trim(document['recording']), '') as recording_url,
        cast(utc_of_text(document['answered']) as bigint) as answered_us,
        cast(utc_of_text(document['ended']) as bigint) as ended_us,
        coalesce(document['is_auto'], false) as is_auto,
        document['read_at'] is not null as is_read,
        document['delivered_at'] is not null as is_delivered,
        document['error'] as error,
        document['failed'] is not null as has_failed,
        nullif(trim(document['body_url']), '') as body_url,
        nullif(trim(document['customer_id']), '') as person_id,
        nullif(trim(document['author_id']), '') as author_id,
        coalesce(document['author_kind'], '') as author_kind,
        utc_of_text(coalesce(document['sent'], document['created'])) as sent_at,
        document['shape'] as shape
    from records
),

authored as (
    select
        named.platform,
        named.stream,
        named.source_key,
        named.snapshot,
        named.fetched_at,
        named.raw,
        named.is_valid,
        named.record_id,
        named.conversation_id,
        named.is_note,
        named.channel,
        named.app,
        named.subject,
        named.text,
        named.is_preview,
        named.size,
        named.direction,
        named.status,
        named.meta,
        named.sender,
        named.receiver,
        named.cc,
        named.recording_url,
        (named.ended_us - named.answered_us) / 1000000 as call_seconds,
        named.is_auto,
        named.is_read,
        named.is_delivered,
        named.error,
        not named.is_note
        and coalesce(named.direction, '') <> 'in'
        and (
            named.has_failed
            or coalesce(named.status, '') in ('draft', 'error', 'failed', 'bounced', 'undelivered')
        ) as is_unsent,
        named.body_url,
        named.person_id,
        named.author_id,
        users.name as author_name,
        named.sent_at,
        named.shape,
        case
            when not named.is_note and named.direction = 'in' then 'customer'
            when
                not named.is_note
                and named.direction is null
                and named.author_kind in ('customer', 'customers')
                then 'customer'
            when users.type = 'machine' then 'bot'
            when named.is_auto and named.author_id is null then 'bot'
            when named.is_auto then 'trigger'
            when named.author_id is null or named.author_kind in ('customer', 'customers')
                then 'plugin'
            else 'agent'
        end as author_type
    from users
    right join named on users.user_id = named.author_id
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        -- What was sent in the same millisecond stands in the order of its ids.
        cast(0 as bigint) as exchange_id,
        cast(0 as bigint) as ordinal,
        case when is_note then concat('note/', record_id) else record_id end as message_id,
        conversation_id,
        cast(null as varchar) as original_id,
        case when author_type = 'agent' then author_id end as agent_id,
        author_id as author_source_id,
        author_type,
        author_name,
        cast(null as varchar) as author_avatar_url,
        case when is_note or is_unsent then 'note' else 'message' end as kind,
        case when is_note then 'note' else 'text' end as content_type,
        case when is_unsent then 'unsent_as_note' else 'as_is' end as content_rule,
        coalesce(channel, '') as origin,
        app,
        status,
        direction,
        subject,
        sender,
        receiver,
        cc,
        cast(null as varchar) as mentions,
        cast(null as varchar) as previews,
        cast(null as varchar) as referred,
        meta as properties,
        case when is_read then channel end as read_on,
        case when is_delivered then channel end as delivered_on,
        error as refusals,
        concat(case when is_unsent then '[not sent] ' else '' end, text) as text,
        true as is_plain,
        -- The size is that of the page, which is larger than its text; a preview that could be all
        -- of it is taken for all of it.
        is_preview
        and (body_url is not null or coalesce(size, 0) > 2 * octet_length(coalesce(text, '')) + 500)
            as is_partial,
        body_url,
        recording_url,
        cast(null as varchar) as file_name,
        cast(null as varchar) as file_url,
        call_seconds as file_seconds,
        cast(null as varchar) as content_id,
        cast(null as boolean) as is_required,
        cast(null as varchar) as question,
        cast(null as varchar) as explanation,
        cast(null as varchar) as answer,
        cast(null as varchar) as choices,
        cast(null as varchar) as cards,
        cast(null as varchar) as namespace,
        cast(null as varchar) as raw_content,
        person_id,
        is_auto as is_automated,
        false as is_edited,
        false as is_translated,
        false as is_stamped,
        sent_at,
        shape,
        case
            when not is_valid then 'not_an_object'
            when record_id is null or conversation_id is null then 'missing_id'
            when sent_at is null then 'missing_time'
        end as quarantine_rule,
        case
            when record_id is null or conversation_id is null or sent_at is null
                then cut_text(raw, 2000)
        end as offending
    from authored
)

select * from final order by source_key
