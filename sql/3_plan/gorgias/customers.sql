-- grain: one row per customer to be created or found in the target
-- key: seq
-- A telephone number may belong to one customer only; the first by id keeps it. A customer whom the
-- followed run loaded stays as loaded, custom fields apart, also when the source removed it.
-- column seq: place in the replay, from 1
-- column customer_id: the staged customer
-- column external_id: the id that the target is told, equal to customer_id
-- column email: address; null for a person without one
-- column name: name on one line, at most 255 characters
-- column phone: number in E.164; null when an earlier customer has the same
-- column language: two letters, if the target takes them
-- column timezone: always null, because the source knows an offset at best
-- column custom_fields: values for custom fields, each with its field, as a JSON list
-- column is_loaded: whether the followed run brought it in
with

customers as (
    select
        customer_id,
        name,
        email,
        phone,
        language
    from staged.customers
    where not is_skipped
),

-- Values for custom fields, each with its field, as a JSON list.
field_values as (
    select
        object_id,
        concat(
            '[',
            string_agg(
                concat('{"field":', json_text(field_id), ',"value":', value, '}'),
                ',' order by field_id
            ),
            ']'
        ) as custom_fields,
        count(*) as fields
    from plan.field_values
    where object = 'customer'
    group by object_id
),

loaded as (
    select
        customer_id,
        email,
        name,
        phone,
        language,
        custom_fields
    from before.customers
),

loaded_phones as (
    select distinct phone
    from loaded
    where phone is not null
),

numbered as (
    select
        customers.customer_id,
        customers.name,
        customers.email,
        customers.phone,
        row_number() over (
            partition by customers.phone
            order by customers.customer_id
        ) as phone_place,
        customers.language
    from customers
    left anti join loaded on customers.customer_id = loaded.customer_id
),

shaped as (
    select
        numbered.customer_id,
        numbered.email,
        cut_text(one_line(numbered.name), 255) as name,
        case when phone_place = 1 and loaded_phones.phone is null then numbered.phone end as phone,
        -- The target takes these codes of ISO 639-1 and refuses a customer with any other word.
        case
            when
                numbered.language in (
                    'aa', 'ab', 'ae', 'af', 'ak', 'am', 'an', 'ar', 'as', 'av', 'ay', 'az', 'ba',
                    'be', 'bg', 'bh', 'bi', 'bm', 'bn', 'bo', 'br', 'bs', 'ca', 'ce', 'ch', 'co',
                    'cr', 'cs', 'cu', 'cv', 'cy', 'da', 'de', 'dv', 'dz', 'ee', 'el', 'en', 'eo',
                    'es', 'et', 'eu', 'fa', 'ff', 'fi', 'fj', 'fo', 'fr', 'fy', 'ga', 'gd', 'gl',
                    'gn', 'gu', 'gv', 'ha', 'he', 'hi', 'ho', 'hr', 'ht', 'hu', 'hy', 'hz', 'ia',
                    'id', 'ie', 'ig', 'ii', 'ik', 'io', 'is', 'it', 'iu', 'ja', 'jv', 'ka', 'kg',
                    'ki', 'kj', 'kk', 'kl', 'km', 'kn', 'ko', 'kr', 'ks', 'ku', 'kv', 'kw', 'ky',
                    'la', 'lb', 'lg', 'li', 'ln', 'lo', 'lt', 'lu', 'lv', 'mg', 'mh', 'mi', 'mk',
                    'ml', 'mn', 'mr', 'ms', 'mt', 'my', 'na', 'nb', 'nd', 'ne', 'ng', 'nl', 'nn',
                    'no', 'nr', 'nv', 'ny', 'oc', 'oj', 'om', 'or', 'os', 'pa', 'pi', 'pl', 'ps',
                    'pt', 'qu', 'rm', 'rn', 'ro', 'ru', 'rw', 'sa', 'sc', 'sd', 'se', 'sg', 'si',
                    'sk', 'sl', 'sm', 'sn', 'so', 'sq', 'sr', 'ss', 'st', 'su', 'sv', 'sw', 'ta',
                    'te', 'tg', 'th', 'ti', 'tk', 'tl', 'tn', 'to', 'tr', 'ts', 'tt', 'tw', 'ty',
                    'ug', 'uk', 'ur', 'uz', 've', 'vi', 'vo', 'wa', 'wo', 'xh', 'yi', 'yo', 'za',
                    'zh', 'zu'
                )
                then numbered.language
        end as language,
        coalesce(field_values.custom_fields, '[]') as custom_fields,
        false as is_loaded
    from numbered
    left join loaded_phones on numbered.phone = loaded_phones.phone
    left join field_values on numbered.customer_id = field_values.object_id
),

merged as (
    select
        customer_id,
        email,
        name,
        phone,
        language,
        custom_fields,
        is_loaded
    from shaped
    union all
    select
        loaded.customer_id,
        loaded.email,
        loaded.name,
        loaded.phone,
        loaded.language,
        coalesce(field_values.custom_fields, loaded.custom_fields) as custom_fields,
        true as is_loaded
    from loaded
    left join field_values on loaded.customer_id = field_values.object_id
),

final as (
    select
        row_number() over (order by customer_id) as seq,
        customer_id,
        customer_id as external_id,
        email,
        name,
        phone,
        language,
        -- The source knows an offset at best, and an offset is no time zone.
        cast(null as varchar) as timezone,
        custom_fields,
        is_loaded
    from merged
)

select * from final order by seq
