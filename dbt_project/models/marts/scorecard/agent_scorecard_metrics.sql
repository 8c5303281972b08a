-- One row per agent, period month, window and metric, measured or not: what was seen, on how much,
-- against what, and the points it brought. Points of the eligible metrics sum to the overall score.
with metrics as (

    select * from {{ ref('int_scorecard__agent_metrics') }}

),

dimensions as (

    select * from {{ ref('int_scorecard__dimension_scores') }}

),

scores as (

    select * from {{ ref('int_scorecard__agent_scores') }}

)

select
    metrics.agent_id,
    metrics.period_month,
    metrics.period_window as {{ adapter.quote('window') }},
    metrics.metric,
    metrics.team_id,
    metrics.tier,
    metrics.dimension,
    metrics.numerator,
    metrics.denominator,
    metrics.value,
    metrics.expected_value,
    metrics.adjusted_value,
    metrics.stabilised_value,
    metrics.interval_lower,
    metrics.interval_upper,
    metrics.sample_size,
    metrics.minimum_sample,
    metrics.is_eligible,
    metrics.coverage,
    metrics.reliability,
    metrics.confidence,
    metrics.team_value,
    metrics.team_adjusted_value,
    metrics.tier_value,
    metrics.percentile,
    cast(metrics.target as double) as target,
    metrics.meets_target,
    metrics.attainment,
    cast(metrics.weight as double) as weight,
    case
        when
            metrics.is_eligible
            and dimensions.eligible_weight > 0
            and scores.overall_score is not null
            then {{ published(
                'cast(dimensions.dimension_weight as double) / cast(scores.covered_weight as double)'
                ~ ' * cast(metrics.weight as double) / cast(dimensions.eligible_weight as double)'
                ~ ' * metrics.attainment'
            ) }}
    end as points,
    metrics.flag,
    metrics.vintage,
    runs.as_of,
    runs.release_id
from metrics
cross join {{ ref('stg_landing__runs') }} as runs
inner join dimensions
    on
        metrics.agent_id = dimensions.agent_id
        and metrics.period_month = dimensions.period_month
        and metrics.period_window = dimensions.period_window
        and metrics.dimension = dimensions.dimension
inner join scores
    on
        metrics.agent_id = scores.agent_id
        and metrics.period_month = scores.period_month
        and metrics.period_window = scores.period_window
