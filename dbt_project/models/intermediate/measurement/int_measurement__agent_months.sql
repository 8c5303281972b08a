-- One row per agent and month with the tier: of closed months as published, of open ones as known.
select
    agent_id,
    period_month,
    tier
from {{ ref('dim_agent_months') }}
where is_built

union all

select
    agent_id,
    period_month,
    tier
from {{ ref('stg_landing__vintage_scorecards') }}
where is_in_force
