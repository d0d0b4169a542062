-- grain: one row per tag to be made: none, because segments come with their conversation
-- key: name
-- column name: the tag, spelled as the target gets it
with

final as (
    select name
    from before.tags
    where false
)

select * from final order by name
