-- grain: one row per staged message that shows choices or cards
-- key: message_id
-- The lines that stand for them in a text.
-- column message_id: the message
-- column lines: its choices or cards, one to a line [messages $.content.choices, messages
--   $.content.targets]
with

messages as (
    select
        message_id,
        choices,
        cards
    from source.messages
    where quarantine_rule is null and (choices is not null or cards is not null)
),

choices as (
    select
        message_id,
        unnest(json_items(choices)) as choice,
        unnest(range(0, array_length(json_items(choices)))) as place
    from messages
    where choices is not null
),

read_choices as (
    select
        message_id,
        place,
        json_row(
            choice,
            'label TEXT PATH $.label | $.value, is_selected BOOL PATH $.selected,
             icon TEXT PATH $.icon, target TEXT PATH $.action.target'
        ) as document
    from choices
),

choice_lines as (
    select
        message_id,
        place,
        concat(
            case when document['is_selected'] then '[x] ' else '[ ] ' end,
            coalesce(nullif(document['icon'], '') || ' ', ''),
            coalesce(document['label'], ''),
            coalesce(': ' || nullif(document['target'], ''), '')
        ) as line
    from read_choices
    where document['is_valid']
),

cards as (
    select
        message_id,
        unnest(json_items(cards)) as card,
        unnest(range(0, array_length(json_items(cards)))) as place
    from messages
    where cards is not null
),

read_cards as (
    select
        message_id,
        place,
        json_row(
            card,
            'title TEXT PATH $.title, description TEXT PATH $.description,
             image TEXT PATH $.image, actions JSON PATH $.actions'
        ) as document
    from cards
),

named_cards as (
    select
        message_id,
        place,
        coalesce(document['title'], '') as title,
        document['description'] as description,
        document['image'] as image,
        document['actions'] as actions
    from read_cards
    where document['is_valid']
),

actions as (
    select
        message_id,
        place,
        unnest(json_items(actions)) as action,
        unnest(range(0, array_length(json_items(actions)))) as action_place
    from named_cards
    where actions is not null
),

read_actions as (
    select
        message_id,
        place,
        action_place,
        json_row(action, 'label TEXT PATH $.label, url TEXT PATH $.url') as document
    from actions
),

links as (
    select
        message_id,
        place,
        string_agg(
            concat(coalesce(document['label'], 'link'), ': ', coalesce(document['url'], '')),
            chr(10) order by action_place
        ) as lines
    from read_actions
    group by message_id, place
),

card_lines as (
    select
        named_cards.message_id,
        named_cards.place,
        concat_ws(
            chr(10),
            concat('- ', named_cards.title),
            named_cards.description,
            case
                when named_cards.image <> ''
                    then concat('![', named_cards.title, '](', named_cards.image, ')')
            end,
            links.lines
        ) as line
    from named_cards
    left join links
        on named_cards.message_id = links.message_id and named_cards.place = links.place
),

lines as (
    select message_id, place, line from choice_lines
    union all
    select message_id, place, line from card_lines
),

final as (
    select
        message_id,
        string_agg(line, chr(10) order by place, line) as lines
    from lines
    group by message_id
)

select * from final order by message_id
