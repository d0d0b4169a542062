-- grain: one row per planned value that no list shows, of a record that the target has
-- key: "table", source_id, field
-- A value is judged where the target showed the field, mostly because the record was read alone.
-- What the target has besides what was planned is the vendor's or somebody's.
-- column table: kind of record: customers or tickets
-- column source_id: the staged record
-- column target_id: id of the record in the target
-- column field: the field; of a custom field custom_fields, a dot and its name
-- column expected: what was planned, as text
-- column found: what the target holds, as text; null where it was not read
-- column rule: the rule that explains the difference; null when none does
-- column is_read: whether the target showed the field
-- column is_different: whether it holds something else than was planned
with

customers_in_target as (
    select
        records.source_id,
        records.target_id,
        records.state = 'matched' as existed_before,
        coalesce(records.detail, '') like '%without phone, language and time zone%' as is_lean
    from ledger.records as records
    left semi join readback.customers as found on records.target_id = found.target_id
    where records.kind = 'customer'
),

tickets_in_target as (
    select
        records.source_id,
        records.target_id,
        coalesce(records.detail, '') like '%without its custom fields%' as is_bare
    from ledger.records as records
    left semi join readback.tickets as found on records.target_id = found.target_id
    where records.kind = 'ticket'
),

fields_in_target as (
    select
        source_id as field_id,
        target_id as field_target_id
    from ledger.records
    where kind = 'field'
),

shown as (
    select
        "table",
        target_id,
        field,
        value
    from readback.unlisted_fields
),

shown_values as (
    select
        "table",
        target_id,
        field_target_id,
        value
    from readback.custom_field_values
),

planned_metas as (
    select
        tickets_in_target.source_id,
        tickets_in_target.target_id,
        json_sorted(planned.meta) as expected,
        shown.value as found,
        shown.target_id is not null as is_read
    from plan.tickets as planned
    inner join tickets_in_target on planned.ticket_id = tickets_in_target.source_id
    left join shown
        on shown."table" = 'tickets'
        and shown.field = 'meta'
        and tickets_in_target.target_id = shown.target_id
    where coalesce(json_sorted(planned.meta), '{}') <> '{}'
),

-- Only where the whole differs its members are looked at.
planned_members as (
    select
        source_id,
        unnest(json_entries(expected)) as entry
    from planned_metas
    where is_read and expected <> found
),

found_members as (
    select
        source_id,
        unnest(json_entries(found)) as entry
    from planned_metas
    where is_read and expected <> found
),

missing_members as (
    select distinct planned_members.source_id
    from planned_members
    left anti join found_members
        on planned_members.source_id = found_members.source_id
        and planned_members.entry['key'] = found_members.entry['key']
        and planned_members.entry['type'] = found_members.entry['type']
        and planned_members.entry['value'] = found_members.entry['value']
),

metas as (
    select
        planned_metas.source_id,
        planned_metas.target_id,
        planned_metas.expected,
        planned_metas.found,
        case when missing_members.source_id is null then 'filled_by_vendor' end as rule,
        planned_metas.is_read
    from planned_metas
    left join missing_members on planned_metas.source_id = missing_members.source_id
),

planned_phones as (
    select
        customers_in_target.source_id,
        customers_in_target.target_id,
        customers_in_target.existed_before,
        customers_in_target.is_lean,
        planned.phone,
        shown.value as numbers,
        shown.target_id is not null as is_read
    from plan.customers as planned
    inner join customers_in_target on planned.customer_id = customers_in_target.source_id
    left join shown
        on shown."table" = 'customers'
        and shown.field = 'phone'
        and customers_in_target.target_id = shown.target_id
    where planned.phone is not null
),

found_numbers as (
    select
        source_id,
        phone,
        unnest(json_texts(numbers)) as number
    from planned_phones
    where is_read
),

-- The planned number before one that only has its digits, and that before any other.
found_phones as (
    select
        source_id,
        bool_or(number = phone) as is_there,
        min(number) filter (
            where regexp_replace(number, '[^0-9]', '', 'g')
                = regexp_replace(phone, '[^0-9]', '', 'g')
        ) as written_otherwise,
        string_agg(number, ', ' order by number) as numbers
    from found_numbers
    group by source_id
),

phones as (
    select
        planned_phones.source_id,
        planned_phones.target_id,
        planned_phones.phone as expected,
        case
            when found_phones.is_there then planned_phones.phone
            else coalesce(found_phones.written_otherwise, found_phones.numbers)
        end as found,
        case
            when found_phones.written_otherwise is not null then 'phone_written_otherwise'
            when planned_phones.existed_before then 'existed_before'
            when planned_phones.is_lean and found_phones.numbers is null then 'customer_sent_lean'
        end as rule,
        planned_phones.is_read
    from planned_phones
    left join found_phones on planned_phones.source_id = found_phones.source_id
),

planned_lists as (
    select
        'customers' as "table",
        customers_in_target.source_id,
        customers_in_target.target_id,
        false as is_bare,
        planned.custom_fields
    from plan.customers as planned
    inner join customers_in_target on planned.customer_id = customers_in_target.source_id
    where planned.custom_fields <> '[]'
    union all
    select
        'tickets' as "table",
        tickets_in_target.source_id,
        tickets_in_target.target_id,
        tickets_in_target.is_bare,
        planned.custom_fields
    from plan.tickets as planned
    inner join tickets_in_target on planned.ticket_id = tickets_in_target.source_id
    where planned.custom_fields <> '[]'
),

planned_items as (
    select
        "table",
        source_id,
        target_id,
        is_bare,
        unnest(json_items(custom_fields)) as item
    from planned_lists
),

planned_values as (
    select
        "table",
        source_id,
        target_id,
        is_bare,
        json_row(item, 'field TEXT PATH $.field, value JSON PATH $.value') as document
    from planned_items
),

named_values as (
    select
        planned_values."table",
        planned_values.source_id,
        planned_values.target_id,
        planned_values.is_bare,
        planned_values.document['field'] as field_id,
        json_sorted(planned_values.document['value']) as expected,
        shown.target_id is not null as is_read
    from planned_values
    left join shown
        on shown.field = 'custom_fields'
        and planned_values."table" = shown."table"
        and planned_values.target_id = shown.target_id
),

compared_values as (
    select
        named_values."table",
        named_values.source_id,
        named_values.target_id,
        concat(
            'custom_fields.',
            substr(named_values.field_id, position(':' in named_values.field_id) + 1)
        ) as field,
        named_values.expected,
        -- 3 and 3.0 are one number.
        case
            when try_cast(named_values.expected as double) = try_cast(shown_values.value as double)
                then named_values.expected
            else shown_values.value
        end as found,
        case
            when named_values.is_bare and shown_values.value is null then 'ticket_sent_bare'
        end as rule,
        named_values.is_read
    from named_values
    left join fields_in_target on named_values.field_id = fields_in_target.field_id
    left join shown_values
        on named_values."table" = shown_values."table"
        and named_values.target_id = shown_values.target_id
        and fields_in_target.field_target_id = shown_values.field_target_id
),

judged as (
    select 'tickets' as "table", source_id, target_id, 'meta' as field, expected, found, rule,
        is_read
    from metas
    union all
    select 'customers' as "table", source_id, target_id, 'phone' as field, expected, found, rule,
        is_read
    from phones
    union all
    select "table", source_id, target_id, field, expected, found, rule, is_read
    from compared_values
),

final as (
    select
        "table",
        source_id,
        target_id,
        field,
        expected,
        found,
        case when is_read and expected is distinct from found then rule end as rule,
        is_read,
        is_read and expected is distinct from found as is_different
    from judged
)

select * from final order by "table", source_id, field
