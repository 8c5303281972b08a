-- One row per agent, period month and window: dimension scores, their coverage and the overall
-- score. No overall score below the least coverage or without the quality dimension: better none
-- than one that rests on speed alone.
with dimensions as (

    select * from {{ ref('int_scorecard__dimension_scores') }}

),

rules as (

    select
        period_month,
        min_coverage
    from {{ ref('int_scorecard__band_rules') }}

),

summed as (

    select
        agent_id,
        period_month,
        period_window,
        max(case when dimension = 'quality' then dimension_score end) as quality_score,
        max(case when dimension = 'efficiency' then dimension_score end) as efficiency_score,
        max(case when dimension = 'customer_impact' then dimension_score end)
            as customer_impact_score,
        max(case when dimension = 'development' then dimension_score end) as development_score,
        coalesce(sum(case when dimension_score is not null then dimension_weight end), 0)
            as covered_weight,
        sum(
            cast(dimension_weight as decimal(9, 6)) * cast(dimension_score as decimal(18, 6))
        ) as weighted_score
    from dimensions
    group by agent_id, period_month, period_window

)

select
    summed.agent_id,
    summed.period_month,
    summed.period_window,
    summed.quality_score,
    summed.efficiency_score,
    summed.customer_impact_score,
    summed.development_score,
    {{ published('summed.covered_weight') }} as coverage,
    case
        when summed.covered_weight >= rules.min_coverage and summed.quality_score is not null
            then {{ published(ratio('summed.weighted_score', 'summed.covered_weight')) }}
    end as overall_score,
    summed.covered_weight
from summed
inner join rules on summed.period_month = rules.period_month
