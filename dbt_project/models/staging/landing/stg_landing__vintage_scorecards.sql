-- One row per agent, closed month and vintage: the score and band as published then.
select
    scorecards.agent_id,
    scorecards.period_month,
    scorecards.vintage_number,
    scorecards.is_latest
    and (runs.restated_month is null or scorecards.period_month <> runs.restated_month)
        as is_in_force,
    scorecards.tier,
    scorecards.overall_score,
    scorecards.band,
    scorecards.vintage,
    scorecards.vintage_as_of,
    scorecards.vintage_release_id,
    scorecards.restated_because
from {{ source('landing', 'vintage_scorecards') }} as scorecards
cross join {{ ref('stg_landing__runs') }} as runs
