-- One row per agent, tier, month, metric and subject (sub-dimension of an evaluation, contact
-- type): sums of which the metric of that part of the work is value_sum / base_sum.
with criteria as (

    select
        evaluations.agent_id,
        evaluations.tier,
        evaluations.period_month,
        criteria.sub_dimension,
        criteria.evaluation_id,
        -- As the evaluation's own score is made.
        cast(
            cast(criteria.weight * criteria.score as double) / cast(criteria.max_score as double)
            as decimal(28, 12)
        ) as weighted_share,
        criteria.weight
    from {{ ref('fct_evaluations') }} as evaluations
    inner join {{ ref('int_evaluation_criteria__judged') }} as criteria
        on evaluations.evaluation_id = criteria.evaluation_id
    where
        evaluations.exclusion is null
        and criteria.fault is null
        and criteria.is_applicable

)

select
    agent_id,
    tier,
    period_month,
    'sub_dimension' as gap_kind,
    'qa_score' as metric,
    sub_dimension as subject,
    count(distinct evaluation_id) as fact_count,
    cast(100 * sum(weighted_share) as decimal(28, 9)) as value_sum,
    cast(sum(weight) as decimal(28, 9)) as base_sum
from criteria
group by agent_id, tier, period_month, sub_dimension

union all

select
    agent_id,
    tier,
    period_month,
    'contact_type' as gap_kind,
    metric,
    contact_type as subject,
    cast(sum(fact_count) as bigint) as fact_count,
    cast(sum(value_sum) as decimal(28, 9)) as value_sum,
    cast(sum(fact_count) as decimal(28, 9)) as base_sum
from {{ ref('int_scorecard__case_mix_cells') }}
where metric in ('csat', 'fcr_rate')
group by agent_id, tier, period_month, metric, contact_type

union all

select
    agent_id,
    tier,
    period_month,
    'contact_type' as gap_kind,
    'aht_index' as metric,
    contact_type as subject,
    cast(sum(fact_count) as bigint) as fact_count,
    cast(sum(value_sum) as decimal(28, 9)) as value_sum,
    cast(sum(fact_count * peer_mean) as decimal(28, 9)) as base_sum
from {{ ref('int_contacts__expected_handle') }}
where peer_mean is not null
group by agent_id, tier, period_month, contact_type
