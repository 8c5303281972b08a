-- One row per change of an in-scope ticket's severity, with the severity before it. It is in force
-- from changed_at until until_at; of changes at one instant all but the last have no time at all.
with changes as (

    select
        ticket_id,
        event_id,
        occurred_at as changed_at,
        to_value as severity
    from {{ ref('int_ticket_events__judged') }}
    where
        fault is null
        and ticket_scope = 'in_scope'
        and event_type = 'severity_changed'
        and to_value is not null

)

select
    changes.ticket_id,
    changes.event_id,
    changes.changed_at,
    lead(changes.changed_at) over (
        partition by changes.ticket_id order by changes.changed_at, changes.event_id
    ) as until_at,
    changes.severity,
    coalesce(
        lag(changes.severity) over (
            partition by changes.ticket_id order by changes.changed_at, changes.event_id
        ),
        tickets.severity
    ) as severity_before
from changes
inner join {{ ref('int_tickets__scoped') }} as tickets on changes.ticket_id = tickets.ticket_id
