-- grain: one row per staged category or article and rule by which the target holds less of it
-- key: stream, source_id, rule
-- Of what changed since the followed run loaded it, only that is said.
-- column platform: where the record comes from
-- column stream: the staged table, kb_categories or kb_articles
-- column source_id: its id
-- column rule: the rule by which the target holds less
-- column detail: what exactly is lost, in words; null when the rule says it all
with

mapping as (
    select
        help_center,
        articles
    from config.mapping
),

sections as (
    select
        section_id as source_id,
        parent_section_id as parent_id,
        title,
        cast(null as boolean) as is_published,
        is_changed
    from plan.sections
),

articles as (
    select
        article_id as source_id,
        section_id as parent_id,
        title,
        body,
        files,
        is_published,
        is_changed
    from plan.articles
),

planned as (
    select 'section' as kind, source_id, parent_id, title, is_published, is_changed
    from sections
    union all
    select 'article' as kind, source_id, parent_id, title, is_published, is_changed
    from articles
),

staged_records as (
    select
        'section' as kind,
        'kb_categories' as stream,
        platform,
        category_id as source_id,
        parent_category_id as category_id,
        locale,
        content_type,
        title,
        description,
        false as is_public,
        false as is_hidden,
        concat_ws(
            ', ',
            case when image_url is not null then 'its picture' end,
            case
                when
                    description is not null
                    and parent_category_id is not null
                    and mapping.help_center = 'legacy'
                    then 'its description'
            end,
            case
                when
                    color is not null
                    and parent_category_id is not null
                    and mapping.help_center = 'legacy'
                    then 'its colour'
            end
        ) as details
    from staged.kb_categories
    cross join mapping
    union all
    select
        'article' as kind,
        'kb_articles' as stream,
        platform,
        article_id as source_id,
        category_id,
        locale,
        content_type,
        title,
        description,
        status = 'published' as is_public,
        visibility = 'hidden' as is_hidden,
        concat_ws(
            ', ',
            case when author_agent_id is not null then 'who wrote it' end,
            case when keywords is not null then 'its keywords' end,
            case when image_url is not null then 'its picture' end,
            case when color is not null then 'its colour' end,
            case when visits > 0 then 'how often it was read' end,
            case
                when is_featured and mapping.help_center <> 'new' then 'that it is shown first'
            end
        ) as details
    from staged.kb_articles
    cross join mapping
),

-- Nobody knows it in the target.
left_out as (
    select
        staged_records.platform,
        staged_records.stream,
        staged_records.source_id,
        places.rule,
        case places.rule
            when 'help_center_not_carried'
                then '[mapping] help_center = "legacy" or "new" carries it'
            when 'folder_flattened' then 'its articles hang in the section above it'
        end as detail
    from staged_records
    inner join plan.help_center_places as places
        on staged_records.kind = places.kind and staged_records.source_id = places.source_id
    left anti join planned
        on staged_records.kind = planned.kind and staged_records.source_id = planned.source_id
    where places.rule is not null
),

carried as (
    select
        staged_records.kind,
        staged_records.stream,
        staged_records.platform,
        staged_records.source_id,
        staged_records.category_id,
        staged_records.locale,
        staged_records.content_type,
        staged_records.title,
        staged_records.description,
        staged_records.is_public,
        staged_records.is_hidden,
        staged_records.details,
        planned.parent_id,
        planned.title as planned_title,
        planned.is_published,
        planned.is_changed,
        places.is_orphan
    from staged_records
    inner join planned
        on staged_records.kind = planned.kind and staged_records.source_id = planned.source_id
    inner join plan.help_center_places as places
        on staged_records.kind = places.kind and staged_records.source_id = places.source_id
),

changed as (
    select
        platform,
        stream,
        source_id,
        'article_changed_after_load' as rule,
        'the target shows it as it was loaded' as detail
    from carried
    where is_changed and kind = 'article'
    union all
    select
        platform,
        stream,
        source_id,
        'section_changed_after_load' as rule,
        'the target shows it as it was loaded' as detail
    from carried
    where is_changed and kind = 'section'
),

same as (
    select
        kind,
        stream,
        platform,
        source_id,
        category_id,
        locale,
        content_type,
        title,
        description,
        is_public,
        is_hidden,
        details,
        parent_id,
        planned_title,
        is_published,
        is_orphan
    from carried
    where not is_changed
),

otherwise as (
    select
        platform,
        stream,
        source_id,
        'title_numbered' as rule,
        'another one beside it has the same title' as detail
    from same
    where one_line(title) <> planned_title
    union all
    select
        same.platform,
        same.stream,
        same.source_id,
        'description_cut' as rule,
        'the description is longer than 160 characters' as detail
    from same
    cross join mapping
    where
        char_length(one_line(same.description)) > 160
        and not (
            mapping.help_center = 'legacy'
            and same.kind = 'section'
            and same.parent_id is not null
        )
    union all
    select
        platform,
        stream,
        source_id,
        'category_not_staged' as rule,
        'what it hung in is not there; it stands at the top' as detail
    from same
    where is_orphan
    union all
    select
        platform,
        stream,
        source_id,
        'folder_flattened' as rule,
        'it hangs in the section above its folder' as detail
    from same
    where kind = 'article' and parent_id <> category_id
    union all
    select
        same.platform,
        same.stream,
        same.source_id,
        'content_type_as_article' as rule,
        concat('it was among the ', same.content_type) as detail
    from same
    cross join mapping
    where same.content_type <> 'articles' and mapping.help_center = 'legacy'
    union all
    select
        platform,
        stream,
        source_id,
        'language_without_country' as rule,
        concat('it was written for ', locale) as detail
    from same
    where position('_' in locale) > 0
    union all
    select
        same.platform,
        same.stream,
        same.source_id,
        'article_as_draft' as rule,
        case
            when mapping.articles = 'drafts' then 'as configured'
            else 'it is hidden, or a section above it is not published'
        end as detail
    from same
    cross join mapping
    where same.kind = 'article' and same.is_public and not same.is_published
    union all
    select
        same.platform,
        same.stream,
        same.source_id,
        'hidden_as_draft' as rule,
        cast(null as varchar) as detail
    from same
    cross join mapping
    where same.is_hidden and mapping.help_center = 'legacy'
    union all
    select
        platform,
        stream,
        source_id,
        'article_dated_by_import' as rule,
        cast(null as varchar) as detail
    from same
    where kind = 'article'
    union all
    select
        platform,
        stream,
        source_id,
        'help_center_details_not_carried' as rule,
        details as detail
    from same
    where details <> ''
),

large_pictures as (
    select
        same.platform,
        same.stream,
        same.source_id,
        'article_picture_too_large' as rule,
        concat(count(*), ' pictures are longer than upload_bytes_max') as detail
    from same
    cross join config.mapping as limits
    inner join staged.kb_files as kb_files
        on same.kind = 'article' and kb_files.owner = 'article'
        and same.source_id = kb_files.owner_id
        and not kb_files.is_cover
        and kb_files.bytes > cast(limits.upload_bytes_max as bigint)
    group by same.platform, same.stream, same.source_id
),

shown as (
    select
        articles.source_id,
        articles.files,
        replace(unnest(image_urls(articles.body)), '&amp;', '&') as url
    from articles
    left semi join same on same.kind = 'article' and articles.source_id = same.source_id
),

-- A picture that is shown and was not fetched with the others leads to the source.
left_behind as (
    select
        same.platform,
        same.stream,
        same.source_id,
        'article_picture_at_source' as rule,
        concat(count(*), ' pictures are read from where they were') as detail
    from same
    inner join shown on same.kind = 'article' and same.source_id = shown.source_id
    where position(json_text(shown.url) in shown.files) = 0
    group by same.platform, same.stream, same.source_id
),

everything as (
    select platform, stream, source_id, rule, detail from left_out
    union all
    select platform, stream, source_id, rule, detail from changed
    union all
    select platform, stream, source_id, rule, detail from otherwise
    union all
    select platform, stream, source_id, rule, detail from large_pictures
    union all
    select platform, stream, source_id, rule, detail from left_behind
),

final as (
    select platform, stream, source_id, rule, detail from everything
)

select * from final order by stream, source_id, rule
