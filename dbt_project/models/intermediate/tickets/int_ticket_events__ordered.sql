-- One row per sound event up to as_of of an in-scope ticket in view, with its place in the ticket's history.
-- Equal instants are ordered by event_id: the log has no finer clock.
select
    events.ticket_id,
    row_number() over (
        partition by events.ticket_id order by events.occurred_at, events.event_id
    ) as event_position,
    events.occurred_at,
    events.event_type,
    events.agent_id,
    events.to_value
from {{ ref('int_ticket_events__judged') }} as events
inner join {{ ref('int_tickets__in_view') }} as in_view on events.ticket_id = in_view.ticket_id
cross join {{ ref('stg_landing__runs') }} as runs
where
    events.fault is null
    and events.ticket_scope = 'in_scope'
    and events.occurred_at <= runs.as_of
