-- One row per agent, ended month, metric that cost points and subject (sub-dimension, contact type)
-- in which the agent is behind the peers of the tier over the quarter, with the part of the lost
-- points it explains.
--
-- A subject that makes up a share of the agent's work and is behind by a gap moves the metric by
-- share x gap. Lost points are split in proportion to these: points_lost x share x gap / the
-- shortfall to the target, or, where the subjects together explain more than that, / their sum. So
-- no point is counted twice. Peers: at least 30 facts of at least 3 others, as for case mix.
with lost as (

    select
        *,
        -- Too fast is behind as well as too slow: time per contact is then compared the other way
        -- round.
        case
            when direction = 'higher' then 1
            when direction = 'band' and value < 1 then 1
            else -1
        end as better_sign
    from {{ ref('int_people__points_lost') }}
    where metric in ('qa_score', 'csat', 'fcr_rate', 'aht_index')

),

quarters as (

    select
        cells.agent_id,
        cells.tier,
        windows.period_month,
        cells.gap_kind,
        cells.metric,
        cells.subject,
        sum(cells.fact_count) as fact_count,
        sum(cells.value_sum) as value_sum,
        sum(cells.base_sum) as base_sum
    from {{ ref('int_people__gap_cells') }} as cells
    inner join {{ ref('int_scorecard__windows') }} as windows
        on cells.period_month = windows.component_month and windows.period_window = 'quarter'
    group by
        cells.agent_id, cells.tier, windows.period_month, cells.gap_kind, cells.metric, cells.subject

),

of_agents as (

    select
        agent_id,
        period_month,
        gap_kind,
        metric,
        subject,
        sum(fact_count) as fact_count,
        sum(value_sum) as value_sum,
        sum(base_sum) as base_sum
    from quarters
    group by agent_id, period_month, gap_kind, metric, subject

),

work as (

    select
        agent_id,
        period_month,
        metric,
        sum(base_sum) as base_sum
    from of_agents
    group by agent_id, period_month, metric

),

of_tiers as (

    select
        tier,
        period_month,
        gap_kind,
        metric,
        subject,
        count(*) as agent_count,
        sum(fact_count) as fact_count,
        sum(value_sum) as value_sum,
        sum(base_sum) as base_sum
    from quarters
    group by tier, period_month, gap_kind, metric, subject

),

compared as (

    select
        lost.agent_id,
        lost.period_month,
        own.gap_kind,
        own.metric,
        own.subject,
        lost.team_id,
        lost.tier,
        lost.vintage,
        lost.better_sign,
        lost.points_lost,
        lost.shortfall,
        own.fact_count as sample_size,
        {{ published(ratio('own.value_sum', 'own.base_sum')) }} as own_value,
        {{ published(ratio(
            'of_tiers.value_sum - coalesce(own_in_tier.value_sum, 0)',
            'of_tiers.base_sum - coalesce(own_in_tier.base_sum, 0)'
        )) }} as peer_value,
        {{ ratio('own.base_sum', 'work.base_sum') }} as work_share
    from lost
    inner join of_agents as own
        on
            lost.agent_id = own.agent_id
            and lost.period_month = own.period_month
            and lost.metric = own.metric
            and own.fact_count >= lost.minimum_sample
    inner join work
        on
            lost.agent_id = work.agent_id
            and lost.period_month = work.period_month
            and lost.metric = work.metric
    inner join of_tiers
        on
            lost.tier = of_tiers.tier
            and own.period_month = of_tiers.period_month
            and own.gap_kind = of_tiers.gap_kind
            and own.metric = of_tiers.metric
            and own.subject = of_tiers.subject
    left join quarters as own_in_tier
        on
            own.agent_id = own_in_tier.agent_id
            and lost.tier = own_in_tier.tier
            and own.period_month = own_in_tier.period_month
            and own.gap_kind = own_in_tier.gap_kind
            and own.metric = own_in_tier.metric
            and own.subject = own_in_tier.subject
    where
        of_tiers.fact_count - coalesce(own_in_tier.fact_count, 0) >= 30
        and of_tiers.agent_count - case when own_in_tier.agent_id is null then 0 else 1 end >= 3

),

behind as (

    select
        *,
        {{ published('better_sign * (peer_value - own_value)') }} as gap
    from compared

),

effects as (

    select
        *,
        -- Fixed decimals, so that the sum over subjects is the same in any order.
        cast(work_share * gap as decimal(28, 12)) as metric_effect
    from behind
    where gap > 0

),

summed as (

    select
        *,
        sum(metric_effect) over (partition by agent_id, period_month, metric) as effect_sum
    from effects

)

select
    agent_id,
    period_month,
    gap_kind,
    metric,
    subject,
    team_id,
    tier,
    vintage,
    own_value,
    peer_value,
    gap,
    cast(sample_size as bigint) as sample_size,
    {{ published(
        'points_lost * cast(metric_effect as double)'
        ~ ' / greatest(shortfall, cast(effect_sum as double))'
    ) }} as points_at_stake
from summed
