-- One row per team and month with a scored evaluation: how the evaluation means of its agents are spread.
-- A mean of the team says nothing about how many agents reach it.
with means as (

    select
        team_id,
        period_month,
        agent_id,
        sum(numerator) as score_sum,
        sum(denominator) as evaluation_count,
        {{ rounded_ratio('sum(numerator)', 'sum(denominator)') }} as agent_mean
    from {{ ref('int_scorecard__metric_parts') }}
    where metric = 'qa_score'
    group by team_id, period_month, agent_id
    having sum(denominator) > 0

),

agents as (

    select
        *,
        cast(agent_mean as decimal(9, 6)) as exact_mean,
        cast(agent_mean as decimal(9, 6)) * cast(agent_mean as decimal(9, 6)) as squared_mean
    from means

),

targets as (

    select
        versions.period_month,
        cast(metrics.target as double) as target
    from {{ ref('int_scorecard__versions_in_force') }} as versions
    inner join {{ ref('scorecard_metrics') }} as metrics
        on versions.scorecard_version = metrics.version and metrics.metric = 'qa_score'

),

spread as (

    select
        agents.team_id,
        agents.period_month,
        count(*) as agent_count,
        sum(agents.evaluation_count) as evaluation_count,
        {{ rounded_ratio('sum(agents.score_sum)', 'sum(agents.evaluation_count)') }} as team_mean,
        -- Exact, so that equal means have no spread at all: n x sum of squares - square of the sum.
        cast(count(*) as decimal(9, 0)) * cast(sum(agents.squared_mean) as decimal(24, 12))
        - cast(sum(agents.exact_mean) as decimal(19, 6))
        * cast(sum(agents.exact_mean) as decimal(15, 6)) as scaled_squares,
        min(agents.agent_mean) as lowest,
        {%- for name, share in [('p10', 0.1), ('p25', 0.25), ('p50', 0.5), ('p75', 0.75), ('p90', 0.9)] %}
        {{ published(interpolated_percentile('agents.agent_mean', share)) }}
            as {{ name }},
        {%- endfor %}
        max(agents.agent_mean) as highest,
        sum(case when agents.agent_mean < targets.target then 1 else 0 end) as below_target_count,
        max(targets.target) as target
    from agents
    inner join targets on agents.period_month = targets.period_month
    group by agents.team_id, agents.period_month

)

select
    spread.team_id,
    spread.period_month,
    cast(spread.agent_count as bigint) as agents,
    cast(spread.evaluation_count as bigint) as evaluations,
    spread.team_mean as mean,
    {{ published(
        'sqrt(' ~ ratio('spread.scaled_squares', 'spread.agent_count * (spread.agent_count - 1)') ~ ')'
    ) }} as sd,
    spread.lowest as min,
    spread.p10,
    spread.p25,
    spread.p50 as median,
    spread.p75,
    spread.p90,
    spread.highest as max,
    {{ rounded_ratio('spread.below_target_count', 'spread.agent_count') }} as share_below_target,
    spread.target,
    spread.team_mean >= spread.target and spread.p50 < spread.target as is_carried_by_few,
    months.vintage,
    runs.as_of,
    runs.release_id
from spread
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_team_months') }} as months
    on spread.team_id = months.team_id and spread.period_month = months.period_month
