-- One row per improvement plan that stands (neither deleted nor set aside as overlapping), with the
-- day its window ends: the day it was closed, the day the agent left, else the last day agreed.
-- What people decided is carried along as they wrote it; nothing here derives an outcome.
with plans as (

    select plans.*
    from {{ ref('stg_native__improvement_plans') }} as plans
    left join {{ ref('int_improvement_plans__faults') }} as faults
        on
            faults.raw_table = 'improvement_plans'
            and plans.raw_file = faults.raw_file
            and plans.raw_row = faults.raw_row
    where plans.disposition = 'used' and faults.raw_file is null

),

-- The calendar the plan's days are in: the agent's latest assignment that has begun, else the first.
assignments as (

    select
        assignments.agent_id,
        assignments.timezone,
        row_number() over (
            partition by assignments.agent_id
            order by
                case when assignments.starts_at <= runs.as_of then 0 else 1 end asc,
                case when assignments.starts_at <= runs.as_of then assignments.starts_at end desc,
                assignments.starts_at asc
        ) as recency
    from {{ ref('dim_agent_assignments') }} as assignments
    cross join {{ ref('stg_landing__runs') }} as runs

),

dated as (

    select
        plans.plan_id,
        plans.agent_id,
        plans.opened_on,
        plans.planned_end_on,
        plans.closed_on,
        plans.owner_id,
        plans.decided_outcome,
        plans.decided_by,
        agents.left_on,
        coalesce(assignments.timezone, 'UTC') as timezone,
        cast({{ utc_to_local('runs.as_of', "coalesce(assignments.timezone, 'UTC')") }} as date)
            as today_on,
        {{ days_between('plans.opened_on', 'plans.planned_end_on') }} as planned_days
    from plans
    cross join {{ ref('stg_landing__runs') }} as runs
    left join {{ ref('dim_agents') }} as agents on plans.agent_id = agents.agent_id
    left join assignments on plans.agent_id = assignments.agent_id and assignments.recency = 1

),

-- Who leaves after the plan was closed, or on its last day, has been through it.
left_within as (

    select
        *,
        coalesce(
            left_on < planned_end_on
            and left_on <= coalesce(closed_on, planned_end_on)
            and left_on <= today_on,
            false
        ) as has_left
    from dated

),

ended as (

    select
        *,
        case
            when has_left then left_on
            else coalesce(closed_on, planned_end_on)
        end as end_on
    from left_within

)

select
    ended.plan_id,
    ended.agent_id,
    ended.opened_on,
    ended.planned_end_on,
    ended.closed_on,
    ended.owner_id,
    ended.decided_outcome,
    ended.decided_by,
    ended.timezone,
    ended.today_on,
    ended.has_left,
    ended.end_on,
    coalesce(vintages.vintage, 'provisional') as vintage,
    -- Open until its last day is over; a closing that is dated ahead has not happened yet.
    not ended.has_left
    and ended.end_on >= ended.today_on
    and (ended.closed_on is null or ended.closed_on > ended.today_on) as is_running,
    ended.planned_days,
    {{ divide_whole('greatest(1, ended.planned_days) + 6', 7) }} as weeks,
    ended.planned_days < 28 or ended.planned_days > 56 as is_length_unusual
from ended
left join {{ ref('int_measurement__month_vintages') }} as vintages
    on vintages.period_month = {{ month_of('ended.end_on') }}
