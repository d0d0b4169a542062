-- grain: one row per article of the help center and field in which plan and target differ
-- key: source_id, target_id, field
-- An article has no id of ours in the target; the ledger knows which one it became. Pictures are
-- compared by the bytes that their new address hands out.
-- column source_id: the staged article
-- column target_id: id of the record in the target
-- column field: what differs
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does; planned_otherwise when the plan
--   itself says something else than what was staged
with

staged_articles as (
    select
        article_id,
        category_id,
        locale,
        content_type,
        one_line(title) as title,
        one_line(description) as description,
        body_markdown as body,
        status,
        case when visibility = 'hidden' then 'hidden' else 'visible' end as visibility
    from staged.kb_articles
),

ledger as (
    select
        source_id,
        target_id
    from ledger.records
    where kind = 'article' and state in ('done', 'matched') and target_id is not null
),

sections_in_target as (
    select
        source_id as section_id,
        target_id
    from ledger.records
    where kind = 'section' and state in ('done', 'matched') and target_id is not null
),

uploads as (
    select
        source_id as sha256,
        state,
        target_id as url
    from ledger.records
    where kind = 'upload'
),

pictures as (
    select
        article_id,
        json_row(
            unnest(json_items(files)), 'sha256 TEXT PATH $.sha256, url TEXT PATH $.url'
        ) as picture
    from plan.articles
    where files <> '[]'
),

hosted as (
    select
        pictures.article_id,
        array_agg(pictures.picture['url'] order by pictures.picture['url']) as urls,
        array_agg(uploads.url order by pictures.picture['url']) as hosted_urls,
        count(*) as pictures,
        count(*) filter (where downloads.sha256 = pictures.picture['sha256']) as pictures_found,
        bool_or(coalesce(uploads.state, '') = 'refused') as is_refused
    from pictures
    left join uploads on pictures.picture['sha256'] = uploads.sha256
    left join readback.files as downloads on uploads.url = downloads.url
    group by pictures.article_id
),

expected as (
    select
        planned.article_id as source_id,
        ledger.target_id,
        planned.section_id,
        sections_in_target.target_id as section_target_id,
        planned.locale,
        planned.content_type,
        planned.title,
        planned.description,
        planned.body,
        move_addresses(planned.body, hosted.urls, hosted.hosted_urls) as hosted_body,
        coalesce(hosted.pictures, 0) as pictures,
        coalesce(hosted.pictures_found, 0) as pictures_found,
        coalesce(hosted.is_refused, false) as is_refused,
        case when planned.is_published then 'published' else 'draft' end as status,
        case when planned.is_hidden then 'hidden' else 'visible' end as visibility,
        cast(planned.is_featured as varchar) as featured,
        case when planned.is_changed then 'article_changed_after_load' else 'planned_otherwise' end
            as staged_rule,
        staged_articles.article_id is not null as is_staged,
        staged_articles.title as staged_title,
        staged_articles.description as staged_description,
        staged_articles.body as staged_body,
        staged_articles.status as staged_status,
        staged_articles.visibility as staged_visibility,
        staged_articles.locale as staged_locale,
        staged_articles.content_type as staged_content_type,
        staged_articles.category_id as staged_section_id
    from plan.articles as planned
    left join staged_articles on planned.article_id = staged_articles.article_id
    left join ledger on planned.article_id = ledger.source_id
    left join sections_in_target on planned.section_id = sections_in_target.section_id
    left join hosted on planned.article_id = hosted.article_id
),

found as (
    select
        target_id,
        section_target_id,
        locale,
        content_type,
        title,
        description,
        body,
        case
            when is_published and not is_shown then 'published and not shown'
            when is_published then 'published'
            else 'draft'
        end as status,
        case when is_hidden then 'hidden' else 'visible' end as visibility,
        cast(is_featured as varchar) as featured,
        is_read,
        not is_read and not is_published and mapping.help_center = 'new' as is_kept_back
    from readback.articles
    cross join config.mapping as mapping
),

paired as (
    select
        expected.source_id,
        found.target_id,
        unnest(make_array(
            named_struct('field', 'title', 'expected', expected.title, 'found', found.title,
                'rule', cast(null as varchar)),
            -- The newer generation hands out what is published only.
            named_struct('field', 'description', 'expected', expected.description,
                'found', found.description,
                'rule', case
                    when found.is_kept_back and expected.status = 'draft'
                        then 'draft_not_handed_out'
                end),
            named_struct('field', 'body', 'expected', expected.body,
                'found', case when found.is_read then found.body end,
                'rule', case
                    when found.is_kept_back and expected.status = 'draft'
                        then 'draft_not_handed_out'
                    when found.body = expected.hosted_body then 'picture_address_changed'
                    when trim(found.body) = trim(expected.hosted_body) then 'line_ends_changed'
                    when expected.is_refused then 'upload_refused'
                end),
            named_struct('field', 'pictures', 'expected', cast(expected.pictures as varchar),
                'found', cast(
                    case when found.is_read then expected.pictures_found end as varchar
                ),
                'rule', case
                    when found.is_kept_back and expected.status = 'draft'
                        then 'draft_not_handed_out'
                    when expected.is_refused then 'upload_refused'
                end),
            named_struct('field', 'section', 'expected', expected.section_target_id,
                'found', found.section_target_id, 'rule', cast(null as varchar)),
            named_struct('field', 'status', 'expected', expected.status, 'found', found.status,
                'rule', cast(null as varchar)),
            named_struct('field', 'visibility', 'expected', expected.visibility,
                'found', found.visibility, 'rule', cast(null as varchar)),
            named_struct('field', 'featured', 'expected', expected.featured,
                'found', found.featured, 'rule', cast(null as varchar)),
            named_struct('field', 'locale', 'expected', expected.locale, 'found', found.locale,
                'rule', cast(null as varchar)),
            named_struct('field', 'content_type', 'expected', expected.content_type,
                'found', found.content_type, 'rule', cast(null as varchar)),
            named_struct('field', 'title',
                'expected', case when expected.is_staged then expected.staged_title end,
                'found', case when expected.is_staged then expected.title end,
                'rule', expected.staged_rule),
            named_struct('field', 'description',
                'expected', case when expected.is_staged then expected.staged_description end,
                'found', case when expected.is_staged then expected.description end,
                'rule', expected.staged_rule),
            named_struct('field', 'body',
                'expected', case when expected.is_staged then expected.staged_body end,
                'found', case when expected.is_staged then expected.body end,
                'rule', expected.staged_rule),
            named_struct('field', 'section',
                'expected', case when expected.is_staged then expected.staged_section_id end,
                'found', case when expected.is_staged then expected.section_id end,
                'rule', expected.staged_rule),
            named_struct('field', 'status',
                'expected', case when expected.is_staged then expected.staged_status end,
                'found', case when expected.is_staged then expected.status end,
                'rule', expected.staged_rule),
            named_struct('field', 'visibility',
                'expected', case when expected.is_staged then expected.staged_visibility end,
                'found', case when expected.is_staged then expected.visibility end,
                'rule', expected.staged_rule),
            named_struct('field', 'locale',
                'expected', case when expected.is_staged then expected.staged_locale end,
                'found', case when expected.is_staged then expected.locale end,
                'rule', expected.staged_rule),
            named_struct('field', 'content_type',
                'expected', case when expected.is_staged then expected.staged_content_type end,
                'found', case when expected.is_staged then expected.content_type end,
                'rule', expected.staged_rule)
        )) as difference
    from expected
    inner join found on expected.target_id = found.target_id
),

-- A difference is told once: first what nothing explains, then what is not read, then what changed
-- on the way.
differing as (
    select
        source_id,
        target_id,
        difference['field'] as field,
        difference['expected'] as expected,
        difference['found'] as found,
        difference['rule'] as rule,
        row_number() over (
            partition by source_id, target_id, difference['field']
            order by
                case
                    when difference['rule'] is null then 1
                    when difference['rule'] = 'draft_not_handed_out' then 2
                    when difference['rule'] = 'article_changed_after_load' then 3
                    when difference['rule'] = 'planned_otherwise' then 4
                    else 5
                end
        ) as place
    from paired
    where difference['expected'] is distinct from difference['found']
),

final as (
    select source_id, target_id, field, expected, found, rule from differing where place = 1
)

select * from final order by source_id, target_id, field
