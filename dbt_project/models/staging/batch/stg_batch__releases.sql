-- One row: the release before this run; none for the first.
select
    release_id,
    as_of,
    cast(quarantined_count as bigint) as quarantined_count
from {{ source('batch', 'releases') }}
