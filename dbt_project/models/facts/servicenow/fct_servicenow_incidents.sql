-- One row per incident with the log's own answers, set beside the solve that the transitions tell.
--   event_rows counts rows that were set aside too: they are updates of the incident, only not readable ones.
--   Every row repeats the final resolved_at, so a run with an earlier as_of has to leave out what came later.
with updates as (

    select *
    from {{ ref('stg_servicenow__incident_updates') }}
    where incident is not null and disposition <> 'duplicate'

),

counted as (

    select
        incident,
        count(*) as event_rows,
        max(update_position) as last_position
    from updates
    group by incident

),

answers as (

    select
        counted.incident,
        counted.event_rows,
        updates.opened_at,
        case when updates.resolved_at <= runs.as_of then updates.resolved_at end as resolved_at,
        updates.made_sla
    from counted
    cross join {{ ref('stg_landing__runs') }} as runs
    inner join updates
        on counted.incident = updates.incident and counted.last_position = updates.update_position

),

-- Who had the incident when it was resolved: the last update until then, or the first where the log begins
-- after the resolution.
ranked as (

    select
        updates.incident,
        updates.assignment_group,
        updates.assigned_to,
        row_number() over (
            partition by updates.incident
            order by
                case
                    when updates.sys_updated_at <= answers.resolved_at then updates.update_position
                end desc nulls last,
                updates.update_position
        ) as recency
    from updates
    inner join answers on updates.incident = answers.incident
    where updates.update_position is not null and answers.resolved_at is not null

)

select
    answers.incident,
    answers.event_rows,
    answers.opened_at,
    answers.resolved_at,
    answers.made_sla,
    {{ published(
        microseconds_between('answers.opened_at', 'answers.resolved_at')
        ~ ' / cast(3600000000 as double)'
    ) }} as resolution_hours,
    ranked.assignment_group,
    ranked.assigned_to,
    solves.solved_at
from answers
left join ranked on answers.incident = ranked.incident and ranked.recency = 1
left join {{ ref('int_tickets__solves') }} as solves
    on answers.incident = solves.ticket_id and solves.solve_kind = 'final'
