-- One row per agent and month that has ended and is not closed: what the bands ask of the person rather
-- than of a metric, and the parameters in force. The quarter is judged, since one month's sample is
-- mostly noise.
with worked_days as (

    select
        agent_id,
        period_month,
        count(distinct local_date) as productive_days
    from {{ ref('fct_agent_days') }}
    where productive_microseconds > 0
    group by agent_id, period_month

),

productive_days as (

    select
        worked_days.agent_id,
        windows.period_month,
        sum(worked_days.productive_days) as productive_days
    from worked_days
    inner join {{ ref('int_scorecard__windows') }} as windows
        on
            windows.period_window = 'quarter'
            and worked_days.period_month = windows.component_month
    group by worked_days.agent_id, windows.period_month

),

scores as (

    select * from {{ ref('int_scorecard__agent_scores') }}

)

select
    months.agent_id,
    months.period_month,
    months.team_id,
    months.tier,
    months.vintage,
    {{ days_between('agents.hired_on', add_days(add_months('months.period_month', 1), -1)) }}
        as tenure_days,
    cast(coalesce(productive_days.productive_days, 0) as bigint) as productive_days,
    quarter_scores.overall_score,
    month_scores.overall_score as month_overall_score,
    rules.scorecard_version,
    rules.min_tenure_days,
    rules.min_productive_days,
    rules.exceptional_percentile,
    rules.exceptional_aht_low,
    rules.exceptional_aht_high
from {{ ref('dim_agent_months') }} as months
inner join {{ ref('dim_agents') }} as agents on months.agent_id = agents.agent_id
inner join {{ ref('int_scorecard__band_rules') }} as rules
    on months.period_month = rules.period_month
left join scores as quarter_scores
    on
        quarter_scores.period_window = 'quarter'
        and months.agent_id = quarter_scores.agent_id
        and months.period_month = quarter_scores.period_month
left join scores as month_scores
    on
        month_scores.period_window = 'month'
        and months.agent_id = month_scores.agent_id
        and months.period_month = month_scores.period_month
left join productive_days
    on
        months.agent_id = productive_days.agent_id
        and months.period_month = productive_days.period_month
where months.is_ended and months.is_built
