-- One row per coaching session, one-on-one or development conversation with a human agent, by the
-- instant it was held.
select
    sessions.session_id,
    sessions.agent_id,
    sessions.coach_id,
    sessions.held_at,
    sessions.kind,
    sessions.focus_metric,
    sessions.minutes,
    sessions.is_acknowledged,
    months.team_id,
    months.tier,
    months.period_month
from {{ ref('stg_native__coaching_sessions') }} as sessions
{{ join_local_month('months', 'sessions.agent_id', 'sessions.held_at', kind='inner') }}
where sessions.disposition = 'used'
