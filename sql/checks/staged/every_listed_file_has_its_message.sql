-- claim: every file that a list of files names belongs to a message that was landed
with

orphans as (
    select
        stream,
        source_key
    from staged.fates
    where rule = 'file_without_message'
)

select
    orphans.source_key,
    judged.snapshot
from orphans
inner join source.judged
    on orphans.stream = judged.stream and orphans.source_key = judged.source_key
order by orphans.source_key
