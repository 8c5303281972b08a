-- One row per agent, period month, window and dimension of the scorecard in force: score over its
-- eligible metrics, null where none is eligible; dimension_weight is the full weight,
-- eligible_weight that of what could be judged.
select
    agent_id,
    period_month,
    period_window,
    dimension,
    sum(weight) as dimension_weight,
    sum(case when is_eligible then weight end) as eligible_weight,
    sum(case when is_eligible then cast(weight as decimal(9, 6)) * cast(attainment as decimal(18, 6)) end)
        as weighted_attainment,
    {{ published(ratio(
        'sum(case when is_eligible'
        ~ ' then cast(weight as decimal(9, 6)) * cast(attainment as decimal(18, 6)) end)',
        'sum(case when is_eligible then weight end)'
    )) }} as dimension_score
from {{ ref('int_scorecard__agent_metrics') }}
group by agent_id, period_month, period_window, dimension
