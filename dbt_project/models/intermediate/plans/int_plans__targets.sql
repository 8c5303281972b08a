-- One row per standing plan and metric it sets a target for. The direction is that of the scorecard
-- in force when the plan was opened, else of the nearest version that has the metric.
with targets as (

    select targets.*
    from {{ ref('stg_native__improvement_plan_targets') }} as targets
    left join {{ ref('int_improvement_plans__faults') }} as faults
        on
            faults.raw_table = 'improvement_plan_targets'
            and targets.raw_file = faults.raw_file
            and targets.raw_row = faults.raw_row
    where targets.disposition = 'used' and faults.raw_file is null

),

versions as (

    select
        plans.plan_id,
        plans.agent_id,
        targets.metric,
        {{ published('targets.target') }} as target,
        targets.minimum_sample,
        metrics.direction,
        row_number() over (
            partition by plans.plan_id, targets.metric
            order by
                case when versions.effective_from <= plans.opened_on then 0 else 1 end asc,
                abs({{ days_between('versions.effective_from', 'plans.opened_on') }}) asc
        ) as nearness
    from targets
    inner join {{ ref('int_plans__plans') }} as plans on targets.plan_id = plans.plan_id
    inner join {{ ref('scorecard_metrics') }} as metrics on targets.metric = metrics.metric
    inner join {{ ref('scorecard_versions') }} as versions on metrics.version = versions.version

)

select
    plan_id,
    agent_id,
    metric,
    target,
    minimum_sample,
    direction,
    -- A target for a metric of direction band is a distance from the band, as on the scorecard. From a
    -- half on it can only mean the index itself: read as a distance it would be met by anybody.
    case
        when direction = 'band' and target >= 0.5 then {{ compared_value('target', 'direction') }}
        else target
    end as compared_target
from versions
where nearness = 1
