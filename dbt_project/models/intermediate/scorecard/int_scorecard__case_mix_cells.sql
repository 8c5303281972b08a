-- One row per agent, month, metric and cell (team, tier, contact type): the facts of the metrics whose
-- level depends on what the contacts were about, and how many of them had the outcome.
with facts as (

    select
        agent_id,
        team_id,
        tier,
        period_month,
        contact_type,
        contact_family,
        'csat' as metric,
        is_positive as has_outcome
    from {{ ref('fct_survey_responses') }}
    where is_answered and exclusion is null

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        contact_type,
        contact_family,
        'fcr_rate' as metric,
        not is_reopened_in_window and not is_followed_by_repeat as has_outcome
    from {{ ref('fct_solves') }}
    where solve_kind = 'first' and credit = 'agent' and is_mature and period_month is not null

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        contact_type,
        contact_family,
        'escalation_rate' as metric,
        is_escalated as has_outcome
    from {{ ref('fct_contacts') }}
    where is_escalatable

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        contact_type,
        contact_family,
        'repeat_contact_rate' as metric,
        is_followed_by_repeat as has_outcome
    from {{ ref('fct_solves') }}
    where
        solve_kind = 'final'
        and credit = 'agent'
        and is_mature
        and has_customer
        and period_month is not null

)

select
    agent_id,
    period_month,
    metric,
    team_id,
    tier,
    contact_type,
    contact_family,
    count(*) as fact_count,
    sum(case when has_outcome then 1 else 0 end) as value_sum
from facts
group by agent_id, period_month, metric, team_id, tier, contact_type, contact_family
