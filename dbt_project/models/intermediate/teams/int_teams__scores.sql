-- One row per team and month: the overall score by the formula of the agents' scores, applied to the
-- team's own metrics. It is no mean of its agents' scores, which would count an agent of one contact as
-- much as one of a hundred.
with judged as (

    select
        metrics.team_id,
        metrics.period_month,
        versions.scorecard_version,
        config.dimension,
        config.direction,
        config.target,
        config.floor,
        config.weight,
        metrics.sample_size >= config.minimum_sample and metrics.value is not null as is_eligible,
        {{ compared_value('metrics.adjusted_value', 'config.direction') }} as compared_value
    from {{ ref('int_scorecard__team_metrics') }} as metrics
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on metrics.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as config
        on versions.scorecard_version = config.version and metrics.metric = config.metric

),

attained as (

    select
        *,
        case
            when compared_value is not null
                then {{ published(
                    '100 * greatest(0, least(1, (compared_value - cast(floor as double))'
                    ~ ' / (cast(target as double) - cast(floor as double))))'
                ) }}
        end as attainment
    from judged

),

dimensions as (

    select
        team_id,
        period_month,
        scorecard_version,
        dimension,
        sum(weight) as dimension_weight,
        {{ published(ratio(
            'sum(case when is_eligible'
            ~ ' then cast(weight as decimal(9, 6)) * cast(attainment as decimal(18, 6)) end)',
            'sum(case when is_eligible then weight end)'
        )) }} as dimension_score
    from attained
    group by team_id, period_month, scorecard_version, dimension

),

summed as (

    select
        team_id,
        period_month,
        scorecard_version,
        max(case when dimension = 'quality' then dimension_score end) as quality_score,
        coalesce(sum(case when dimension_score is not null then dimension_weight end), 0)
            as covered_weight,
        sum(
            cast(dimension_weight as decimal(9, 6)) * cast(dimension_score as decimal(18, 6))
        ) as weighted_score
    from dimensions
    group by team_id, period_month, scorecard_version

)

select
    summed.team_id,
    summed.period_month,
    summed.scorecard_version,
    {{ published('summed.covered_weight') }} as score_coverage,
    case
        when summed.covered_weight >= rules.min_coverage and summed.quality_score is not null
            then {{ published(ratio('summed.weighted_score', 'summed.covered_weight')) }}
    end as overall_score
from summed
inner join {{ ref('int_scorecard__band_rules') }} as rules
    on summed.period_month = rules.period_month
