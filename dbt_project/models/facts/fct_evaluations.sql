-- One row per evaluation, scored or not: `exclusion` says why it does not count, null where it does.
-- Scored ones of days that are not built are left out.
select
    evaluations.evaluation_id,
    evaluations.ticket_id,
    evaluations.agent_id,
    evaluations.evaluator_id,
    evaluations.interaction_at,
    evaluations.evaluated_at,
    evaluations.form_version,
    evaluations.status = 'disputed' as is_disputed,
    excluded.exclusion,
    months.team_id,
    months.tier,
    months.period_month,
    cast(scores.evaluation_score as decimal(18, 6)) as evaluation_score,
    scores.has_critical_error
from {{ ref('int_evaluations__judged') }} as evaluations
inner join {{ ref('int_evaluations__scores') }} as scores
    on evaluations.evaluation_id = scores.evaluation_id
inner join {{ ref('int_evaluations__excluded') }} as excluded
    on evaluations.evaluation_id = excluded.evaluation_id
{{ join_local_month('months', 'evaluations.agent_id', 'evaluations.interaction_at') }}
where excluded.exclusion is not null or months.agent_id is not null
