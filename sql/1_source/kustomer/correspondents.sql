-- grain: one row per conversation that came by e-mail, with who wrote and who was in copy
-- key: conversation_id
-- Whom a conversation is with, is the sender of what came in, or else the receiver of what went
-- out.
with

mails as (
    select
        conversation_id,
        message_id,
        case when author_type = 'customer' then sender else receiver end as email,
        author_type = 'customer' as is_from_outside,
        cc,
        sent_at
    from source.messages
    where quarantine_rule is null and origin = 'email' and kind = 'message'
),

known as (
    select
        conversation_id,
        first_value(email order by is_from_outside desc, sent_at desc, message_id) as email
    from mails
    where email is not null
    group by conversation_id
),

copied as (
    select
        conversation_id,
        unnest(json_items(concat('[', trim(both '[]' from cc), ']'))) as item
    from mails
    where cc is not null
),

read_copies as (
    select
        conversation_id,
        item,
        json_row(item, 'email TEXT PATH $.email') as document
    from copied
),

copies as (
    select distinct
        conversation_id,
        email_address(coalesce(document['email'], trim(both '"' from item))) as email
    from read_copies
),

participants as (
    select
        copies.conversation_id,
        concat(
            '[',
            string_agg(
                concat('{"type":"email","target":', json_text(copies.email), '}'),
                ',' order by copies.email
            ),
            ']'
        ) as participants
    from copies
    left join known on copies.conversation_id = known.conversation_id
    where copies.email is not null and copies.email <> coalesce(known.email, '')
    group by copies.conversation_id
),

conversations as (
    select distinct conversation_id
    from mails
),

final as (
    select
        conversations.conversation_id,
        known.email,
        participants.participants
    from conversations
    left join known on conversations.conversation_id = known.conversation_id
    left join participants on conversations.conversation_id = participants.conversation_id
)

select * from final order by conversation_id
