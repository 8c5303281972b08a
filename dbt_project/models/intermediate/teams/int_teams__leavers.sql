-- One row per human agent who has left by as_of, with the team they left: the one they were assigned to
-- on their last day, else the last one before it.
with spells as (

    select
        agents.agent_id,
        agents.left_on,
        agents.exit_type,
        assignments.team_id,
        assignments.timezone,
        row_number() over (
            partition by agents.agent_id order by assignments.valid_from desc
        ) as recency
    from {{ ref('dim_agents') }} as agents
    inner join {{ ref('dim_agent_assignments') }} as assignments
        on
            agents.agent_id = assignments.agent_id
            and agents.left_on >= assignments.valid_from
    where not agents.is_bot

)

select
    spells.agent_id,
    spells.left_on,
    spells.exit_type,
    spells.team_id,
    {{ month_of('spells.left_on') }} as period_month
from spells
cross join {{ ref('stg_landing__runs') }} as runs
where spells.recency = 1 and {{ local_to_utc('spells.left_on', 'spells.timezone') }} <= runs.as_of
