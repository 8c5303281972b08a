-- One row per person: the only published place of persons. Restricted: everything else shows ids.
select
    persons.agent_id,
    persons.full_name,
    persons.manager_id,
    cast(null as {{ dbt.type_string() }}) as vintage,
    runs.as_of,
    runs.release_id
from {{ ref('int_people__names') }} as persons
cross join {{ ref('stg_landing__runs') }} as runs
