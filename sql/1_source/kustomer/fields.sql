-- grain: one row per stream and path of the source that somebody decided about
-- key: stream, path
-- mapped: place is the staged column that holds it. kept: it has no column there, and place says
-- where it can be read. waived: it has no meaning for a move. A decision holds for all that lies
-- below its path unless a longer path decides otherwise. Every landed record stays readable in
-- landing, whatever is decided here. Own decisions are in own_fields.
with

fields as (
    select stream, path, fate, place, reason from source.desk_fields
    union all
    select stream, path, fate, place, reason from source.library_fields
),

final as (
    select
        stream,
        path,
        fate,
        nullif(place, '') as place,
        nullif(reason, '') as reason
    from fields
)

select * from final order by stream, path
