-- grain: one row per message, note or system line, as it was landed last
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column fetched_at: when it was received, UTC
-- column exchange_id: the HTTP exchange that brought it
-- column ordinal: its place among the records of that reply, from 0
-- column message_id: its id, unique among the messages of all streams
-- column conversation_id: the conversation it is part of
-- column original_id: id of its original in source.originals; null where it has none
-- column agent_id: the agent who wrote it; null for all others
-- column author_source_id: the author, by the id of the source
-- column author_type: customer, participant, agent, bot, plugin, trigger or system
-- column author_name: the name of the author, on one line
-- column author_avatar_url: address of the picture of the author
-- column kind: message, note or event
-- column content_type: text, note, file, audio, animation, picker, field, carousel, event, or
--   another word
-- column content_rule: how a text is made of it: as_is, or the rule that losses name
-- column origin: its channel, by the word of the source
-- column subject: its subject, where it has one of its own
-- column mentions: JSON list of the agents that it names
-- column previews: JSON; what its links led to
-- column referred: JSON; links that are shown beside it
-- column properties: JSON; further marks
-- column read_on: channel on which it was read
-- column delivered_on: channel that took it
-- column refusals: JSON; channels that refused it, with the reason
-- column text: its text, Markdown unless is_plain
-- column is_plain: its text is no Markdown: every sign stands for itself
-- column is_partial: its text may be no more than the beginning, unless its original has the rest
-- column file_name: name of the file that it is, where content_type is file, audio or animation
-- column file_url: address of that file
-- column file_seconds: how long it plays
-- column content_id: id of the question in the script that asked it
-- column is_required: whether the question had to be answered
-- column question: the question of a picker, field or carousel; words of a system line
-- column explanation: words beside the question
-- column answer: the answer in a field
-- column choices: JSON list of {label or value, selected, icon, action.target}
-- column cards: JSON list of {title, description, image, actions: list of {label, url}}
-- column namespace: name of a system line; `pending`, `unresolved` or `resolved` as a word in it is
--   a change of state
-- column raw_content: its content as it stands, where nobody knows what it means; null where it is
--   understood
-- column is_automated: whether nobody wrote it by hand
-- column is_edited: whether it was edited
-- column is_translated: whether it was translated
-- column is_stamped: whether it was stamped by the server
-- column sent_at: when it was sent, UTC
-- column quarantine_rule: why it cannot be understood; null for one that can
-- column offending: the beginning of its raw text, at most 2000 characters; null where it is
--   understood
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as timestamp) as fetched_at,
        cast(null as bigint) as exchange_id,
        cast(null as bigint) as ordinal,
        cast(null as varchar) as message_id,
        cast(null as varchar) as conversation_id,
        cast(null as varchar) as original_id,
        cast(null as varchar) as agent_id,
        cast(null as varchar) as author_source_id,
        cast(null as varchar) as author_type,
        cast(null as varchar) as author_name,
        cast(null as varchar) as author_avatar_url,
        cast(null as varchar) as kind,
        cast(null as varchar) as content_type,
        cast(null as varchar) as content_rule,
        cast(null as varchar) as origin,
        cast(null as varchar) as subject,
        cast(null as varchar) as mentions,
        cast(null as varchar) as previews,
        cast(null as varchar) as referred,
        cast(null as varchar) as properties,
        cast(null as varchar) as read_on,
        cast(null as varchar) as delivered_on,
        cast(null as varchar) as refusals,
        cast(null as varchar) as text,
        cast(null as boolean) as is_plain,
        cast(null as boolean) as is_partial,
        cast(null as varchar) as file_name,
        cast(null as varchar) as file_url,
        cast(null as bigint) as file_seconds,
        cast(null as varchar) as content_id,
        cast(null as boolean) as is_required,
        cast(null as varchar) as question,
        cast(null as varchar) as explanation,
        cast(null as varchar) as answer,
        cast(null as varchar) as choices,
        cast(null as varchar) as cards,
        cast(null as varchar) as namespace,
        cast(null as varchar) as raw_content,
        cast(null as boolean) as is_automated,
        cast(null as boolean) as is_edited,
        cast(null as boolean) as is_translated,
        cast(null as boolean) as is_stamped,
        cast(null as timestamp) as sent_at,
        cast(null as varchar) as quarantine_rule,
        cast(null as varchar) as offending
    where false
)

select * from final order by source_key
