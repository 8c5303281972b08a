-- One row per agent, month and context metric that has facts: shown beside the scored metrics,
-- never scored. A count has denominator 1.
with surveys as (

    select
        agent_id,
        period_month,
        cast(score as double) * 5 / cast(scale_max as double) as score_of_five
    from {{ ref('fct_survey_responses') }}
    where is_answered and exclusion is null

),

agent_days as (

    select
        agent_id,
        period_month,
        sum(productive_microseconds) as productive_microseconds,
        sum(handling_microseconds) as handling_microseconds,
        sum(scheduled_microseconds) as scheduled_microseconds
    from {{ ref('fct_agent_days') }}
    group by agent_id, period_month

),

contacts as (

    select
        agent_id,
        period_month,
        count(*) as contact_count,
        count(handle_seconds) as timed_contact_count,
        sum(handle_seconds) as handle_seconds
    from {{ ref('fct_contacts') }}
    group by agent_id, period_month

),

parts as (

    select
        agent_id,
        period_month,
        'csat_average' as metric,
        sum(cast(score_of_five as decimal(18, 9))) as numerator,
        count(*) as denominator
    from surveys
    group by agent_id, period_month

    union all

    select
        agent_id,
        sent_period_month as period_month,
        'response_rate' as metric,
        sum(case when is_answered then 1 else 0 end) as numerator,
        count(*) as denominator
    from {{ ref('fct_survey_responses') }}
    where
        sent_period_month is not null
        and (exclusion is null or exclusion in ('no_assignment', 'before_first_month'))
    group by agent_id, sent_period_month

    union all

    select
        agent_id,
        period_month,
        'reopen_rate' as metric,
        sum(case when is_reopened_in_window then 1 else 0 end) as numerator,
        count(*) as denominator
    from {{ ref('fct_solves') }}
    where solve_kind = 'first' and credit = 'agent' and is_mature and period_month is not null
    group by agent_id, period_month

    union all

    select
        agent_id,
        period_month,
        'occupancy' as metric,
        {{ seconds_of('handling_microseconds') }} as numerator,
        {{ seconds_of('productive_microseconds') }} as denominator
    from agent_days

    union all

    select
        agent_id,
        period_month,
        'conformance' as metric,
        {{ seconds_of('productive_microseconds') }} as numerator,
        {{ seconds_of('scheduled_microseconds') }} as denominator
    from agent_days

    union all

    select
        agent_id,
        period_month,
        'contacts_handled' as metric,
        contact_count as numerator,
        1 as denominator
    from contacts

    union all

    select
        agent_id,
        period_month,
        'average_handle_seconds' as metric,
        coalesce(handle_seconds, 0) as numerator,
        timed_contact_count as denominator
    from contacts

    union all

    select
        agent_id,
        period_month,
        'training_late' as metric,
        sum(case when completed_at is not null and not is_completed_in_time then 1 else 0 end)
            as numerator,
        1 as denominator
    from {{ ref('fct_training') }}
    where is_due_day_over and not is_waived and is_scorecard_month
    group by agent_id, period_month

    union all

    select
        agent_id,
        period_month,
        'disputed_evaluations' as metric,
        sum(case when is_disputed then 1 else 0 end) as numerator,
        1 as denominator
    from {{ ref('fct_evaluations') }}
    where exclusion is null
    group by agent_id, period_month

    union all

    select
        months.agent_id,
        months.period_month,
        'tenure_days' as metric,
        {{ days_between('agents.hired_on', add_days(add_months('months.period_month', 1), -1)) }}
            as numerator,
        1 as denominator
    from {{ ref('dim_agent_months') }} as months
    inner join {{ ref('dim_agents') }} as agents on months.agent_id = agents.agent_id

)

select
    agent_id,
    period_month,
    metric,
    cast(numerator as decimal(28, 9)) as numerator,
    cast(denominator as decimal(28, 9)) as denominator
from parts
