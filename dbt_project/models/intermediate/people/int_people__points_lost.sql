-- One row per agent, ended month and scored metric that cost points of the quarter's overall score:
-- how many, and how far the agent is behind the target.
with metrics as (

    select
        *,
        case
            when direction = 'higher' then target - compared_value
            else compared_value - target
        end as shortfall
    from {{ ref('int_scorecard__agent_metrics') }}
    where period_window = 'quarter' and is_eligible

),

weighed as (

    select
        metrics.*,
        -- The same share of the overall score as in the points that were reached.
        cast(dimensions.dimension_weight as double) / cast(scores.covered_weight as double)
        * cast(metrics.weight as double) / cast(dimensions.eligible_weight as double)
            as score_share
    from metrics
    inner join {{ ref('dim_agent_months') }} as months
        on
            metrics.agent_id = months.agent_id
            and metrics.period_month = months.period_month
            and months.is_ended
    inner join {{ ref('int_scorecard__dimension_scores') }} as dimensions
        on
            metrics.agent_id = dimensions.agent_id
            and metrics.period_month = dimensions.period_month
            and metrics.period_window = dimensions.period_window
            and metrics.dimension = dimensions.dimension
            and dimensions.eligible_weight > 0
    inner join {{ ref('int_scorecard__agent_scores') }} as scores
        on
            metrics.agent_id = scores.agent_id
            and metrics.period_month = scores.period_month
            and metrics.period_window = scores.period_window
            and scores.overall_score is not null

),

counted as (

    select
        agent_id,
        period_month,
        metric,
        team_id,
        tier,
        vintage,
        direction,
        value,
        adjusted_value,
        tier_value,
        cast(target as double) as target,
        {{ published('shortfall') }} as shortfall,
        sample_size,
        minimum_sample,
        {{ published('score_share * (100 - attainment)') }} as points_lost
    from weighed

)

select * from counted
where points_lost > 0
