-- One row per evaluation: `exclusion` says why it is not scored, null where it is.
-- The first scorecard month is asked for by date: a build that looks back less far must not call an
-- evaluation anything else.
with first_months as (

    select min(effective_from) as first_month
    from {{ ref('scorecard_versions') }}

)

select
    evaluations.evaluation_id,
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
        when
            cast({{ utc_to_local('evaluations.interaction_at', 'assignments.timezone') }} as date)
            < first_months.first_month
            then 'before_first_month'
    end as exclusion
from {{ ref('int_evaluations__judged') }} as evaluations
cross join first_months
inner join {{ ref('int_evaluations__scores') }} as scores
    on evaluations.evaluation_id = scores.evaluation_id
left join {{ ref('dim_agents') }} as agents on evaluations.agent_id = agents.agent_id
{{ join_assignment('assignments', 'evaluations.agent_id', 'evaluations.interaction_at') }}
