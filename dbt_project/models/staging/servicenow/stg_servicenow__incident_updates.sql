-- One row per row of the incident log that is visible at as_of, typed, with its disposition and its place in
-- the incident.
--   The time of the update is the load stamp too: the log has no other.
--   A state the log lost (-100) says nothing about the incident, so its row is set aside as unparseable.
--   The same update twice is a duplicate; two different ones under one count and minute rule each other out.
--   opened_at after the row's own update is no fault: it was typed in later, and the update still happened.
{% set required = [
    'sys_updated_at', 'number', 'sys_mod_count', 'opened_at', 'incident_state', 'contact_type', 'priority',
    'made_sla',
] -%}
{% set optional = ['caller_id', 'category', 'assignment_group', 'assigned_to', 'resolved_at'] -%}
with landed as (

    select
        {%- for column in required + optional %}
        nullif({{ cleaned_cell(column) }}, '?') as {{ column }}_text,
        {%- endfor %}
        _file as raw_file,
        _row as raw_row
    from {{ source('servicenow', 'servicenow_incident_event_log') }}

),

typed as (

    select
        *,
        {{ read_day_first_instant('sys_updated_at_text') }} as sys_updated_at,
        number_text as number,
        case
            when {{ matches('sys_mod_count_text', '^[0-9]+$') }}
                then try_cast(sys_mod_count_text as bigint)
        end as sys_mod_count,
        {{ read_day_first_instant('opened_at_text') }} as opened_at,
        case
            when
                incident_state_text in ('New', 'Active', 'Resolved', 'Closed')
                or incident_state_text like 'Awaiting %'
                then incident_state_text
        end as incident_state,
        contact_type_text as contact_type,
        priority_text as priority,
        case
            when lower(made_sla_text) in ('true', '1') then true
            when lower(made_sla_text) in ('false', '0') then false
        end as made_sla,
        {{ read_day_first_instant('resolved_at_text') }} as resolved_at
    from landed

),

visible as (

    select
        typed.*,
        typed.sys_updated_at as _loaded_at,
        false as _deleted,
        cast(null as bigint) as _sequence
    from typed
    cross join {{ ref('stg_landing__runs') }} as runs
    where typed.sys_updated_at is null or typed.sys_updated_at <= runs.as_of

),

judged as (

    select
        *,
        case
            {%- for column in required %}
            when {{ column }}_text is null then 'missing_value'
            when {{ column }} is null then 'unparseable'
            {%- endfor %}
            when resolved_at_text is not null and resolved_at is null then 'unparseable'
        end as fault,
        case
            {%- for column in required %}
            when {{ column }} is null then '{{ column }}'
            {%- endfor %}
            when resolved_at_text is not null and resolved_at is null then 'resolved_at'
        end as fault_column
    from visible

),

{{ versioned('judged', ['number', 'sys_mod_count'], [
    'opened_at', 'incident_state', 'contact_type', 'priority', 'made_sla', 'caller_id_text',
    'category_text', 'assignment_group_text', 'assigned_to_text', 'resolved_at',
]) }},

disposed as (

    select
        judged.*,
        case
            when judged.fault is not null then concat('quarantined:', judged.fault)
            when version_ranks.is_conflicting then 'quarantined:conflicting_version'
            when version_ranks.copy_number > 1 then 'duplicate'
            else 'used'
        end as disposition
    from judged
    left join version_ranks
        on
            judged.raw_file = version_ranks.raw_file
            and judged.raw_row = version_ranks.raw_row

)

select
    number as incident,
    case
        when disposition = 'used'
            then row_number() over (
                partition by number, disposition order by sys_mod_count, sys_updated_at
            )
    end as update_position,
    sys_mod_count,
    sys_updated_at,
    incident_state,
    opened_at,
    contact_type,
    priority,
    made_sla,
    caller_id_text as caller_id,
    category_text as category,
    assignment_group_text as assignment_group,
    assigned_to_text as assigned_to,
    resolved_at,
    _loaded_at,
    raw_file,
    raw_row,
    fault_column,
    disposition
from disposed
