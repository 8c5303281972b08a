-- One row per agent, period month, window and metric that is eligible: the share of eligible peers who
-- do worse, ties by half. Peers are the home team, or the tier where the team has under 10 of them.
with agent_metrics as (

    select
        metrics.agent_id,
        metrics.period_month,
        metrics.period_window,
        metrics.metric,
        metrics.team_id,
        metrics.tier,
        case when metrics.direction = 'higher' then 1 else -1 end
        * case
            when stabilised.reliability > 0 then stabilised.stabilised_value
            else metrics.compared_value
        end as goodness
    from {{ ref('int_scorecard__adjusted_metrics') }} as metrics
    left join {{ ref('int_scorecard__stabilised_metrics') }} as stabilised
        on
            metrics.agent_id = stabilised.agent_id
            and metrics.period_month = stabilised.period_month
            and metrics.period_window = stabilised.period_window
            and metrics.metric = stabilised.metric
    where metrics.is_eligible

),

ranked as (

    select
        *,
        count(*) over (
            partition by period_month, period_window, metric, team_id
        ) as team_peers,
        rank() over (
            partition by period_month, period_window, metric, team_id order by goodness
        ) - 1 as team_worse,
        count(*) over (
            partition by period_month, period_window, metric, team_id, goodness
        ) as team_ties,
        count(*) over (partition by period_month, period_window, metric, tier) as tier_peers,
        rank() over (
            partition by period_month, period_window, metric, tier order by goodness
        ) - 1 as tier_worse,
        count(*) over (
            partition by period_month, period_window, metric, tier, goodness
        ) as tier_ties
    from agent_metrics

)

select
    agent_id,
    period_month,
    period_window,
    metric,
    team_id,
    tier,
    goodness,
    case when team_peers >= 10 then concat('team:', team_id) else concat('tier:', tier) end
        as peer_group,
    case when team_peers >= 10 then team_peers else tier_peers end as peer_count,
    case
        when team_peers >= 10 then {{ published(ratio('2 * team_worse + team_ties', '2 * team_peers')) }}
        else {{ published(ratio('2 * tier_worse + tier_ties', '2 * tier_peers')) }}
    end as percentile
from ranked
