-- One row per sound survey sent or answered in view: credit as offered (the survey's agent, else the
-- assignee when it was sent).
-- `exclusion` says why an answer does not count, null where it does or where there is none.
with surveys as (

    select judged.*
    from {{ ref('int_surveys__judged') }} as judged
    cross join {{ ref('stg_landing__runs') }} as runs
    where
        judged.fault is null
        and (
            {{ in_view('judged.sent_at', 'runs') }} or {{ in_view('judged.responded_at', 'runs') }}
        )

),

assigned as (

    select
        surveys.survey_id,
        events.to_value as assignee_id,
        row_number() over (
            partition by surveys.survey_id order by events.occurred_at desc, events.event_id desc
        ) as recency
    from surveys
    inner join {{ ref('int_ticket_events__judged') }} as events
        on
            surveys.ticket_id = events.ticket_id
            and events.event_type = 'assigned'
            and events.occurred_at <= surveys.sent_at
    where events.fault is null and surveys.agent_id is null

),

offered as (

    select
        surveys.*,
        coalesce(surveys.agent_id, assigned.assignee_id) as offered_agent_id
    from surveys
    left join assigned on surveys.survey_id = assigned.survey_id and assigned.recency = 1

)

select
    offered.survey_id,
    offered.ticket_id,
    offered.sent_at,
    offered.responded_at,
    offered.responded_at is not null and offered.score is not null as is_answered,
    offered.score,
    offered.scale_max,
    offered.score >= 0.8 * offered.scale_max as is_positive,
    case
        when offered.ticket_scope <> 'in_scope' then 'ticket_out_of_scope'
        when offered.offered_agent_id is null then 'unassigned'
        when agents.agent_id is null then 'unknown'
        when agents.is_bot then 'system'
        when offered.responded_at is null or offered.score is null then null
        when assignments.agent_id is null then 'no_assignment'
        when responded_months.agent_id is null then 'before_first_month'
    end as exclusion,
    agents.agent_id,
    responded_months.team_id,
    responded_months.tier,
    responded_months.period_month,
    sent_months.period_month as sent_period_month,
    types.contact_type,
    types.contact_family
from offered
inner join {{ ref('int_tickets__scoped') }} as tickets on offered.ticket_id = tickets.ticket_id
left join {{ ref('dim_agents') }} as agents on offered.offered_agent_id = agents.agent_id
{{ join_assignment('assignments', 'offered.offered_agent_id', 'offered.responded_at') }}
{{ join_local_month('responded_months', 'offered.offered_agent_id', 'offered.responded_at') }}
{{ join_local_month('sent_months', 'offered.offered_agent_id', 'offered.sent_at') }}
{{ join_contact_type_at('changed', 'offered.ticket_id', 'offered.responded_at') }}
left join {{ ref('dim_contact_types') }} as types
    on coalesce(changed.contact_type, tickets.contact_type) = types.contact_type
