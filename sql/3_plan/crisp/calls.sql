-- grain: one row per call of the replay
-- key: seq
-- Conversations are worked on several at a time; the calls of one keep this order. What the
-- followed run brought in takes none; a conversation of it is looked at before anything is done to
-- it. Files are hosted elsewhere and take no call. A new run lists once what the top of the help
-- center has already; what a section or an article that is there takes to be compared is not known
-- before.
-- column seq: place in the replay, from 1
-- column phase: name of the phase, as the ledger counts its calls
-- column kind: what it makes: customer, section, article, ticket or message; null for a call that
--   reads, or is about none of them
-- column source_id: id of that record, as the ledger knows it; null likewise
-- column ticket_seq: place of its conversation in the replay; null before conversations begin
-- column messages: messages that travel in it
-- column bytes: at most how many bytes its body has, by the same count as plan.messages
-- column cost: calls that it counts in the target's quota
with

replay as (
    select follows
    from config.replay
),

agents as (
    select agents.agent_id
    from plan.agents
    left anti join before.agents as loaded on agents.agent_id = loaded.agent_id
),

customers as (
    select
        seq,
        customer_id,
        octet_length(meta) as bytes
    from plan.customers
    where not is_loaded
),

tickets as (
    select
        seq,
        ticket_id,
        assignee_agent_id,
        spam,
        updates,
        position('"participants":' in meta) > 0 as has_participants,
        bytes
    from plan.tickets
),

messages as (
    select
        messages.ticket_seq,
        messages.position,
        messages.message_id,
        messages.from_agent,
        messages.bytes
    from plan.messages
    left anti join before.messages as loaded on messages.message_id = loaded.message_id
),

made as (
    select
        ticket_seq,
        count(*) as messages,
        count(*) filter (where from_agent) as from_agents,
        count(*) filter (where not from_agent) as from_customers
    from messages
    group by ticket_seq
),

new_agents as (
    select count(*) as agents
    from agents
),

sections as (
    select
        seq,
        section_id,
        parent_section_id,
        locale,
        content_type,
        description,
        color,
        bytes,
        is_loaded
    from plan.sections
),

articles as (
    select
        seq,
        article_id,
        section_id,
        locale,
        content_type,
        is_published,
        is_hidden,
        bytes,
        is_loaded
    from plan.articles
),

pages as (
    select locale, content_type, is_loaded
    from sections
    union all
    select locale, content_type, is_loaded
    from articles
),

page_counts as (
    select
        count(*) as pages,
        count(*) filter (where is_loaded) as loaded
    from pages
),

-- Phases in their order; conversations, their messages and their states go together.
phases as (
    select
        column1 as place,
        column2 as phase
    from (
        values
        (0, 'preflight'), (1, 'tickets_read'), (2, 'agents_read'), (4, 'customers_create'),
        (5, 'files_upload'), (6, 'help_center_read'), (7, 'sections_create'),
        (8, 'articles_create'), (11, 'tickets_look'), (11, 'tickets_create'),
        (11, 'messages_append'), (11, 'lookups'), (11, 'tickets_update')
    ) as listed
),

-- Of a help center: which languages it has, and of which generation it is.
reads as (
    select column1 as phase, column2 as is_for_pages
    from (
        values
        ('preflight', false), ('preflight', false), ('preflight', false), ('preflight', true),
        ('preflight', true), ('tickets_read', false), ('agents_read', false)
    ) as listed
),

read_calls as (
    select reads.phase
    from reads
    cross join replay
    cross join new_agents
    cross join page_counts
    where
        case
            when reads.is_for_pages then page_counts.pages > 0
            when reads.phase = 'preflight' then true
            when reads.phase = 'tickets_read' then replay.follows is null
            else replay.follows is null or new_agents.agents > 0
        end
),

-- The older generation lists categories and articles apart, the newer one both at once.
listings as (
    select distinct
        pages.locale,
        pages.content_type,
        lists.list
    from pages
    cross join (select unnest(make_array('articles', 'categories')) as list) as lists
    cross join page_counts
    cross join config.mapping as mapping
    where
        page_counts.loaded = 0
        and (lists.list = 'articles' or mapping.help_center = 'legacy')
),

page_steps as (
    select column1 as place, column2 as step
    from (
        values
        (0, 'create'), (1, 'content'), (2, 'description'), (3, 'place'), (4, 'publish')
    ) as listed
),

-- The older generation makes an article by its title, then says what it says, where it hangs and
-- that it is published; the newer one makes a path, then its content and what is said about it.
section_calls as (
    select
        'sections_create' as phase,
        'section' as kind,
        sections.section_id as source_id,
        sections.seq * 10 + page_steps.place as item,
        sections.bytes
    from sections
    cross join page_steps
    cross join config.mapping as mapping
    where
        not sections.is_loaded
        and case page_steps.step
            when 'create' then true
            when 'description'
                then mapping.help_center = 'new'
                or (
                    sections.parent_section_id is null
                    and (sections.description is not null or sections.color is not null)
                )
            else false
        end
),

article_calls as (
    select
        'articles_create' as phase,
        'article' as kind,
        articles.article_id as source_id,
        articles.seq * 10 + page_steps.place as item,
        case
            when page_steps.step = 'content' then articles.bytes
            when page_steps.step in ('place', 'publish') then 200
            else least(articles.bytes, 3000)
        end as bytes
    from articles
    cross join page_steps
    cross join config.mapping as mapping
    where
        not articles.is_loaded
        and case page_steps.step
            when 'description' then mapping.help_center = 'new'
            when 'place' then mapping.help_center = 'legacy' and articles.section_id is not null
            when 'publish'
                then mapping.help_center = 'legacy'
                and articles.is_published
                and not articles.is_hidden
            else true
        end
),

-- The newer generation shows what was written when it is told to.
refresh_calls as (
    select distinct
        locale,
        content_type
    from pages
    cross join config.mapping as mapping
    where not is_loaded and mapping.help_center = 'new'
),

-- A profile, then its data.
customer_calls as (
    select
        'customers_create' as phase,
        'customer' as kind,
        customer_id as source_id,
        cast(null as bigint) as ticket_seq,
        seq as item,
        0 as messages,
        unnest(make_array(bytes + 200, bytes + 100)) as bytes
    from customers
),

look_calls as (
    select
        'tickets_look' as phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        tickets.seq as ticket_seq,
        cast(-1 as bigint) as item,
        0 as messages,
        0 as bytes
    from tickets
    left join made on tickets.seq = made.ticket_seq
    where tickets.updates <> '[]' or (tickets.updates is not null and made.messages > 0)
),

-- An empty conversation, then what is known of it, then who is in copy.
steps as (
    select column1 as step
    from (values ('create'), ('meta'), ('participants')) as listed
),

ticket_calls as (
    select
        'tickets_create' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        cast(0 as bigint) as item,
        0 as messages,
        case steps.step when 'create' then 2 else tickets.bytes end as bytes
    from tickets
    cross join steps
    where
        tickets.updates is null
        and (steps.step <> 'participants' or tickets.has_participants)
),

message_calls as (
    select
        'messages_append' as phase,
        'message' as kind,
        message_id as source_id,
        ticket_seq,
        position as item,
        1 as messages,
        bytes
    from messages
),

-- Whether the last message is stored, before anything is said about the end: one that comes later
-- would open the conversation again.
stored_calls as (
    select
        'lookups' as phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        ticket_seq,
        cast(8000000000 as bigint) as item,
        0 as messages,
        0 as bytes
    from made
),

-- Behind the messages: read marks of both sides, the state, the assignee, the block. What is known
-- of a conversation is read before it is set anew.
ends as (
    select column1 as step
    from (
        values
        ('read_agents'), ('read_customers'), ('state'), ('routing'), ('block'), ('meta_read'),
        ('meta')
    ) as listed
),

state_calls as (
    select
        'tickets_update' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        cast(9000000000 as bigint) as item,
        0 as messages,
        case ends.step when 'meta' then tickets.bytes else 150 end as bytes
    from tickets
    cross join ends
    left join made on tickets.seq = made.ticket_seq
    where
        case ends.step
            when 'read_agents' then made.from_agents > 0
            when 'read_customers' then made.from_customers > 0
            when 'state'
                then tickets.updates is null
                or position('"status"' in tickets.updates) > 0
                or position('"dates"' in tickets.updates) > 0
            when 'routing'
                then (tickets.updates is null and tickets.assignee_agent_id is not null)
                or position('"assignee"' in tickets.updates) > 0
            when 'block'
                then (tickets.updates is null and tickets.spam)
                or position('"spam"' in tickets.updates) > 0
            else
                position('"subject"' in tickets.updates) > 0
                or position('"tags"' in tickets.updates) > 0
                or position('"meta"' in tickets.updates) > 0
        end
),

calls as (
    select
        phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        cast(null as bigint) as ticket_seq,
        cast(0 as bigint) as item,
        0 as messages,
        0 as bytes
    from read_calls
    union all
    select
        'help_center_read' as phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        cast(null as bigint) as ticket_seq,
        cast(0 as bigint) as item,
        0 as messages,
        0 as bytes
    from listings
    union all
    select
        phase, kind, source_id, cast(null as bigint) as ticket_seq, item, 0 as messages, bytes
    from section_calls
    union all
    select
        phase, kind, source_id, cast(null as bigint) as ticket_seq, item, 0 as messages, bytes
    from article_calls
    union all
    select
        'articles_create' as phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        cast(null as bigint) as ticket_seq,
        cast(9000000000 as bigint) as item,
        0 as messages,
        2 as bytes
    from refresh_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from customer_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from look_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from ticket_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from message_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from stored_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from state_calls
),

final as (
    select
        row_number() over (
            order by phases.place, calls.ticket_seq, calls.item, calls.source_id, calls.bytes
        ) as seq,
        -- Looking at a conversation that is loaded is counted with the reading of conversations.
        case calls.phase when 'tickets_look' then 'tickets_read' else calls.phase end as phase,
        calls.kind,
        calls.source_id,
        calls.ticket_seq,
        calls.messages,
        calls.bytes,
        1 as cost
    from calls
    inner join phases on calls.phase = phases.phase
)

select * from final order by seq
