-- One row per team and month that has ended: how far its mean overall score would rise if its middle took
-- one small step, and if its two lowest agents reached target.
with months as (

    select
        team_id,
        period_month,
        vintage
    from {{ ref('dim_team_months') }}
    where is_ended

),

summed as (

    select
        team_id,
        period_month,
        count(*) as agents,
        sum(case when is_middle then 1 else 0 end) as middle_agents,
        sum(case when is_middle and band = 'developing' then 1 else 0 end) as developing_agents,
        sum(case when is_lowest then 1 else 0 end) as lowest_agents,
        sum(cast(overall_score as decimal(18, 6))) as overall_score,
        sum(case when is_middle then cast(points_by_moving_up as decimal(18, 6)) else 0 end)
            as points_of_middle,
        sum(case when is_lowest then cast(points_by_reaching_target as decimal(18, 6)) else 0 end)
            as points_of_lowest_two
    from {{ ref('int_teams__leverage_steps') }}
    group by team_id, period_month

)

select
    months.team_id,
    months.period_month,
    cast(coalesce(summed.agents, 0) as bigint) as agents,
    cast(coalesce(summed.middle_agents, 0) as bigint) as middle_agents,
    cast(coalesce(summed.developing_agents, 0) as bigint) as developing_agents,
    cast(coalesce(summed.middle_agents - summed.developing_agents, 0) as bigint)
        as lower_strong_agents,
    cast(coalesce(summed.lowest_agents, 0) as bigint) as lowest_agents,
    {{ rounded_ratio('summed.overall_score', 'summed.agents') }} as mean_overall_score,
    {{ published('summed.points_of_middle') }} as points_of_middle,
    {{ published('summed.points_of_lowest_two') }} as points_of_lowest_two,
    {{ rounded_ratio('summed.points_of_middle', 'summed.agents') }} as change_if_middle_moves_up,
    {{ rounded_ratio('summed.points_of_lowest_two', 'summed.agents') }}
        as change_if_lowest_two_reach_target,
    months.vintage,
    runs.as_of,
    runs.release_id
from months
cross join {{ ref('stg_landing__runs') }} as runs
left join summed
    on months.team_id = summed.team_id and months.period_month = summed.period_month
