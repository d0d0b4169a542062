-- claim: a file either has its content or a reason why not, and then also a row in losses
with

broken as (
    select
        message_id,
        ordinal
    from staged.attachments
    where fetch_status = 'broken'
),

explained as (
    select source_id
    from staged.losses
    where rule = 'attachment_not_available'
),

offenders as (
    select message_id, ordinal
    from staged.attachments
    where (sha256 is null) = (reason is null) or (sha256 is not null and bytes is null)
    union all
    select broken.message_id, broken.ordinal
    from broken
    left anti join explained on broken.message_id = explained.source_id
)

select message_id, ordinal from offenders order by message_id, ordinal
