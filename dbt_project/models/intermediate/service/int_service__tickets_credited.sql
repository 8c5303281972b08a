-- One row per in-scope ticket and target kind, with the team that owned the ticket when it counts:
-- that of the human assignee at credited_at. `credit` says where it counts: team, or why no team
-- has it. The actor is not asked: an SLA is the owner's promise, whoever replies.
with spells as (

    select
        ticket_id,
        to_value as assignee_id,
        occurred_at as starts_at,
        lead(occurred_at) over (partition by ticket_id order by event_position) as ends_at
    from {{ ref('int_ticket_events__ordered') }}
    where event_type = 'assigned'

),

assigned as (

    select
        measured.*,
        spells.assignee_id
    from {{ ref('int_service__tickets_measured') }} as measured
    left join spells
        on
            measured.ticket_id = spells.ticket_id
            and measured.credited_at >= spells.starts_at
            and (spells.ends_at is null or measured.credited_at < spells.ends_at)

)

select
    assigned.ticket_id,
    assigned.target_kind,
    assigned.severity,
    assigned.outcome,
    assigned.is_severity_lowered,
    assigned.credited_at,
    case
        when assigned.outcome = 'no_target' then 'no_target'
        when assigned.assignee_id is null then 'unassigned'
        when agents.agent_id is null then 'unknown'
        when agents.is_bot then 'system'
        when months.team_id is not null then 'team'
        when assignments.agent_id is null then 'no_assignment'
        else 'before_first_month'
    end as credit,
    months.agent_id,
    months.team_id,
    months.period_month
from assigned
left join {{ ref('dim_agents') }} as agents on assigned.assignee_id = agents.agent_id
{{ join_assignment('assignments', 'assigned.assignee_id', 'assigned.credited_at') }}
{{ join_local_month('months', 'assigned.assignee_id', 'assigned.credited_at') }}
