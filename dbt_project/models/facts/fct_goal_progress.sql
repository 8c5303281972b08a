-- One row per agent, month and goal that meets the month, by the version loaded last before the
-- month closed (as_of if that is earlier): what was agreed then, not what was rewritten later.
with versions as (

    select *
    from {{ ref('stg_native__development_goals') }}
    where disposition in ('used', 'superseded', 'deleted')

),

owners as (

    select distinct
        goal_id,
        agent_id
    from versions
    where agent_id is not null

),

at_close as (

    select
        months.agent_id as month_agent_id,
        months.period_month,
        months.team_id,
        months.tier,
        versions.*,
        row_number() over (
            partition by months.agent_id, months.period_month, versions.goal_id
            order by versions._loaded_at desc, versions._sequence desc nulls last
        ) as recency
    from {{ ref('dim_agent_months') }} as months
    cross join {{ ref('stg_landing__runs') }} as runs
    inner join owners on months.agent_id = owners.agent_id
    inner join versions
        on
            owners.goal_id = versions.goal_id
            and versions._loaded_at < months.closes_at
            and versions._loaded_at <= runs.as_of

)

select
    agent_id,
    period_month,
    goal_id,
    team_id,
    tier,
    weight,
    cast(
        greatest(
            0, least(1, cast(current_value - baseline as double) / cast(target - baseline as double))
        ) as decimal(18, 12)
    ) as progress
from at_close
where
    recency = 1
    and not _deleted
    and agent_id = month_agent_id
    and status <> 'cancelled'
    and agreed_on < {{ add_months('period_month', 1) }}
    and due_on >= period_month
