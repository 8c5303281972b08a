-- One row per change between two consecutive updates of an incident; the first is a change from nothing.
--   Nobody is named as the actor: resolved_by and sys_updated_by number other namespaces than assigned_to.
--   What leaves Resolved is reopened. The few incidents that come back after Closed are solved anew, and are
--   no reopen.
--   The id orders events of one minute: place of the update, then of the change within it. Who takes over an
--   incident in the update that solves it is its assignee then, so assignments come first.
with consecutive as (

    select
        *,
        lag(assigned_to) over (
            partition by incident order by update_position
        ) as previous_assigned_to,
        lag(priority) over (partition by incident order by update_position) as previous_priority,
        lag(incident_state) over (partition by incident order by update_position) as previous_state
    from {{ ref('stg_servicenow__incident_updates') }}
    where disposition = 'used'

),

changes as (

    select
        *,
        1 as change_number,
        'assigned' as event_type,
        previous_assigned_to as from_value,
        assigned_to as to_value
    from consecutive
    where coalesce(assigned_to, '') <> coalesce(previous_assigned_to, '')

    union all

    select
        *,
        2 as change_number,
        'severity_changed' as event_type,
        previous_priority as from_value,
        priority as to_value
    from consecutive
    where priority <> previous_priority

    union all

    select
        *,
        3 as change_number,
        'reopened' as event_type,
        cast(null as {{ dbt.type_string() }}) as from_value,
        cast(null as {{ dbt.type_string() }}) as to_value
    from consecutive
    where previous_state = 'Resolved' and incident_state not in ('Resolved', 'Closed')

    union all

    select
        *,
        4 as change_number,
        'solved' as event_type,
        cast(null as {{ dbt.type_string() }}) as from_value,
        cast(null as {{ dbt.type_string() }}) as to_value
    from consecutive
    where
        (incident_state = 'Resolved' and coalesce(previous_state, '') <> 'Resolved')
        or (incident_state = 'Closed' and coalesce(previous_state, '') not in ('Resolved', 'Closed'))

    union all

    select
        *,
        5 as change_number,
        'closed' as event_type,
        cast(null as {{ dbt.type_string() }}) as from_value,
        cast(null as {{ dbt.type_string() }}) as to_value
    from consecutive
    where incident_state = 'Closed' and coalesce(previous_state, '') <> 'Closed'

)

select
    concat(
        incident,
        '-',
        lpad(cast(update_position as {{ dbt.type_string() }}), 6, '0'),
        '-',
        cast(change_number as {{ dbt.type_string() }})
    ) as event_id,
    incident as ticket_id,
    sys_updated_at as occurred_at,
    event_type,
    cast(null as {{ dbt.type_string() }}) as agent_id,
    from_value,
    to_value,
    _loaded_at,
    false as _deleted,
    cast(null as bigint) as _sequence,
    raw_file,
    raw_row,
    fault_column,
    _loaded_at as first_loaded_at,
    disposition
from changes
