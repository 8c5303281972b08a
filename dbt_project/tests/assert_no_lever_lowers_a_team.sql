-- Moving up and reaching target only ever add points, and nobody gets beyond 100.
select
    team_id,
    period_month,
    agents,
    mean_overall_score,
    change_if_middle_moves_up,
    change_if_lowest_two_reach_target
from {{ ref('team_leverage') }}
where
    change_if_middle_moves_up < 0
    or change_if_lowest_two_reach_target < 0
    or mean_overall_score + change_if_middle_moves_up > 100.000001
    or mean_overall_score + change_if_lowest_two_reach_target > 100.000001
    or lowest_agents > 2
    or lowest_agents > agents
    or middle_agents > agents
    or (agents = 0) <> (mean_overall_score is null)
