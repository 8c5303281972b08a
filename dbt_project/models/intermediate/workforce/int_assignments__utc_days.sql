-- One row per agent, local day and UTC date it touches: the side of local days for joins on
-- (agent_id, utc_date).
with spells as (

    select * from {{ ref('int_assignments__local_days') }}

)

{{ utc_day_pieces('spells', ['agent_id', 'team_id', 'tier', 'local_date', 'period_month']) }}
