-- One row per agent, month and cell of contacts (team, contact type, channel, tier) with plausible
-- handle time.
select
    agent_id,
    period_month,
    team_id,
    contact_type,
    channel,
    tier,
    count(*) as fact_count,
    sum(handle_seconds) as value_sum
from {{ ref('fct_contacts') }}
where handle_seconds is not null
group by agent_id, period_month, team_id, contact_type, channel, tier
