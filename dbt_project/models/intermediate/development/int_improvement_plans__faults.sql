-- One row per current row of the improvement plan tables that other rows rule out: a plan that
-- overlaps an earlier one of the agent, and whatever hangs on a plan that does not stand.
with plans as (

    select *
    from {{ ref('stg_native__improvement_plans') }}
    where disposition = 'used'

),

faulty_plans as (

    select plan_id
    from {{ ref('int_improvement_plans__overlaps') }}
    where is_overlapping

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
        raw_file,
        raw_row
    from {{ ref('stg_native__improvement_plan_targets') }}
    where disposition = 'used'

    union all

    select
        'improvement_plan_check_ins' as raw_table,
        plan_id,
        raw_file,
        raw_row
    from {{ ref('stg_native__improvement_plan_check_ins') }}
    where disposition = 'used'

    union all

    select
        'improvement_plan_support' as raw_table,
        plan_id,
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
    'quarantined:orphan' as disposition
from children
left join standing_plans on children.plan_id = standing_plans.plan_id
where standing_plans.plan_id is null
