{{ config(meta={"dagster": {"ref": {"name": "improvement_plan_outcomes"}}}) }}
-- A plan is judged on the sample it asks for itself, and what people decided is theirs: nothing is met
-- or missed on less, no evidence stands before the end, and no decision differs from the plan's own row.
select
    progress.plan_id,
    progress.status as judged,
    'sample' as fault
from {{ ref('improvement_plan_progress') }} as progress
where
    progress.status <> 'not_assessable'
    and (progress.sample_size < progress.minimum_sample or progress.observed_value is null)

union all

select
    outcomes.plan_id,
    outcomes.evidence_outcome as judged,
    'outcome' as fault
from {{ ref('improvement_plan_outcomes') }} as outcomes
where
    (outcomes.evidence_outcome = 'not_met' and outcomes.metrics_assessable < outcomes.metrics_total)
    or (outcomes.evidence_outcome = 'met' and outcomes.metrics_met < outcomes.metrics_total)
    or (outcomes.evidence_outcome is not null and outcomes.is_running)

union all

select
    outcomes.plan_id,
    outcomes.decided_outcome as judged,
    'decision' as fault
from {{ ref('improvement_plan_outcomes') }} as outcomes
inner join {{ ref('stg_native__improvement_plans') }} as plans
    on outcomes.plan_id = plans.plan_id and plans.disposition = 'used'
where
    coalesce(outcomes.decided_outcome, '') <> coalesce(plans.decided_outcome, '')
    or coalesce(outcomes.decided_by, '') <> coalesce(plans.decided_by, '')
