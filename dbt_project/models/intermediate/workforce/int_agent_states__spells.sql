{{ config(**kept_by('state_id', touched='agent_states')) }}
-- One row per current agent state with its effective end: an open state ends with the agent's next
-- state, or after twelve hours if that comes first (somebody never logged out).
with states as (

    select
        state_id,
        agent_id,
        starts_at,
        ends_at,
        state,
        first_loaded_at,
        raw_file,
        raw_row
    from {{ ref('stg_native__agent_states') }}
    where
        disposition = 'used'
        {{ and_touched('state_id', 'agent_states') }}

),

{% if is_update() -%}
start_days as (

    select
        agent_id,
        cast(starts_at as date) as start_date
    from states

    union

    select
        agent_id,
        {{ add_days('cast(starts_at as date)', 1) }} as start_date
    from states

),

{% endif -%}
distinct_starts as (

    {% if is_update() -%}
    -- The next state within twelve hours, touched or not, starts on the same day or the next.
    select distinct
        neighbours.agent_id,
        neighbours.starts_at
    from {{ ref('stg_native__agent_states') }} as neighbours
    inner join start_days
        on
            neighbours.agent_id = start_days.agent_id
            and cast(neighbours.starts_at as date) = start_days.start_date
    where neighbours.disposition = 'used'
    {%- else -%}
    select distinct
        agent_id,
        starts_at
    from states
    {%- endif %}

),

starts as (

    select
        agent_id,
        starts_at,
        lead(starts_at) over (partition by agent_id order by starts_at) as next_starts_at
    from distinct_starts

)

select
    states.state_id,
    states.agent_id,
    states.starts_at,
    coalesce(
        states.ends_at,
        least(
            coalesce(starts.next_starts_at, states.starts_at + interval '12' hour),
            states.starts_at + interval '12' hour
        )
    ) as ends_at,
    states.ends_at is null as is_open,
    mapped.is_available,
    mapped.is_handling,
    states.first_loaded_at,
    states.raw_file,
    states.raw_row
from states
inner join starts
    on states.agent_id = starts.agent_id and states.starts_at = starts.starts_at
inner join {{ ref('agent_state_map') }} as mapped on states.state = mapped.state
