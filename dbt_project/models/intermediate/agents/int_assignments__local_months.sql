-- One row per human agent, spell of team and tier, local month and UTC month it touches: facts join
-- on equal agent and UTC month, then on the exact bounds. A local month can touch three UTC months'
-- worth of instants at its edges.
with months as (

    select
        agent_id,
        team_id,
        tier,
        timezone,
        valid_from,
        period_month,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from {{ ref('int_assignments__local_days') }}
    group by agent_id, team_id, tier, timezone, valid_from, period_month

),

utc_months as (

    select distinct period_month as utc_month from {{ ref('dim_dates') }}

    union distinct

    select {{ add_months('min(period_month)', -1) }} as utc_month from {{ ref('dim_dates') }}

    union distinct

    select {{ add_months('max(period_month)', 1) }} as utc_month from {{ ref('dim_dates') }}

)

select
    months.*,
    utc_months.utc_month
from months
inner join utc_months
    on
        utc_months.utc_month >= {{ month_of('months.starts_at') }}
        and utc_months.utc_month <= {{ month_of('months.ends_at') }}
