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
        0 as action_place,
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

-- Each card goes on as one row for each of its actions, or as a row of its own.
actions as (
    select
        message_id,
        place,
        title,
        description,
        image,
        unnest(items) as action,
        unnest(range(0, array_length(items))) as action_place
    from (
        select
            message_id,
            place,
            title,
            description,
            image,
            case
                when array_length(json_items(actions)) > 0 then json_items(actions)
                else make_array('null')
            end as items
        from named_cards
    ) as cards_with_items
),

read_actions as (
    select
        message_id,
        place,
        action_place,
        title,
        description,
        image,
        json_row(action, 'label TEXT PATH $.label, url TEXT PATH $.url') as document
    from actions
),

card_lines as (
    select
        message_id,
        place,
        action_place,
        concat_ws(
            chr(10),
            case when action_place = 0 then concat('- ', title) end,
            case when action_place = 0 then description end,
            case
                when action_place = 0 and image <> ''
                    then concat('![', title, '](', image, ')')
            end,
            case
                when document['is_valid']
                    then concat(
                        coalesce(document['label'], 'link'),
                        ': ',
                        coalesce(document['url'], '')
                    )
            end
        ) as line
    from read_actions
),

lines as (
    select message_id, place, action_place, line from choice_lines
    union all
    select message_id, place, action_place, line from card_lines
),

final as (
    select
        message_id,
        string_agg(line, chr(10) order by place, action_place, line) as lines
    from lines
    group by message_id
)

select * from final order by message_id
