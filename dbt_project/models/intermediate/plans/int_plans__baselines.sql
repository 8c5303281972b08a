-- One row per standing plan and metric it sets a target for: where the agent stood before the plan,
-- over as many days as the plan has, else over the 13 weeks before it. Null where neither has the
-- sample the plan asks for: a start that rests on too little would make the pace a matter of luck.
with targets as (

    select
        targets.plan_id,
        targets.metric,
        targets.minimum_sample,
        targets.direction,
        plans.opened_on,
        plans.planned_days
    from {{ ref('int_plans__targets') }} as targets
    inner join {{ ref('int_plans__plans') }} as plans on targets.plan_id = plans.plan_id

),

before as (

    select
        targets.plan_id,
        targets.metric,
        targets.direction,
        earlier.starts_on,
        earlier.ends_on,
        earlier.value,
        earlier.sample_size,
        row_number() over (
            partition by targets.plan_id, targets.metric
            order by
                case
                    when
                        earlier.starts_on
                        = {{ add_days('targets.opened_on', '-targets.planned_days') }}
                        then 0
                    else 1
                end
        ) as preference
    from targets
    inner join {{ ref('int_plans__window_values') }} as earlier
        on
            targets.plan_id = earlier.plan_id
            and targets.metric = earlier.metric
            and earlier.ends_on = {{ add_days('targets.opened_on', -1) }}
    where earlier.value is not null and earlier.sample_size >= targets.minimum_sample

)

select
    targets.plan_id,
    targets.metric,
    before.starts_on,
    before.ends_on,
    before.value,
    before.sample_size,
    {{ compared_value('before.value', 'before.direction') }} as compared_value
from targets
left join before
    on
        targets.plan_id = before.plan_id
        and targets.metric = before.metric
        and before.preference = 1
