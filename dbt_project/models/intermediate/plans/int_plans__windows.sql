-- One row per standing plan and stretch of local days (both ends belong to it) whose facts are added
-- up for it: from the opening to each point it is looked at, as long a stretch before the opening,
-- and the 13 weeks before it.
with plans as (

    select * from {{ ref('int_plans__plans') }}

),

stretches as (

    select
        plan_id,
        agent_id,
        opened_on as starts_on,
        window_end_on as ends_on
    from {{ ref('int_plans__assessments') }}

    union distinct

    select
        plan_id,
        agent_id,
        {{ add_days('opened_on', '-planned_days') }} as starts_on,
        {{ add_days('opened_on', -1) }} as ends_on
    from plans

    union distinct

    select
        plan_id,
        agent_id,
        {{ add_days('opened_on', -91) }} as starts_on,
        {{ add_days('opened_on', -1) }} as ends_on
    from plans

)

select
    stretches.plan_id,
    stretches.starts_on,
    stretches.ends_on,
    stretches.agent_id,
    {{ days_between('stretches.starts_on', 'stretches.ends_on') }} + 1 as day_count,
    -- The instant after its last day: what was loaded later was not known then.
    {{ local_to_utc(add_days('stretches.ends_on', 1), 'plans.timezone') }} as ended_at
from stretches
inner join plans on stretches.plan_id = plans.plan_id
where stretches.starts_on <= stretches.ends_on
