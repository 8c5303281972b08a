-- One row per evaluator and month with scored or calibration evaluations in its quarter: do the
-- evaluator's scores mean what other evaluators' scores mean?
-- Points by which a mean may differ before anybody is asked to look: a grade of most forms.
{% set severity_tolerance = 3 %}
with evaluated as (

    select
        evaluations.evaluator_id,
        windows.period_month,
        sum(case when evaluations.is_scored then 1 else 0 end) as scored_count,
        sum(case when evaluations.is_scored then 0 else 1 end) as voided_count,
        sum(case when evaluations.is_disputed then 1 else 0 end) as disputed_count,
        sum(case when evaluations.is_overturned then 1 else 0 end) as overturned_count
    from {{ ref('int_measurement__evaluations') }} as evaluations
    inner join {{ ref('int_scorecard__windows') }} as windows
        on
            evaluations.period_month = windows.component_month
            and windows.period_window = 'quarter'
    group by evaluations.evaluator_id, windows.period_month

),

residuals as (

    select
        evaluator_id,
        period_month,
        count(*) as residual_count,
        cast(sum(residual) as decimal(18, 6)) as residual_sum,
        cast(
            sum(cast(residual as decimal(12, 6)) * cast(residual as decimal(12, 6)))
            as decimal(27, 12)
        ) as residual_squares
    from {{ ref('int_measurement__residuals') }}
    group by evaluator_id, period_month

),

calibrated as (

    select * from {{ ref('int_measurement__calibration_agreement') }}

),

severities as (

    select
        evaluator_id,
        period_month,
        residual_count,
        {{ published(ratio('residual_sum', 'residual_count')) }} as severity,
        sqrt({{ ratio(
            'cast(residual_count as decimal(9, 0)) * residual_squares - ' ~ exact_square('residual_sum'),
            'residual_count * (residual_count - 1)'
        ) }}) as spread
    from residuals

),

bounded as (

    select
        evaluator_id,
        period_month,
        residual_count,
        severity,
        {{ published('spread') }} as severity_spread,
        {{ published('severity - ' ~ z_score_95() ~ ' * spread / sqrt(residual_count)') }}
            as severity_lower,
        {{ published('severity + ' ~ z_score_95() ~ ' * spread / sqrt(residual_count)') }}
            as severity_upper
    from severities

),

evaluator_months as (

    select
        evaluator_id,
        period_month
    from evaluated

    union distinct

    select
        evaluator_id,
        period_month
    from calibrated

)

select
    evaluator_months.evaluator_id,
    evaluator_months.period_month,
    cast(coalesce(evaluated.scored_count, 0) as bigint) as n,
    cast(coalesce(bounded.residual_count, 0) as bigint) as compared_n,
    bounded.severity,
    bounded.severity_lower,
    bounded.severity_upper,
    bounded.severity_spread,
    coalesce(
        abs(bounded.severity) > {{ severity_tolerance }}
        and (bounded.severity_lower > 0 or bounded.severity_upper < 0),
        false
    ) as is_outlier,
    cast(coalesce(evaluated.voided_count, 0) as bigint) as voided_count,
    cast(coalesce(evaluated.disputed_count, 0) as bigint) as disputed_count,
    cast(coalesce(evaluated.overturned_count, 0) as bigint) as overturned_count,
    {{ published(ratio('evaluated.disputed_count', 'evaluated.scored_count + evaluated.voided_count')) }}
        as dispute_rate,
    {{ published(ratio('evaluated.overturned_count', 'evaluated.disputed_count')) }}
        as overturn_rate,
    cast(coalesce(calibrated.work_count, 0) as bigint) as calibration_n,
    calibrated.difference as calibration_difference,
    calibrated.alpha as calibration_alpha,
    calibrated.alpha_lower as calibration_alpha_lower,
    calibrated.alpha_upper as calibration_alpha_upper,
    vintages.vintage,
    runs.as_of,
    runs.release_id
from evaluator_months
cross join {{ ref('stg_landing__runs') }} as runs
left join evaluated
    on
        evaluator_months.evaluator_id = evaluated.evaluator_id
        and evaluator_months.period_month = evaluated.period_month
left join bounded
    on
        evaluator_months.evaluator_id = bounded.evaluator_id
        and evaluator_months.period_month = bounded.period_month
left join calibrated
    on
        evaluator_months.evaluator_id = calibrated.evaluator_id
        and evaluator_months.period_month = calibrated.period_month
left join {{ ref('int_measurement__month_vintages') }} as vintages
    on evaluator_months.period_month = vintages.period_month
