-- One row per agent, metric and local day with facts: sums from which the metric of any span of
-- days is value_sum / base_sum, and its spread from the squares. Only metrics whose facts happen on
-- a day.
--   fact_count            evaluations, responses, tickets, contacts; days for the two of time
--   value_sum, base_sum   what stands above and below the line; in a share or mean each fact has base 1
--   value_squares, product_sum, base_squares   of the single facts
-- Facts are what the scorecard counts: matured, credited, in scope. A union takes the narrowest
-- scale of its branches, so each says its own.
with teams as (

    select
        team_id,
        timezone
    from {{ ref('dim_teams') }}

),

evaluations as (

    select
        evaluations.agent_id,
        cast({{ utc_to_local('evaluations.interaction_at', 'teams.timezone') }} as date)
            as local_date,
        evaluations.evaluation_score,
        evaluations.has_critical_error
    from {{ ref('fct_evaluations') }} as evaluations
    inner join teams on evaluations.team_id = teams.team_id
    where evaluations.exclusion is null

),

solves as (

    select
        solves.agent_id,
        cast({{ utc_to_local('solves.solved_at', 'teams.timezone') }} as date) as local_date,
        solves.solve_kind,
        solves.has_customer,
        solves.is_reopened_in_window,
        solves.is_followed_by_repeat
    from {{ ref('fct_solves') }} as solves
    inner join teams on solves.team_id = teams.team_id
    where solves.credit = 'agent' and solves.is_mature and solves.period_month is not null

),

contacts as (

    select
        contacts.agent_id,
        cast({{ utc_to_local('contacts.first_interaction_at', 'teams.timezone') }} as date)
            as local_date,
        contacts.is_escalatable,
        contacts.is_escalated,
        contacts.handle_seconds,
        expected.peer_mean
    from {{ ref('fct_contacts') }} as contacts
    inner join teams on contacts.team_id = teams.team_id
    left join {{ ref('int_contacts__expected_handle') }} as expected
        on
            contacts.agent_id = expected.agent_id
            and contacts.period_month = expected.period_month
            and contacts.team_id = expected.team_id
            and contacts.contact_type = expected.contact_type
            and contacts.channel = expected.channel
            and contacts.tier = expected.tier

),

-- An agent who changes team across timezones may have two parts of one day.
agent_days as (

    select
        agent_id,
        local_date,
        {{ seconds_of('sum(case when not is_absent then adherent_microseconds else 0 end)') }}
            as adherent_seconds,
        {{ seconds_of('sum(case when not is_absent then scheduled_microseconds else 0 end)') }}
            as scheduled_seconds,
        {{ seconds_of('sum(productive_microseconds)') }} as productive_seconds
    from {{ ref('fct_agent_days') }}
    group by agent_id, local_date

),

contact_days as (

    select
        agent_id,
        local_date,
        count(*) as contact_count
    from contacts
    group by agent_id, local_date

),

facts as (

    select
        agent_id,
        'qa_score' as metric,
        local_date,
        cast(evaluation_score as decimal(12, 6)) as value,
        cast(1 as decimal(12, 6)) as base
    from evaluations

    union all

    select
        agent_id,
        'critical_error_rate' as metric,
        local_date,
        cast(case when has_critical_error then 1 else 0 end as decimal(12, 6)) as value,
        cast(1 as decimal(12, 6)) as base
    from evaluations

    union all

    select
        responses.agent_id,
        'csat' as metric,
        cast({{ utc_to_local('responses.responded_at', 'teams.timezone') }} as date) as local_date,
        cast(case when responses.is_positive then 1 else 0 end as decimal(12, 6)) as value,
        cast(1 as decimal(12, 6)) as base
    from {{ ref('fct_survey_responses') }} as responses
    inner join teams on responses.team_id = teams.team_id
    where responses.is_answered and responses.exclusion is null

    union all

    select
        agent_id,
        'fcr_rate' as metric,
        local_date,
        cast(
            case when is_reopened_in_window or is_followed_by_repeat then 0 else 1 end
            as decimal(12, 6)
        ) as value,
        cast(1 as decimal(12, 6)) as base
    from solves
    where solve_kind = 'first'

    union all

    select
        agent_id,
        'repeat_contact_rate' as metric,
        local_date,
        cast(case when is_followed_by_repeat then 1 else 0 end as decimal(12, 6)) as value,
        cast(1 as decimal(12, 6)) as base
    from solves
    where solve_kind = 'final' and has_customer

    union all

    select
        agent_id,
        'escalation_rate' as metric,
        local_date,
        cast(case when is_escalated then 1 else 0 end as decimal(12, 6)) as value,
        cast(1 as decimal(12, 6)) as base
    from contacts
    where is_escalatable

    union all

    select
        agent_id,
        'aht_index' as metric,
        local_date,
        cast(handle_seconds as decimal(12, 6)) as value,
        cast(peer_mean as decimal(12, 6)) as base
    from contacts
    where handle_seconds is not null and peer_mean is not null

    union all

    select
        agent_id,
        'schedule_adherence' as metric,
        local_date,
        cast(adherent_seconds as decimal(12, 6)) as value,
        cast(scheduled_seconds as decimal(12, 6)) as base
    from agent_days
    where scheduled_seconds > 0

    union all

    select
        agent_days.agent_id,
        'contacts_per_productive_hour' as metric,
        agent_days.local_date,
        cast(coalesce(contact_days.contact_count, 0) as decimal(12, 6)) as value,
        cast(agent_days.productive_seconds as decimal(12, 6)) as base
    from agent_days
    left join contact_days
        on
            agent_days.agent_id = contact_days.agent_id
            and agent_days.local_date = contact_days.local_date
    where agent_days.productive_seconds > 0 or contact_days.contact_count > 0

)

select
    agent_id,
    metric,
    local_date,
    count(*) as fact_count,
    sum(value) as value_sum,
    sum(base) as base_sum,
    -- A day's seconds squared do not fit 18 digits, in which a narrower product would be taken.
    sum(cast(value as decimal(20, 6)) * value) as value_squares,
    sum(cast(value as decimal(20, 6)) * base) as product_sum,
    sum(cast(base as decimal(20, 6)) * base) as base_squares
from facts
group by agent_id, metric, local_date
