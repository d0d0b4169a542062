-- grain: one row per field of the source itself that has no column
-- key: object, field
-- Keys of custom data have letters, digits, - and _ only; these are named by their path, which has
-- a dot, so that the two never meet.
with

fields as (
    select distinct
        object,
        field
    from source.field_values
    where field like '%.%'
),

final as (
    select
        'crisp' as platform,
        object,
        field,
        regexp_replace(
            regexp_replace(
                field,
                '^(person|profile|meta[.]device[.]system|meta[.]device|meta[.]connection|meta)[.]',
                ''
            ),
            '[._-]+',
            ' ',
            'g'
        ) as label,
        false as is_custom,
        cast(null as varchar) as type
    from fields
)

select * from final order by object, field
