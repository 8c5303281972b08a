-- One row per agent, ticket and local day with at least one interaction: a contact of that day, with
-- the handle seconds of its plausible interactions (null where none is).
select
    interactions.agent_id,
    interactions.ticket_id,
    days.local_date,
    sum(case when interactions.is_plausible then interactions.handle_seconds end)
        as plausible_seconds
from {{ ref('int_interactions__credited') }} as interactions
{{ join_local_day('days', 'interactions.agent_id', 'interactions.started_at', kind='inner') }}
group by interactions.agent_id, interactions.ticket_id, days.local_date
