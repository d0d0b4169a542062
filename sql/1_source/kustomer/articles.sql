-- grain: one row per article of the knowledge base and language that it was asked for in
-- key: source_key
-- The beginning of the key is the language. An article that is not written in that
-- language is listed too, without a version.
with

kb_articles as (
    select
        platform,
        stream,
        key,
        split_part(key, '/', 1) as locale,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'article_id TEXT PATH $.id, title TEXT PATH $.attributes.title,
             status TEXT PATH $.attributes.status, scope TEXT PATH $.attributes.scope,
             description TEXT PATH $.attributes.metaDescription,
             keywords JSON PATH $.attributes.metaKeywords, tags JSON PATH $.attributes.tags,
             categories JSON PATH $.attributes.categories,
             versions JSON PATH $.attributes.langVersions,
             is_deleted BOOL PATH $.attributes.deleted, created TEXT PATH $.attributes.createdAt,
             updated TEXT PATH $.attributes.updatedAt,
             published TEXT PATH $.attributes.publishedAt,
             shape SHAPE PATH $ MAPS $.attributes.langVersions | $.attributes.latestLangs'
        ) as document
    from landing.kb_articles
),

-- The object that belongs to a version stands under the key id.
versions as (
    select
        platform,
        stream,
        key,
        locale,
        snapshot,
        fetched_at,
        raw,
        document,
        json_row(
            json_at(
                document['versions'],
                concat('$["', replace(locale, '"', ''), '"].currentVersion.id')
            ),
            'title TEXT PATH $.title, slug TEXT PATH $.slug, html TEXT PATH $.htmlBody,
             status TEXT PATH $.status, scope TEXT PATH $.scope, created TEXT PATH $.createdAt,
             updated TEXT PATH $.updatedAt'
        ) as version
    from kb_articles
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['article_id'], '') as article_id,
        locale,
        coalesce(version['is_valid'], false) as has_version,
        nullif(trim(coalesce(version['title'], document['title'])), '') as title,
        nullif(trim(document['title']), '') as common_title,
        nullif(trim(version['slug']), '') as slug,
        nullif(trim(document['description']), '') as description,
        nullif(document['keywords'], '[]') as keywords,
        nullif(document['tags'], '[]') as tags,
        nullif(document['categories'], '[]') as categories,
        -- What only the team may read must never be shown to everybody, whoever says so.
        coalesce(document['status'], 'published') = 'published'
            and coalesce(version['status'], document['status'], 'draft') = 'published'
            as is_published,
        coalesce(document['scope'], 'public') = 'public'
            and coalesce(version['scope'], 'public') = 'public' as is_public,
        version['html'] as html,
        utc_of_text(coalesce(version['created'], document['created'])) as created_at,
        utc_of_text(coalesce(version['updated'], document['updated'])) as updated_at,
        utc_of_text(document['published']) as published_at,
        document['shape'] as shape,
        case
            when coalesce(document['is_deleted'], false) then 'article_deleted'
            when not coalesce(version['is_valid'], false) then 'article_not_in_language'
        end as drop_rule,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['article_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['article_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from versions
)

select * from final order by source_key
