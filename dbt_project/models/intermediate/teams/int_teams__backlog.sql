-- One row per team and month with open tickets at its end (as_of for the running one): in-scope tickets
-- without a solve since creation or the last reopen, by the team their assignee was in at that instant.
-- What happens at the very instant a month ends belongs to the next month; as_of itself is known.
with months as (

    select
        team_months.team_id,
        team_months.period_month,
        case when team_months.is_ended then team_months.ended_at else runs.as_of end as measured_at,
        case
            when team_months.is_ended then team_months.ended_at
            else {{ add_microseconds('runs.as_of', 1) }}
        end as until_at
    from {{ ref('dim_team_months') }} as team_months
    cross join {{ ref('stg_landing__runs') }} as runs

),

ordered_events as (

    select * from {{ ref('int_ticket_events__ordered') }}

),

turns as (

    select
        tickets.ticket_id,
        tickets.created_at as turned_at,
        0 as event_position,
        true as is_open
    from {{ ref('int_tickets__scoped') }} as tickets
    inner join {{ ref('int_tickets__in_view') }} as in_view on tickets.ticket_id = in_view.ticket_id

    union all

    select
        ticket_id,
        occurred_at as turned_at,
        event_position,
        event_type = 'reopened' as is_open
    from ordered_events
    where event_type in ('solved', 'closed', 'reopened')

),

spells as (

    select
        ticket_id,
        is_open,
        turned_at as starts_at,
        lead(turned_at) over (partition by ticket_id order by event_position) as ends_at
    from turns

),

-- Local month ends lie within 14 hours of UTC's, so a spell that meets none is left out early.
open_spells as (

    select
        ticket_id,
        starts_at,
        ends_at
    from spells
    where
        is_open
        and (
            ends_at is null
            or {{ month_of("starts_at - interval '1' day") }}
            < {{ month_of("ends_at + interval '1' day") }}
        )

),

assignee_spells as (

    select
        ticket_id,
        to_value as agent_id,
        occurred_at as starts_at,
        lead(occurred_at) over (partition by ticket_id order by event_position) as ends_at
    from ordered_events
    where event_type = 'assigned'

),

held as (

    select
        open_spells.ticket_id,
        assignments.team_id,
        greatest(open_spells.starts_at, assignee_spells.starts_at, assignments.starts_at)
            as starts_at,
        -- An end that is not known yet is null, which least() passes over.
        least(open_spells.ends_at, assignee_spells.ends_at, assignments.ends_at) as ends_at
    from open_spells
    inner join assignee_spells on open_spells.ticket_id = assignee_spells.ticket_id
    inner join {{ ref('dim_agents') }} as agents
        on assignee_spells.agent_id = agents.agent_id and not agents.is_bot
    inner join {{ ref('dim_agent_assignments') }} as assignments
        on assignee_spells.agent_id = assignments.agent_id

)

select
    months.team_id,
    months.period_month,
    count(*) as backlog_end,
    sum(case when tickets.created_at < months.measured_at - interval '7' day then 1 else 0 end)
        as backlog_over_7_days
from held
inner join months
    on
        held.team_id = months.team_id
        and held.starts_at < months.until_at
        and (held.ends_at is null or held.ends_at >= months.until_at)
inner join {{ ref('int_tickets__scoped') }} as tickets on held.ticket_id = tickets.ticket_id
where tickets.created_at < months.until_at
group by months.team_id, months.period_month
