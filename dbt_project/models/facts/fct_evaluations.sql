-- One row per evaluation, scored or not: `exclusion` says why it does not count, null where it does.
select
    evaluations.evaluation_id,
    evaluations.ticket_id,
    evaluations.agent_id,
    evaluations.evaluator_id,
    evaluations.interaction_at,
    evaluations.evaluated_at,
    evaluations.form_version,
    evaluations.status = 'disputed' as is_disputed,
    case
        when evaluations.status = 'draft' then 'draft'
        when evaluations.status = 'void' then 'void'
        when evaluations.is_calibration then 'calibration'
        when evaluations.evaluator_id = evaluations.agent_id then 'self_evaluation'
        when scores.has_invalid_criterion then 'invalid_criterion'
        when scores.evaluation_score is null then 'nothing_applicable'
        when agents.agent_id is null then 'unknown'
        when agents.is_bot then 'system'
        when assignments.agent_id is null then 'no_assignment'
        when months.agent_id is null then 'before_first_month'
    end as exclusion,
    months.team_id,
    months.tier,
    months.period_month,
    cast(scores.evaluation_score as decimal(18, 6)) as evaluation_score,
    scores.has_critical_error
from {{ ref('int_evaluations__judged') }} as evaluations
inner join {{ ref('int_evaluations__scores') }} as scores
    on evaluations.evaluation_id = scores.evaluation_id
left join {{ ref('dim_agents') }} as agents on evaluations.agent_id = agents.agent_id
{{ join_assignment('assignments', 'evaluations.agent_id', 'evaluations.interaction_at') }}
{{ join_local_month('months', 'evaluations.agent_id', 'evaluations.interaction_at') }}
