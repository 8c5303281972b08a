-- One row per agent, ended month and metric: the quarter's figures that the bands are judged by, and in
-- how many of its months the metric could be judged and missed the target then in force.
with agent_metrics as (

    select * from {{ ref('int_scorecard__agent_metrics') }}

),

subjects as (

    select * from {{ ref('int_bands__subjects') }}

),

months_judged as (

    select
        month_metrics.agent_id,
        windows.period_month,
        month_metrics.metric,
        count(*) as eligible_months,
        sum(case when month_metrics.meets_target then 0 else 1 end) as missed_months
    from agent_metrics as month_metrics
    inner join {{ ref('int_scorecard__windows') }} as windows
        on
            windows.period_window = 'quarter'
            and month_metrics.period_month = windows.component_month
    where month_metrics.period_window = 'month' and month_metrics.is_eligible
    group by month_metrics.agent_id, windows.period_month, month_metrics.metric

)

select
    judged.agent_id,
    judged.period_month,
    judged.metric,
    definitions.label,
    definitions.value_unit,
    judged.direction,
    judged.is_key,
    judged.is_eligible,
    judged.sample_size,
    judged.minimum_sample,
    judged.value,
    judged.adjusted_value,
    judged.target,
    judged.gate_threshold,
    judged.interval_lower,
    judged.interval_upper,
    judged.team_adjusted_value,
    judged.percentile,
    judged.reliability,
    judged.confidence,
    judged.flag,
    cast(coalesce(months_judged.eligible_months, 0) as bigint) as eligible_months,
    cast(coalesce(months_judged.missed_months, 0) as bigint) as missed_months
from agent_metrics as judged
inner join subjects
    on judged.agent_id = subjects.agent_id and judged.period_month = subjects.period_month
inner join {{ ref('int_scorecard__metric_definitions') }} as definitions
    on judged.metric = definitions.metric
left join months_judged
    on
        judged.agent_id = months_judged.agent_id
        and judged.period_month = months_judged.period_month
        and judged.metric = months_judged.metric
where judged.period_window = 'quarter'
