-- claim: no more records have a verdict for a field than there are records with that field
with

verdicts as (
    select
        "table",
        field,
        verdict,
        records
    from reconcile.verdicts
)

select "table", field, verdict, records
from verdicts
where records < 0
order by "table", field, verdict
