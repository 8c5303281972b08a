-- One row per new ticket and kind of solve it charges, with the agent whose solve it was.
select
    repeats.new_ticket_id,
    repeats.created_at,
    repeats.solve_kind,
    repeats.charged_ticket_id,
    solves.solved_at,
    solves.credit,
    solves.agent_id,
    solves.team_id,
    solves.period_month
from {{ ref('int_tickets__repeat_contacts') }} as repeats
inner join {{ ref('fct_solves') }} as solves
    on
        repeats.charged_ticket_id = solves.ticket_id
        and repeats.solve_kind = solves.solve_kind
