-- One row per human agent and local day of the team in charge, with the UTC bounds of the agent's
-- part of that day, up to as_of. Days of 23 and 25 hours come out by their bounds.
with days as (

    select
        assignments.agent_id,
        assignments.team_id,
        assignments.tier,
        assignments.timezone,
        assignments.valid_from,
        dates.date_day as local_date,
        dates.period_month,
        assignments.starts_at as assignment_starts_at,
        assignments.ends_at as assignment_ends_at,
        {{ local_to_utc('dates.date_day', 'assignments.timezone') }} as day_starts_at,
        {{ local_to_utc(add_days('dates.date_day', 1), 'assignments.timezone') }} as day_ends_at
    from {{ ref('dim_agent_assignments') }} as assignments
    inner join {{ ref('dim_agents') }} as agents
        on assignments.agent_id = agents.agent_id and not agents.is_bot
    inner join {{ ref('dim_dates') }} as dates
        on
            dates.date_day >= assignments.valid_from
            and (assignments.valid_to is null or dates.date_day < assignments.valid_to)

),

bounded as (

    select
        agent_id,
        team_id,
        tier,
        timezone,
        valid_from,
        local_date,
        period_month,
        greatest(day_starts_at, assignment_starts_at) as starts_at,
        least(day_ends_at, coalesce(assignment_ends_at, day_ends_at)) as ends_at
    from days

)

select bounded.*
from bounded
cross join {{ ref('stg_landing__runs') }} as runs
where bounded.starts_at < bounded.ends_at and bounded.starts_at <= runs.as_of
