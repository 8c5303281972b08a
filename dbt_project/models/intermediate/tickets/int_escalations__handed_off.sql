-- One row per agent, ticket and local month in which the agent handed the ticket off from T1, however often.
select distinct
    events.agent_id,
    events.ticket_id,
    months.period_month
from {{ ref('int_ticket_events__judged') }} as events
{{ join_local_month('months', 'events.agent_id', 'events.occurred_at', kind='inner') }}
cross join {{ ref('stg_landing__runs') }} as runs
where
    events.fault is null
    and events.event_type = 'escalated'
    and events.from_value = 'T1'
    and {{ in_view('events.occurred_at', 'runs') }}
