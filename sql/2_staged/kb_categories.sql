-- grain: one row per category, section or folder of the help center, in one language
-- key: category_id
-- column platform: where it comes from
-- column category_id: its id: language, then the source's ids or the way down the tree
-- column stream: the stream of the landed record
-- column source_id: key of the landed record; of the node at the top for one that hangs below
-- column snapshot: the snapshot that holds it
-- column locale: its language, as the source writes it
-- column content_type: `articles`, `guides`, `references` or `news`
-- column parent_category_id: the category it hangs in, null at the top
-- column path: the way down the tree, by slug; by name in the older generation [helpdesk_tree
--   $.slug, helpdesk_tree $.children]
-- column title: what it is called [helpdesk_categories $.name, helpdesk_sections $.name,
--   helpdesk_tree $.title, helpdesk_tree $.children]
-- column description: what it holds, null where nobody says [helpdesk_categories $.description,
--   helpdesk_sections $.description]
-- column color: its colour, null where it has none [helpdesk_categories $.color]
-- column image_url: address of its picture, null where it has none [helpdesk_categories $.image]
-- column position: its place among its neighbours, from 1 [helpdesk_categories $.order,
--   helpdesk_sections $.order]
-- column is_published: whether readers see it [helpdesk_tree $.state.published, helpdesk_tree
--   $.children]
-- column url: its address, null where it has none [helpdesk_categories $.url, helpdesk_sections
--   $.url]
-- column created_at: when it was made, UTC, null where the source does not say [helpdesk_categories
--   $.created_at, helpdesk_sections $.created_at]
-- column updated_at: when it was changed last, UTC, null where the source does not say
--   [helpdesk_categories $.updated_at, helpdesk_sections $.updated_at]
with

final as (
    select
        platform,
        category_id,
        stream,
        source_key as source_id,
        snapshot,
        locale,
        content_type,
        parent_category_id,
        path,
        title,
        description,
        color,
        image_url,
        position,
        is_published,
        url,
        created_at,
        updated_at
    from source.kb_categories
)

select * from final order by category_id
