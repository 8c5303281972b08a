{{ config(meta={"dagster": {"ref": {"name": "fct_contacts"}}}) }}
-- Facts find their local month by UTC month and bounds (int_assignments__local_months). Looked up
-- the plain way, by the assignment alone, the same interactions have to count: none is lost at the
-- edge of a month.
with first_days as (

    select min(date_day) as first_day from {{ ref('dim_dates') }}

),

expected as (

    select
        interactions.agent_id,
        interactions.ticket_id,
        count(*) as interaction_count
    from {{ ref('int_interactions__judged') }} as interactions
    inner join {{ ref('dim_agents') }} as agents
        on interactions.agent_id = agents.agent_id and not agents.is_bot
    inner join {{ ref('dim_agent_assignments') }} as assignments
        on
            interactions.agent_id = assignments.agent_id
            and interactions.started_at >= assignments.starts_at
            and (assignments.ends_at is null or interactions.started_at < assignments.ends_at)
    cross join first_days
    where
        interactions.fault is null
        and interactions.ticket_scope not in ('spam', 'test', 'deleted')
        and interactions.started_at >= {{ local_to_utc('first_days.first_day', 'assignments.timezone') }}
    group by interactions.agent_id, interactions.ticket_id

),

counted as (

    select
        agent_id,
        ticket_id,
        sum(interaction_count) as interaction_count
    from {{ ref('fct_contacts') }}
    group by agent_id, ticket_id

)

select
    coalesce(expected.agent_id, counted.agent_id) as agent_id,
    coalesce(expected.ticket_id, counted.ticket_id) as ticket_id,
    expected.interaction_count as expected_count,
    counted.interaction_count as counted_count
from expected
full outer join counted on expected.agent_id = counted.agent_id and expected.ticket_id = counted.ticket_id
where coalesce(expected.interaction_count, 0) <> coalesce(counted.interaction_count, 0)
