{{ config(meta={"dagster": {"ref": {"name": "int_people__dated_facts"}}}) }}
-- Facts by day are the facts of the scorecard, told by day: added up over a month they are the
-- same. A fact that falls on another day than its month says, or that one side leaves out, shows
-- here.
with by_day as (

    select
        agent_id,
        {{ month_of('local_date') }} as period_month,
        metric,
        sum(value_sum) as value_sum,
        sum(base_sum) as base_sum
    from {{ ref('int_people__dated_facts') }}
    group by agent_id, {{ month_of('local_date') }}, metric

),

by_month as (

    select
        agent_id,
        period_month,
        metric,
        sum(numerator) as value_sum,
        sum(denominator) as base_sum
    from {{ ref('int_scorecard__metric_parts') }}
    where
        metric in (
            'qa_score', 'critical_error_rate', 'csat', 'fcr_rate', 'repeat_contact_rate',
            'escalation_rate', 'aht_index', 'schedule_adherence', 'contacts_per_productive_hour'
        )
        and (numerator <> 0 or denominator <> 0)
    group by agent_id, period_month, metric

)

select
    coalesce(by_day.agent_id, by_month.agent_id) as agent_id,
    coalesce(by_day.period_month, by_month.period_month) as period_month,
    coalesce(by_day.metric, by_month.metric) as metric,
    by_day.value_sum as value_by_day,
    by_month.value_sum as value_by_month,
    by_day.base_sum as base_by_day,
    by_month.base_sum as base_by_month
from by_day
full outer join by_month
    on
        by_day.agent_id = by_month.agent_id
        and by_day.period_month = by_month.period_month
        and by_day.metric = by_month.metric
where
    by_day.metric is null
    or by_month.metric is null
    or by_day.value_sum <> by_month.value_sum
    or by_day.base_sum <> by_month.base_sum
