-- One row per standing plan and point at which it is looked at: each check-in, and the end of the
-- plan (`end_of_plan`; so far, while it runs), which a plan without check-ins has as well. The window
-- never runs past the end of the plan or past today.
with plans as (

    select * from {{ ref('int_plans__plans') }}

),

check_ins as (

    select
        check_ins.check_in_id,
        check_ins.plan_id,
        check_ins.due_on,
        case when check_ins.held_on <= plans.today_on then check_ins.held_on end as held_on,
        -- A day that is not over can still be kept; after the closing nobody is expected to meet.
        (check_ins.held_on is null or check_ins.held_on > plans.today_on)
        and check_ins.due_on < plans.today_on
        and (plans.closed_on is null or check_ins.due_on <= plans.closed_on)
        and (not plans.has_left or check_ins.due_on <= plans.end_on) as is_overdue
    from {{ ref('stg_native__improvement_plan_check_ins') }} as check_ins
    inner join plans on check_ins.plan_id = plans.plan_id
    left join {{ ref('int_improvement_plans__faults') }} as faults
        on
            faults.raw_table = 'improvement_plan_check_ins'
            and check_ins.raw_file = faults.raw_file
            and check_ins.raw_row = faults.raw_row
    where check_ins.disposition = 'used' and faults.raw_file is null

),

items_of_support as (

    select
        items.plan_id,
        items.planned_on,
        items.delivered_on
    from {{ ref('stg_native__improvement_plan_support') }} as items
    left join {{ ref('int_improvement_plans__faults') }} as faults
        on
            faults.raw_table = 'improvement_plan_support'
            and items.raw_file = faults.raw_file
            and items.raw_row = faults.raw_row
    where items.disposition = 'used' and faults.raw_file is null

),

points as (

    select
        check_in_id,
        plan_id,
        due_on,
        held_on,
        is_overdue
    from check_ins

    union all

    select
        'end_of_plan' as check_in_id,
        plan_id,
        end_on as due_on,
        cast(null as date) as held_on,
        false as is_overdue
    from plans

),

dated as (

    select
        points.check_in_id,
        points.plan_id,
        plans.agent_id,
        plans.opened_on,
        plans.planned_days,
        plans.weeks,
        plans.end_on,
        plans.vintage,
        plans.is_running,
        points.due_on,
        points.held_on,
        points.is_overdue,
        least(points.due_on, plans.end_on, plans.today_on) as window_end_on
    from points
    inner join plans on points.plan_id = plans.plan_id

),

elapsed as (

    select
        *,
        {{ days_between('opened_on', 'window_end_on') }} as elapsed_days
    from dated

),

support_counts as (

    select
        elapsed.plan_id,
        elapsed.check_in_id,
        count(case when items.planned_on <= elapsed.window_end_on then 1 end) as support_planned,
        count(case when items.delivered_on <= elapsed.window_end_on then 1 end)
            as support_delivered
    from elapsed
    inner join items_of_support as items on elapsed.plan_id = items.plan_id
    group by elapsed.plan_id, elapsed.check_in_id

),

overdue_counts as (

    select
        elapsed.plan_id,
        elapsed.check_in_id,
        count(*) as overdue_check_ins
    from elapsed
    inner join check_ins
        on
            elapsed.plan_id = check_ins.plan_id
            and check_ins.is_overdue
            and (check_ins.due_on <= elapsed.due_on or elapsed.check_in_id = 'end_of_plan')
    group by elapsed.plan_id, elapsed.check_in_id

)

select
    elapsed.plan_id,
    elapsed.check_in_id,
    elapsed.agent_id,
    elapsed.opened_on,
    elapsed.due_on,
    elapsed.held_on,
    elapsed.window_end_on,
    elapsed.end_on,
    elapsed.vintage,
    case
        when elapsed.elapsed_days < 0 then 0
        else {{ divide_whole('greatest(1, elapsed.elapsed_days) + 6', 7) }}
    end as week_number,
    elapsed.weeks,
    -- The share of the agreed time that is over; all of it once the plan has ended, however early.
    case
        when not elapsed.is_running and elapsed.window_end_on >= elapsed.end_on then 1
        when elapsed.planned_days <= 0 then 1
        else greatest(0, least(1, {{ published(ratio('elapsed.elapsed_days', 'elapsed.planned_days')) }}))
    end as elapsed_share,
    coalesce(support_counts.support_planned, 0) as support_planned,
    coalesce(support_counts.support_delivered, 0) as support_delivered,
    coalesce(overdue_counts.overdue_check_ins, 0) as overdue_check_ins,
    elapsed.is_overdue
from elapsed
left join support_counts
    on
        elapsed.plan_id = support_counts.plan_id
        and elapsed.check_in_id = support_counts.check_in_id
left join overdue_counts
    on
        elapsed.plan_id = overdue_counts.plan_id
        and elapsed.check_in_id = overdue_counts.check_in_id
