-- One row per agent, ended month and metric: the evidence as it would be after the nearest change, every
-- derived figure recomputed from the changed value.
with changes as (

    select * from {{ ref('int_bands__changes') }}
    where value_then is not null

),

evidence as (

    select * from {{ ref('int_bands__evidence') }}

)

select
    evidence.agent_id,
    evidence.period_month,
    evidence.metric,
    evidence.label,
    evidence.value_unit,
    evidence.direction,
    evidence.is_key,
    evidence.is_eligible or changes.metric is not null as is_eligible,
    coalesce(changes.sample_then, evidence.sample_size) as sample_size,
    evidence.minimum_sample,
    coalesce(changes.value_then, evidence.value) as value,
    coalesce(changes.value_then, evidence.adjusted_value) as adjusted_value,
    evidence.target,
    evidence.gate_threshold,
    case
        when changes.metric is null or evidence.interval_lower is null then evidence.interval_lower
        when evidence.metric = 'qa_score'
            then evidence.interval_lower + changes.value_then - evidence.value
        else
            {{ published(wilson_bound('changes.value_then', 'changes.sample_then', 'lower')) }}
    end as interval_lower,
    case
        when changes.metric is null or evidence.interval_upper is null then evidence.interval_upper
        when evidence.metric = 'qa_score'
            then evidence.interval_upper + changes.value_then - evidence.value
        else
            {{ published(wilson_bound('changes.value_then', 'changes.sample_then', 'upper')) }}
    end as interval_upper,
    -- The team moves with the agent: who is at or above the others is at or above the team.
    case
        when changes.metric is null then evidence.team_adjusted_value
        else coalesce(changes.rest_of_team_value, changes.value_then)
    end as team_adjusted_value,
    coalesce(changes.percentile_then, evidence.percentile) as percentile,
    evidence.eligible_months,
    evidence.missed_months
from evidence
left join changes
    on
        evidence.agent_id = changes.agent_id
        and evidence.period_month = changes.period_month
        and evidence.metric = changes.metric
