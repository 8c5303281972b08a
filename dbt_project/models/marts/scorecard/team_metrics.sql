-- One row per team, period month and metric, measured or not: the sum of its agents' parts, divided once.
select
    metrics.team_id,
    metrics.period_month,
    metrics.metric,
    metrics.numerator,
    metrics.denominator,
    metrics.value,
    metrics.expected_value,
    metrics.adjusted_value,
    metrics.coverage,
    metrics.sample_size,
    metrics.vintage,
    runs.as_of,
    runs.release_id
from {{ ref('int_scorecard__team_metrics') }} as metrics
cross join {{ ref('stg_landing__runs') }} as runs
