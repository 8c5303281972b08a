-- One row per strong agent, ended month and metric whose percentile keeps the agent from exceptional: the
-- value that would pass enough peers, who stay as they are. Null where too few peers can be passed.
with percentiles as (

    select *
    from {{ ref('int_scorecard__percentiles') }}
    where period_window = 'quarter' and metric in ('qa_score', 'csat')

),

wanting as (

    select
        own.agent_id,
        own.period_month,
        own.metric,
        own.peer_group,
        own.peer_count,
        own.goodness,
        evidence.adjusted_value,
        evidence.reliability,
        subjects.exceptional_percentile,
        -- Passing so many, with oneself as the only tie, reaches the percentile.
        cast(
            ceil(own.peer_count * subjects.exceptional_percentile - cast(0.5 as decimal(2, 1))) as bigint
        ) as peers_to_pass
    from percentiles as own
    inner join {{ ref('int_bands__decisions') }} as decisions
        on
            own.agent_id = decisions.agent_id
            and own.period_month = decisions.period_month
            and decisions.band = 'strong'
    inner join {{ ref('int_bands__subjects') }} as subjects
        on own.agent_id = subjects.agent_id and own.period_month = subjects.period_month
    inner join {{ ref('int_bands__evidence') }} as evidence
        on
            own.agent_id = evidence.agent_id
            and own.period_month = evidence.period_month
            and own.metric = evidence.metric
    where own.percentile < subjects.exceptional_percentile

),

ordered_peers as (

    select
        wanting.agent_id,
        wanting.period_month,
        wanting.metric,
        peers.goodness,
        row_number() over (
            partition by wanting.agent_id, wanting.period_month, wanting.metric
            order by peers.goodness, peers.agent_id
        ) as place
    from wanting
    inner join percentiles as peers
        on
            wanting.period_month = peers.period_month
            and wanting.metric = peers.metric
            and wanting.agent_id <> peers.agent_id
            and (
                wanting.peer_group = concat('team:', peers.team_id)
                or wanting.peer_group = concat('tier:', peers.tier)
            )

)

select
    wanting.agent_id,
    wanting.period_month,
    wanting.metric,
    wanting.peer_count,
    wanting.peers_to_pass,
    {{ published(ratio('2 * wanting.peers_to_pass + 1', '2 * wanting.peer_count')) }}
        as percentile_then,
-- The percentile may rest on the stabilised value, which follows the value by its reliability.
    {{ published(
        'wanting.adjusted_value + (ordered_peers.goodness + 0.000001 - wanting.goodness)'
        ~ ' / case when wanting.reliability > 0 then wanting.reliability else 1 end'
    ) }} as value_to_reach
from wanting
left join ordered_peers
    on
        wanting.agent_id = ordered_peers.agent_id
        and wanting.period_month = ordered_peers.period_month
        and wanting.metric = ordered_peers.metric
        and wanting.peers_to_pass = ordered_peers.place
