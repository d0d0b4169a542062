-- grain: one row per stream and path that occurs in what was landed
-- key: stream, path
-- The ledger of what became of each field. A path is written as in the document: [] stands for the
-- elements of an array, .* for the members of an object whose names are data. Of several decisions
-- the one with the longest path counts, and of two for one path the user's own.
-- column stream: where it occurs
-- column path: the way to a value
-- column documents: in how many documents it occurs
-- column types: the JSON types that its values have; object and array stand for empty ones
-- column sample: its first value in the landed record with the smallest key, cut to 100 characters
-- column sample_key: key of that record
-- column fate: `mapped` to a column, `kept` where it can be read, `waived`, or `undecided`
-- column place: the staged column, or where it is kept; null for what is waived
-- column reason: why it is not mapped; null where nothing needs to be said
-- column decided_by: path of the decision that holds, null where there is none
-- column is_own: the decision is the user's own
with

shapes as (
    select
        stream,
        shape,
        raw_path,
        documents,
        sample_key,
        sample
    from source.shapes
),

lines as (
    select
        stream,
        shape,
        raw_path,
        documents,
        sample_key,
        unnest(string_to_array(shape, chr(10))) as line
    from shapes
),

leaves as (
    select
        stream,
        shape,
        raw_path,
        documents,
        sample_key,
        split_part(line, ' ', -1) as type,
        left(line, cast(length(line) - length(split_part(line, ' ', -1)) - 1 as bigint)) as path
    from lines
),

-- An array may hold values of several types; its document counts once.
occurrences as (
    select
        stream,
        shape,
        path,
        max(documents) as documents,
        min(sample_key) as sample_key,
        bool_and(type in ('null', 'object', 'array')) as is_empty,
        raw_path is not null
            and (
                starts_with(path, concat(raw_path, '.'))
                or starts_with(path, concat(raw_path, '['))
            ) as is_shown_raw
    from leaves
    where path <> '$'
    group by stream, shape, raw_path, path
),

types as (
    select
        stream,
        path,
        string_agg(distinct type, ', ' order by type) as types
    from leaves
    group by stream, path
),

paths as (
    select
        stream,
        path,
        sum(documents) as documents,
        min(sample_key) as sample_key,
        bool_and(is_empty) as is_empty,
        bool_and(is_shown_raw) as is_shown_raw
    from occurrences
    group by stream, path
),

decisions as (
    select stream, path, fate, place, reason, false as is_own
    from source.fields
    union all
    select stream, path, fate, place, reason, true as is_own
    from source.own_fields
),

candidates as (
    select
        paths.stream,
        paths.path,
        decisions.path as decided_by,
        decisions.fate,
        decisions.place,
        decisions.reason,
        decisions.is_own,
        row_number() over (
            partition by paths.stream, paths.path
            order by length(decisions.path) desc, decisions.is_own desc
        ) as rank
    from paths
    inner join decisions on paths.stream = decisions.stream
    where paths.path = decisions.path
        or starts_with(paths.path, concat(decisions.path, '.'))
        or starts_with(paths.path, concat(decisions.path, '['))
),

decided as (
    select
        stream,
        path,
        decided_by,
        fate,
        place,
        reason,
        is_own
    from candidates
    where rank = 1 and fate in ('mapped', 'kept', 'waived')
),

-- An empty object or a null stands where decisions about what it may hold lie below.
decided_below as (
    select distinct
        paths.stream,
        paths.path
    from paths
    inner join decisions on paths.stream = decisions.stream
    where paths.is_empty
        and (
            starts_with(decisions.path, concat(paths.path, '.'))
            or starts_with(decisions.path, concat(paths.path, '['))
        )
),

final as (
    select
        paths.stream,
        paths.path,
        paths.documents,
        types.types,
        cut_text(json_at(shapes.sample, paths.path), 100) as sample,
        paths.sample_key,
        case
            when paths.is_shown_raw then 'mapped'
            when decided.fate is not null then decided.fate
            when decided_below.path is not null then 'waived'
            else 'undecided'
        end as fate,
        case
            when paths.is_shown_raw then 'messages.body_text'
            else decided.place
        end as place,
        case
            when paths.is_shown_raw then 'its content is shown as it stands'
            when decided.fate is not null then decided.reason
            when decided_below.path is not null then 'empty; what it may hold is decided'
        end as reason,
        case when not paths.is_shown_raw then decided.decided_by end as decided_by,
        coalesce(decided.is_own, false) and not paths.is_shown_raw as is_own
    from paths
    inner join types on paths.stream = types.stream and paths.path = types.path
    inner join shapes
        on paths.stream = shapes.stream and paths.sample_key = shapes.sample_key
    left join decided on paths.stream = decided.stream and paths.path = decided.path
    left join decided_below
        on paths.stream = decided_below.stream and paths.path = decided_below.path
)

select * from final order by stream, path
