{{ config(**kept_by('evaluation_id', touched='qa_evaluations')) }}
-- One row per evaluation with a current version (a deleted one included, so that its criteria are
-- not orphans), with the fault that other rows reveal, or null.
select
    evaluations.evaluation_id,
    evaluations.ticket_id,
    evaluations.agent_id,
    evaluations.evaluator_id,
    evaluations.interaction_at,
    evaluations.evaluated_at,
    evaluations.form_version,
    evaluations.status,
    evaluations.is_calibration,
    evaluations.disposition = 'deleted' as is_deleted,
    case
        when
            evaluations.disposition = 'used'
            and (tickets.ticket_id is null or tickets.is_in_merge_cycle)
            then 'orphan'
    end as fault,
    evaluations.raw_file,
    evaluations.raw_row
from {{ ref('stg_native__qa_evaluations') }} as evaluations
left join {{ ref('int_tickets__scoped') }} as tickets
    on evaluations.ticket_id = tickets.ticket_id
where
    evaluations.disposition in ('used', 'deleted')
    {{ and_touched('evaluations.evaluation_id', 'qa_evaluations') }}
