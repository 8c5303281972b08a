-- One row per current row of the improvement plan tables that other rows rule out: a plan that
-- overlaps an earlier one of the agent, targets with an unknown metric, and whatever hangs on a
-- plan that does not stand.
with plans as (

    select *
    from {{ ref('stg_native__improvement_plans') }}
    where disposition = 'used'

),

overlapping as (

    select
        plan_id,
        row_number() over (partition by agent_id order by opened_on, plan_id) as plan_number,
        max(coalesce(closed_on, planned_end_on)) over (
            partition by agent_id order by opened_on, plan_id
            rows between unbounded preceding and 1 preceding
        ) as latest_end_before,
        opened_on
    from plans

),

faulty_plans as (

    select plan_id
    from overlapping
    where opened_on < latest_end_before

),

standing_plans as (

    select plans.plan_id
    from {{ ref('stg_native__improvement_plans') }} as plans
    left join faulty_plans on plans.plan_id = faulty_plans.plan_id
    where plans.disposition in ('used', 'deleted') and faulty_plans.plan_id is null

),

children as (

    select
        'improvement_plan_targets' as raw_table,
        plan_id,
        metric,
        raw_file,
        raw_row
    from {{ ref('stg_native__improvement_plan_targets') }}
    where disposition = 'used'

    union all

    select
        'improvement_plan_check_ins' as raw_table,
        plan_id,
        null as metric,
        raw_file,
        raw_row
    from {{ ref('stg_native__improvement_plan_check_ins') }}
    where disposition = 'used'

    union all

    select
        'improvement_plan_support' as raw_table,
        plan_id,
        null as metric,
        raw_file,
        raw_row
    from {{ ref('stg_native__improvement_plan_support') }}
    where disposition = 'used'

)

select
    'improvement_plans' as raw_table,
    plans.raw_file,
    plans.raw_row,
    'quarantined:overlapping_plan' as disposition
from plans
inner join faulty_plans on plans.plan_id = faulty_plans.plan_id

union all

select
    children.raw_table,
    children.raw_file,
    children.raw_row,
    case
        when standing_plans.plan_id is null then 'quarantined:orphan'
        else 'quarantined:unknown_metric'
    end as disposition
from children
left join standing_plans on children.plan_id = standing_plans.plan_id
left join {{ ref('int_scorecard__metric_definitions') }} as metrics
    on children.metric = metrics.metric
where
    standing_plans.plan_id is null
    or (children.raw_table = 'improvement_plan_targets' and metrics.metric is null)
