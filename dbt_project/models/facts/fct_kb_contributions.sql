-- One row per knowledge base contribution of a human agent, accepted or not, by the instant it was made.
select
    contributions.contribution_id,
    contributions.agent_id,
    contributions.article_id,
    contributions.action,
    contributions.occurred_at,
    contributions.is_accepted,
    months.team_id,
    months.tier,
    months.period_month
from {{ ref('stg_native__kb_contributions') }} as contributions
{{ join_local_month('months', 'contributions.agent_id', 'contributions.occurred_at', kind='inner') }}
where contributions.disposition = 'used'
