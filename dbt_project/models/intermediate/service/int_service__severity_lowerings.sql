-- One row per in-scope ticket and target kind: the first instant at which it was moved to a severity
-- with more target minutes than the one before it, both by the targets of its creation date. Changes
-- are few, so they are judged once and apart from the tickets.
with changes as (

    select
        changes.ticket_id,
        changes.changed_at,
        changes.severity,
        changes.severity_before,
        cast(tickets.created_at as date) as created_date
    from {{ ref('int_service__severity_changes') }} as changes
    inner join {{ ref('int_tickets__scoped') }} as tickets
        on changes.ticket_id = tickets.ticket_id
    where changes.severity <> changes.severity_before

)

select
    changes.ticket_id,
    targets_after.target_kind,
    min(changes.changed_at) as first_lowered_at
from changes
inner join {{ ref('int_service__targets') }} as targets_after
    on
        changes.severity = targets_after.severity
        and changes.created_date >= targets_after.valid_from
        and (targets_after.valid_to is null or changes.created_date < targets_after.valid_to)
inner join {{ ref('int_service__targets') }} as targets_before
    on
        changes.severity_before = targets_before.severity
        and targets_after.target_kind = targets_before.target_kind
        and changes.created_date >= targets_before.valid_from
        and (targets_before.valid_to is null or changes.created_date < targets_before.valid_to)
where targets_after.target_minutes > targets_before.target_minutes
group by changes.ticket_id, targets_after.target_kind
