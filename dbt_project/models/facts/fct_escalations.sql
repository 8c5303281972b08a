-- One row per contact of a T1 agent that the agent handed off in the month: once per ticket,
-- whatever returned.
select
    agent_id,
    ticket_id,
    period_month,
    team_id,
    contact_type,
    first_interaction_at
from {{ ref('fct_contacts') }}
where is_escalated
