-- One row per improvement plan: what the figures say at its end, beside what people decided. The two
-- are kept apart; the decision comes from the plan's own row alone.
with ends as (

    select
        plan_id,
        support_planned,
        support_delivered,
        overdue_check_ins
    from {{ ref('int_plans__assessments') }}
    where check_in_id = 'end_of_plan'

),

metrics as (

    select
        plan_id,
        count(*) as metrics_total,
        count(case when status <> 'not_assessable' then 1 end) as metrics_assessable,
        count(case when status = 'met' then 1 end) as metrics_met
    from {{ ref('improvement_plan_progress') }}
    where check_in_id = 'end_of_plan'
    group by plan_id

),

counted as (

    select
        plans.*,
        ends.support_planned,
        ends.support_delivered,
        ends.overdue_check_ins,
        coalesce(metrics.metrics_total, 0) as metrics_total,
        coalesce(metrics.metrics_assessable, 0) as metrics_assessable,
        coalesce(metrics.metrics_met, 0) as metrics_met
    from {{ ref('int_plans__plans') }} as plans
    inner join ends on plans.plan_id = ends.plan_id
    left join metrics on plans.plan_id = metrics.plan_id

)

select
    counted.plan_id,
    counted.agent_id,
    counted.owner_id,
    counted.opened_on,
    counted.planned_end_on,
    counted.closed_on,
    counted.is_running,
    -- For lack of sample nothing is missed: what could not be assessed leaves the whole open, unless
    -- something was met and something else was not.
    case
        when counted.has_left then 'left'
        when counted.is_running then null
        when counted.metrics_assessable = 0 then 'not_assessable'
        when counted.metrics_met = counted.metrics_total then 'met'
        when counted.metrics_met > 0 and counted.metrics_met < counted.metrics_assessable
            then 'partially_met'
        when counted.metrics_met = 0 and counted.metrics_assessable = counted.metrics_total
            then 'not_met'
        else 'not_assessable'
    end as evidence_outcome,
    counted.decided_outcome,
    counted.decided_by,
    cast(
        greatest(
            0, {{ days_between('counted.opened_on', 'least(counted.end_on, counted.today_on)') }}
        ) as bigint
    ) as {{ adapter.quote('days') }},
    cast(counted.planned_days as bigint) as planned_days,
    counted.is_length_unusual,
    cast(counted.metrics_met as bigint) as metrics_met,
    cast(counted.metrics_assessable as bigint) as metrics_assessable,
    cast(counted.metrics_total as bigint) as metrics_total,
    cast(counted.support_planned as bigint) as support_planned,
    cast(counted.support_delivered as bigint) as support_delivered,
    cast(counted.overdue_check_ins as bigint) as overdue_check_ins,
    counted.end_on,
    counted.vintage,
    runs.as_of,
    runs.release_id
from counted
cross join {{ ref('stg_landing__runs') }} as runs
