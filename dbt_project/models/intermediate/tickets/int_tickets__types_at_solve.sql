-- One row per solve: the contact type in force at that instant.
select
    solves.ticket_id,
    solves.solve_kind,
    coalesce(changed.contact_type, tickets.contact_type) as contact_type
from {{ ref('int_tickets__solves') }} as solves
inner join {{ ref('int_tickets__scoped') }} as tickets on solves.ticket_id = tickets.ticket_id
{{ join_contact_type_at('changed', 'solves.ticket_id', 'solves.solved_at') }}
