-- grain: one row per thing of the helpdesk that can only be looked up or made again by hand
-- key: stream, source_key
with

-- What each list is in words that every helpdesk has.
kinds as (
    select stream, kind, recommended_target, reason_not_migrated
    from (
        values
            ('brands', 'brand', 'a workspace or an inbox of its own',
                'a brand decides about addresses and looks, which a person sets up'),
            ('business_rules', 'automation', 'a rule with the same trigger and actions',
                'a rule would act on everything that is moved'),
            ('chat_settings', 'channel', 'the settings of the chat box',
                'a channel is connected by a person, on the day of the change'),
            ('email_hooks', 'webhook', 'an address that mail is forwarded to',
                'whoever sends there has to be told the new address'),
            ('kb_forms', 'help_center_form', 'a contact form',
                'a form leads into a channel, which a person connects'),
            ('kb_routes', 'help_center_redirection', 'a redirection of the help center',
                'where it leads to has another address afterwards'),
            ('kb_tags', 'help_center_tag', 'words in the title or the text',
                'not every help center knows tags'),
            ('kb_templates', 'help_center_template', 'the looks of the help center',
                'templates are code of one vendor'),
            ('kb_themes', 'help_center_theme', 'the looks of the help center',
                'looks are decided once, by a person'),
            ('klass_metadata', 'custom_object_attributes',
                'the fields of the object in the system that owns it',
                'the target has no objects of that kind'),
            ('klasses', 'custom_object_schema',
                'the system that owns the objects, shown beside the conversation',
                'the target has no objects of that kind'),
            ('kobjects', 'custom_object_record',
                'the system that owns the objects, shown beside the conversation',
                'the target has no objects of that kind'),
            ('pinned_searches', 'view', 'a view or a filter with the same conditions',
                'every helpdesk words conditions differently'),
            ('queues', 'queue', 'an inbox or a team, with a rule that assigns',
                'who gets what next is decided by rules that each helpdesk words differently'),
            ('satisfaction_forms', 'survey', 'the survey of the target',
                'a survey that is switched on asks customers'),
            ('satisfaction_responses', 'survey_response', null,
                'an answer belongs to its question; the rating is kept with the conversation'),
            ('search_positions', 'view_order', 'the order of the views',
                'it is an order of things that are made by hand'),
            ('shortcuts', 'macro', 'a saved reply with the same text',
                'placeholders and actions are worded differently by every helpdesk'),
            ('sla_versions', 'sla_version', null,
                'kept because conversations name the version that they were measured by'),
            ('slas', 'sla', 'a service level, or a rule that reminds',
                'hours and goals are measured differently by every helpdesk'),
            ('sub_statuses', 'sub_status', 'a tag or a field of the conversation',
                'the target has fewer states'),
            ('web_hooks', 'webhook', 'a call of the target''s API by whoever calls today',
                'whoever calls has to be told the new address and its secret'),
            ('workflows', 'automation', 'a workflow or rule with the same steps',
                'a workflow would act on everything that is moved')
    ) as named (stream, kind, recommended_target, reason_not_migrated)
),

settings as (
    select
        platform, stream, source_key, snapshot, setting_id, name, label, status, description,
        is_enabled, is_system, is_default, is_private, is_deleted, version, priority, items,
        event, events, steps, actions, criteria, metrics, context, positions, sla_id,
        rating_type, scale, questions, rating, answers, conversation_id, widget, greeting,
        domains, url, leads_to, leads_to_id, content, sets, files, properties, created_at,
        updated_at, definition
    from source.settings
    where quarantine_rule is null
),

current_versions as (
    select
        slas.source_key,
        versions.source_key as version_key,
        versions.name,
        versions.description,
        versions.metrics
    from settings as slas
    inner join settings as versions
        on slas.setting_id = versions.sla_id and slas.version = versions.version
    where slas.stream = 'slas' and versions.stream = 'sla_versions'
),

named_versions as (
    select
        source_key,
        min(version_key) as version_key,
        min(name) as name,
        min(description) as description,
        min(metrics) as metrics
    from current_versions
    group by source_key
),

kobjects as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        kobject_id,
        klass_key,
        external_id,
        title,
        description,
        customer_id,
        definition,
        created_at,
        updated_at
    from source.kobjects
    where quarantine_rule is null
),

counted_objects as (
    select
        klass_key,
        count(*) as objects
    from kobjects
    group by klass_key
),

properties as (
    select
        source_key,
        unnest(json_entries(properties)) as property
    from settings
    where stream = 'klass_metadata' and properties is not null
),

attributes as (
    select
        source_key,
        property['key'] as name,
        json_row(property['value'], 'type TEXT PATH $.type')['type'] as type
    from properties
),

listed_attributes as (
    select
        source_key,
        count(*) as attributes,
        string_agg(concat(name, ' (' || type || ')'), ', ' order by name) as words
    from attributes
    group by source_key
),

acts as (
    select
        stream,
        source_key,
        json_row(
            unnest(json_items(actions)),
            'words TEXT PATH $.type | $.action'
        ) as act
    from settings
    where actions is not null
),

listed_acts as (
    select
        stream,
        source_key,
        string_agg(coalesce(act['words'], 'something'), ', ') as words
    from acts
    group by stream, source_key
),

answers as (
    select
        stream,
        source_key,
        json_row(unnest(json_items(answers)), 'words TEXT PATH $.answer | $.value') as answer
    from settings
    where answers is not null
),

listed_answers as (
    select
        stream,
        source_key,
        string_agg(answer['words'], ' · ') as words
    from answers
    group by stream, source_key
),

article_titles as (
    select
        article_id,
        min(coalesce(common_title, title)) as title
    from source.articles
    where quarantine_rule is null
    group by article_id
),

told as (
    select
        settings.platform,
        settings.stream,
        settings.source_key,
        settings.snapshot,
        case settings.stream
            when 'slas' then named_versions.name
            when 'sla_versions'
                then concat_ws(', ', settings.name, 'version ' || settings.version)
            when 'kb_routes' then settings.url
            when 'klass_metadata' then concat('fields of ', settings.source_key)
            when 'satisfaction_responses'
                then 'answer about conversation ' || settings.conversation_id
            when 'search_positions' then 'order of saved searches'
            else coalesce(settings.label, settings.name)
        end as name,
        -- A piece whose value is missing is left out, as `||` with null is null.
        case settings.stream
            when 'brands' then case when settings.is_default then 'the default' end
            when 'business_rules'
                then concat_ws(
                    '; ',
                    'when ' || array_to_string(json_texts(settings.events), ' or '),
                    'if ' || settings.criteria,
                    'then ' || listed_acts.words
                )
            when 'chat_settings'
                then concat_ws(
                    '; ',
                    settings.widget,
                    'greets with "' || settings.greeting || '"',
                    'on ' || array_to_string(json_texts(settings.domains), ', ')
                )
            when 'email_hooks' then 'mail becomes the event ' || settings.event
            when 'web_hooks' then 'calls become the event ' || settings.event
            when 'kb_routes'
                then concat_ws(
                    ' ',
                    'to the ' || settings.leads_to,
                    coalesce(article_titles.title, settings.leads_to_id)
                )
            when 'klass_metadata'
                then coalesce(
                    listed_attributes.attributes || ' fields: ' || listed_attributes.words,
                    'no fields'
                )
            when 'klasses'
                then concat_ws(
                    ', ',
                    coalesce(counted_objects.objects, 0) || ' objects',
                    settings.status
                )
            when 'pinned_searches' then concat_ws('; ', settings.context, settings.criteria)
            when 'queues'
                then concat_ws(
                    ', ',
                    settings.description,
                    'priority ' || settings.priority,
                    settings.items || ' items each',
                    case when settings.is_system then 'the system''s own' end
                )
            when 'satisfaction_forms'
                then concat_ws(
                    ', ',
                    settings.rating_type,
                    'scale of ' || settings.scale,
                    settings.questions || ' questions',
                    settings.description
                )
            when 'satisfaction_responses'
                then concat_ws(
                    ', ',
                    'rated ' || settings.rating,
                    '"' || listed_answers.words || '"'
                )
            when 'search_positions' then coalesce(settings.positions, 0) || ' searches'
            when 'shortcuts'
                then concat_ws(
                    ', ',
                    case when settings.is_private then 'private' else 'shared' end,
                    length(settings.content) || ' characters',
                    'sets ' || settings.sets,
                    case when settings.files > 0 then settings.files || ' files' end
                )
            when 'slas'
                then concat_ws(
                    '; ',
                    'version ' || settings.version,
                    named_versions.description,
                    'goals ' || named_versions.metrics
                )
            when 'sla_versions'
                then concat_ws(
                    '; ',
                    settings.description,
                    'goals ' || settings.metrics,
                    'for ' || settings.criteria
                )
            when 'sub_statuses' then 'of the state ' || settings.status
            when 'workflows'
                then concat_ws(
                    '; ',
                    'when ' || settings.event,
                    settings.steps || ' steps: ' || coalesce(listed_acts.words, ''),
                    'version ' || settings.version
                )
            else settings.description
        end as words,
        case
            when settings.is_deleted then 'deleted'
            when not settings.is_enabled then 'switched off'
        end as state,
        settings.content,
        settings.definition,
        settings.created_at,
        settings.updated_at
    from settings
    left join named_versions
        on settings.stream = 'slas' and settings.source_key = named_versions.source_key
    left join counted_objects
        on settings.stream = 'klasses' and settings.source_key = counted_objects.klass_key
    left join listed_attributes
        on settings.stream = 'klass_metadata'
            and settings.source_key = listed_attributes.source_key
    left join listed_acts
        on settings.stream = listed_acts.stream and settings.source_key = listed_acts.source_key
    left join listed_answers
        on settings.stream = listed_answers.stream
            and settings.source_key = listed_answers.source_key
    left join article_titles
        on settings.stream = 'kb_routes' and settings.leads_to_id = article_titles.article_id
),

everything as (
    select
        platform, stream, source_key, snapshot, name, words, state, content, definition,
        created_at, updated_at
    from told
    union all
    select
        kobjects.platform,
        kobjects.stream,
        kobjects.source_key,
        kobjects.snapshot,
        coalesce(kobjects.title, kobjects.external_id, kobjects.kobject_id) as name,
        concat_ws(
            ', ',
            klasses.name,
            kobjects.external_id,
            kobjects.description,
            'of customer ' || kobjects.customer_id
        ) as words,
        cast(null as varchar) as state,
        cast(null as varchar) as content,
        kobjects.definition,
        kobjects.created_at,
        kobjects.updated_at
    from kobjects
    left join settings as klasses
        on klasses.stream = 'klasses' and kobjects.klass_key = klasses.source_key
),

final as (
    select
        everything.platform,
        everything.stream,
        everything.source_key,
        everything.snapshot,
        kinds.kind,
        coalesce(everything.name, everything.source_key) as name,
        concat_ws('; ', everything.state, nullif(everything.words, '')) as summary,
        everything.content,
        everything.definition,
        kinds.recommended_target,
        kinds.reason_not_migrated,
        everything.created_at,
        everything.updated_at
    from everything
    inner join kinds on everything.stream = kinds.stream
)

select * from final order by stream, source_key
