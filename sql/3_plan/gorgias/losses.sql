-- grain: one row per record and rule by which the target holds less than was staged
-- key: stream, source_id, rule
-- column platform: where the record comes from
-- column stream: landed stream of the record; or the staged table, where no landed record is it
-- column source_id: its id
-- column ticket_id: its ticket; null when it belongs to none
-- column rule: the rule by which the target holds less
-- column detail: what exactly is lost, in words; null when the rule says it all
-- column survives_in: table and key where the original can be read
with

planned_tickets as (
    select ticket_id
    from plan.tickets
),

shared_phones as (
    select
        customers.platform,
        'customers' as stream,
        customers.customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'phone_shared' as rule,
        'another customer has the same telephone number' as detail
    from staged.customers
    inner join plan.customers as planned on customers.customer_id = planned.customer_id
    where customers.phone is not null and planned.phone is null
),

unread_phones as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'phone_not_certain' as rule,
        'the number lacks its country, so it is not carried' as detail
    from staged.customers
    where phone_as_written is not null and not is_skipped
),

thin_customers as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'profile_fields_not_carried' as rule,
        concat_ws(
            ', ',
            case when segments is not null then 'segments' end,
            case when data is not null and mapping.custom_fields = 'meta' then 'data' end,
            case when company_name is not null then 'company' end,
            case when utc_offset_min is not null then 'time zone offset' end,
            case when other_fields > 0 then 'other fields of the profile' end
        ) as detail
    from staged.customers
    cross join config.mapping as mapping
    where
        not is_skipped
        and (
            segments is not null
            or (data is not null and mapping.custom_fields = 'meta')
            or company_name is not null
            or utc_offset_min is not null
            or other_fields > 0
        )
),

bots as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'bot_as_legacy_agent' as rule,
        'a machine wrote this; its name is kept beside the message' as detail
    from staged.messages
    left semi join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
    where messages.author_type in ('bot', 'plugin', 'trigger')
),

mails_as_chat as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'email_as_chat' as rule,
        case mapping.email_channel
            when 'email' then 'an e-mail needs an address on both sides'
            else 'every e-mail becomes a chat message, as configured'
        end as detail
    from staged.messages
    inner join plan.messages as planned on messages.message_id = planned.message_id
    cross join config.mapping as mapping
    where messages.origin = 'email' and planned.public and planned.channel <> 'email'
),

untaken_languages as (
    select
        customers.platform,
        'customers' as stream,
        customers.customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'language_not_taken' as rule,
        'the target has no such language' as detail
    from staged.customers
    inner join plan.customers as planned on customers.customer_id = planned.customer_id
    where customers.language is not null and planned.language is null
),

cut_subjects as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'subject_cut' as rule,
        'the subject is longer than 998 characters' as detail
    from staged.messages
    left semi join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
    where char_length(messages.subject) > 998
),

companies as (
    select
        platform,
        'companies' as stream,
        company_id as source_id,
        cast(null as varchar) as ticket_id,
        'company_not_carried' as rule,
        cast(null as varchar) as detail
    from staged.companies
),

-- The target's help center is not replayed into.
help_center as (
    select
        platform,
        'kb_categories' as stream,
        category_id as source_id,
        cast(null as varchar) as ticket_id,
        'help_center_not_carried' as rule,
        cast(null as varchar) as detail
    from staged.kb_categories
    union all
    select
        platform,
        'kb_articles' as stream,
        article_id as source_id,
        cast(null as varchar) as ticket_id,
        'help_center_not_carried' as rule,
        cast(null as varchar) as detail
    from staged.kb_articles
),

everything as (
    select platform, stream, source_id, ticket_id, rule, detail from help_center
    union all
    select platform, stream, source_id, ticket_id, rule, detail from companies
    union all
    select platform, stream, source_id, ticket_id, rule, detail from shared_phones
    union all
    select platform, stream, source_id, ticket_id, rule, detail from unread_phones
    union all
    select platform, stream, source_id, ticket_id, rule, detail from thin_customers
    union all
    select platform, stream, source_id, ticket_id, rule, detail from bots
    union all
    select platform, stream, source_id, ticket_id, rule, detail from mails_as_chat
    union all
    select platform, stream, source_id, ticket_id, rule, detail from untaken_languages
    union all
    select platform, stream, source_id, ticket_id, rule, detail from cut_subjects
),

final as (
    select
        platform,
        stream,
        source_id,
        ticket_id,
        rule,
        detail,
        concat(
            case
                when stream in ('customers', 'companies', 'kb_categories', 'kb_articles')
                    then 'staged.'
                else 'landing.'
            end,
            stream,
            ' key ',
            source_id
        ) as survives_in
    from everything
    union all
    select platform, stream, source_id, ticket_id, rule, detail, survives_in
    from plan.general_losses
)

select * from final order by stream, source_id, rule
