-- One row per evaluation with criteria: its score from the applicable ones and whether any
-- criterion is a critical error.
-- A criterion of which no version reads leaves the whole evaluation unjudgeable (has_invalid_criterion).
with sound as (

    select
        evaluation_id,
        -- Fixed decimals, so that the sum is the same in any order.
        sum(
            case
                when is_applicable
                    then cast(cast(weight * score as double) / cast(max_score as double) as decimal(28, 12))
            end
        ) as weighted_share,
        sum(case when is_applicable then weight end) as applicable_weight,
        bool_or(is_critical_error) as has_critical_error
    from {{ ref('int_evaluation_criteria__judged') }}
    where fault is null
    group by evaluation_id

),

unread as (

    select distinct rows_of_table.evaluation_id
    from {{ ref('stg_native__qa_criterion_scores') }} as rows_of_table
    left join {{ ref('stg_native__qa_criterion_scores') }} as good
        on
            rows_of_table.evaluation_id = good.evaluation_id
            and rows_of_table.criterion = good.criterion
            and good.disposition in ('used', 'deleted')
    where rows_of_table.disposition like 'quarantined:%' and good.evaluation_id is null

)

select
    evaluations.evaluation_id,
    round(
        100 * cast(sound.weighted_share as double) / nullif(cast(sound.applicable_weight as double), 0), 6
    ) as evaluation_score,
    coalesce(sound.has_critical_error, false) as has_critical_error,
    unread.evaluation_id is not null as has_invalid_criterion
from {{ ref('int_evaluations__judged') }} as evaluations
left join sound on evaluations.evaluation_id = sound.evaluation_id
left join unread on evaluations.evaluation_id = unread.evaluation_id
where evaluations.fault is null and not evaluations.is_deleted
