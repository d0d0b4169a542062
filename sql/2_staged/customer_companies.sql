-- grain: one row per customer and company that one of the customer's profiles names
-- key: customer_id, company_id
-- column platform: where it comes from
-- column customer_id: the person
-- column company_id: where the person works, as in companies
-- column source_id: key of the landed profile that says so
-- column job_title: what the person is there, null where nobody says [people
--   $.person.employment.title]
with

profiles as (
    select
        platform,
        source_key,
        person_id,
        company_id,
        job_title
    from source.customers
    where quarantine_rule is null and company_id is not null
),

customers_of_people as (
    select
        value as person_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'person_id'
    group by value
),

final as (
    select
        min(profiles.platform) as platform,
        customers_of_people.customer_id,
        profiles.company_id,
        min(profiles.source_key) as source_id,
        first_value(profiles.job_title order by profiles.source_key)
            filter (where profiles.job_title is not null) as job_title
    from profiles
    inner join customers_of_people on profiles.person_id = customers_of_people.person_id
    group by customers_of_people.customer_id, profiles.company_id
)

select * from final order by customer_id, company_id
