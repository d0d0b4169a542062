-- grain: one row per record with tags
-- key: stream, source_key
-- Ids become names. An id that no tag has stands for itself, so that no tag is lost.
with

tags as (
    select tag_id, name
    from source.tags
    where quarantine_rule is null and name is not null
),

listed as (
    select stream, source_key, tag_ids from source.conversations where tag_ids is not null
    union all
    select stream, source_key, tag_ids from source.profiles where tag_ids is not null
    union all
    select stream, source_key, tag_ids from source.organisations where tag_ids is not null
),

named as (
    select
        stream,
        source_key,
        unnest(json_texts(tag_ids)) as tag_id,
        unnest(range(0, array_length(json_texts(tag_ids)))) as place
    from listed
),

final as (
    select
        named.stream,
        named.source_key,
        concat(
            '[',
            string_agg(json_text(coalesce(tags.name, named.tag_id)), ',' order by named.place),
            ']'
        ) as tags
    from named
    left join tags on named.tag_id = tags.tag_id
    group by named.stream, named.source_key
)

select * from final order by stream, source_key
