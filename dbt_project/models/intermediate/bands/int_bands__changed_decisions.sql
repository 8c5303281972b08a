-- One row per agent and ended month: the band after the nearest change, through the same rules.
with changed_courses as (

    select
        courses.agent_id,
        courses.period_month,
        courses.clearly_missed_months,
        courses.was_strong,
        courses.slope,
        case when changes.metric is not null then 'flat' else courses.trajectory end as trajectory
    from {{ ref('int_bands__courses') }} as courses
    left join {{ ref('int_bands__changes') }} as changes
        on
            courses.agent_id = changes.agent_id
            and courses.period_month = changes.period_month
            and changes.metric = 'overall_score'
            and changes.value_then is not null

),

now_conditions as (

    {{ band_conditions(ref('int_bands__changed_evidence'), ref('int_bands__subjects')) | indent(4) }}

),

looking_back as (

    {{ trajectory_conditions(ref('int_bands__changed_evidence'), 'changed_courses') | indent(4) }}

),

changed_conditions as (

    select * from now_conditions
    union all
    select * from looking_back

),

decisions as (

    {{ band_decision('changed_conditions') | indent(4) }}

)

select
    agent_id,
    period_month,
    band,
    deciding_rule
from decisions
