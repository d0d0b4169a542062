-- claim: every file that a conversation lists belongs to a message that was landed
with

listed as (
    select
        source_key,
        snapshot
    from source.conversation_files
    where quarantine_rule is null
),

messages as (
    select source_key
    from source.messages
)

select
    listed.source_key,
    listed.snapshot
from listed
left anti join messages on listed.source_key = messages.source_key
order by listed.source_key
