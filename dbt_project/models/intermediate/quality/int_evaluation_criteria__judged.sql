{{ config(**kept_by('evaluation_id', touched='qa_criterion_scores')) }}
-- One row per current criterion score, with the fault that other rows reveal, or null.
select
    criteria.evaluation_id,
    criteria.criterion,
    criteria.sub_dimension,
    criteria.score,
    criteria.max_score,
    criteria.weight,
    criteria.is_applicable,
    criteria.is_critical_error,
    case
        when evaluations.evaluation_id is null or evaluations.fault is not null then 'orphan'
    end as fault,
    criteria.raw_file,
    criteria.raw_row
from {{ ref('stg_native__qa_criterion_scores') }} as criteria
left join {{ ref('int_evaluations__judged') }} as evaluations
    on criteria.evaluation_id = evaluations.evaluation_id
where
    criteria.disposition = 'used'
    {{ and_touched('criteria.evaluation_id', 'qa_criterion_scores') }}
