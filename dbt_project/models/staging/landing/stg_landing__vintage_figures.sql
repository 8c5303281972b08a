-- One row per agent, closed month, vintage and metric, as published then.
select
    figures.agent_id,
    figures.period_month,
    figures.metric,
    figures.vintage_number,
    figures.is_latest
    and (runs.restated_month is null or figures.period_month <> runs.restated_month) as is_in_force,
    figures.numerator,
    figures.denominator,
    figures.sample_size,
    figures.value,
    figures.target,
    figures.weight,
    figures.points,
    figures.change_reason
from {{ source('landing', 'vintage_figures') }} as figures
cross join {{ ref('stg_landing__runs') }} as runs
