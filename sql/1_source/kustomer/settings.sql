-- grain: one row per record of the lists that a helpdesk is set up with, as it was landed last
-- key: stream, source_key
-- Queues, rules, service levels, macros, hooks, saved searches and what else is small and has no
-- messages. Each list is one stream; the columns that a stream has no words for are empty.
-- definition is the record without the values by which somebody could send into the helpdesk.
with

lists as (
    select platform, stream, key, snapshot, fetched_at, raw from landing.brands
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.business_rules
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.chat_settings
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.email_hooks
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.kb_forms
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.kb_routes
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.kb_tags
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.kb_templates
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.kb_themes
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.klass_metadata
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.klasses
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.pinned_searches
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.queues
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.satisfaction_forms
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.satisfaction_responses
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.search_positions
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.shortcuts
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.sla_versions
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.slas
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.sub_statuses
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.web_hooks
    union all
    select platform, stream, key, snapshot, fetched_at, raw from landing.workflows
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
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name | $.attributes.teamName,
             label TEXT PATH $.attributes.displayName, status TEXT PATH $.attributes.status,
             description TEXT PATH $.attributes.description | $.attributes.introduction,
             is_enabled BOOL PATH $.attributes.enabled | $.attributes.active,
             is_disabled BOOL PATH $.attributes.appDisabled,
             is_system BOOL PATH $.attributes.system,
             is_default BOOL PATH $.attributes.default, is_private BOOL PATH $.attributes.isPrivate,
             is_deleted BOOL PATH $.attributes.deleted,
             version BIGINT PATH $.attributes.version | $.attributes.currentVersion,
             priority BIGINT PATH $.attributes.priority, items BIGINT PATH $.attributes.itemSize,
             event TEXT PATH $.attributes.eventName | $.attributes.trigger.eventName,
             events JSON PATH $.attributes.events, steps LENGTH PATH $.attributes.steps,
             actions JSON PATH $.attributes.actions | $.attributes.steps,
             criteria JSON PATH $.attributes.criteria | $.attributes.query,
             metrics JSON PATH $.attributes.metrics, context TEXT PATH $.attributes.queryContext,
             positions LENGTH PATH $.attributes.positions,
             sla_id TEXT PATH $.relationships.sla.data.id,
             rating_type TEXT PATH $.attributes.ratingType, scale TEXT PATH $.attributes.scaleType,
             questions LENGTH PATH $.attributes.questions, rating BIGINT PATH $.attributes.rating,
             answers JSON PATH $.attributes.answers,
             conversation_id TEXT PATH $.relationships.conversation.data.id,
             widget TEXT PATH $.attributes.widgetType, greeting TEXT PATH $.attributes.greeting,
             domains JSON PATH $.attributes.domainCriteria, url TEXT PATH $.attributes.url,
             leads_to TEXT PATH $.attributes.routableType,
             leads_to_id TEXT PATH $.attributes.routableId,
             document JSON PATH $.attributes.payload.text, draft TEXT PATH $.attributes.draft.text,
             sets JSON PATH $.attributes.conversation.custom,
             files LENGTH PATH $.relationships.attachments,
             properties JSON PATH $.attributes.properties,
             created TEXT PATH $.attributes.createdAt, updated TEXT PATH $.attributes.updatedAt,
             shape SHAPE PATH $ MAPS $.attributes.properties | $.attributes.conversation.custom'
        ) as document
    from lists
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['id'], '') as setting_id,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['label']), '') as label,
        document['status'] as status,
        nullif(trim(document['description']), '') as description,
        coalesce(document['is_enabled'], not document['is_disabled'], true) as is_enabled,
        coalesce(document['is_system'], false) as is_system,
        coalesce(document['is_default'], false) as is_default,
        coalesce(document['is_private'], false) as is_private,
        coalesce(document['is_deleted'], false) as is_deleted,
        document['version'] as version,
        document['priority'] as priority,
        document['items'] as items,
        document['event'] as event,
        nullif(document['events'], '[]') as events,
        document['steps'] as steps,
        nullif(document['actions'], '[]') as actions,
        document['criteria'] as criteria,
        document['metrics'] as metrics,
        document['context'] as context,
        document['positions'] as positions,
        document['sla_id'] as sla_id,
        document['rating_type'] as rating_type,
        document['scale'] as scale,
        document['questions'] as questions,
        document['rating'] as rating,
        nullif(document['answers'], '[]') as answers,
        document['conversation_id'] as conversation_id,
        document['widget'] as widget,
        nullif(trim(document['greeting']), '') as greeting,
        nullif(document['domains'], '[]') as domains,
        nullif(trim(document['url']), '') as url,
        document['leads_to'] as leads_to,
        document['leads_to_id'] as leads_to_id,
        coalesce(
            nullif(draft_markdown(document['document']), ''),
            nullif(trim(document['draft']), '')
        ) as content,
        document['sets'] as sets,
        document['files'] as files,
        nullif(document['properties'], '{}') as properties,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        regexp_replace(
            raw,
            '"(hash|address|[a-z_-]*(?:token|secret|password|api[_-]?key|authorization))"(\s*:\s*)'
                || '"(?:[^"\\]|\\.)*"',
            '"${1}"${2}"(not shown)"',
            'gi'
        ) as definition,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from records
)

select * from final order by stream, source_key
