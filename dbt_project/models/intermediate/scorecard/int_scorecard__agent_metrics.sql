-- One row per agent, period month, window and scored metric, measured or not: all that is known of it.
-- Beside the value stand what the sample leaves open and the place among peers.
with rules as (

    select * from {{ ref('int_scorecard__band_rules') }}

)

select
    metrics.agent_id,
    metrics.period_month,
    metrics.period_window,
    metrics.metric,
    metrics.team_id,
    metrics.tier,
    metrics.vintage,
    metrics.scorecard_version,
    metrics.dimension,
    metrics.weight,
    metrics.target,
    metrics.floor,
    metrics.direction,
    metrics.minimum_sample,
    metrics.is_key,
    metrics.gate_threshold,
    metrics.numerator,
    metrics.denominator,
    metrics.value,
    metrics.sample_size,
    metrics.is_eligible,
    metrics.coverage,
    metrics.expected_value,
    metrics.adjusted_value,
    metrics.compared_value,
    metrics.meets_target,
    metrics.attainment,
    metrics.team_value,
    metrics.team_numerator,
    metrics.team_denominator,
    metrics.team_observed,
    metrics.team_expected,
    metrics.team_adjusted_value,
    metrics.tier_value,
    metrics.flag,
    stabilised.stabilised_value,
    stabilised.reliability,
    case
        when stabilised.reliability >= rules.confidence_band_grade then 'band_grade'
        when stabilised.reliability >= rules.confidence_indicative then 'indicative'
        else 'insufficient'
    end as confidence,
    stabilised.interval_lower,
    stabilised.interval_upper,
    percentiles.percentile
from {{ ref('int_scorecard__adjusted_metrics') }} as metrics
inner join rules on metrics.period_month = rules.period_month
left join {{ ref('int_scorecard__stabilised_metrics') }} as stabilised
    on
        metrics.agent_id = stabilised.agent_id
        and metrics.period_month = stabilised.period_month
        and metrics.period_window = stabilised.period_window
        and metrics.metric = stabilised.metric
left join {{ ref('int_scorecard__percentiles') }} as percentiles
    on
        metrics.agent_id = percentiles.agent_id
        and metrics.period_month = percentiles.period_month
        and metrics.period_window = percentiles.period_window
        and metrics.metric = percentiles.metric
