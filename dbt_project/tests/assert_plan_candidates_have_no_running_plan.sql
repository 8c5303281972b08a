{{ config(meta={"dagster": {"ref": {"name": "improvement_plan_candidates"}}}) }}
-- A candidate is somebody the bands give reason for, whom no plan covers at the month's end, and whose
-- plan would keep to 4 to 8 weeks.
select
    candidates.agent_id,
    candidates.period_month,
    bands.band,
    outcomes.plan_id,
    candidates.weeks
from {{ ref('improvement_plan_candidates') }} as candidates
left join {{ ref('performance_bands') }} as bands
    on
        candidates.agent_id = bands.agent_id
        and candidates.period_month = bands.period_month
        and candidates.band = bands.band
        and bands.band in ('below_expectations', 'developing')
left join {{ ref('improvement_plan_outcomes') }} as outcomes
    on
        candidates.agent_id = outcomes.agent_id
        and outcomes.evidence_outcome is distinct from 'left'
        and outcomes.opened_on < {{ add_months('candidates.period_month', 1) }}
        and coalesce(outcomes.closed_on, outcomes.planned_end_on)
        >= {{ add_months('candidates.period_month', 1) }}
where
    bands.agent_id is null
    or outcomes.plan_id is not null
    or (candidates.weeks is null) <> (candidates.proposed_metrics = 0)
    or candidates.weeks not between 4 and 8
