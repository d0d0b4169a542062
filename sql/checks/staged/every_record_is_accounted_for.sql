-- claim: received = staged + quarantined + dropped, for every stream
with

accounting as (
    select
        stream,
        received,
        staged,
        quarantined,
        dropped
    from staged.accounting
)

select
    stream,
    received,
    staged,
    quarantined,
    dropped
from accounting
where received <> staged + quarantined + dropped
order by stream
