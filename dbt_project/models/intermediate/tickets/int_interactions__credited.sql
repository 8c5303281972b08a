-- One row per interaction of a human agent with an assignment at its start, on a ticket that is
-- neither spam, test nor deleted, with the local month, team and tier of its own instant.
select
    interactions.interaction_id,
    interactions.ticket_id,
    interactions.agent_id,
    months.team_id,
    months.tier,
    months.period_month,
    interactions.channel,
    interactions.started_at,
    interactions.handle_seconds,
    interactions.is_plausible
from {{ ref('int_interactions__judged') }} as interactions
{{ join_local_month('months', 'interactions.agent_id', 'interactions.started_at', kind='inner') }}
cross join {{ ref('stg_landing__runs') }} as runs
where
    interactions.fault is null
    and {{ in_view('interactions.started_at', 'runs') }}
    and interactions.ticket_scope not in ('spam', 'test', 'deleted')
