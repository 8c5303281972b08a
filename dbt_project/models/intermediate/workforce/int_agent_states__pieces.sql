-- One row per sound agent state and UTC date, clipped at as_of.
with spells as (

    select
        states.agent_id,
        states.is_available or states.is_handling as is_productive,
        states.is_handling,
        states.starts_at,
        least(states.ends_at, runs.as_of) as ends_at
    from {{ ref('int_agent_states__spells') }} as states
    left join {{ ref('int_agent_states__overlaps') }} as set_aside
        on states.state_id = set_aside.state_id
    cross join {{ ref('stg_landing__runs') }} as runs
    where
        not coalesce(set_aside.is_overlapping, false)
        and states.starts_at < runs.as_of
        and {{ in_view('states.ends_at', 'runs') }}

)

{{ utc_day_pieces('spells', ['agent_id', 'is_productive', 'is_handling']) }}
