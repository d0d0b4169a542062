-- claim: every path that occurs in what was landed is mapped, kept or waived by name
-- print: offenders
-- hint: decide about them in 1_source/<platform>/own_fields.sql in your own folder of models
with

coverage as (
    select
        stream,
        path,
        documents,
        types,
        fate
    from staged.coverage
)

select
    stream,
    path,
    documents,
    types
from coverage
where fate = 'undecided'
order by stream, path
