-- claim: exactly the contents that planned messages show are uploaded
with

used as (
    select distinct attachments.sha256
    from staged.attachments
    inner join plan.messages on attachments.message_id = messages.part_of
    where attachments.sha256 is not null
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
