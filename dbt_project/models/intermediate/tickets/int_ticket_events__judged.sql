{{ config(**kept_by('event_id', touched='ticket_events')) }}
-- One row per current event, with the fault that other rows reveal, or null.
select
    events.event_id,
    events.ticket_id,
    events.occurred_at,
    events.event_type,
    events.agent_id,
    events.from_value,
    events.to_value,
    case
        when tickets.ticket_id is null or tickets.is_in_merge_cycle then 'orphan'
        when
            events.event_type in ('solved', 'closed') and events.occurred_at < tickets.created_at
            then 'solved_before_created'
    end as fault,
    tickets.scope as ticket_scope,
    events.raw_file,
    events.raw_row
from {{ contract('ticket_events') }} as events
left join {{ ref('int_tickets__scoped') }} as tickets on events.ticket_id = tickets.ticket_id
where
    events.disposition = 'used'
    {{ and_touched('events.event_id', 'ticket_events') }}
