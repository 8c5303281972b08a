-- One row per evaluation that any sound version called disputed, with the score its criteria gave
-- when it first was: a settled dispute leaves no other trace than a later version.
with disputed as (

    select
        evaluation_id,
        min(_loaded_at) as disputed_at
    from {{ ref('stg_native__qa_evaluations') }}
    where status = 'disputed' and disposition in ('used', 'superseded')
    group by evaluation_id

),

criteria as (

    select
        disputed.evaluation_id,
        criteria.weight,
        criteria.score,
        criteria.max_score,
        criteria.is_applicable,
        criteria._deleted,
        row_number() over (
            partition by criteria.evaluation_id, criteria.criterion
            order by criteria._loaded_at desc, criteria._sequence desc nulls last
        ) as recency
    from disputed
    inner join {{ ref('stg_native__qa_criterion_scores') }} as criteria
        on disputed.evaluation_id = criteria.evaluation_id
    where
        criteria.disposition in ('used', 'superseded', 'deleted')
        and criteria._loaded_at <= disputed.disputed_at

),

scored as (

    -- As in int_evaluations__scores.
    select
        evaluation_id,
        sum(cast(cast(weight * score as double) / cast(max_score as double) as decimal(28, 12)))
            as weighted_share,
        sum(weight) as applicable_weight
    from criteria
    where recency = 1 and not _deleted and is_applicable
    group by evaluation_id

)

select
    disputed.evaluation_id,
    disputed.disputed_at,
    cast(round(
        100 * {{ ratio('scored.weighted_share', 'scored.applicable_weight') }}, 6
    ) as decimal(18, 6)) as disputed_score
from disputed
left join scored on disputed.evaluation_id = scored.evaluation_id
