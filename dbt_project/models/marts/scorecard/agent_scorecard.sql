-- One row per agent, period month and window: the four dimension scores and the overall score.
select
    scores.agent_id,
    scores.period_month,
    scores.period_window as {{ adapter.quote('window') }},
    months.team_id,
    teams.team_name,
    months.tier,
    cast({{ days_between(
        'agents.hired_on', add_days(add_months('scores.period_month', 1), -1)
    ) }} as bigint) as tenure_days,
    scores.quality_score,
    scores.efficiency_score,
    scores.customer_impact_score,
    scores.development_score,
    scores.overall_score,
    scores.coverage,
    versions.scorecard_version,
    months.vintage,
    runs.as_of,
    runs.release_id
from {{ ref('int_scorecard__agent_scores') }} as scores
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('dim_agent_months') }} as months
    on scores.agent_id = months.agent_id and scores.period_month = months.period_month
inner join {{ ref('dim_teams') }} as teams on months.team_id = teams.team_id
inner join {{ ref('dim_agents') }} as agents on scores.agent_id = agents.agent_id
inner join {{ ref('int_scorecard__versions_in_force') }} as versions
    on scores.period_month = versions.period_month
