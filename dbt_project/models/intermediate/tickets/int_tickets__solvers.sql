-- One row per solve with who is credited: the human assignee of that instant, else the human who
-- acted, else a bucket.
-- Later reassignments change nothing: credit follows the events of the time.
with solves as (

    select * from {{ ref('int_tickets__solves') }}

),

last_assignments as (

    select
        solves.ticket_id,
        solves.solve_kind,
        max(assigned.event_position) as event_position
    from solves
    inner join {{ ref('int_ticket_events__ordered') }} as assigned
        on
            solves.ticket_id = assigned.ticket_id
            and assigned.event_type = 'assigned'
            and assigned.occurred_at <= solves.solved_at
    group by solves.ticket_id, solves.solve_kind

),

involved as (

    select
        solves.*,
        assigned.to_value as assignee_id
    from solves
    left join last_assignments
        on
            solves.ticket_id = last_assignments.ticket_id
            and solves.solve_kind = last_assignments.solve_kind
    left join {{ ref('int_ticket_events__ordered') }} as assigned
        on
            last_assignments.ticket_id = assigned.ticket_id
            and last_assignments.event_position = assigned.event_position

)

select
    involved.ticket_id,
    involved.solve_kind,
    involved.solved_at,
    {{ credited_agent('involved.assignee_id', 'assignees', 'involved.actor_id', 'actors') }}
        as credited_agent_id,
    {{ credit_bucket('involved.assignee_id', 'assignees', 'involved.actor_id', 'actors') }}
        as bucket
from involved
left join {{ ref('dim_agents') }} as assignees on involved.assignee_id = assignees.agent_id
left join {{ ref('dim_agents') }} as actors on involved.actor_id = actors.agent_id
