-- One row per agent and local day with a credited fact that is no contact: first solves, hand-offs,
-- answered surveys and scored evaluations, each on the day of its own instant.
-- First solves, not final ones: a day's count must not shrink when a ticket comes back weeks later.
with handed_off as (

    select
        events.agent_id,
        events.ticket_id,
        months.period_month,
        min(events.occurred_at) as handed_off_at
    from {{ ref('int_ticket_events__judged') }} as events
    {{ join_local_month('months', 'events.agent_id', 'events.occurred_at', kind='inner') }}
    where events.fault is null and events.event_type = 'escalated' and events.from_value = 'T1'
    group by events.agent_id, events.ticket_id, months.period_month

),

facts as (

    select
        agent_id,
        solved_at as happened_at,
        1 as solved,
        0 as escalations,
        0 as csat_responses,
        0 as csat_positive,
        0 as qa_evaluations
    from {{ ref('fct_solves') }}
    where solve_kind = 'first' and credit = 'agent'

    union all

    -- Once per ticket and month, as in escalation_rate, on the day of the first hand-off.
    select
        escalations.agent_id,
        handed_off.handed_off_at as happened_at,
        0 as solved,
        1 as escalations,
        0 as csat_responses,
        0 as csat_positive,
        0 as qa_evaluations
    from {{ ref('fct_escalations') }} as escalations
    inner join handed_off
        on
            escalations.agent_id = handed_off.agent_id
            and escalations.ticket_id = handed_off.ticket_id
            and escalations.period_month = handed_off.period_month

    union all

    select
        agent_id,
        responded_at as happened_at,
        0 as solved,
        0 as escalations,
        1 as csat_responses,
        case when is_positive then 1 else 0 end as csat_positive,
        0 as qa_evaluations
    from {{ ref('fct_survey_responses') }}
    where is_answered and exclusion is null

    union all

    select
        agent_id,
        interaction_at as happened_at,
        0 as solved,
        0 as escalations,
        0 as csat_responses,
        0 as csat_positive,
        1 as qa_evaluations
    from {{ ref('fct_evaluations') }}
    where exclusion is null

)

select
    facts.agent_id,
    days.local_date,
    cast(sum(facts.solved) as bigint) as solved,
    cast(sum(facts.escalations) as bigint) as escalations,
    cast(sum(facts.csat_responses) as bigint) as csat_responses,
    cast(sum(facts.csat_positive) as bigint) as csat_positive,
    cast(sum(facts.qa_evaluations) as bigint) as qa_evaluations
from facts
{{ join_local_day('days', 'facts.agent_id', 'facts.happened_at', kind='inner') }}
group by facts.agent_id, days.local_date
