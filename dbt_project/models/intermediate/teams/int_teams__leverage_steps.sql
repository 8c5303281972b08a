-- One row per rated agent and ended month, in the quarter window that bands rest on: what two steps would
-- add to the agent's overall score.
--   moving up         to the score five percentile points higher among the rated agents of the tier: a step
--                     others of the tier have taken, larger where the field lies far apart
--   reaching target   every eligible key metric that misses its target meets it, as a strong band asks;
--                     all metrics at target would be a score of 100 for anybody
-- Places are whole numbers: twice the agents strictly below plus the ties, times 100, out of 200 x agents.
{% set percentile_points = 5 %}
with rated as (

    select
        subjects.agent_id,
        subjects.period_month,
        subjects.team_id,
        subjects.tier,
        decisions.band,
        subjects.overall_score
    from {{ ref('int_bands__subjects') }} as subjects
    inner join {{ ref('int_bands__decisions') }} as decisions
        on
            subjects.agent_id = decisions.agent_id
            and subjects.period_month = decisions.period_month
    where decisions.band <> 'not_rated'

),

strong_medians as (

    select
        tier,
        period_month,
        median(overall_score) as strong_median
    from rated
    where band = 'strong'
    group by tier, period_month

),

tied as (

    select
        tier,
        period_month,
        overall_score,
        count(*) as tie_count,
        sum(count(*)) over (partition by tier, period_month) as agent_count,
        sum(count(*)) over (
            partition by tier, period_month order by overall_score
            rows between unbounded preceding and current row
        ) as up_to_here
    from rated
    group by tier, period_month, overall_score

),

places as (

    select
        tier,
        period_month,
        overall_score,
        agent_count,
        100 * (2 * up_to_here - tie_count) as place
    from tied

),

rungs as (

    select
        *,
        lead(place) over (partition by tier, period_month order by place) as next_place,
        lead(overall_score) over (partition by tier, period_month order by place) as next_score
    from places

),

aims as (

    select
        rated.agent_id,
        rated.tier,
        rated.period_month,
        places.place + 2 * {{ percentile_points }} * places.agent_count as aimed_place
    from rated
    inner join places
        on
            rated.tier = places.tier
            and rated.period_month = places.period_month
            and rated.overall_score = places.overall_score

),

-- Between two scores the way is straight; nobody rises above the highest.
moved as (

    select
        aims.agent_id,
        aims.period_month,
        rungs.overall_score + coalesce(
            {{ ratio('aims.aimed_place - rungs.place', 'rungs.next_place - rungs.place') }}
            * (rungs.next_score - rungs.overall_score),
            0
        ) as score_after_moving_up
    from aims
    inner join rungs
        on
            aims.tier = rungs.tier
            and aims.period_month = rungs.period_month
            and aims.aimed_place >= rungs.place
            and (rungs.next_place is null or aims.aimed_place < rungs.next_place)

),

-- Points that a full attainment would add: its share of the overall score times what is missing.
key_gaps as (

    select
        metrics.agent_id,
        metrics.period_month,
        sum(cast(
            cast(dimensions.dimension_weight as double) / cast(scores.covered_weight as double)
            * cast(metrics.weight as double) / cast(dimensions.eligible_weight as double)
            * (100 - metrics.attainment) as decimal(18, 12)
        )) as missing_points
    from {{ ref('int_scorecard__agent_metrics') }} as metrics
    inner join {{ ref('int_scorecard__dimension_scores') }} as dimensions
        on
            metrics.agent_id = dimensions.agent_id
            and metrics.period_month = dimensions.period_month
            and metrics.period_window = dimensions.period_window
            and metrics.dimension = dimensions.dimension
    inner join {{ ref('int_scorecard__agent_scores') }} as scores
        on
            metrics.agent_id = scores.agent_id
            and metrics.period_month = scores.period_month
            and metrics.period_window = scores.period_window
    where
        metrics.period_window = 'quarter'
        and metrics.is_key
        and metrics.is_eligible
        and scores.covered_weight > 0
        and dimensions.eligible_weight > 0
    group by metrics.agent_id, metrics.period_month

)

select
    rated.agent_id,
    rated.period_month,
    rated.team_id,
    rated.band,
    rated.overall_score,
    rated.band = 'developing'
    or (rated.band = 'strong' and rated.overall_score < strong_medians.strong_median) as is_middle,
    row_number() over (
        partition by rated.team_id, rated.period_month
        order by rated.overall_score, rated.agent_id
    ) <= 2 as is_lowest,
    {{ published('moved.score_after_moving_up - rated.overall_score') }} as points_by_moving_up,
    {{ published('coalesce(key_gaps.missing_points, 0)') }} as points_by_reaching_target
from rated
inner join moved
    on rated.agent_id = moved.agent_id and rated.period_month = moved.period_month
left join key_gaps
    on rated.agent_id = key_gaps.agent_id and rated.period_month = key_gaps.period_month
left join strong_medians
    on rated.tier = strong_medians.tier and rated.period_month = strong_medians.period_month
