{{ config(meta={"dagster": {"ref": {"name": "fct_agent_days"}}}) }}
-- Spells are cut at UTC midnights and local midnights before they are added up by day. Cut and
-- joined the plain way, by agent and overlap alone, every agent has the same time: nothing is lost
-- at a midnight or a change of clocks, or counted twice.
with first_days as (

    select min(date_day) as first_day from {{ ref('dim_dates') }}

),

credited as (

    select
        assignments.agent_id,
        greatest(
            assignments.starts_at, {{ local_to_utc('first_days.first_day', 'assignments.timezone') }}
        ) as starts_at,
        least(coalesce(assignments.ends_at, runs.as_of), runs.as_of) as ends_at
    from {{ ref('dim_agent_assignments') }} as assignments
    inner join {{ ref('dim_agents') }} as agents
        on assignments.agent_id = agents.agent_id and not agents.is_bot
    cross join first_days
    cross join {{ ref('stg_landing__runs') }} as runs

),

spells as (

    select
        states.agent_id,
        'logged' as kind,
        states.starts_at,
        states.ends_at
    from {{ ref('int_agent_states__spells') }} as states
    left join {{ ref('int_agent_states__overlaps') }} as set_aside
        on states.state_id = set_aside.state_id
    where not coalesce(set_aside.is_overlapping, false)

    union all

    select
        segments.agent_id,
        'scheduled' as kind,
        segments.starts_at,
        segments.ends_at
    from {{ ref('int_schedule_segments__effective') }} as segments
    left join {{ ref('int_schedule_segments__overlaps') }} as set_aside
        on segments.segment_id = set_aside.segment_id
    where segments.activity = 'contact_handling' and not coalesce(set_aside.is_overlapping, false)

),

expected as (

    select
        spells.agent_id,
        spells.kind,
        sum({{ microseconds_between(
            'greatest(spells.starts_at, credited.starts_at)', 'least(spells.ends_at, credited.ends_at)'
        ) }}) as microseconds
    from spells
    inner join credited
        on
            spells.agent_id = credited.agent_id
            and spells.starts_at < credited.ends_at
            and spells.ends_at > credited.starts_at
    group by spells.agent_id, spells.kind

),

counted as (

    select
        agent_id,
        'logged' as kind,
        sum(logged_microseconds) as microseconds
    from {{ ref('fct_agent_days') }}
    group by agent_id

    union all

    select
        agent_id,
        'scheduled' as kind,
        sum(scheduled_microseconds) as microseconds
    from {{ ref('fct_agent_days') }}
    group by agent_id

)

select
    coalesce(expected.agent_id, counted.agent_id) as agent_id,
    coalesce(expected.kind, counted.kind) as kind,
    expected.microseconds as expected_microseconds,
    counted.microseconds as counted_microseconds
from expected
full outer join counted on expected.agent_id = counted.agent_id and expected.kind = counted.kind
where coalesce(expected.microseconds, 0) <> coalesce(counted.microseconds, 0)
