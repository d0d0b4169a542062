-- grain: one row per attachment and field in which plan and target differ
-- key: source_id, target_id, field
-- A file is paired by the message that carries it and the address that its upload gave; its bytes
-- are those that were downloaded from there again. Messages that the source edited or removed since
-- they were loaded are left out: there is nothing to compare their files with.
-- column source_id: the staged attachment, <message>#<ordinal>; target/<message>#<address>#<number>
--   for one of the target that has none
-- column target_id: id in the target of the message that carries it; null when it is not there
-- column field: what differs; existence when it is not there
-- column expected: what was staged, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

messages_in_target as (
    select
        external_id as message_id,
        min(target_id) as target_id
    from readback.messages
    where external_id is not null
    group by external_id
),

changed as (
    select message_id
    from plan.message_changes
    where change in ('edited', 'removed')
),

planned as (
    select
        messages.message_id,
        messages.part_of,
        messages.attachments
    from plan.messages
    left anti join changed on messages.part_of = changed.message_id
),

staged_as as (
    select distinct part_of
    from planned
),

planned_items as (
    select
        message_id,
        part_of,
        unnest(json_items(attachments)) as attachment
    from planned
    where attachments <> '[]'
),

planned_files as (
    select
        message_id,
        part_of,
        json_row(attachment, 'url TEXT PATH $.url') as document
    from planned_items
),

-- Which message of the target carries it, where it takes a file as a message of its own.
carriers as (
    select
        message_id as carried_by,
        part_of as message_id,
        document['url'] as url,
        row_number() over (partition by part_of, document['url'] order by message_id) as copy
    from planned_files
),

attachments as (
    select
        message_id,
        ordinal,
        name,
        content_type,
        bytes,
        sha256,
        fetch_status,
        url as source_url,
        row_number() over (partition by message_id, url order by ordinal) as source_copy
    from staged.attachments
),

uploads as (
    select
        source_id as sha256,
        state,
        target_id as url
    from ledger.records
    where kind = 'upload'
),

expected as (
    select
        concat(attachments.message_id, '#', attachments.ordinal) as source_id,
        coalesce(carriers.carried_by, attachments.message_id) as message_id,
        messages_in_target.target_id,
        attachments.name,
        coalesce(nullif(attachments.content_type, ''), 'application/octet-stream') as content_type,
        attachments.bytes,
        attachments.sha256,
        attachments.fetch_status,
        uploads.state,
        case when uploads.state in ('done', 'matched') then uploads.url end as url,
        row_number() over (
            partition by coalesce(carriers.carried_by, attachments.message_id), uploads.url
            order by attachments.name, attachments.ordinal
        ) as copy
    from attachments
    left semi join staged_as on attachments.message_id = staged_as.part_of
    left join carriers
        on attachments.message_id = carriers.message_id
        and attachments.source_url = carriers.url
        and attachments.source_copy = carriers.copy
    left join messages_in_target
        on coalesce(carriers.carried_by, attachments.message_id) = messages_in_target.message_id
    left join uploads on attachments.sha256 = uploads.sha256
),

carried as (
    select
        source_id,
        message_id,
        target_id,
        name,
        content_type,
        bytes,
        sha256,
        url,
        copy
    from expected
    where url is not null
),

not_carried as (
    select
        source_id,
        target_id,
        case
            when fetch_status <> 'stored' then 'attachment_not_available'
            when state = 'refused' then 'upload_refused'
        end as rule
    from expected
    where url is null
),

found_items as (
    select
        external_id as message_id,
        target_id,
        unnest(json_items(attachments)) as attachment
    from readback.messages
    where attachments is not null and external_id is not null
),

read_items as (
    select
        message_id,
        target_id,
        json_row(
            attachment,
            'name TEXT PATH $.name, size BIGINT PATH $.size, url TEXT PATH $.url,
             content_type TEXT PATH $.content_type, in_text BOOL PATH $.in_text'
        ) as document
    from found_items
),

found_files as (
    select
        read_items.message_id,
        read_items.target_id,
        document['name'] as name,
        document['size'] as bytes,
        document['url'] as url,
        document['content_type'] as content_type,
        coalesce(document['in_text'], false) as is_in_text
    from read_items
    left semi join planned on read_items.message_id = planned.message_id
    left semi join messages_in_target on read_items.target_id = messages_in_target.target_id
),

placed_files as (
    select
        message_id,
        target_id,
        name,
        bytes,
        url,
        content_type,
        is_in_text,
        row_number() over (partition by target_id, url order by name, bytes) as copy
    from found_files
),

downloads as (
    select
        url,
        sha256,
        reason
    from readback.files
),

paired as (
    select
        carried.source_id,
        carried.target_id,
        carried.name,
        placed_files.name as found_name,
        carried.content_type,
        placed_files.content_type as found_content_type,
        carried.bytes,
        placed_files.bytes as found_bytes,
        carried.sha256,
        coalesce(downloads.sha256, downloads.reason, 'not downloaded') as found_sha256,
        placed_files.target_id is not null as is_there,
        case when placed_files.is_in_text then 'picture_in_text' end as text_rule,
        -- What a text only leads to is not fetched.
        case when placed_files.is_in_text and downloads.url is null then 'note_file_as_link' end
            as link_rule
    from carried
    left join placed_files
        on carried.target_id = placed_files.target_id
        and carried.url = placed_files.url
        and carried.copy = placed_files.copy
    left join downloads on carried.url = downloads.url
),

compared as (
    select
        source_id,
        target_id,
        unnest(make_array(
            named_struct('field', 'existence', 'expected', 'once', 'found', 'missing',
                'rule', cast(null as varchar), 'differs', not is_there),
            -- A text that shows a picture has its address only.
            named_struct('field', 'name', 'expected', name, 'found', found_name,
                'rule', text_rule,
                'differs', is_there and name is distinct from found_name),
            named_struct('field', 'content_type', 'expected', content_type,
                'found', found_content_type, 'rule', text_rule,
                'differs', is_there and content_type is distinct from found_content_type),
            named_struct('field', 'bytes', 'expected', cast(bytes as varchar),
                'found', cast(found_bytes as varchar), 'rule', cast(null as varchar),
                'differs', is_there and bytes is distinct from found_bytes),
            named_struct('field', 'content', 'expected', sha256, 'found', found_sha256,
                'rule', link_rule,
                'differs', is_there and sha256 is distinct from found_sha256)
        )) as difference
    from paired
),

extra as (
    select
        concat('target/', placed_files.target_id, '#', placed_files.url, '#', placed_files.copy)
            as source_id,
        placed_files.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        cast(null as varchar) as rule
    from placed_files
    left anti join carried
        on placed_files.target_id = carried.target_id
        and placed_files.url = carried.url
        and placed_files.copy = carried.copy
    where not placed_files.is_in_text
),

final as (
    select
        source_id,
        target_id,
        difference['field'] as field,
        difference['expected'] as expected,
        difference['found'] as found,
        difference['rule'] as rule
    from compared
    where difference['differs']
    union all
    select source_id, target_id, 'existence' as field, 'once' as expected, 'missing' as found, rule
    from not_carried
    union all
    select source_id, target_id, field, expected, found, rule from extra
)

select * from final order by source_id, target_id, field
