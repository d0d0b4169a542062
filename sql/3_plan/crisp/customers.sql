-- grain: one row per customer to be created or found in the target
-- key: seq
-- The target keeps a profile by its e-mail address; of people without one each conversation says
-- what is known. A customer whom the followed run loaded stays as loaded.
-- column seq: place in the replay, from 1
-- column customer_id: the staged customer
-- column external_id: the id that the target is told, equal to customer_id
-- column email: address, never null
-- column name: name on one line, at most 255 characters; the beginning of the address for nobody's
-- column phone: number, in E.164 or as it was written; may be null
-- column language: two letters, as the source says it
-- column timezone: always null, because the source knows an offset at best
-- column custom_fields: always an empty list
-- column meta: person, company, segments and data in the target's words, as a JSON object; null for
--   one whom the followed run loaded
-- column is_loaded: whether the followed run brought it in
with

customers as (
    select
        customer_id,
        email,
        coalesce(nullif(cut_text(one_line(name), 255), ''), split_part(email, '@', 1)) as name,
        coalesce(phone, phone_as_written) as phone,
        language,
        utc_offset_min,
        segments
    from staged.customers
    where email is not null and not is_skipped
),

loaded as (
    select
        customer_id,
        email,
        name,
        phone,
        language
    from before.customers
),

fresh as (
    select
        customers.customer_id,
        customers.email,
        customers.name,
        customers.phone,
        customers.language,
        customers.utc_offset_min,
        customers.segments
    from customers
    left anti join loaded on customers.customer_id = loaded.customer_id
),

field_values as (
    select
        object_id as customer_id,
        field,
        type,
        value
    from staged.custom_field_values
    where object = 'customer' and rank = 1
),

-- What the target has a place for in a profile.
known as (
    select
        customer_id,
        max(value) filter (where field = 'person.avatar') as avatar,
        max(value) filter (where field = 'person.gender') as gender,
        max(value) filter (where field = 'person.address') as address,
        max(value) filter (where field = 'person.description') as description,
        max(value) filter (where field = 'person.website') as website,
        max(value) filter (where field = 'person.profiles') as profiles,
        max(value) filter (where field = 'person.employment.name') as employer_name,
        max(value) filter (where field = 'person.employment.domain') as employer_domain,
        max(value) filter (where field = 'person.employment.title') as job_title,
        max(value) filter (where field = 'person.employment.role') as job_role,
        max(value) filter (where field = 'person.employment.seniority') as job_seniority,
        max(value) filter (where field = 'person.geolocation.country') as country,
        max(value) filter (where field = 'person.geolocation.region') as region,
        max(value) filter (where field = 'person.geolocation.city') as city
    from field_values
    where field like 'person.%'
    group by customer_id
),

-- Keys of data are letters, digits, - and _ here.
others as (
    select
        customer_id,
        field,
        regexp_replace(
            regexp_replace(field, '[^A-Za-z0-9_-]', '_', 'g'), '^deskferry_', 'before_deskferry_'
        ) as data_key,
        case when type in ('number', 'boolean') then value else json_text(value) end as value
    from field_values
    where field not like 'person.%'
),

numbered as (
    select
        customer_id,
        data_key,
        value,
        row_number() over (partition by customer_id, data_key order by field) as place
    from others
),

data as (
    select
        customer_id,
        string_agg(
            concat(
                json_text(
                    concat(data_key, case when place > 1 then concat('_', place) else '' end)
                ),
                ':',
                value
            ),
            ',' order by data_key, place
        ) as data
    from numbered
    group by customer_id
),

named_companies as (
    select
        customer_id,
        min(company_id) as company_id
    from staged.customer_companies
    group by customer_id
),

companies as (
    select
        company_id,
        concat(
            '{',
            concat_ws(
                ',',
                concat('"name":', json_text(name)),
                case when legal_name is not null
                    then concat('"legal_name":', json_text(legal_name)) end,
                case when domain is not null then concat('"domain":', json_text(domain)) end,
                case when url is not null then concat('"url":', json_text(url)) end,
                case when description is not null
                    then concat('"description":', json_text(description)) end,
                case when phones is not null then concat('"phones":', phones) end,
                case when emails is not null then concat('"emails":', emails) end,
                case when tags is not null then concat('"tags":', tags) end,
                case when coalesce(country, region, city) is not null
                    then concat('"geolocation":', json_text(named_struct(
                        'country', country, 'region', region, 'city', city
                    ))) end,
                case when coalesce(employees, market_cap, raised, arr) is not null
                    then concat('"metrics":', json_text(named_struct(
                        'employees', employees, 'market_cap', market_cap, 'raised', raised,
                        'arr', arr
                    ))) end
            ),
            '}'
        ) as company
    from staged.companies
),

shaped as (
    select
        fresh.customer_id,
        fresh.email,
        fresh.name,
        fresh.phone,
        fresh.language,
        concat(
            '{"person":{',
            concat_ws(
                ',',
                concat('"nickname":', json_text(fresh.name)),
                case when fresh.phone is not null
                    then concat('"phone":', json_text(fresh.phone)) end,
                case when known.avatar is not null
                    then concat('"avatar":', json_text(known.avatar)) end,
                case when known.gender is not null
                    then concat('"gender":', json_text(known.gender)) end,
                case when known.address is not null
                    then concat('"address":', json_text(known.address)) end,
                case when known.description is not null
                    then concat('"description":', json_text(known.description)) end,
                case when known.website is not null
                    then concat('"website":', json_text(known.website)) end,
                case when known.profiles is not null
                    then concat('"profiles":', known.profiles) end,
                -- The target counts west of Greenwich.
                case when fresh.utc_offset_min is not null
                    then concat('"timezone":', 0 - fresh.utc_offset_min) end,
                case when fresh.language is not null
                    then concat('"locales":[', json_text(fresh.language), ']') end,
                case when coalesce(known.country, known.region, known.city) is not null
                    then concat('"geolocation":', json_text(named_struct(
                        'country', known.country, 'region', known.region, 'city', known.city
                    ))) end,
                case
                    when
                        coalesce(
                            known.employer_name, known.employer_domain, known.job_title,
                            known.job_role, known.job_seniority
                        ) is not null
                        then concat('"employment":', json_text(named_struct(
                            'name', known.employer_name, 'domain', known.employer_domain,
                            'title', known.job_title, 'role', known.job_role,
                            'seniority', known.job_seniority
                        )))
                end
            ),
            '}',
            case when companies.company is not null
                then concat(',"company":', companies.company) else '' end,
            case when fresh.segments is not null
                then concat(',"segments":', fresh.segments) else '' end,
            ',"data":{',
            coalesce(data.data, ''),
            '}}'
        ) as meta,
        false as is_loaded
    from fresh
    left join known on fresh.customer_id = known.customer_id
    left join data on fresh.customer_id = data.customer_id
    left join named_companies on fresh.customer_id = named_companies.customer_id
    left join companies on named_companies.company_id = companies.company_id
),

merged as (
    select customer_id, email, name, phone, language, meta, is_loaded
    from shaped
    union all
    select
        customer_id,
        email,
        name,
        phone,
        language,
        cast(null as varchar) as meta,
        true as is_loaded
    from loaded
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
        cast(null as varchar) as timezone,
        '[]' as custom_fields,
        meta,
        is_loaded
    from merged
)

select * from final order by seq
