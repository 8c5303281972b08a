-- One row per agent and ended month: the band, of closed months as published.
select
    agent_id,
    period_month,
    band
from {{ ref('int_bands__decisions') }}

union all

select
    agent_id,
    period_month,
    band
from {{ ref('stg_landing__vintage_scorecards') }}
where is_in_force and band is not null
