-- One row per agent and ended month: where the scores are heading, and whether the agent was strong or
-- better in a month shortly before. Slope and p are null where too few months are rated.
with standing as (

    select * from {{ ref('int_bands__standing') }}

),

rules as (

    select * from {{ ref('int_scorecard__band_rules') }}

),

strong_before as (

    select distinct
        standing.agent_id,
        standing.period_month
    from standing
    inner join rules on standing.period_month = rules.period_month
    inner join {{ ref('int_bands__histories') }} as earlier
        on
            standing.agent_id = earlier.agent_id
            and earlier.is_strong
            and earlier.period_month < standing.period_month
            and {{ months_between_firsts('earlier.period_month', 'standing.period_month') }}
            <= rules.declining_lookback

),

sloped as (

    select
        standing.agent_id,
        standing.period_month,
        standing.is_rated,
        rules.clearly_missed_months,
        rules.declining_slope,
        rules.declining_p,
        rules.improving_slope,
        strong_before.agent_id is not null as was_strong,
        case when trends.point_count >= rules.trajectory_min_months then trends.slope end as slope,
        case when trends.point_count >= rules.trajectory_min_months then trends.mann_kendall_p end
            as mann_kendall_p
    from standing
    inner join rules on standing.period_month = rules.period_month
    left join {{ ref('int_bands__trends') }} as trends
        on
            standing.is_rated
            and standing.agent_id = trends.agent_id
            and standing.period_month = trends.period_month
    left join strong_before
        on
            standing.agent_id = strong_before.agent_id
            and standing.period_month = strong_before.period_month

)

select
    sloped.agent_id,
    sloped.period_month,
    sloped.clearly_missed_months,
    sloped.was_strong,
    sloped.slope,
    sloped.mann_kendall_p,
    case when sloped.is_rated then {{ trajectory_of('slope', 'mann_kendall_p', 'sloped') }} end as trajectory
from sloped
