-- One row per ticket that the days to be built can tell of: something happened to it since facts_from,
-- or it has been open, or without a reply of a human, ever since it was created. All of them where
-- everything is built.
with events as (

    select
        ticket_id,
        event_type,
        agent_id,
        occurred_at
    from {{ ref('int_ticket_events__judged') }}
    where fault is null and ticket_scope = 'in_scope'

),

courses as (

    select
        ticket_id,
        max(occurred_at) as last_event_at,
        max(case when event_type in ('solved', 'closed') then occurred_at end) as last_solved_at,
        max(case when event_type = 'reopened' then occurred_at end) as last_reopened_at
    from events
    group by ticket_id

),

answered as (

    select distinct events.ticket_id
    from events
    inner join {{ ref('dim_agents') }} as agents
        on events.agent_id = agents.agent_id and not agents.is_bot
    where events.event_type = 'replied'

)

select tickets.ticket_id
from {{ ref('int_tickets__scoped') }} as tickets
cross join {{ ref('stg_landing__runs') }} as runs
left join courses on tickets.ticket_id = courses.ticket_id
left join answered on tickets.ticket_id = answered.ticket_id
where
    tickets.scope = 'in_scope'
    and (
        runs.facts_from is null
        or tickets.created_at >= runs.facts_from
        or courses.last_event_at >= runs.facts_from
        or courses.last_solved_at is null
        or courses.last_reopened_at >= courses.last_solved_at
        or answered.ticket_id is null
    )
