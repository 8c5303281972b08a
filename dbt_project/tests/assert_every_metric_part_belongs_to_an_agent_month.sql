{{ config(meta={"dagster": {"ref": {"name": "int_scorecard__metric_parts"}}}) }}
-- The scorecard has a row for each agent-month and team-month of the roster. Work credited to a
-- month without such a row would be part of the company's sums and of nobody's scorecard.
with parts as (

    select distinct
        agent_id,
        team_id,
        period_month
    from {{ ref('int_scorecard__metric_parts') }}

)

select
    parts.agent_id,
    parts.team_id,
    parts.period_month
from parts
left join {{ ref('dim_agent_months') }} as agent_months
    on parts.agent_id = agent_months.agent_id and parts.period_month = agent_months.period_month
left join {{ ref('dim_team_months') }} as team_months
    on parts.team_id = team_months.team_id and parts.period_month = team_months.period_month
where agent_months.agent_id is null or team_months.team_id is null
