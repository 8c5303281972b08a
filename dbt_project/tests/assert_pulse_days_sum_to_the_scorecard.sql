{{ config(meta={"dagster": {"ref": {"name": "agent_daily_pulse"}}}) }}
-- What is counted once a month is counted on one of its days: answers, evaluations and hand-offs of
-- the days are those of the scorecard. Contacts are not compared: a day's may be next day's too.
with days as (

    select
        agent_id,
        period_month,
        sum(csat_responses) as csat_responses,
        sum(csat_positive) as csat_positive,
        sum(qa_evaluations) as qa_evaluations,
        sum(escalations) as escalations
    from {{ ref('agent_daily_pulse') }}
    group by agent_id, period_month

),

months as (

    select
        agent_id,
        period_month,
        sum(case when metric = 'csat' then denominator else 0 end) as csat_responses,
        sum(case when metric = 'csat' then numerator else 0 end) as csat_positive,
        sum(case when metric = 'qa_score' then denominator else 0 end) as qa_evaluations,
        sum(case when metric = 'escalation_rate' then numerator else 0 end) as escalations
    from {{ ref('int_scorecard__metric_parts') }}
    group by agent_id, period_month

)

select
    coalesce(days.agent_id, months.agent_id) as agent_id,
    coalesce(days.period_month, months.period_month) as period_month
from days
full outer join months
    on days.agent_id = months.agent_id and days.period_month = months.period_month
where
    coalesce(days.csat_responses, 0) <> coalesce(months.csat_responses, 0)
    or coalesce(days.csat_positive, 0) <> coalesce(months.csat_positive, 0)
    or coalesce(days.qa_evaluations, 0) <> coalesce(months.qa_evaluations, 0)
    or coalesce(days.escalations, 0) <> coalesce(months.escalations, 0)
