-- One row per in-scope ticket and kind of solve (first, final). A close without a solve before it
-- since creation or the last reopen counts as the solve; a ticket reopened after its last solve has
-- no final one.
with events as (

    select *
    from {{ ref('int_ticket_events__ordered') }}
    where event_type in ('solved', 'closed', 'reopened')

),

bounds as (

    select
        ticket_id,
        min(case when event_type <> 'reopened' then event_position end) as first_position,
        coalesce(max(case when event_type = 'reopened' then event_position end), 0)
            as last_reopen_position
    from events
    group by ticket_id

),

last_spells as (

    select
        bounds.ticket_id,
        bounds.first_position,
        max(case when events.event_type = 'solved' then events.event_position end)
            as last_solved_position,
        min(case when events.event_type = 'closed' then events.event_position end)
            as first_closed_position
    from bounds
    left join events
        on
            bounds.ticket_id = events.ticket_id
            and events.event_position > bounds.last_reopen_position
    group by bounds.ticket_id, bounds.first_position

),

positions as (

    select
        ticket_id,
        'first' as solve_kind,
        first_position as event_position
    from last_spells

    union all

    select
        ticket_id,
        'final' as solve_kind,
        coalesce(last_solved_position, first_closed_position) as event_position
    from last_spells

)

select
    positions.ticket_id,
    positions.solve_kind,
    positions.event_position,
    events.occurred_at as solved_at,
    events.agent_id as actor_id
from positions
inner join events
    on
        positions.ticket_id = events.ticket_id
        and positions.event_position = events.event_position
