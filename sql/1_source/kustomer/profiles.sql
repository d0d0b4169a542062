-- grain: one row per customer, as it was landed last
-- key: source_key
with

customers as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, name TEXT PATH $.attributes.displayName | $.attributes.name,
             first_name TEXT PATH $.attributes.firstName,
             last_name TEXT PATH $.attributes.lastName,
             username TEXT PATH $.attributes.username,
             company_name TEXT PATH $.attributes.companyName,
             company_id TEXT PATH $.relationships.company.data.id,
             email TEXT PATH $.attributes.emails[0].email, emails JSON PATH $.attributes.emails,
             shared_emails JSON PATH $.attributes.sharedEmails,
             phone TEXT PATH $.attributes.phones[0].phone, phones JSON PATH $.attributes.phones,
             shared_phones JSON PATH $.attributes.sharedPhones,
             external_id TEXT PATH $.attributes.externalId,
             external_ids JSON PATH $.attributes.externalIds,
             shared_external_ids JSON PATH $.attributes.sharedExternalIds,
             whatsapps JSON PATH $.attributes.whatsapps,
             facebook_ids JSON PATH $.attributes.facebookIds,
             instagram_ids JSON PATH $.attributes.instagramIds,
             socials JSON PATH $.attributes.socials,
             url TEXT PATH $.attributes.urls[0].url | $.attributes.urls[0],
             urls JSON PATH $.attributes.urls,
             address TEXT PATH $.attributes.locations[0].address,
             country TEXT PATH $.attributes.locations[0].countryCode,
             region TEXT PATH $.attributes.locations[0].regionCode,
             city TEXT PATH $.attributes.locations[0].cityName,
             locations JSON PATH $.attributes.locations,
             locale TEXT PATH $.attributes.locale | $.attributes.defaultLang,
             time_zone TEXT PATH $.attributes.timeZone, gender TEXT PATH $.attributes.gender,
             birthday TEXT PATH $.attributes.birthdayAt, avatar TEXT PATH $.attributes.avatarUrl,
             tag_ids JSON PATH $.attributes.tags, custom JSON PATH $.attributes.custom,
             is_deleted BOOL PATH $.attributes.deleted, created TEXT PATH $.attributes.createdAt,
             updated TEXT PATH $.attributes.updatedAt,
             shape SHAPE PATH $ MAPS $.attributes.custom | $.relationships'
        ) as document
    from landing.customers
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        raw,
        document['is_valid'] as is_valid,
        nullif(trim(document['id']), '') as person_id,
        nullif(
            one_line(
                coalesce(
                    nullif(trim(document['name']), ''),
                    concat_ws(' ', document['first_name'], document['last_name'])
                )
            ),
            ''
        ) as name,
        nullif(trim(document['username']), '') as username,
        nullif(trim(document['email']), '') as email_as_written,
        nullif(document['emails'], '[]') as emails,
        nullif(document['shared_emails'], '[]') as shared_emails,
        nullif(trim(document['phone']), '') as phone_as_written,
        nullif(document['phones'], '[]') as phones,
        nullif(document['shared_phones'], '[]') as shared_phones,
        nullif(trim(document['external_id']), '') as external_id,
        nullif(document['external_ids'], '[]') as external_ids,
        nullif(document['shared_external_ids'], '[]') as shared_external_ids,
        nullif(document['whatsapps'], '[]') as whatsapps,
        nullif(document['facebook_ids'], '[]') as facebook_ids,
        nullif(document['instagram_ids'], '[]') as instagram_ids,
        nullif(document['socials'], '[]') as socials,
        nullif(trim(document['url']), '') as website,
        nullif(document['urls'], '[]') as urls,
        nullif(one_line(document['address']), '') as address,
        nullif(upper(trim(document['country'])), '') as country,
        nullif(trim(document['region']), '') as region,
        nullif(trim(document['city']), '') as city,
        nullif(document['locations'], '[]') as locations,
        nullif(trim(document['locale']), '') as locale,
        nullif(trim(document['time_zone']), '') as time_zone,
        nullif(trim(document['gender']), '') as gender,
        nullif(trim(document['birthday']), '') as birthday,
        nullif(trim(document['avatar']), '') as avatar_url,
        nullif(document['tag_ids'], '[]') as tag_ids,
        nullif(document['custom'], '{}') as custom,
        nullif(trim(document['company_id']), '') as company_id,
        nullif(one_line(document['company_name']), '') as company_name,
        coalesce(document['is_deleted'], false) as is_deleted,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        document['shape'] as shape
    from customers
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        person_id,
        name,
        username,
        email_as_written,
        emails,
        shared_emails,
        phone_as_written,
        phones,
        shared_phones,
        external_id,
        external_ids,
        shared_external_ids,
        whatsapps,
        facebook_ids,
        instagram_ids,
        socials,
        website,
        urls,
        address,
        country,
        region,
        city,
        locations,
        locale,
        time_zone,
        gender,
        birthday,
        avatar_url,
        tag_ids,
        custom,
        company_id,
        company_name,
        is_deleted,
        created_at,
        updated_at,
        shape,
        case
            when not is_valid then 'not_an_object'
            when person_id is null then 'missing_id'
        end as quarantine_rule,
        case when person_id is null then cut_text(raw, 2000) end as offending
    from named
)

select * from final order by source_key
