-- One row per in-scope ticket and kind of solve (first, final) with its credit and what came after.
-- `credit` says where it counts: agent, or one of the buckets system, unknown, unassigned,
-- no_assignment. Before the first scorecard month there is credit, but no period.
with reopens as (

    select
        solves.ticket_id,
        solves.solve_kind,
        count(*) as reopen_count
    from {{ ref('int_tickets__solves') }} as solves
    inner join {{ ref('int_ticket_events__ordered') }} as events
        on
            solves.ticket_id = events.ticket_id
            and events.event_type = 'reopened'
            and events.occurred_at > solves.solved_at
            and events.occurred_at
            <= solves.solved_at + interval '{{ var("repeat_window_days") }}' day
    group by solves.ticket_id, solves.solve_kind

),

repeats as (

    select
        charged_ticket_id as ticket_id,
        solve_kind,
        count(*) as repeat_count
    from {{ ref('int_tickets__repeat_contacts') }}
    group by charged_ticket_id, solve_kind

)

select
    solvers.ticket_id,
    solvers.solve_kind,
    solvers.solved_at,
    case
        when solvers.bucket = 'agent' and assignments.agent_id is null then 'no_assignment'
        else solvers.bucket
    end as credit,
    assignments.agent_id,
    months.team_id,
    months.tier,
    months.period_month,
    tickets.created_at,
    tickets.customer_id is not null as has_customer,
    contact_types.contact_type,
    contact_types.contact_family,
    solvers.solved_at + interval '{{ var("repeat_window_days") }}' day <= runs.as_of as is_mature,
    reopens.reopen_count is not null as is_reopened_in_window,
    repeats.repeat_count is not null as is_followed_by_repeat
from {{ ref('int_tickets__solvers') }} as solvers
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('int_tickets__scoped') }} as tickets on solvers.ticket_id = tickets.ticket_id
inner join {{ ref('int_tickets__types_at_solve') }} as types
    on solvers.ticket_id = types.ticket_id and solvers.solve_kind = types.solve_kind
inner join {{ ref('dim_contact_types') }} as contact_types
    on types.contact_type = contact_types.contact_type
{{ join_assignment('assignments', 'solvers.credited_agent_id', 'solvers.solved_at') }}
{{ join_local_month('months', 'solvers.credited_agent_id', 'solvers.solved_at') }}
left join reopens
    on solvers.ticket_id = reopens.ticket_id and solvers.solve_kind = reopens.solve_kind
left join repeats
    on solvers.ticket_id = repeats.ticket_id and solvers.solve_kind = repeats.solve_kind
