-- One row per evaluation by which its evaluator is judged: the scored ones, and those that were
-- voided after a dispute, which would otherwise hide the plainest overturns.
with evaluations as (

    select
        evaluations.evaluation_id,
        evaluations.evaluator_id,
        evaluations.agent_id,
        evaluations.period_month,
        coalesce(changed.contact_type, tickets.contact_type) as contact_type,
        evaluations.exclusion is null as is_scored,
        evaluations.evaluation_score,
        disputes.evaluation_id is not null as is_disputed,
        disputes.disputed_score
    from {{ ref('fct_evaluations') }} as evaluations
    inner join {{ ref('int_evaluations__judged') }} as judged
        on evaluations.evaluation_id = judged.evaluation_id
    inner join {{ ref('int_tickets__scoped') }} as tickets
        on evaluations.ticket_id = tickets.ticket_id
    {{ join_contact_type_at('changed', 'evaluations.ticket_id', 'evaluations.interaction_at') }}
    left join {{ ref('int_measurement__disputes') }} as disputes
        on evaluations.evaluation_id = disputes.evaluation_id
    where
        evaluations.exclusion is null
        or (
            evaluations.exclusion = 'void'
            and disputes.evaluation_id is not null
            and evaluations.period_month is not null
            and evaluations.evaluator_id <> evaluations.agent_id
            and not judged.is_calibration
        )

)

select
    evaluation_id,
    evaluator_id,
    agent_id,
    period_month,
    contact_type,
    is_scored,
    case when is_scored then evaluation_score end as evaluation_score,
    is_disputed,
    is_disputed
    and (not is_scored or coalesce(evaluation_score <> disputed_score, false)) as is_overturned
from evaluations
