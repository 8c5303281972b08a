-- One row per evaluator and period month with calibrations in the quarter: Krippendorff's alpha for
-- interval data over the works the evaluator rated, by the scores of all who rated them.
--   alpha = 1 - observed / expected disagreement (K. Krippendorff, Content Analysis, 2004)
--   observed   sum over works of the squared differences of their pairs / (raters - 1), / scores
--   expected   squared differences of all pairs of scores / (scores x (scores - 1))
-- One work alone has nothing to tell agreement from sameness by, and equal scores throughout leave
-- the expected disagreement 0: alpha is null. The interval is a jackknife over works with a normal
-- approximation, from 3 works on: a bootstrap draws other numbers on every run.
with works as (

    select
        ratings.evaluator_id,
        windows.period_month,
        ratings.rater_count,
        ratings.score_sum,
        ratings.score_squares,
        -- Differences are taken twice, once each way, here and in `expected`. Rounded before sums,
        -- so that these are the same in any order.
        cast(round(
            2 * cast(
                cast(ratings.rater_count as decimal(9, 0)) * ratings.score_squares
                - {{ exact_square('ratings.score_sum') }} as double
            ) / (ratings.rater_count - 1), 6
        ) as decimal(28, 6)) as disagreement,
        cast(round(
            cast(ratings.evaluation_score as double)
            - {{ ratio('ratings.score_sum - ratings.evaluation_score', 'ratings.rater_count - 1') }}, 6
        ) as decimal(18, 6)) as difference
    from {{ ref('int_measurement__calibration_ratings') }} as ratings
    inner join {{ ref('int_scorecard__windows') }} as windows
        on ratings.period_month = windows.component_month and windows.period_window = 'quarter'

),

totals as (

    select
        evaluator_id,
        period_month,
        count(*) as work_count,
        sum(rater_count) as score_count,
        sum(score_sum) as score_sum,
        sum(score_squares) as score_squares,
        sum(disagreement) as disagreement,
        sum(difference) as difference
    from works
    group by evaluator_id, period_month

),

-- All works, and all but one at a time.
samples as (

    select
        evaluator_id,
        period_month,
        false as is_reduced,
        work_count,
        score_count,
        score_sum,
        score_squares,
        disagreement
    from totals

    union all

    select
        totals.evaluator_id,
        totals.period_month,
        true as is_reduced,
        totals.work_count - 1 as work_count,
        totals.score_count - works.rater_count as score_count,
        totals.score_sum - works.score_sum as score_sum,
        totals.score_squares - works.score_squares as score_squares,
        totals.disagreement - works.disagreement as disagreement
    from totals
    inner join works
        on totals.evaluator_id = works.evaluator_id and totals.period_month = works.period_month

),

expected as (

    select
        evaluator_id,
        period_month,
        is_reduced,
        {{ ratio('disagreement', 'score_count') }} as observed,
        2 * {{ ratio(
            'cast(score_count as decimal(9, 0)) * cast(score_squares as decimal(28, 12))'
            ~ ' - ' ~ exact_square('score_sum'),
            'score_count * (score_count - 1)'
        ) }} as expected
    from samples
    where work_count > 1

),

alphas as (

    select
        evaluator_id,
        period_month,
        is_reduced,
        cast(round(1 - observed / nullif(expected, 0), 9) as decimal(12, 9)) as alpha
    from expected

),

summed_alphas as (

    select
        evaluator_id,
        period_month,
        max(case when not is_reduced then alpha end) as alpha,
        count(case when is_reduced then alpha end) as reduced_count,
        cast(sum(case when is_reduced then alpha end) as decimal(19, 9)) as reduced_sum,
        cast(sum(case when is_reduced then alpha * alpha end) as decimal(28, 18))
            as reduced_squares
    from alphas
    group by evaluator_id, period_month

),

-- Jackknife: (k - 1) / k x the squared deviations of the k reduced alphas from their mean. Where one
-- of them has no value, neither has the error; of two works, no reduced alpha has one.
with_errors as (

    select
        totals.evaluator_id,
        totals.period_month,
        totals.work_count,
        totals.score_count,
        totals.difference,
        {{ published('summed_alphas.alpha') }} as alpha,
        case
            when summed_alphas.reduced_count = totals.work_count
                then sqrt(
                    {{ ratio(
                        'cast(totals.work_count as decimal(9, 0)) * summed_alphas.reduced_squares'
                        ~ ' - summed_alphas.reduced_sum * summed_alphas.reduced_sum',
                        'totals.work_count * totals.work_count'
                    ) }} * (totals.work_count - 1)
                )
        end as standard_error
    from totals
    left join summed_alphas
        on
            totals.evaluator_id = summed_alphas.evaluator_id
            and totals.period_month = summed_alphas.period_month

)

select
    evaluator_id,
    period_month,
    cast(work_count as bigint) as work_count,
    cast(score_count as bigint) as score_count,
    {{ published(ratio('difference', 'work_count')) }} as difference,
    alpha,
    {{ published('alpha - ' ~ z_score_95() ~ ' * standard_error') }} as alpha_lower,
    case
        when alpha + {{ z_score_95() }} * standard_error > 1 then 1
        else {{ published('alpha + ' ~ z_score_95() ~ ' * standard_error') }}
    end as alpha_upper
from with_errors
