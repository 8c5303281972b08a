-- One row per in-scope ticket that ever came to a human agent: the team that agent was in then, and the
-- local month of that team in which the ticket was created. Bots that sort tickets own none.
with human_assignments as (

    select
        events.ticket_id,
        events.to_value as agent_id,
        events.occurred_at,
        row_number() over (
            partition by events.ticket_id order by events.event_position
        ) as assignment_number
    from {{ ref('int_ticket_events__ordered') }} as events
    inner join {{ ref('dim_agents') }} as agents
        on events.to_value = agents.agent_id and not agents.is_bot
    where events.event_type = 'assigned'

)

select
    first_humans.ticket_id,
    tickets.created_at,
    assignments.team_id,
    {{ month_of(utc_to_local('tickets.created_at', 'assignments.timezone')) }} as period_month
from human_assignments as first_humans
inner join {{ ref('int_tickets__scoped') }} as tickets
    on first_humans.ticket_id = tickets.ticket_id
{{ join_assignment('assignments', 'first_humans.agent_id', 'first_humans.occurred_at') }}
where first_humans.assignment_number = 1 and assignments.team_id is not null
