-- One row per person in the roster (no bots) with the one thing that makes it restricted, the name,
-- and the manager of the team they are in now, or were in last.
with assignments as (

    select
        assignments.agent_id,
        assignments.team_id,
        row_number() over (
            partition by assignments.agent_id order by assignments.valid_from desc
        ) as recency
    from {{ ref('dim_agent_assignments') }} as assignments
    cross join {{ ref('stg_landing__runs') }} as runs
    where assignments.starts_at <= runs.as_of

)

select
    agents.agent_id,
    agents.full_name,
    teams.manager_id
from {{ contract('agents') }} as agents
left join assignments on agents.agent_id = assignments.agent_id and assignments.recency = 1
left join {{ ref('dim_teams') }} as teams on assignments.team_id = teams.team_id
where agents.disposition = 'used' and not agents.is_bot
