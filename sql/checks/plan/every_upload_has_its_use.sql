-- claim: exactly the contents that planned messages and articles show are uploaded
with

pictures as (
    select
        article_id,
        json_row(unnest(json_items(files)), 'sha256 TEXT PATH $.sha256') as picture
    from plan.articles
    where files <> '[]'
),

used as (
    select attachments.sha256
    from staged.attachments
    inner join plan.messages on attachments.message_id = messages.part_of
    where attachments.sha256 is not null
    union
    select kb_files.sha256
    from staged.kb_files
    inner join pictures
        on kb_files.owner = 'article'
        and kb_files.owner_id = pictures.article_id
        and kb_files.sha256 = pictures.picture['sha256']
),

offenders as (
    select used.sha256
    from used
    left anti join plan.uploads on used.sha256 = uploads.sha256
    union all
    select uploads.sha256
    from plan.uploads
    left anti join used on uploads.sha256 = used.sha256
)

select sha256 from offenders order by sha256
