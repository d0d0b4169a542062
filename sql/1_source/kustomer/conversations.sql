-- grain: one row per conversation, as it was landed last
-- key: source_key
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
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name,
             status TEXT PATH $.attributes.status, priority TEXT PATH $.attributes.priority,
             channel TEXT PATH $.attributes.channels[0],
             channels JSON PATH $.attributes.channels,
             assignee TEXT PATH $.attributes.assignedUsers[0],
             assignees JSON PATH $.attributes.assignedUsers,
             teams JSON PATH $.attributes.assignedTeams, tag_ids JSON PATH $.attributes.tags,
             external_id TEXT PATH $.attributes.externalId,
             locale TEXT PATH $.attributes.locale | $.attributes.defaultLang,
             is_spam BOOL PATH $.attributes.spam, ended TEXT PATH $.attributes.endedAt,
             ended_reason TEXT PATH $.attributes.endedReason,
             snoozed_until TEXT PATH $.attributes.snooze.time,
             sla TEXT PATH $.attributes.sla.name,
             sla_is_breached TEXT PATH $.attributes.sla.breached,
             rating TEXT PATH $.attributes.satisfactionLevel.rating | $.attributes.satisfaction,
             score TEXT PATH $.attributes.satisfactionLevel.score,
             answers JSON PATH $.attributes.satisfactionLevel.answers,
             asked TEXT PATH $.attributes.satisfactionLevel.sentAt,
             merged_into TEXT PATH $.attributes.mergedTarget,
             linked JSON PATH $.attributes.linkedConversations,
             custom JSON PATH $.attributes.custom,
             last_in TEXT PATH $.attributes.lastMessageIn.sentAt,
             last_out TEXT PATH $.attributes.lastMessageOut.sentAt,
             customer_id TEXT PATH $.relationships.customer.data.id,
             queue_id TEXT PATH $.relationships.queue.data.id,
             brand_id TEXT PATH $.relationships.brand.data.id,
             sub_status_id TEXT PATH $.relationships.subStatus.data.id,
             created TEXT PATH $.attributes.createdAt, updated TEXT PATH $.attributes.updatedAt,
             shape SHAPE PATH $ MAPS $.attributes.custom | $.attributes.sla.metrics |
                 $.attributes.modificationHistory | $.relationships'
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
        nullif(trim(document['id']), '') as conversation_id,
        nullif(trim(document['customer_id']), '') as person_id,
        document['name'] as subject,
        document['status'] as status,
        document['priority'] as priority,
        document['channel'] as channel,
        nullif(document['channels'], '[]') as channels,
        nullif(trim(document['assignee']), '') as assignee_id,
        nullif(document['assignees'], '[]') as assignee_ids,
        nullif(document['teams'], '[]') as team_ids,
        nullif(document['tag_ids'], '[]') as tag_ids,
        nullif(trim(document['external_id']), '') as external_id,
        nullif(trim(document['locale']), '') as locale,
        coalesce(document['is_spam'], false) as is_spam,
        nullif(trim(document['ended']), '') as ended,
        nullif(trim(document['ended_reason']), '') as ended_reason,
        nullif(trim(document['snoozed_until']), '') as snoozed_until,
        nullif(trim(document['sla']), '') as sla,
        document['sla_is_breached'] as sla_is_breached,
        document['rating'] as rating,
        document['score'] as score,
        nullif(document['answers'], '[]') as answers,
        document['asked'] as asked,
        document['merged_into'] as merged_into,
        nullif(document['linked'], '[]') as linked,
        nullif(document['custom'], '{}') as custom,
        nullif(trim(document['queue_id']), '') as queue_id,
        nullif(trim(document['brand_id']), '') as brand_id,
        nullif(trim(document['sub_status_id']), '') as sub_status_id,
        utc_of_text(document['last_in']) as last_in_at,
        utc_of_text(document['last_out']) as last_out_at,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        document['shape'] as shape
    from conversations
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        conversation_id,
        person_id,
        subject,
        status,
        priority,
        channel,
        channels,
        assignee_id,
        assignee_ids,
        team_ids,
        tag_ids,
        external_id,
        locale,
        is_spam,
        ended,
        ended_reason,
        snoozed_until,
        sla,
        sla_is_breached,
        rating,
        score,
        answers,
        asked,
        merged_into,
        linked,
        custom,
        queue_id,
        brand_id,
        sub_status_id,
        last_in_at,
        last_out_at,
        created_at,
        updated_at,
        shape,
        case
            when not is_valid then 'not_an_object'
            when conversation_id is null then 'missing_id'
            when coalesce(created_at, updated_at) is null then 'missing_time'
        end as quarantine_rule,
        case
            when conversation_id is null or coalesce(created_at, updated_at) is null
                then cut_text(raw, 2000)
        end as offending
    from named
)

select * from final order by source_key
