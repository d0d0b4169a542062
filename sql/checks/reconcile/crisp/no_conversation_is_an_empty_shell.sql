-- claim: no conversation was made and left without anything: a reply that was lost leaves one that
-- holds no record and that nobody was told of; it may be deleted
-- print: offenders
-- hint: look at these conversations in the target and delete those that are empty
with

conversations as (
    select
        target_id,
        made_at
    from readback.conversations
    where external_id is null and has_no_data and email is null and subject is null
),

messages as (
    select distinct ticket_target_id
    from readback.messages
),

-- What was empty before belongs to somebody else.
began as (
    select min(at) as began_at
    from ledger.records
),

final as (
    select
        conversations.target_id,
        conversations.made_at
    from conversations
    left anti join messages on conversations.target_id = messages.ticket_target_id
    inner join began on conversations.made_at >= began.began_at
)

select target_id, made_at from final order by target_id
