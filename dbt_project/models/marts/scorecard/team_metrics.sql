-- One row per team, period month and metric, measured or not: the sum of its agents' parts, divided once.
with expected as (

    select
        team_months.team_id,
        team_months.period_month,
        team_months.vintage,
        metrics.metric
    from {{ ref('dim_team_months') }} as team_months
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on team_months.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version

)

select
    expected.team_id,
    expected.period_month,
    expected.metric,
    coalesce(metric_values.numerator, 0) as numerator,
    coalesce(metric_values.denominator, 0) as denominator,
    metric_values.value,
    coalesce(metric_values.sample_size, 0) as sample_size,
    expected.vintage,
    runs.as_of,
    runs.release_id
from expected
cross join {{ ref('stg_landing__runs') }} as runs
left join {{ ref('int_scorecard__metric_values') }} as metric_values
    on
        metric_values.scope_kind = 'team'
        and metric_values.period_window = 'month'
        and expected.team_id = metric_values.scope_id
        and expected.period_month = metric_values.period_month
        and expected.metric = metric_values.metric
