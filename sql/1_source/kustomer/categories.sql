-- grain: one row per category of the knowledge base, in all its languages, as it was landed last
-- key: source_key
with

kb_categories as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'category_id TEXT PATH $.id, langs JSON PATH $.attributes.langs,
             is_published BOOL PATH $.attributes.published,
             is_deleted BOOL PATH $.attributes.deleted, articles JSON PATH $.attributes.positions,
             categories JSON PATH $.attributes.categoryPositions,
             created TEXT PATH $.attributes.createdAt, updated TEXT PATH $.attributes.updatedAt,
             shape SHAPE PATH $ MAPS $.attributes.langs'
        ) as document
    from landing.kb_categories
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['category_id'], '') as category_id,
        nullif(document['langs'], '{}') as langs,
        coalesce(document['is_published'], false) as is_published,
        nullif(document['articles'], '[]') as articles,
        nullif(document['categories'], '[]') as categories,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        document['shape'] as shape,
        case
            when coalesce(document['is_deleted'], false) then 'category_deleted'
            when coalesce(document['langs'], '{}') = '{}' then 'category_without_language'
        end as drop_rule,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['category_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['category_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from kb_categories
)

select * from final order by source_key
