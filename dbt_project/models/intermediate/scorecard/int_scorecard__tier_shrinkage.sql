-- One row per tier, period month, window and metric that is stabilised: how much agents of the tier
-- differ beyond chance (empirical Bayes, method of moments), from which follows how far a small sample
-- is drawn towards the tier's mean. Sums are exact decimals; none of the results is rounded.
with agent_metrics as (

    select * from {{ ref('int_scorecard__adjusted_metrics') }}

),

samples as (

    select
        agent_id,
        tier,
        period_month,
        period_window,
        metric,
        sample_size,
        cast(adjusted_value as decimal(12, 6)) as adjusted_value
    from agent_metrics
    where
        sample_size > 0
        and adjusted_value is not null
        and metric in (
            'qa_score', 'critical_error_rate', 'csat', 'fcr_rate', 'escalation_rate',
            'repeat_contact_rate', 'training_completion_rate'
        )

),

-- The numerator of qa_consistency is the sum of squared deviations from the agent's own mean.
evaluation_spread as (

    select
        tier,
        period_month,
        period_window,
        {{ ratio('sum(cast(numerator as decimal(28, 6)))', 'sum(cast(denominator as decimal(28, 6)))') }}
            as within_variance
    from agent_metrics
    where metric = 'qa_consistency' and denominator > 0
    group by tier, period_month, period_window

),

summed as (

    select
        tier,
        period_month,
        period_window,
        metric,
        count(*) as agent_count,
        cast(sum(sample_size) as double) as total_sample,
        cast(sum(sample_size * sample_size) as double) as sum_squared_sample,
        cast(sum(cast(sample_size as decimal(12, 0)) * adjusted_value) as double) as weighted_sum,
        cast(
            sum(cast(sample_size as decimal(12, 0)) * (adjusted_value * adjusted_value)) as double
        ) as weighted_square_sum,
        min(adjusted_value) = max(adjusted_value) as is_all_equal
    from samples
    group by tier, period_month, period_window, metric

),

moments as (

    select
        summed.*,
        summed.weighted_sum / summed.total_sample as tier_mean,
        case
            when summed.metric = 'qa_score' then spread.within_variance
            else
                summed.weighted_sum / summed.total_sample
                * (1 - summed.weighted_sum / summed.total_sample)
        end as within_variance,
        -- Of equal values the difference of the two sums is 0, which doubles may miss by a hair.
        case
            when summed.is_all_equal then 0
            else
                summed.weighted_square_sum
                - summed.weighted_sum * summed.weighted_sum / summed.total_sample
        end as squared_deviation
    from summed
    left join evaluation_spread as spread
        on
            summed.metric = 'qa_score'
            and summed.tier = spread.tier
            and summed.period_month = spread.period_month
            and summed.period_window = spread.period_window

)

select
    tier,
    period_month,
    period_window,
    metric,
    agent_count,
    tier_mean,
    within_variance,
    case
        when agent_count < 3 or within_variance is null then 0
        else
            greatest(
                0,
                (squared_deviation - (agent_count - 1) * within_variance)
                / nullif(total_sample - sum_squared_sample / total_sample, 0)
            )
    end as between_variance
from moments
