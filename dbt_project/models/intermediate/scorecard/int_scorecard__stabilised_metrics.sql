-- One row per agent, period month, window and metric with an interval or a stabilised value: what the
-- sample leaves open, and the value drawn towards the tier's mean by as much as chance may explain.
with agent_metrics as (

    select *
    from {{ ref('int_scorecard__adjusted_metrics') }}
    where sample_size > 0 and value is not null

),

shrunk as (

    select
        agent_metrics.agent_id,
        agent_metrics.period_month,
        agent_metrics.period_window,
        agent_metrics.metric,
        agent_metrics.value,
        agent_metrics.adjusted_value,
        cast(agent_metrics.sample_size as double) as sample_size,
        shrinkage.tier_mean,
        shrinkage.within_variance,
        shrinkage.between_variance,
        case
            when shrinkage.between_variance = 0 then 0
            when shrinkage.metric = 'qa_score'
                then
                    shrinkage.between_variance / (
                        shrinkage.between_variance
                        + shrinkage.within_variance / cast(agent_metrics.sample_size as double)
                    )
            else
                cast(agent_metrics.sample_size as double) / (
                    cast(agent_metrics.sample_size as double) + greatest(
                        0, shrinkage.within_variance / shrinkage.between_variance - 1
                    )
                )
        end as reliability
    from agent_metrics
    inner join {{ ref('int_scorecard__tier_shrinkage') }} as shrinkage
        on
            agent_metrics.tier = shrinkage.tier
            and agent_metrics.period_month = shrinkage.period_month
            and agent_metrics.period_window = shrinkage.period_window
            and agent_metrics.metric = shrinkage.metric

)

select
    agent_id,
    period_month,
    period_window,
    metric,
    {{ published('tier_mean + reliability * (adjusted_value - tier_mean)') }} as stabilised_value,
    {{ published('reliability') }} as reliability,
    case
        -- greatest() and least() would take an unknown spread for a bound of the scale.
        when metric = 'qa_score' and within_variance is null then null
        when metric = 'qa_score'
            then {{ published(
                'greatest(0, value - ' ~ z_score_95() ~ ' * sqrt(within_variance / sample_size))'
            ) }}
        else {{ published(wilson_bound('value', 'sample_size', 'lower')) }}
    end as interval_lower,
    case
        when metric = 'qa_score' and within_variance is null then null
        when metric = 'qa_score'
            then {{ published(
                'least(100, value + ' ~ z_score_95() ~ ' * sqrt(within_variance / sample_size))'
            ) }}
        else {{ published(wilson_bound('value', 'sample_size', 'upper')) }}
    end as interval_upper
from shrunk
