-- claim: notes come from the shop and have a text, a customer's message is public and comes from a
-- customer, the channel is chat or email, and nobody is named as its receiver
with

messages as (
    select
        message_id,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        body_text
    from plan.messages
)

select message_id, channel, sender_kind
from messages
where
    (not public and (not from_agent or body_text is null))
    or (not from_agent) <> (sender_kind = 'customer')
    or (sender_kind = 'agent' and sender_id is null)
    or (sender_kind = 'legacy' and sender_id is not null)
    or channel not in ('chat', 'email')
    or receiver_customer_id is not null
order by message_id
