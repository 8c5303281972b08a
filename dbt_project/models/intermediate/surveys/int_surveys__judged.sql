{{ config(**kept_by('survey_id', touched='surveys')) }}
-- One row per current survey, with the fault that other rows reveal, or null.
select
    surveys.survey_id,
    surveys.ticket_id,
    surveys.agent_id,
    surveys.sent_at,
    surveys.responded_at,
    surveys.score,
    surveys.scale_max,
    case when tickets.ticket_id is null or tickets.is_in_merge_cycle then 'orphan' end as fault,
    tickets.scope as ticket_scope,
    surveys.raw_file,
    surveys.raw_row
from {{ ref('stg_native__surveys') }} as surveys
left join {{ ref('int_tickets__scoped') }} as tickets on surveys.ticket_id = tickets.ticket_id
where
    surveys.disposition = 'used'
    {{ and_touched('surveys.survey_id', 'surveys') }}
