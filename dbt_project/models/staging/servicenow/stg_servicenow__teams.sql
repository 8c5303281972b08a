-- One row per assignment group of the log, from the first update that names it. Days are UTC, and who leads a
-- group is not said.
with sightings as (

    select
        *,
        row_number() over (
            partition by assignment_group order by sys_updated_at, raw_file, raw_row
        ) as sighting
    from {{ ref('stg_servicenow__incident_updates') }}
    where disposition = 'used' and assignment_group is not null

)

select
    assignment_group as team_id,
    assignment_group as team_name,
    'unknown' as manager_id,
    'UTC' as timezone,
    _loaded_at,
    false as _deleted,
    cast(null as bigint) as _sequence,
    raw_file,
    raw_row,
    fault_column,
    _loaded_at as first_loaded_at,
    disposition
from sightings
where sighting = 1
