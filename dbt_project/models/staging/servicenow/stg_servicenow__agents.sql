-- One row per assignee of the log, from the first update that names them. The log is anonymised: name and
-- address are the id again, and the day they were first seen stands for the day they were hired.
with sightings as (

    select
        *,
        row_number() over (
            partition by assigned_to order by sys_updated_at, raw_file, raw_row
        ) as sighting
    from {{ ref('stg_servicenow__incident_updates') }}
    where disposition = 'used' and assigned_to is not null

)

select
    assigned_to as agent_id,
    assigned_to as full_name,
    concat(lower(replace(assigned_to, ' ', '.')), '@example.invalid') as email,
    cast(sys_updated_at as date) as hired_on,
    cast(null as date) as left_on,
    cast(null as {{ dbt.type_string() }}) as exit_type,
    false as is_bot,
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
