-- claim: incoming messages have no receiver, outgoing ones have the customer, notes are private and
-- come from the shop, an e-mail has an address on both sides
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
        source_from_address,
        source_to
    from plan.messages
)

select message_id, channel, sender_kind
from messages
where
    (not from_agent and (receiver_customer_id is not null or sender_kind <> 'customer'))
    or (from_agent and public and receiver_customer_id is null)
    or (channel = 'internal-note') = public
    or (channel = 'internal-note' and (not from_agent or receiver_customer_id is not null))
    or (channel = 'email' and (source_from_address is null or source_to not like '%@%'))
    or (sender_kind = 'legacy') <> (sender_id is null)
order by message_id
